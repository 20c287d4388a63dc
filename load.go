package rivers

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
)

// LoadOptions say more about what is loaded. The zero value loads the latest value.
type LoadOptions struct {
	// Metadata is handed to the IO handler in place of the asset's.
	Metadata map[string]any
}

// LoadNode loads the stored value of an asset or task into dst, a pointer: its type tells the IO
// handler what is wanted. A value inside a graph asset has its step's key as its name
// ("totals/sorted", "totals/total[3]"). A repository that is not resolved yet is resolved on the
// default store.
func (r *CodeRepository) LoadNode(ctx context.Context, name string, dst any, o LoadOptions) error {
	out, err := r.output(name)
	if err != nil {
		return err
	}
	if out.mapped && !strings.HasSuffix(name, "]") {
		return fmt.Errorf("loading %q: it has a value for each element: name one, such as %q", name, name+"[0]")
	}
	to := reflect.ValueOf(dst)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		return fmt.Errorf("loading %q: the destination is a %T: pass a pointer to a variable", name, dst)
	}
	if err := r.openHandler(ctx, out.Handler); err != nil {
		return err
	}
	in := iohandler.InputContext{Name: name, Type: to.Type().Elem(), Metadata: out.Attrs.Metadata}
	if o.Metadata != nil {
		in.Metadata = o.Metadata
	}
	var value any
	err = guard(func() (err error) {
		value, err = out.Handler.LoadInput(ctx, &in)
		return err
	})
	if err != nil {
		return fmt.Errorf("loading %q: %w", name, err)
	}
	if value == nil {
		to.Elem().SetZero()
		return nil
	}
	v := reflect.ValueOf(value)
	if !v.Type().AssignableTo(to.Type().Elem()) {
		return fmt.Errorf("loading %q: its IO handler returned a %s, want %s", name, v.Type(), to.Type().Elem())
	}
	to.Elem().Set(v)
	return nil
}

// IOHandlerForOutput returns the handler that stores the value of an asset or task: its own, or the
// one it falls back on.
func (r *CodeRepository) IOHandlerForOutput(name string) (iohandler.Handler, error) {
	out, err := r.output(name)
	if err != nil {
		return nil, err
	}
	return out.Handler, nil
}

// storedOutput is an output and whether its step unfolds, so that each instance stores a value.
type storedOutput struct {
	*graph.Output

	mapped bool
}

// output finds what has a stored value under a name.
func (r *CodeRepository) output(name string) (storedOutput, error) {
	b, err := r.built()
	if err != nil {
		return storedOutput{}, err
	}
	v, ok := b.graph.Find(name)
	if !ok && strings.HasSuffix(name, "]") {
		base, _, _ := strings.Cut(name, "[")
		if of, found := b.graph.Find(base); found {
			_, n := b.graph.Output(of)
			v, ok = of, b.graph.Node(n).Map != nil
		}
	}
	if !ok {
		return storedOutput{}, b.unknown(name)
	}
	out, n := b.graph.Output(v)
	return storedOutput{out, b.graph.Node(n).Map != nil}, nil
}

// unknown is the error for a name that no asset or task has.
func (b *built) unknown(name string) error {
	for _, d := range b.defs {
		if d.name == name && len(d.outputs) != 1 {
			return fmt.Errorf("%q: %w: it is a %s, its outputs are %s", name, ErrAssetNotFound, d.kindName(), quotedList(d.outputNames()))
		}
	}
	names := func(yield func(string) bool) {
		for v := range int32(b.graph.Outputs()) {
			if out, _ := b.graph.Output(v); !yield(out.Name) {
				return
			}
		}
	}
	return fmt.Errorf("%q: %w%s", name, ErrAssetNotFound, suggestion(name, names))
}
