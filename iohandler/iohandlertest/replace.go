package iohandlertest

import (
	"context"
	"errors"
	"io"
	"iter"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/rivers-go/rivers/iohandler"
)

func replace(t *testing.T, s subject) {
	for _, size := range []int{1, 3000, 2} { // a shorter value must leave nothing of a longer one
		value := s.repeated(t, size, size)
		s.put(t, "replaced", value)
		if diff := s.equal(value, s.get(t, "replaced", value)); diff != "" {
			t.Fatalf("after replacing (-want +got):\n%s", diff)
		}
	}
}

// replaceIsAtomic reads while one writer replaces: each read is wholly one of the values.
func replaceIsAtomic(t *testing.T, s subject) {
	const writes, readers, size = 15, 2, 1500
	like := s.repeated(t, 0, size)
	s.put(t, "replaced", like)
	ctx, done := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range readers {
		group.Go(func() {
			for ctx.Err() == nil {
				got, err := s.LoadInput(t.Context(), input("replaced", like))
				if err != nil {
					t.Errorf("LoadInput while the value is replaced: %v", err)
					return
				}
				if !uniform(got, size) {
					t.Error("a read saw parts of two values")
					return
				}
			}
		})
	}
	for n := range writes {
		value := s.repeated(t, n, size)
		if err := s.HandleOutput(t.Context(), output("replaced", value), value); err != nil {
			t.Errorf("HandleOutput: %v", err)
		}
	}
	done()
	group.Wait()
}

// uniform reports whether all parts of a value made by repeated say the same.
func uniform(value any, size int) bool {
	v := reflect.ValueOf(value)
	if v.Kind() != reflect.Slice {
		return true // one of Options.Values, which is compared elsewhere
	}
	for i := range v.Len() {
		if !reflect.DeepEqual(v.Index(i).Interface(), v.Index(0).Interface()) {
			return false
		}
	}
	return v.Len() == size
}

var errSource = errors.New("the source broke")

// failing returns streams that give a little and then call end, whose error is theirs.
func failing(end func() error) []any {
	given := 0
	var rowsThenEnd iter.Seq2[Row, error] = func(yield func(Row, error) bool) {
		for i := range 100 {
			if !yield(Row{ID: i}, nil) {
				return
			}
		}
		if err := end(); err != nil {
			yield(Row{}, err)
			return
		}
		for i := range 100 {
			if !yield(Row{ID: i}, nil) {
				return
			}
		}
	}
	var bytesThenEnd io.Reader = readerFunc(func(p []byte) (int, error) {
		given++
		switch {
		case given <= 3:
			return copy(p, strings.Repeat("x", 1000)), nil
		case given > 4:
			return 0, io.EOF
		}
		if err := end(); err != nil {
			return 0, err
		}
		return copy(p, "y"), nil
	})
	return []any{rowsThenEnd, bytesThenEnd}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// failedStream checks that a stream that ends in an error leaves the old value.
func failedStream(t *testing.T, s subject) {
	broken(t, s, func(t *testing.T) (context.Context, func() error) {
		return t.Context(), func() error { return errSource }
	}, errSource)
}

// cancelledStream checks the same of a stream during which the step is cancelled.
func cancelledStream(t *testing.T, s subject) {
	broken(t, s, func(t *testing.T) (context.Context, func() error) {
		ctx, cancel := context.WithCancel(t.Context())
		return ctx, func() error { cancel(); return nil }
	}, context.Canceled)
}

func broken(t *testing.T, s subject, begin func(*testing.T) (context.Context, func() error), want error) {
	if !s.encodes() {
		return // it keeps the stream itself and reads nothing of it
	}
	before := s.sample(t, 1)
	s.put(t, "kept", before)
	for i := range failing(nil) {
		ctx, end := begin(t)
		stream := failing(end)[i]
		if !s.accepts(reflect.TypeOf(stream)) {
			continue
		}
		if err := s.HandleOutput(ctx, output("kept", stream), stream); !errors.Is(err, want) {
			t.Errorf("HandleOutput of a broken %T: got error %v, want %v", stream, err, want)
		}
		if diff := s.equal(before, s.get(t, "kept", before)); diff != "" {
			t.Errorf("a broken %T changed the value (-want +got):\n%s", stream, diff)
		}
		ctx, end = begin(t)
		stream = failing(end)[i]
		if err := s.HandleOutput(ctx, output("first", stream), stream); err != nil {
			_, err := s.LoadInput(t.Context(), input("first", before))
			if !errors.Is(err, iohandler.ErrNoValue) {
				t.Errorf("a broken first write of %T left something: LoadInput gave %v, want ErrNoValue", stream, err)
			}
		}
	}
}
