package iohandlertest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"
)

// Row is what the suite stores in slices, maps and streams.
type Row struct {
	ID     int
	Name   string
	Score  float64
	Active bool
	At     time.Time
	Note   *string
	Tags   []string
	Home   Place
	Work   *Place
}

// Place is nested in a [Row].
type Place struct {
	City string
	Lat  float64
}

func rows() []Row {
	note := "äöü \x00 \"quoted\"\n"
	berlin := time.FixedZone("", 2*60*60)
	return []Row{
		{},
		{ID: 1, Name: "one", Score: 0.1, Active: true, At: time.Date(2026, 3, 1, 12, 30, 0, 123456000, time.UTC), Note: &note},
		{
			ID: -1 << 62, Name: "世界", At: time.Date(1850, 1, 1, 0, 0, 0, 0, berlin), Tags: []string{"a", "", "c"},
			Home: Place{"Berlin", 52.5}, Work: &Place{"Paris", 48.9},
		},
	}
}

// values are what any handler may meet; those it refuses are left out.
func values() map[string]any {
	many := make([]Row, 3000)
	for i := range many {
		many[i] = Row{ID: i, Name: fmt.Sprint("row ", i), Tags: []string{fmt.Sprint(i)}}
	}
	all := rows()
	return map[string]any{
		"rows":     all,
		"no rows":  []Row{},
		"nil rows": []Row(nil),
		"many":     many,
		"one row":  all[2],
		"pointer":  &all[2],
		"by name":  map[string]Row{"one": all[1], "": all[0], "zwei ü": all[2]},
		"counts":   map[string]int{"a": 1, "b": -2},
		"by id":    map[int]string{1: "one", -7: "minus seven"},
		"numbers":  []float64{0, 1.5, -1e300},
		"texts":    []string{"", "a", "ä"},
		"nested":   [][]int{{1, 2}, {}, {3}},
		"integer":  42,
		"float":    1.25,
		"text":     "some text, 世界",
		"no text":  "",
		"truth":    true,
		"time":     time.Date(2026, 3, 1, 12, 30, 0, 123456000, time.UTC),
		"duration": 90 * time.Minute,
		"bytes":    []byte{0, 1, 2, 255},
		"json":     json.RawMessage(`{"a":1}`),
	}
}

func roundTrip(t *testing.T, s subject) {
	tried := 0
	check := func(name string, value any) {
		if !s.accepts(reflect.TypeOf(value)) {
			return
		}
		tried++
		t.Run(name, func(t *testing.T) {
			s.put(t, name, value)
			got := s.get(t, name, value)
			if reflect.TypeOf(got) != reflect.TypeOf(value) {
				t.Fatalf("stored a %T, loaded a %T", value, got)
			}
			if diff := s.equal(value, got); diff != "" {
				t.Errorf("stored and loaded differ (-stored +loaded):\n%s", diff)
			}
		})
	}
	for name, value := range values() {
		check(name, value)
	}
	for i, value := range s.o.Values {
		if !s.accepts(reflect.TypeOf(value)) {
			t.Errorf("the handler does not store %T, which Options.Values claims", value)
		}
		check(fmt.Sprintf("own %d", i), value)
	}
	if tried == 0 {
		t.Error("the handler stores none of the suite's values: give Options.Values some that it does")
	}
}

// nilValue checks that a nil pointer or slice, which is a legal value, loads as one or as an empty
// one.
func nilValue(t *testing.T, s subject) {
	for name, value := range map[string]any{"pointer": (*Row)(nil), "slice": []Row(nil), "map": map[string]Row(nil), "bytes": []byte(nil)} {
		if !s.accepts(reflect.TypeOf(value)) {
			continue
		}
		s.put(t, name, value)
		got := reflect.ValueOf(s.get(t, name, value))
		if got.Kind() == reflect.Pointer && !got.IsNil() || got.Kind() != reflect.Pointer && got.Len() != 0 {
			t.Errorf("stored %T(nil), loaded %v", value, got)
		}
	}
}

// oddNames differ in what some store or file system confuses or forbids.
var oddNames = []string{
	"plain", "with.dot", "graph/task", "graph/inner/task", "graph/task[0]", "graph/task[10]", "graph",
	"graph/task[a/b]", "graph/task[../../up]", "graph/task[]", "graph/task[ ]", "graph/task[äöü 世界]",
	"t[a\x00b]", "t[a\nb]", `t[a\b]`, "t[a:b|c?d*e<f>g\"h]", "t[%41]", "t[A]", "t[~41]", "t[.]", "t[..]", "t[\xff]",
	"graph.cbor/task", "graph.parquet/task", "graph.json", "a", "a.cbor", "a.cbor/b", ".hidden", "-dash", "con", "nul",
	"long[" + string(make([]byte, 300)) + "]", "long[" + string(make([]byte, 301)) + "]",
}

// names checks that every name has a value of its own, written all at once.
func names(t *testing.T, s subject) {
	var writers sync.WaitGroup
	for i, name := range oddNames {
		writers.Go(func() {
			value := s.sample(t, i)
			if err := s.HandleOutput(t.Context(), output(name, value), value); err != nil {
				t.Errorf("HandleOutput(%q): %v", name, err)
			}
		})
	}
	writers.Wait()
	if t.Failed() {
		return
	}
	for i, name := range oddNames {
		want := s.sample(t, i)
		if diff := s.equal(want, s.get(t, name, want)); diff != "" {
			t.Errorf("name %q holds what another was given (-want +got):\n%s", name, diff)
		}
	}
}
