package metadata_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rivers-go/rivers/metadata"
	"pgregory.net/rapid"
)

var berlin = time.FixedZone("CET", 3600)

func TestStoredForm(t *testing.T) {
	t.Parallel()
	columns := []metadata.Column{{Name: "id", Type: "int64"}, {Name: "name", Type: "string", Description: "as <given>", Nullable: true}}
	for _, c := range []struct {
		value  metadata.Value
		stored string
		text   string
		raw    any
	}{
		{metadata.Value{}, `{"kind":"null","value":null}`, "null", nil},
		{metadata.Int(-5), `{"kind":"int","value":-5}`, "-5", int64(-5)},
		{metadata.Int(math.MinInt64), `{"kind":"int","value":-9223372036854775808}`, "-9223372036854775808", int64(math.MinInt64)},
		{metadata.Float(0.1), `{"kind":"float","value":0.1}`, "0.1", 0.1},
		{metadata.Float(1e300), `{"kind":"float","value":1e+300}`, "1e+300", 1e300},
		{metadata.Float(math.Inf(1)), `{"kind":"float","value":"+Inf"}`, "+Inf", math.Inf(1)},
		{metadata.Float(math.Inf(-1)), `{"kind":"float","value":"-Inf"}`, "-Inf", math.Inf(-1)},
		{metadata.Bool(true), `{"kind":"bool","value":true}`, "true", true},
		{metadata.Bool(false), `{"kind":"bool","value":false}`, "false", false},
		{metadata.Text("a \"b\" \\ <c>\n\u2028"), `{"kind":"text","value":"a \"b\" \\ \u003cc\u003e\u000a\u2028"}`, "a \"b\" \\ <c>\n\u2028", "a \"b\" \\ <c>\n\u2028"},
		{metadata.Text("a\xffb"), `{"kind":"text","value":"a�b"}`, "a�b", "a�b"},
		{metadata.Markdown("# h"), `{"kind":"markdown","value":"# h"}`, "# h", "# h"},
		{metadata.URL("https://x.org/a?b=c"), `{"kind":"url","value":"https://x.org/a?b=c"}`, "https://x.org/a?b=c", "https://x.org/a?b=c"},
		{metadata.Path("/data/x"), `{"kind":"path","value":"/data/x"}`, "/data/x", "/data/x"},
		{metadata.JSON(map[string]any{"b": 1, "a": "<"}), `{"kind":"json","value":{"a":"\u003c","b":1}}`, `{"a":"<","b":1}`, json.RawMessage(`{"a":"\u003c","b":1}`)},
		{
			metadata.Timestamp(time.Date(2026, 3, 1, 12, 0, 0, 5, berlin)),
			`{"kind":"timestamp","value":"2026-03-01T12:00:00.000000005+01:00"}`,
			"2026-03-01T12:00:00.000000005+01:00",
			time.Date(2026, 3, 1, 12, 0, 0, 5, berlin),
		},
		{metadata.Duration(90 * time.Second), `{"kind":"duration","value":90000000000}`, "1m30s", 90 * time.Second},
		{metadata.Size(1536), `{"kind":"size","value":1536}`, "1.5 KiB", int64(1536)},
		{
			metadata.Schema(columns...),
			`{"kind":"schema","value":[{"name":"id","type":"int64"},{"name":"name","type":"string","description":"as \u003cgiven\u003e","nullable":true}]}`,
			"id int64, name string nullable", columns,
		},
		{
			metadata.Schema(metadata.Column{Name: "id", Type: "int64", Unique: true, Tags: map[string]string{"pii": "no", "grain": "user"}}),
			`{"kind":"schema","value":[{"name":"id","type":"int64","unique":true,"tags":{"grain":"user","pii":"no"}}]}`,
			"id int64 unique",
			[]metadata.Column{{Name: "id", Type: "int64", Unique: true, Tags: map[string]string{"pii": "no", "grain": "user"}}},
		},
		{ // tags in the order of what is stored: \xff is after U+10000, the U+FFFD that it becomes before it
			metadata.Schema(metadata.Column{Name: "id", Tags: map[string]string{"\xff": "b", "\U00010000": "c", "\xfe": "a"}}),
			`{"kind":"schema","value":[{"name":"id","type":"","tags":{"�":"a","𐀀":"c"}}]}`,
			"id",
			[]metadata.Column{{Name: "id", Tags: map[string]string{"\ufffd": "a", "\U00010000": "c"}}},
		},
		{
			metadata.ColumnLineage(
				metadata.Derivation{Column: "id", From: []metadata.ColumnRef{{Asset: "users", Column: "id"}}},
				metadata.Derivation{Column: "total", From: []metadata.ColumnRef{{Asset: "orders", Column: "<price>"}, {Asset: "orders", Column: "tax"}}},
				metadata.Derivation{Column: "at"},
			),
			`{"kind":"column_lineage","value":[{"column":"id","from":[{"asset":"users","column":"id"}]},` +
				`{"column":"total","from":[{"asset":"orders","column":"\u003cprice\u003e"},{"asset":"orders","column":"tax"}]},{"column":"at","from":[]}]}`,
			"id ← users.id; total ← orders.<price>, orders.tax; at ← nothing upstream",
			[]metadata.Derivation{
				{Column: "id", From: []metadata.ColumnRef{{Asset: "users", Column: "id"}}},
				{Column: "total", From: []metadata.ColumnRef{{Asset: "orders", Column: "<price>"}, {Asset: "orders", Column: "tax"}}},
				{Column: "at", From: []metadata.ColumnRef{}},
			},
		},
		{metadata.ColumnLineage(), `{"kind":"column_lineage","value":[]}`, "", []metadata.Derivation{}},
		{metadata.Schema(), `{"kind":"schema","value":[]}`, "", []metadata.Column{}},
		{
			metadata.Table(columns[:1], [][]any{{1}, {nil}, {2.5}, {"x"}, {math.NaN()}, {time.Minute}, {uint64(math.MaxUint64)}}),
			`{"kind":"table","value":{"columns":[{"name":"id","type":"int64"}],"rows":[[1],[null],[2.5],["x"],["NaN"],["1m0s"],[18446744073709551615]]}}`,
			"id\n1\n\n2.5\nx\nNaN\n1m0s\n18446744073709551615",
			metadata.TableData{Columns: columns[:1], Rows: [][]any{{int64(1)}, {nil}, {2.5}, {"x"}, {"NaN"}, {"1m0s"}, {json.Number("18446744073709551615")}}},
		},
	} {
		if got := string(c.value.AppendJSON(nil)); got != c.stored {
			t.Errorf("%s is stored as\n%s, want\n%s", c.value.Kind(), got, c.stored)
		}
		if got := c.value.String(); got != c.text {
			t.Errorf("%s prints as\n%s, want\n%s", c.value.Kind(), got, c.text)
		}
		if diff := cmp.Diff(c.raw, c.value.Raw()); diff != "" {
			t.Errorf("%s holds %s", c.value.Kind(), diff)
		}
		requireRoundTrip(t, c.value)
	}
	if f, ok := metadata.Float(math.NaN()).Raw().(float64); !ok || !math.IsNaN(f) {
		t.Error("NaN did not survive")
	}
	requireRoundTrip(t, metadata.Float(math.NaN()))
	if metadata.Float(math.Float64frombits(0x7ff8000000000123)) != metadata.Float(math.NaN()) {
		t.Error("two NaNs differ")
	}
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// requireRoundTrip checks that a value comes back from each way of storing it.
func requireRoundTrip(t fataler, want metadata.Value) {
	t.Helper()
	stored := want.AppendJSON(nil)
	var got metadata.Value
	if err := json.Unmarshal(stored, &got); err != nil || got != want {
		t.Fatalf("%s came back as %s (%v)", stored, got.AppendJSON(nil), err)
	}
	encoded, err := json.Marshal(map[string]any{"v": want})
	if err != nil || string(encoded) != `{"v":`+string(stored)+`}` {
		t.Fatalf("json.Marshal changes %s to %s (%v)", stored, encoded, err)
	}
}

// values are values of every kind.
func values() *rapid.Generator[metadata.Value] {
	text := rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })
	ref := rapid.Custom(func(t *rapid.T) metadata.ColumnRef {
		return metadata.ColumnRef{Asset: rapid.StringN(0, 2, -1).Draw(t, "asset"), Column: text.Draw(t, "column")}
	})
	derivation := rapid.Custom(func(t *rapid.T) metadata.Derivation {
		return metadata.Derivation{Column: text.Draw(t, "column"), From: rapid.SliceOfN(ref, 0, 3).Draw(t, "from")}
	})
	column := rapid.Custom(func(t *rapid.T) metadata.Column {
		return metadata.Column{
			Name: rapid.String().Draw(t, "name"), Type: rapid.String().Draw(t, "type"),
			Description: rapid.String().Draw(t, "description"), Nullable: rapid.Bool().Draw(t, "nullable"),
			Unique: rapid.Bool().Draw(t, "unique"), Tags: rapid.MapOfN(text, text, 0, 3).Draw(t, "tags"),
		}
	})
	nested := rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.Float64(), func(f float64) any { return f }),
		rapid.Map(rapid.Int64(), func(n int64) any { return n }),
		rapid.Just[any](nil),
		rapid.Map(rapid.SliceOfN(rapid.String(), 0, 3), func(s []string) any { return s }),
		rapid.Map(rapid.MapOfN(rapid.String(), rapid.Int(), 0, 3), func(m map[string]int) any { return m }),
	)
	return rapid.OneOf(
		rapid.Just(metadata.Value{}),
		rapid.Map(rapid.Int64(), metadata.Int),
		rapid.Map(rapid.Float64(), metadata.Float),
		rapid.Just(metadata.Float(math.NaN())),
		rapid.Map(rapid.Bool(), metadata.Bool),
		rapid.Map(rapid.String(), metadata.Text),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) metadata.Value { return metadata.Markdown(string(b)) }),
		rapid.Map(rapid.StringMatching(`[a-z]+://([a-z]*(:[a-z@]*)?@)?[a-z/@:?]*`), metadata.URL),
		rapid.Map(rapid.String(), metadata.Path),
		rapid.Map(nested, metadata.JSON),
		rapid.Custom(func(t *rapid.T) metadata.Value {
			zone := time.FixedZone("", rapid.IntRange(-100000, 100000).Draw(t, "offset"))
			return metadata.Timestamp(time.Unix(rapid.Int64().Draw(t, "unix"), rapid.Int64().Draw(t, "nano")).In(zone))
		}),
		rapid.Map(rapid.Int64(), func(n int64) metadata.Value { return metadata.Duration(time.Duration(n)) }),
		rapid.Map(rapid.Int64(), metadata.Size),
		rapid.Map(rapid.SliceOfN(column, 0, 3), func(c []metadata.Column) metadata.Value { return metadata.Schema(c...) }),
		rapid.Custom(func(t *rapid.T) metadata.Value {
			columns := rapid.SliceOfN(column, 0, 3).Draw(t, "columns")
			rows := rapid.SliceOfN(rapid.SliceOfN(nested, len(columns), len(columns)), 0, 3).Draw(t, "rows")
			return metadata.Table(columns, rows)
		}),
		rapid.Just(metadata.Table(nil, [][]any{{1}})),
		rapid.Map(rapid.SliceOfN(derivation, 0, 3), func(d []metadata.Derivation) metadata.Value { return metadata.ColumnLineage(d...) }),
	)
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := values().Draw(t, "value")
		requireRoundTrip(t, v)
		again, err := metadata.Of(v.Raw())
		if v.Kind() == metadata.KindTimestamp && (err != nil || again != v) {
			t.Fatalf("%s is %s by its raw form (%v)", v, again, err)
		}
		_ = v.String()
	})
}

