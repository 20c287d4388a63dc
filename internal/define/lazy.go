package define

import (
	"iter"
	"slices"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
)

// body makes the body of a node. A Partitions loads its values while the function runs, maybe in
// goroutines that the function started, where a panic would end the process. So it remembers a load
// error, and the body of a function that takes a Partitions fails with it in the end.
//
// The load error wins over what the function returned, and over a panic: both may come from the
// zero value that the function got instead. Other functions have no cost from this.
func (f FieldSetters) body(bind func(FieldSetters) graph.Call) graph.Call {
	call := bind(f)
	if !slices.ContainsFunc(f, func(s fieldSetter) bool { return s.lazy() }) {
		return call
	}
	return func(inv *graph.Invocation, args []any) (res graph.Result, err error) {
		defer func() {
			if failed := f.loadError(args); failed != nil {
				_ = recover()
				res, err = graph.Result{}, failed
			}
		}()
		if res, err = call(inv, args); res.Parts != nil {
			res.Parts = f.checked(res.Parts, args)
		}
		return res, err
	}
}

// checked ends a stream of values as soon as an input that they are made of could not be loaded.
func (f FieldSetters) checked(parts iter.Seq2[partition.Key, graph.PartValue], args []any) iter.Seq2[partition.Key, graph.PartValue] {
	return func(yield func(partition.Key, graph.PartValue) bool) {
		for key, value := range parts {
			if f.loadError(args) != nil {
				break
			}
			if !yield(key, value) {
				return
			}
		}
		if err := f.loadError(args); err != nil {
			yield(partition.Key{}, graph.PartValue{Err: err})
		}
	}
}

// lazy reports whether the field loads its values while the function runs.
func (s *fieldSetter) lazy() bool {
	return s.loadErr() != nil && !s.constant.IsValid() && s.keys == nil
}

// loadError returns the first error that the arguments remember.
func (f FieldSetters) loadError(args []any) error {
	for i := range f {
		if s := &f[i]; s.lazy() {
			if err := s.loadErr()(args[s.arg]); err != nil {
				return err
			}
		}
	}
	return nil
}

// loadErr returns what reads the load error of the argument; nil for one that is loaded before the
// call.
func (s *fieldSetter) loadErr() func(v any) error {
	if s.source != nil {
		return s.source
	}
	return s.field.wrap.Err
}
