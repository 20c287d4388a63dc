package selection

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestCanonicalText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"users", "users"},
		{"  users ", "users"},
		{"_a-b.c2", "_a-b.c2"},
		{"größe", "größe"},
		{"*", "*"},
		{"raw_*_?", "raw_*_?"},
		{"+a", "+a"},
		{"a+", "a+"},
		{"+a+", "+a+"},
		{"02+a+3", "2+a+3"},
		{"2 + a + 3", "2+a+3"},
		{"0+a", "a"},
		{"a+0", "a"},
		{"+(a or b)", "+(a or b)"},
		{"+(a)", "+a"},
		{"(+a)+", "(+a)+"},
		{"+(not a)", "+(not a)"},
		{"not +a+", "not +a+"},
		{"not not a", "not not a"},
		{"not (a and b)", "not (a and b)"},
		{"not a and b", "not a and b"},
		{"(not a) and b", "not a and b"},
		{"a or b and c", "a or b and c"},
		{"(a or b) and c", "(a or b) and c"},
		{"a or (b or c)", "a or b or c"},
		{"(a and b) and c", "a and b and c"},
		{"((a))", "a"},
		{"And or Not", "And or Not"},
		{"android or nothing or order", "android or nothing or order"},
		{"group:staging", "group:staging"},
		{`group:"staging"`, "group:staging"},
		{`group:"two words"+`, `group:"two words"+`},
		{`group:""`, `group:""`},
		{`group:raw_*`, `group:raw_*`},
		{`group:"raw_*"`, `group:"raw_*"`},
		{"kind:parquet and owner:team:data@x.org", "kind:parquet and owner:team:data@x.org"},
		{"tag:pii", "tag:pii"},
		{"tag:team=a=b", "tag:team=a=b"},
		{`tag:"a=b"="c d"`, `tag:"a=b"="c d"`},
		{`tag:k=""`, `tag:k=""`},
		{"group:a+2", "group:a+2"},
		{"(group:a)", "group:a"},
	} {
		e, err := Parse(c.text)
		if err != nil || e.String() != c.want {
			t.Errorf("%s is %s (%v), want %s", c.text, e, err, c.want)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, err string }{
		{"", `selection "": at letter 1: found the end, expected a name, a pattern, group:, tag:, kind:, owner: or '('`},
		{"a b", `selection "a b": at letter 3: found "b", expected "and", "or" or the end`},
		{"ä ß", `selection "ä ß": at letter 3: found "ß", expected "and", "or" or the end`},
		{"a and", `selection "a and": at letter 6: found the end, expected a name, a pattern, group:, tag:, kind:, owner: or '('`},
		{"a or and", `selection "a or and": at letter 6: found "and", expected a name, a pattern, group:, tag:, kind:, owner: or '('`},
		{"(a", `selection "(a": at letter 3: found the end, expected "and", "or" or ')'`},
		{"a)", `selection "a)": at letter 2: found ')', expected "and", "or" or the end`},
		{"++a", `selection "++a": at letter 2: found '+', expected a name, a pattern, group:, tag:, kind:, owner: or '('`},
		{"2users", `selection "2users": at letter 2: found "users", expected '+' after a number of layers (a name begins with a letter or _)`},
		{"a + b", `selection "a + b": at letter 5: found "b", expected "and", "or" or the end`},
		{"99999999999999999999+a", `selection "99999999999999999999+a": at letter 1: found "99999999999999999999", expected a number of layers that is no longer than a graph (write + without a number for all)`},
		{"a & b", `selection "a & b": at letter 3: found "&", expected a name, a pattern, group:, tag:, kind:, owner:, '+' or '('`},
		{"graph/task", `selection "graph/task": at letter 6: found "/", expected a name, a pattern, group:, tag:, kind:, owner:, '+' or '('`},
		{"a\xff", `selection "a\xff": at letter 2: found "\xff", expected a name, a pattern, group:, tag:, kind:, owner:, '+' or '('`},
		{"gruop:x", `selection "gruop:x": at letter 1: found "gruop:", expected group:, tag:, kind: or owner: (did you mean "group"?)`},
		{"status:x", `selection "status:x": at letter 1: found "status:", expected group:, tag:, kind: or owner:`},
		{"group:", `selection "group:": at letter 7: found the end, expected the value of group, in quotes if it is empty or has spaces`},
		{"group: x", `selection "group: x": at letter 7: found " ", expected the value of group, in quotes if it is empty or has spaces`},
		{"tag:k=", `selection "tag:k=": at letter 7: found the end, expected the value of tag, in quotes if it is empty or has spaces`},
		{"tag:=v", `selection "tag:=v": at letter 5: found "=", expected the key of a tag, in quotes if it is empty or has spaces`},
		{"tag:k*=v", `selection "tag:k*=v": at letter 5: found "k*", expected the key of one tag, without * and ? (or in quotes, where they mean themselves)`},
		{`owner:"bob`, `selection "owner:\"bob": at letter 7: found "\"bob", expected a closing quote after the value of owner`},
	} {
		_, err := Parse(c.text)
		if err == nil || err.Error() != c.err {
			t.Errorf("%v\nwant %s", err, c.err)
		}
		if _, ok := errors.AsType[*SyntaxError](err); !ok {
			t.Errorf("%q: the error is a %T", c.text, err)
		}
	}
}

