package term

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCleanWritesOrdersInWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain, größe, 日本, 👩‍👩‍👧\n\ttab": "plain, größe, 日本, 👩‍👩‍👧\n\ttab",
		"a\x1b[2Jb": `a\u001b[2Jb`, "a\rb\bc\x7f": `a\u000db\u0008c\u007f`, "a\u009b2J": `a\u009b2J`, "a\u202eb\u2066c\u2028": `a\u202eb\u2066c\u2028`,
		"a\x00b": `a\u0000b`, "a\xffb": "a\uFFFDb", "a" + string(Red) + "b": `a\u001b[31mb`,
	} {
		var got bytes.Buffer
		n, err := Clean(&got).Write([]byte(text))
		if got.String() != want || n != len(text) || err != nil {
			t.Errorf("%q: %q, %d, %v, want %q", text, got.String(), n, err, want)
		}
	}
	if got := cleaned(string(Red)+"a"+reset+"\x1b[2J\x1b[38;5;1m", true); got != string(Red)+"a"+reset+`\u001b[2J\u001b[38;5;1m` {
		t.Errorf("on a terminal with colours: %q", got)
	}
}

// A row of a table is one line, and as wide as it is said to be.
func TestTableKeepsItsRows(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	term := &Terminal{Out: &out}
	rows := &Table{Head: []string{"name\x1b[2J", "more"}}
	rows.Add("a\nforged  row", "x")
	rows.Add("b\r\x1b[2K", "y")
	term.PrintTable(rows)
	want := "NAME\\U001B[2J   MORE\na forged  row  x\nb\\u000d\\u001b[2K  y\n"
	if lines := strings.Count(out.String(), "\n"); lines != 3 || strings.ContainsAny(out.String(), "\x1b\r") {
		t.Errorf("%q\nlike %q", out.String(), want)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x1b[2Jb", true)
	f.Add("\xff\x1b[31m\u202e", false)
	f.Fuzz(func(t *testing.T, text string, colours bool) {
		got := cleaned(text, colours)
		for _, c := range []Colour{Red, Green, Yellow, Grey, Bold, reset} {
			if colours {
				got = strings.ReplaceAll(got, string(c), "")
			}
		}
		if i := strings.IndexFunc(got, isOrder); i >= 0 || !utf8.ValidString(got) {
			t.Errorf("%q has an order at %d", got, i)
		}
	})
}