func TestTimestampIsHeldWithinWhatCanBeWritten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("LMT", 1172)), "2026-03-01T11:40:28Z"},
		{time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 25*3600)), "2026-02-28T11:00:00Z"},
		{time.Date(12026, 3, 1, 12, 0, 0, 0, time.UTC), "9999-12-31T23:59:59.999999999Z"},
		{time.Date(-44, 3, 15, 12, 0, 0, 0, time.UTC), "0000-01-01T00:00:00Z"},
		{time.Time{}, "0001-01-01T00:00:00Z"},
	} {
		if got := metadata.Timestamp(c.at).String(); got != c.want {
			t.Errorf("%s is %s, want %s", c.at, got, c.want)
		}
	}
}

func TestURLKeepsNoPassword(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"postgres://bob:se:cr@t@db:5432/x?y=1": "postgres://bob:***@db:5432/x?y=1",
		"postgres://bob@db/x":                  "postgres://bob@db/x",
		"https://x.org/a:b@c":                  "https://x.org/a:b@c",
		"https://x.org?a=b:c@d":                "https://x.org?a=b:c@d",
		"https://:secret@x.org":                "https://:***@x.org",
		"not a url: a:b@c":                     "not a url: a:b@c",
		"":                                     "",
	} {
		if got := metadata.URL(in).String(); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}

