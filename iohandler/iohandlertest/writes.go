package iohandlertest

import (
	"errors"
	"slices"
	"testing"

	"github.com/rivers-go/rivers/iohandler"
)

// writesApart stores values under one name without a write and by three writes: each loads as it
// was stored, whatever was stored after it.
func writesApart(t *testing.T, s subject) {
	if !iohandler.KeepsWrites(s.Handler) {
		lastWriteAlone(t, s)
		return
	}
	writes := []string{"", "abc", "bcd", "cde2"}
	like := s.sample(t, 0)
	put := func(name string, i int) {
		t.Helper()
		value := s.sample(t, i)
		out := output(name, value)
		out.Write = writes[i]
		if err := s.HandleOutput(t.Context(), out, value); err != nil {
			t.Fatalf("HandleOutput(%q) by %q: %v", name, writes[i], err)
		}
	}
	expect := func(name string, i int) {
		t.Helper()
		in := input(name, like)
		in.Write = writes[i]
		got, err := s.LoadInput(t.Context(), in)
		if err != nil {
			t.Fatalf("LoadInput(%q) of %q: %v", name, writes[i], err)
		}
		if diff := s.equal(s.sample(t, i), got); diff != "" {
			t.Errorf("%q of %q (-want +got):\n%s", name, writes[i], diff)
		}
	}
	for i := range writes {
		put("kept", i)
		put("kept/inner", i)
		put("kept2", i)
	}
	for i := range writes {
		expect("kept", i)
		expect("kept/inner", i)
	}
	put("kept", 2) // an attempt that writes twice replaces its own
	expect("kept", 2)
	if _, ok := s.Handler.(iohandler.Collector); ok {
		collected(t, s)
	}
	deleter, ok := s.Handler.(iohandler.Deleter)
	if !ok {
		return
	}
	in := input("kept", like)
	in.Write = writes[2]
	if err := deleter.Delete(t.Context(), in); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	if _, err := s.LoadInput(t.Context(), in); !errors.Is(err, iohandler.ErrNoValue) {
		t.Errorf("LoadInput of a deleted write: %v, want one that wraps ErrNoValue", err)
	}
	expect("kept", 0)
	expect("kept", 1)
}

// lastWriteAlone requires a handler that keeps no writes apart to ignore their names.
func lastWriteAlone(t *testing.T, s subject) {
	t.Helper()
	last := s.sample(t, 2)
	for i, write := range []string{"abc", "bcd"} {
		out := output("kept", last)
		out.Write = write
		if err := s.HandleOutput(t.Context(), out, s.sample(t, i+1)); err != nil {
			t.Fatalf("HandleOutput by %q: %v", write, err)
		}
	}
	in := input("kept", last)
	in.Write = "abc"
	got, err := s.LoadInput(t.Context(), in)
	if err != nil {
		t.Fatalf("LoadInput: %v", err)
	}
	if diff := s.equal(last, got); diff != "" {
		t.Errorf("the last value (-want +got):\n%s", diff)
	}
}

// collected lists the writes of kept and of what lies below it, and removes one.
func collected(t *testing.T, s subject) {
	t.Helper()
	collector := s.Handler.(iohandler.Collector)
	list := func() (found []iohandler.StoredWrite) {
		t.Helper()
		err := collector.StoredWrites(t.Context(), "kept", func(w iohandler.StoredWrite) error {
			found = append(found, w)
			return nil
		})
		if err != nil {
			t.Fatalf("StoredWrites: %v", err)
		}
		return found
	}
	all := list()
	values := map[string][]string{}
	for _, w := range all {
		values[w.Value] = append(values[w.Value], w.Write)
		if w.Size <= 0 || w.Written.IsZero() {
			t.Errorf("%+v: want a size and an instant", w)
		}
	}
	if len(values) != 2 {
		t.Fatalf("StoredWrites lists %v, want the writes of two values", values)
	}
	for value, writes := range values {
		slices.Sort(writes)
		if !slices.Equal(writes, []string{"abc", "bcd", "cde2"}) {
			t.Errorf("the writes of %s are %q", value, writes)
		}
	}
	at := slices.IndexFunc(all, func(w iohandler.StoredWrite) bool { return w.Write == "cde2" })
	for range 2 { // what is absent is no error
		if err := collector.RemoveWrite(t.Context(), all[at]); err != nil {
			t.Errorf("RemoveWrite: %v", err)
		}
	}
	if left := list(); len(left) != len(all)-1 {
		t.Errorf("%d writes are left, want %d", len(left), len(all)-1)
	}
}
