package metadata_test

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/rivers-go/rivers/metadata"
	"pgregory.net/rapid"
)

type (
	rows    int32
	secret  string
	broken  struct{} //nolint:recvcheck // a method on the pointer that must not be called is what it is for
	unready struct{}
)

func (secret) String() string                { return "***" }
func (broken) String() string                { panic("no") }
func (*broken) Error() string                { panic("called on nil") }
func (unready) MarshalText() ([]byte, error) { return nil, errors.New("not yet") }

func TestOf(t *testing.T) {
	t.Parallel()
	seven := 7
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		plain any
		want  metadata.Value
		err   string
	}{
		{plain: nil, want: metadata.Value{}},
		{plain: 5, want: metadata.Int(5)},
		{plain: int8(-5), want: metadata.Int(-5)},
		{plain: uint16(5), want: metadata.Int(5)},
		{plain: uint64(math.MaxInt64), want: metadata.Int(math.MaxInt64)},
		{plain: uint64(math.MaxUint64), want: metadata.JSON(uint64(math.MaxUint64))},
		{plain: rows(5), want: metadata.Int(5)},
		{plain: &seven, want: metadata.Int(7)},
		{plain: (*int)(nil), want: metadata.Value{}},
		{plain: (*broken)(nil), want: metadata.Value{}},
		{plain: 0.5, want: metadata.Float(0.5)},
		{plain: float32(0.1), want: metadata.Float(0.1)},
		{plain: float32(math.Inf(1)), want: metadata.Float(math.Inf(1))},
		{plain: true, want: metadata.Bool(true)},
		{plain: "x", want: metadata.Text("x")},
		{plain: secret("x"), want: metadata.Text("***")},
		{plain: at, want: metadata.Timestamp(at)},
		{plain: time.Minute, want: metadata.Duration(time.Minute)},
		{plain: time.March, want: metadata.Text("March")},
		{plain: errors.New("broke"), want: metadata.Text("broke")},
		{plain: netip.MustParseAddr("10.0.0.1"), want: metadata.Text("10.0.0.1")},
		{plain: &url.URL{Scheme: "s3", User: url.UserPassword("a", "b"), Host: "x"}, want: metadata.URL("s3://a:***@x")},
		{plain: json.RawMessage(`{"a": 1}`), want: metadata.JSON(map[string]int{"a": 1})},
		{plain: []string{"a"}, want: metadata.JSON([]any{"a"})},
		{plain: metadata.Size(5), want: metadata.Size(5)},
		{plain: metadata.Map{"a": 1}, want: metadata.JSON(map[string]int{"a": 1})},
		{plain: []metadata.Column{{Name: "a"}}, want: metadata.Schema(metadata.Column{Name: "a"})},
		{plain: []metadata.Derivation{{Column: "a"}}, want: derived("a")},
		{plain: metadata.TableData{Rows: [][]any{{}}}, want: metadata.Table(nil, [][]any{{}})},
		{
			plain: make(chan int),
			err:   "a value of Go type chan int has no JSON form (json: unsupported type: chan int): give a number, a text, a time, or something that encodes",
		},
		{plain: broken{}, err: "a value of Go type metadata_test.broken: its method panicked: no"},
		{plain: unready{}, err: "a value of Go type metadata_test.unready has no text form (not yet): give a number, a text or a time"},
		{plain: json.RawMessage(`{`), err: "a value of Go type json.RawMessage has no JSON form (json: error calling MarshalJSON for type json.RawMessage: unexpected end of JSON input): give a number, a text, a time, or something that encodes"},
	} {
		got, err := metadata.Of(c.plain)
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%T: %v\nwant %s", c.plain, err, c.err)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%#v is %s %s (%v), want %s %s", c.plain, got.Kind(), got, err, c.want.Kind(), c.want)
		}
	}
}

func TestNormalizeReportsEveryFault(t *testing.T) {
	t.Parallel()
	m := metadata.Map{"rows": 12, "b": func() {}, "a": metadata.Table(nil, [][]any{{1}}), "\xff": 1}
	got, err := m.Normalize()
	const want = `metadata "a": row 1 of the table has 1 cells: give one for each of the 0 columns
metadata "b": a value of Go type func() has no JSON form (json: unsupported type: func()): give a number, a text, a time, or something that encodes
metadata "\xff": the key is not UTF-8: write it as text`
	if got != nil || err == nil || err.Error() != want {
		t.Errorf("%v, %v\nwant %s", got, err, want)
	}
	if m["rows"] != 12 {
		t.Error("the map was changed")
	}
	if got, err := metadata.Map(nil).Normalize(); err != nil || got == nil || len(got) != 0 {
		t.Errorf("an empty map became %v (%v)", got, err)
	}
}

func TestMapRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := metadata.Map{}
		for key, v := range rapid.MapOfN(rapid.String(), values(), 0, 20).Draw(t, "map") {
			m[key] = v
		}
		got, err := metadata.ParseMap(m.AppendJSON(nil))
		if err != nil || !maps.Equal(got, m) {
			t.Fatalf("%v came back as %v (%v)", m, got, err)
		}
		encoded, err := json.Marshal(struct{ M metadata.Map }{m})
		if err != nil {
			t.Fatal(err)
		}
		var back struct{ M metadata.Map }
		if err := json.Unmarshal(encoded, &back); err != nil || !maps.Equal(back.M, m) {
			t.Fatalf("%v came back as %v (%v)", m, back.M, err)
		}
	})
}

func TestMapAppendJSON(t *testing.T) {
	t.Parallel()
	m := metadata.Map{"b": 1, "a": "x", "<": func() {}}
	const want = `{"\u003c":{"kind":"invalid","value":"a value of Go type func() has no JSON form (json: unsupported type: func()): give a number, a text, a time, or something that encodes"},"a":{"kind":"text","value":"x"},"b":{"kind":"int","value":1}}`
	if got := string(m.AppendJSON([]byte{})); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := string(metadata.Map(nil).AppendJSON([]byte("x"))); got != "x{}" {
		t.Errorf("nothing is %s", got)
	}
}

func TestParseMapErrors(t *testing.T) {
	t.Parallel()
	for stored, want := range map[string]string{
		`{"b":{"kind":"int","value":"x"},"a":{"kind":"bool","value":0}}`: `metadata "a": kind bool: found 0: write true or false`,
		`[1]`: `metadata: reading an object of values: json: cannot unmarshal array into Go value of type map[string]json.RawMessage`,
		`{`:   `metadata: reading an object of values: unexpected end of JSON input`,
	} {
		if _, err := metadata.ParseMap([]byte(stored)); err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", stored, err, want)
		}
	}
	if m, err := metadata.ParseMap([]byte("null")); err != nil || m == nil {
		t.Errorf("null is %v (%v)", m, err)
	}
}

func TestGetters(t *testing.T) {
	t.Parallel()
	at := time.Unix(5, 0).UTC()
	m := metadata.Map{"n": 5, "s": metadata.Size(6), "f": 0.5, "t": metadata.Markdown("x"), "b": true, "at": at, "bad": func() {}}
	if n, ok := m.Int("n"); n != 5 || !ok {
		t.Error("int", n, ok)
	}
	if n, ok := m.Int("s"); n != 6 || !ok {
		t.Error("size", n, ok)
	}
	if n, ok := m.Int("b"); n != 0 || ok {
		t.Error("a truth is a number", n, ok)
	}
	if f, ok := m.Float("f"); f != 0.5 || !ok {
		t.Error("float", f, ok)
	}
	if f, ok := m.Float("n"); f != 5 || !ok {
		t.Error("whole float", f, ok)
	}
	if _, ok := m.Float("t"); ok {
		t.Error("a text is a number")
	}
	if s, ok := m.Text("t"); s != "x" || !ok {
		t.Error("text", s, ok)
	}
	if b, ok := m.Bool("b"); !b || !ok {
		t.Error("bool", b, ok)
	}
	if b, ok := m.Bool("n"); b || ok {
		t.Error("a number is a truth", b, ok)
	}
	if got, ok := m.Time("at"); !got.Equal(at) || !ok {
		t.Error("time", got, ok)
	}
	for _, key := range []string{"bad", "none"} {
		if v, ok := m.Get(key); ok {
			t.Errorf("%s is %s", key, v)
		}
	}
}

func FuzzParseMap(f *testing.F) {
	f.Add([]byte(`null`))
	f.Add([]byte(`{"rows":{"kind":"int","value":12},"":{"kind":"json","value":[1]}}`))
	f.Fuzz(func(t *testing.T, stored []byte) {
		m, err := metadata.ParseMap(stored)
		if err != nil {
			return
		}
		again, err := metadata.ParseMap(m.AppendJSON(nil))
		if err != nil || !maps.Equal(m, again) {
			t.Errorf("%s: %v, then %v (%v)", stored, m, again, err)
		}
	})
}