// derived is the lineage of one column.
func derived(column string, from ...metadata.ColumnRef) metadata.Value {
	return metadata.ColumnLineage(metadata.Derivation{Column: column, From: from})
}

func TestInvalidValuesCarryTheirReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value metadata.Value
		want  string
	}{
		{
			metadata.JSON(map[string]float64{"x": math.NaN()}),
			"a value of Go type map[string]float64 has no JSON form (json: unsupported value: NaN): give a number, a text, a time, or something that encodes",
		},
		{
			metadata.Table([]metadata.Column{{Name: "a"}, {Name: "b"}}, [][]any{{1, 2}, {1}}),
			"row 2 of the table has 1 cells: give one for each of the 2 columns",
		},
		{
			metadata.Table([]metadata.Column{{Name: "a"}}, [][]any{{func() {}}}),
			`row 1 of the table, column "a": a value of Go type func() has no JSON form (json: unsupported type: func()): give a number, a text, a time, or something that encodes`,
		},
		{
			metadata.ColumnLineage(metadata.Derivation{Column: "id"}, metadata.Derivation{}),
			"column 2 of the lineage has no name: give each its name",
		},
		{
			metadata.ColumnLineage(metadata.Derivation{Column: "id"}, metadata.Derivation{Column: "id"}),
			`column "id" is in the lineage twice: give it once, with all that it is made of`,
		},
		{
			derived("id", metadata.ColumnRef{}),
			`lineage of column "id": one of its origins is empty: name an asset and a column of it`,
		},
		{
			derived("id", metadata.ColumnRef{Column: "id"}),
			`lineage of column "id": column "id" that it is made of has no asset: name the one that it is in`,
		},
		{
			derived("id", metadata.ColumnRef{Asset: "users"}),
			`lineage of column "id": no column of asset "users" that it is made of is named: name it`,
		},
		{
			derived("id", metadata.ColumnRef{Asset: "users", Column: "id"}, metadata.ColumnRef{Asset: "users", Column: "id"}),
			`lineage of column "id": it is made of column "id" of asset "users" twice: give that once`,
		},
	} {
		if err := c.value.Err(); err == nil || err.Error() != c.want || c.value.Kind() != metadata.KindInvalid {
			t.Errorf("%v\nwant %s", err, c.want)
		}
		if _, err := metadata.Of(c.value); err == nil || err.Error() != c.want {
			t.Errorf("Of: %v\nwant %s", err, c.want)
		}
		requireRoundTrip(t, c.value)
	}
	if err := metadata.Int(1).Err(); err != nil {
		t.Error(err)
	}
}

func TestUnmarshalErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ stored, err string }{
		{`{"kind":"int"}`, `metadata: reading a value: found {"kind":"int"}: write it like {"kind":"int","value":5}`},
		{`{"value":5}`, `metadata: reading a value: found {"value":5}: write it like {"kind":"int","value":5}`},
		{`{"kind":"int","value":5.5}`, `metadata: reading a value: kind int: found 5.5: write a whole number of 64 bits`},
		{`{"kind":"float","value":"1"}`, `metadata: reading a value: kind float: found "1": write a number of 64 bits, "NaN", "+Inf" or "-Inf"`},
		{`{"kind":"bool","value":1}`, `metadata: reading a value: kind bool: found 1: write true or false`},
		{`{"kind":"text","value":null}`, `metadata: reading a value: kind text: found null: write a string`},
		{`{"kind":"null","value":1}`, `metadata: reading a value: kind null: found 1: write null`},
		{`{"kind":"timestamp","value":"today"}`, `metadata: reading a value: kind timestamp: found "today": write it in RFC 3339, as in 2006-01-02T15:04:05Z`},
		{`{"kind":"schema","value":{}}`, `metadata: reading a value: kind schema: found {}: write a list of columns, each with its "name" and "type"`},
		{`{"kind":"table","value":{"rows":[[1]]}}`, `metadata: reading a value: kind table: row 1 of the table has 1 cells: give one for each of the 0 columns`},
		{`{"kind":"column_lineage","value":{}}`, `metadata: reading a value: kind column_lineage: found {}: write a list of columns, each with its "column" and "from"`},
		{`{"kind":"column_lineage","value":[{"from":[]}]}`, `metadata: reading a value: kind column_lineage: column 1 of the lineage has no name: give each its name`},
		{`5`, `metadata: reading a value: found 5: write it like {"kind":"int","value":5}`},
	} {
		var v metadata.Value
		if err := v.UnmarshalJSON([]byte(c.stored)); err == nil || err.Error() != c.err {
			t.Errorf("%s: %v\nwant %s", c.stored, err, c.err)
		}
	}
}

