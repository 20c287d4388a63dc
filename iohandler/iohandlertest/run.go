// Package iohandlertest is the contract of package iohandler as tests: [Run] checks any handler,
// those of this module and a program's own.
//
// What only some handlers can do is asked for by the optional interfaces and never guessed: values
// of a type that CanStore refuses are left out, deleting is checked of an iohandler.Deleter, facts
// about a write of an iohandler.ProcessCrosser that returns true. Known differences are part of the
// contract: nil and empty slices may come back as one another, a time comes back as the same
// instant, JSON text with other white space.
package iohandlertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rivers-go/rivers/iohandler"
)

// Options say what a handler can be asked beyond the usual; the zero value asks the usual.
type Options struct {
	// Values are further values that must make the round trip, compared with go-cmp.
	Values []any
	// Compare are further options of that comparison.
	Compare []cmp.Option
}

// Run checks the handlers that newHandler makes: each call is to give one with nothing stored, and
// to clean up with t. The checks run in parallel.
func Run(t *testing.T, newHandler func(t *testing.T) iohandler.Handler, o Options) {
	t.Helper()
	for _, c := range []struct {
		name  string
		check func(*testing.T, subject)
	}{
		{"RoundTrip", roundTrip},
		{"Nil", nilValue},
		{"Missing", missing},
		{"Names", names},
		{"Partitions", partitions},
		{"Replace", replace},
		{"WritesApart", writesApart},
		{"ReplaceIsAtomic", replaceIsAtomic},
		{"EndedContext", endedContext},
		{"FailedStream", failedStream},
		{"CancelledStream", cancelledStream},
		{"Delete", deleted},
		{"Facts", facts},
		{"Validate", validate},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.check(t, subject{newHandler(t), o})
		})
	}
}

// subject is the handler under test.
type subject struct {
	iohandler.Handler
	o Options
}

// accepts reports whether the handler stores type t. One that is no Acceptor stores all.
func (s subject) accepts(t reflect.Type) bool {
	acceptor, ok := s.Handler.(iohandler.Acceptor)
	return !ok || acceptor.CanStore(t) == nil
}

// encodes reports whether the handler writes values out, so that it need not give back the very
// value it was given.
func (s subject) encodes() bool {
	_, ok := s.Handler.(iohandler.Acceptor)
	return ok
}

func (s subject) put(t *testing.T, name string, value any) *iohandler.OutputContext {
	t.Helper()
	out := output(name, value)
	if err := s.HandleOutput(t.Context(), out, value); err != nil {
		t.Fatalf("HandleOutput(%q): %v", name, err)
	}
	return out
}

func (s subject) get(t *testing.T, name string, like any) any {
	t.Helper()
	got, err := s.LoadInput(t.Context(), input(name, like))
	if err != nil {
		t.Fatalf("LoadInput(%q): %v", name, err)
	}
	return got
}

func (s subject) equal(want, got any) string {
	options := append([]cmp.Option{cmpopts.EquateEmpty(), cmpopts.EquateNaNs(), cmp.FilterPath(isJSON, cmp.Comparer(sameJSON))}, s.o.Compare...)
	return cmp.Diff(want, got, options...)
}

func isJSON(p cmp.Path) bool { return p.Last().Type() == reflect.TypeFor[json.RawMessage]() }

// sameJSON compares JSON texts without their white space.
func sameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

func output(name string, value any) *iohandler.OutputContext {
	return &iohandler.OutputContext{Name: name, RunID: "run-1", Step: name, Attempt: 1, Type: reflect.TypeOf(value)}
}

func input(name string, like any) *iohandler.InputContext {
	return &iohandler.InputContext{Name: name, Consumer: "reader", Type: reflect.TypeOf(like)}
}

// sample returns a small value the handler stores that holds n in every part of it.
func (s subject) sample(t *testing.T, n int) any { return s.repeated(t, n, 3) }

// repeated returns a value of about size parts, each with n.
func (s subject) repeated(t *testing.T, n, size int) any {
	t.Helper()
	rows := make([]Row, size)
	text := make([]byte, size)
	for i := range size {
		rows[i] = Row{ID: n, Name: "row"}
		text[i] = 'a' + byte(n%26)
	}
	for _, candidate := range []any{rows, text} {
		if s.accepts(reflect.TypeOf(candidate)) {
			return candidate
		}
	}
	for _, v := range s.o.Values {
		t.Logf("the handler stores neither %T nor %T; using %T", rows, text, v)
		return v
	}
	t.Fatalf("the handler stores neither %T nor %T: give Options.Values a value that it stores", rows, text)
	return nil
}

func missing(t *testing.T, s subject) {
	_, err := s.LoadInput(t.Context(), input("nowhere", s.sample(t, 1)))
	if !errors.Is(err, iohandler.ErrNoValue) {
		t.Errorf("LoadInput of what was never stored: got error %v, want one that wraps ErrNoValue", err)
	}
}

func validate(t *testing.T, s subject) {
	validator, ok := s.Handler.(iohandler.Validator)
	if !ok {
		return
	}
	if err := validator.Validate(); err != nil {
		t.Errorf("Validate: %v", err)
	}
}

func deleted(t *testing.T, s subject) {
	deleter, ok := s.Handler.(iohandler.Deleter)
	if !ok {
		return
	}
	value := s.sample(t, 1)
	s.put(t, "kept", value)
	s.put(t, "gone", value)
	for range 2 { // the second time it is not there, which is no error
		if err := deleter.Delete(t.Context(), input("gone", value)); err != nil {
			t.Fatalf("Delete: %v", err)
		}
	}
	if _, err := s.LoadInput(t.Context(), input("gone", value)); !errors.Is(err, iohandler.ErrNoValue) {
		t.Errorf("LoadInput after Delete: got error %v, want one that wraps ErrNoValue", err)
	}
	if diff := s.equal(value, s.get(t, "kept", value)); diff != "" {
		t.Errorf("Delete touched another name (-want +got):\n%s", diff)
	}
}

// facts are recorded by handlers whose values lie somewhere.
func facts(t *testing.T, s subject) {
	crosser, ok := s.Handler.(iohandler.ProcessCrosser)
	if ok && !crosser.CrossesProcesses() {
		return
	}
	out := s.put(t, "described", s.sample(t, 1))
	for _, key := range []string{"path", "size_bytes", "write_duration_s"} {
		if _, ok := out.Added[key]; !ok {
			t.Errorf("metadata %q is not recorded; recorded is %v", key, out.Added)
		}
	}
	again := s.put(t, "described", s.sample(t, 1))
	if out.DataVersion != again.DataVersion {
		t.Errorf("equal values got the data versions %q and %q", out.DataVersion, again.DataVersion)
	}
	other := s.put(t, "described", s.sample(t, 2))
	if out.DataVersion != "" && out.DataVersion == other.DataVersion {
		t.Errorf("different values got the same data version %q", out.DataVersion)
	}
}

func endedContext(t *testing.T, s subject) {
	before, after := s.sample(t, 1), s.sample(t, 2)
	s.put(t, "kept", before)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want := after
	if err := s.HandleOutput(ctx, output("kept", after), after); err != nil {
		want = before
	}
	if diff := s.equal(want, s.get(t, "kept", want)); diff != "" {
		t.Errorf("after a write under an ended context (-want +got):\n%s", diff)
	}
}