func TestNestingHasAnEnd(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Repeat("(", 1e6) + "a" + strings.Repeat(")", 1e6),
		strings.Repeat("not ", 1e6) + "a",
		strings.Repeat("+(", 1e6),
	} {
		_, err := Parse(text)
		if err == nil || !strings.HasSuffix(err.Error(), "expected at most 200 levels") {
			t.Errorf("%.10s…: %.100s", text, err)
		}
	}
	if _, err := Parse(strings.Repeat("(", 200) + "a" + strings.Repeat(")", 200)); err != nil {
		t.Error(err)
	}
	wide := "a" + strings.Repeat(" or (a)", 1e4)
	if e, err := Parse(wide); err != nil || len(e.String()) != 1+5*1e4 {
		t.Errorf("a wide text: %v", err)
	}
}

func TestParseAll(t *testing.T) {
	t.Parallel()
	e, err := ParseAll([]string{"a or b", "not c", "d and e"})
	if err != nil || e.String() != "a or b or not c or d and e" {
		t.Errorf("%s (%v)", e, err)
	}
	if e, err := ParseAll(nil); err != nil || !e.IsZero() || e.String() != "" {
		t.Errorf("%s (%v)", e, err)
	}
	_, err = ParseAll([]string{"a", "(", "x:y"})
	const want = `selection "(": at letter 2: found the end, expected a name, a pattern, group:, tag:, kind:, owner: or '('
selection "x:y": at letter 1: found "x:", expected group:, tag:, kind: or owner:`
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	if one, err := ParseAll([]string{"+a"}); err != nil || !reflect.DeepEqual(Union(Expr{}, one), one) {
		t.Errorf("the union of one is %s (%v)", Union(Expr{}, one), err)
	}
}

func TestTextForm(t *testing.T) {
	t.Parallel()
	var e Expr
	if err := e.UnmarshalText([]byte(" +a")); err != nil {
		t.Fatal(err)
	}
	if text, err := e.MarshalText(); err != nil || string(text) != "+a" {
		t.Errorf("%s (%v)", text, err)
	}
	if err := e.UnmarshalText([]byte("(")); err == nil || e.String() != "+a" {
		t.Errorf("after a mistake it is %s (%v)", e, err)
	}
	if err := e.UnmarshalText(nil); err != nil || !e.IsZero() {
		t.Errorf("the empty text is %s (%v)", e, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "users", "raw_*", "+a", "a+", "2+a+3", "group:x", "tag:k=v", "tag:k", "kind:x", `owner:"a b"`,
		"a and not (b or +c+2)", "(+a)+", `tag:"="=*`, "not not a", "0+a", `group:"\xff"`, "group:\u3000",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			if s, ok := errors.AsType[*SyntaxError](err); !ok || s.Offset < 0 || s.Offset > len(text) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		again, err := Parse(e.String())
		if err != nil || !reflect.DeepEqual(again, e) || again.String() != e.String() {
			t.Errorf("%q is %s, which is %s (%v)", text, e, again, err)
		}
	})
}