func TestKindOfANewerReleaseIsKept(t *testing.T) {
	t.Parallel()
	const stored = `{"kind":"image","value":"aGk="}`
	var v metadata.Value
	if err := json.Unmarshal([]byte(stored), &v); err != nil {
		t.Fatal(err)
	}
	if v.Kind() != metadata.KindJSON || v.String() != stored {
		t.Errorf("%s: %s", v.Kind(), v)
	}
}

func TestKindText(t *testing.T) {
	t.Parallel()
	for k := range metadata.KindColumnLineage + 1 {
		text, err := k.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back metadata.Kind
		if err := back.UnmarshalText(text); err != nil || back != k || strings.Contains(k.String(), "(") {
			t.Errorf("%s came back as %s (%v)", k, back, err)
		}
	}
	if _, err := (metadata.KindColumnLineage + 1).MarshalText(); err == nil {
		t.Error("a kind that is none was written")
	}
	var k metadata.Kind
	const want = `metadata: "integer" is no kind: write one like int, text or table`
	if err := k.UnmarshalText([]byte("integer")); err == nil || err.Error() != want {
		t.Error(err)
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value metadata.Value
		want  float64
		ok    bool
	}{
		{metadata.Int(-5), -5, true},
		{metadata.Float(0.5), 0.5, true},
		{metadata.Size(1 << 20), 1 << 20, true},
		{metadata.Duration(1500 * time.Millisecond), 1.5, true},
		{metadata.Float(math.Inf(-1)), math.Inf(-1), false},
		{metadata.Bool(true), 0, false},
		{metadata.Text("5"), 0, false},
		{metadata.JSON(5), 0, false},
		{metadata.Value{}, 0, false},
	} {
		if got, ok := c.value.Number(); got != c.want || ok != c.ok {
			t.Errorf("%s %s is the number %v (%v), want %v (%v)", c.value.Kind(), c.value, got, ok, c.want, c.ok)
		}
	}
	if _, ok := metadata.Float(math.NaN()).Number(); ok {
		t.Error("NaN is a number on a chart")
	}
}

func TestSizeText(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", -1536: "-1.5 KiB", 1 << 30: "1.0 GiB", math.MaxInt64: "8.0 EiB"} {
		if got := metadata.Size(n).String(); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

// The hot path: a small map into a buffer that is large enough.
func TestAppendJSONAllocatesNothing(t *testing.T) {
	m, err := metadata.Map{
		"rows": 12, "share": 0.25, "took": time.Second, "at": time.Unix(0, 0), "note": "as <given>",
		"schema": metadata.Schema(metadata.Column{Name: "id", Type: "int64"}),
	}.Normalize()
	if err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { buffer = m.AppendJSON(buffer[:0]) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzUnmarshalValue(f *testing.F) {
	for _, seed := range []string{
		`null`, `{"kind":"null","value":null}`, `{"kind":"int","value":5}`, `{"kind":"float","value":"NaN"}`,
		`{"kind":"text","value":"\u003c\ud800"}`, `{"kind":"json","value":{"b":[1,"\u2028"],"a":1e400}}`, `{"kind":"url","value":"x://a:b@c"}`,
		`{"kind":"timestamp","value":"2026-03-01T12:00:00,5+23:59"}`, `{"kind":"schema","value":[{"name":"a","nullable":true},null]}`,
		`{"kind":"table","value":{"columns":[{"name":"a"}],"rows":[[{"x":1.0}],[null]]}}`, `{"kind":"image","value":1}`,
		`{"kind":"schema","value":[{"name":"a","unique":true,"tags":{"b":"\ud800","a":""}}]}`,
		`{"kind":"column_lineage","value":[{"column":"a","from":[{"asset":"x","column":"\u2028"}]},{"column":"b"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stored []byte) {
		var v metadata.Value
		if json.Unmarshal(stored, &v) != nil {
			return
		}
		requireRoundTrip(t, v)
		_, _ = v.String(), v.Raw()
	})
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"", "a", "\u2028<&>\"\\\x00\x7f", "\xe2\x80", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) { requireRoundTrip(t, metadata.Text(s)) })
}
