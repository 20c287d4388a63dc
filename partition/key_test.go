package partition

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestKeyText(t *testing.T) {
	t.Parallel()
	for want, key := range map[string]Key{
		"":                      {},
		"2026-01-31":            SingleKey("2026-01-31"),
		"a,b":                   SingleKey("a", "b", "a"),
		`a\,b`:                  SingleKey("a,b"),
		`a\|b\=c\\d`:            SingleKey(`a|b=c\d`),
		"a..b":                  SingleKey("a..b"),
		"day=2026-01-31|shop=x": MultiKey(map[string][]string{"shop": {"x"}, "day": {"2026-01-31"}}),
		`d\=1=x\,y,z`:           MultiKey(map[string][]string{"d=1": {"x,y", "z"}}),
	} {
		if key.String() != want {
			t.Errorf("%q is written %q", want, key)
		}
		if again, err := ParseKey(want); err != nil || again != key {
			t.Errorf("%q is read as %q (%v)", want, again, err)
		}
		if key.IsZero() != (want == "") || key.Validate() != nil {
			t.Errorf("%q: zero is %v, %v", want, key.IsZero(), key.Validate())
		}
	}
	key := MultiKey(map[string][]string{"shop": {"x", "y"}, "day": {"1"}})
	if !slices.Equal(key.Dimensions(), []string{"day", "shop"}) || !slices.Equal(key.Values("shop"), []string{"x", "y"}) || key.Values("other") != nil {
		t.Errorf("%q has dimensions %q", key, key.Dimensions())
	}
	if key := SingleKey("x", "y"); key.Dimensions() != nil || !slices.Equal(key.Values(""), []string{"x", "y"}) {
		t.Errorf("%q has dimensions %q", key, key.Dimensions())
	}
}

func TestKeyErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, err string }{
		{"a,", `partition key "a,": there is a key without a text: a comma or an = stands at an end`},
		{",", `partition key ",": there is a key without a text: a comma or an = stands at an end`},
		{"day=", `partition key "day=": dimension "day" has no key: give one, as day=key`},
		{"=x", `partition key "=x": "=x" has no name before the =: write dimension=key, or \= for an = in a key`},
		{"a|b", `partition key "a|b": "a" has no dimension: write dimension=key, or \| for a | in a key`},
		{"d=x|y", `partition key "d=x|y": "y" has no dimension: write dimension=key, or \| for a | in a key`},
		{"d=x|d=y", `partition key "d=x|d=y": dimension "d" is given twice: write its keys together, as d=a,b`},
		{"d=x=y", `partition key "d=x=y": "x=y" has an =: write one inside a key as \=`},
		{`a\b`, `partition key "a\\b": "a\\b" has a \ before what needs none: write a backslash as \\`},
		{`a\`, `partition key "a\\": "a\\" has a \ before what needs none: write a backslash as \\`},
		{"\xff", `partition key "\xff": "\xff" is not UTF-8: encode it as text`},
	} {
		if key, err := ParseKey(c.text); err == nil || err.Error() != c.err {
			t.Errorf("%q: %v\nwant %s", key, err, c.err)
		}
	}
	for _, key := range []Key{SingleKey("a", ""), SingleKey("\xff"), MultiKey(map[string][]string{"d": nil}), MultiKey(map[string][]string{"": {"x"}})} {
		if key.Validate() == nil {
			t.Errorf("%q is valid", key)
		}
	}
}

func TestKeyRangeText(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]KeyRange{
		"":                  Range("", ""),
		"a..b":              Range("a", "b"),
		"a..":               Range("a", ""),
		"..b":               Range("", "b"),
		`\.\.a..v1\.\.2`:    Range("..a", "v1..2"),
		`a\.\.\.b\.`:        Range("a.", "b."),
		"v1.2..v1.3":        Range("v1.2", "v1.3"),
		"day=a..b|shop=x..": MultiRange(map[string]KeyRange{"day": Range("a", "b"), "shop": Range("x", ""), "all": {}}),
	} {
		if want == `a\.\.\.b\.` { // dots at the ends of keys
			want = `a\...b\.`
		}
		if r.String() != want {
			t.Errorf("%q is written %q", want, r)
		}
		again, err := ParseKeyRange(want)
		if err != nil || again != r || r.IsZero() != (want == "") {
			t.Errorf("%q is read as %q (%v)", want, again, err)
		}
	}
	if r, err := ParseKeyRange("shop=x|day=a..b"); err != nil || r.String() != "day=a..b|shop=x" {
		t.Errorf("%q, %v", r, err)
	}
	if from, to := Range("..a", "b").Ends(""); from != "..a" || to != "b" {
		t.Errorf("from %q to %q", from, to)
	}
	for _, c := range []struct{ text, err string }{
		{"a..b,c", `partition range "a..b,c": has a comma: a range has two ends; write a list of keys as keys`},
		{"a|b", `partition range "a|b": "a" has no dimension: write dimension=key, or \| for a | in a key`},
		{"d=", `partition range "d=": dimension "d" has no key: give one, as d=key`},
	} {
		if r, err := ParseKeyRange(c.text); err == nil || err.Error() != c.err {
			t.Errorf("%q: %v\nwant %s", r, err, c.err)
		}
	}
	if _, err := ParseKeyRange(MultiRange(map[string]KeyRange{"a": MultiRange(map[string]KeyRange{"b": Range("x", "y")})}).String()); err == nil {
		t.Error("a range of a range is read")
	}
}

// texts draws keys and names of any letters, among them those that mean something.
func texts() *rapid.Generator[string] {
	return rapid.StringOfN(rapid.OneOf(rapid.SampledFrom([]rune(`|,=\. `)), rapid.Rune()), 1, 6, -1)
}

func TestKeysAndRangesComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.MapOfN(texts(), rapid.SliceOfN(texts(), 1, 3), 1, 3).Draw(t, "values")
		single := rapid.SliceOfN(texts(), 1, 3).Draw(t, "single")
		for _, key := range []Key{MultiKey(values), SingleKey(single...)} {
			again, err := ParseKey(key.String())
			if err != nil || again != key {
				t.Fatalf("%q came back as %q (%v)", key, again, err)
			}
		}
		for name, want := range values {
			if got := MultiKey(values).Values(name); !slices.Equal(got, slices.Compact(dedupe(want))) {
				t.Fatalf("%q has values %q, want %q", name, got, want)
			}
		}
		from, to := texts().Draw(t, "from"), texts().Draw(t, "to")
		for _, r := range []KeyRange{Range(from, to), Range(from, ""), Range("", to), MultiRange(map[string]KeyRange{from: Range(from, to), "q": Range("", to)})} {
			again, err := ParseKeyRange(r.String())
			if err != nil || again != r {
				t.Fatalf("%q came back as %q (%v)", r, again, err)
			}
		}
		if a, b := Range(from, to).Ends(""); a != from || b != to {
			t.Fatalf("from %q to %q, want %q to %q", a, b, from, to)
		}
	})
}

func dedupe(values []string) []string {
	var out []string
	for _, v := range values {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func TestKeysInJSON(t *testing.T) {
	t.Parallel()
	type request struct {
		Keys  []Key       `json:"keys"`
		Range KeyRange    `json:"range"`
		Dates []Civil     `json:"dates"`
		By    map[Key]int `json:"by"`
	}
	want := request{[]Key{SingleKey("a,b"), {}}, Range("a", "b"), []Civil{Date(2026, 1, 31).Clock(12, 30, 5), Date(2026, 2, 1), {}}, map[Key]int{SingleKey("x"): 1}}
	data := ok(json.Marshal(want))
	if text := `{"keys":["a\\,b",""],"range":"a..b","dates":["2026-01-31T12:30:05","2026-02-01",""],"by":{"x":1}}`; string(data) != text {
		t.Errorf("%s\nwant %s", data, text)
	}
	var got request
	if err := json.Unmarshal(data, &got); err != nil || !slices.Equal(got.Keys, want.Keys) || got.Range != want.Range || !slices.Equal(got.Dates, want.Dates) || got.By[SingleKey("x")] != 1 {
		t.Errorf("%+v (%v), want %+v", got, err, want)
	}
	for _, bad := range []string{`{"keys":["a,"]}`, `{"range":"a,b"}`, `{"dates":["31.1.2026"]}`} {
		if err := json.Unmarshal([]byte(bad), &got); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	for _, text := range []string{"a", "a,b", `a\,b`, "day=1|shop=x,y", "a..b", `\`, "=|,", "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParseKey(text)
		if err != nil {
			return
		}
		if again, err := ParseKey(key.String()); err != nil || again != key {
			t.Fatalf("%q is %q, which is %q (%v)", text, key, again, err)
		}
	})
}

func FuzzParseKeyRange(f *testing.F) {
	for _, text := range []string{"a", "a..b", "a..", "..", "a...b", "day=1..2|shop=x", `\...\.`, "a..b,c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseKeyRange(text)
		if err != nil {
			return
		}
		if again, err := ParseKeyRange(r.String()); err != nil || again != r {
			t.Fatalf("%q is %q, which is %q (%v)", text, r, again, err)
		}
	})
}
