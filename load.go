package rivers

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/launch"
	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// LoadOptions say more about what is loaded. The zero value loads the latest value.
type LoadOptions struct {
	// Partition is the partition whose value is loaded: one, where the asset has partitions. A typed
	// Load of a [Partitions] takes several.
	Partition partition.Key
	// Metadata is handed to the IO handler in place of the asset's.
	Metadata map[string]any
}

// LoadNode loads the stored value of an asset or task into dst, a pointer: its type tells the IO
// handler what is wanted. A value inside a graph asset has its step's key as its name
// ("totals/sorted", "totals/total[3]"). A repository that is not resolved yet is resolved on the
// default store.
func (r *CodeRepository) LoadNode(ctx context.Context, name string, dst any, o LoadOptions) error {
	out, mapped, err := r.output(name)
	if err != nil {
		return err
	}
	if mapped && !strings.HasSuffix(name, "]") {
		return fmt.Errorf("loading %q: it has a value for each element: name one, such as %q", name, name+"[0]")
	}
	to := reflect.ValueOf(dst)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		return fmt.Errorf("loading %q: the destination is a %T: pass a pointer to a variable", name, dst)
	}
	if err := r.openHandler(ctx, out.Handler); err != nil {
		return err
	}
	part, err := r.onePartition(ctx, out, o.Partition)
	if err != nil {
		return fmt.Errorf("loading %q: %w", name, err)
	}
	write, err := writeOf(ctx, r, out, name, part)
	if err != nil {
		return fmt.Errorf("loading %q: %w", name, err)
	}
	in := iohandler.InputContext{Name: name, Type: define.LoadType(out.Type, to.Type().Elem()), Metadata: out.Attrs.Metadata, Partition: part, Write: write}
	if o.Metadata != nil {
		in.Metadata = o.Metadata
	}
	var value any
	err = fault.Guard(func() (err error) {
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

// writeOf returns the name of the write of a stored value: as the run of the context knows it, else
// as it is recorded.
func writeOf(ctx context.Context, r *CodeRepository, out *graph.Output, name string, part partition.Slice) (string, error) {
	if known := graph.WritesOf(ctx); known != nil {
		if write, ok := known(name, part); ok {
			return write, nil
		}
	}
	return view.Write(ctx, r.Storage(), r.Name(), out, name, part)
}

// loadFrom is LoadNode as contexts call it.
func (r *CodeRepository) loadFrom(ctx context.Context, name string, key partition.Key, dst any) error {
	return r.LoadNode(ctx, name, dst, LoadOptions{Partition: key})
}

// onePartition returns the partition of a key that must be there, and must be one, where the output
// is partitioned.
func (r *CodeRepository) onePartition(ctx context.Context, out *graph.Output, key partition.Key) (partition.Slice, error) {
	switch {
	case out.Partitions == nil && key.IsZero():
		return partition.Slice{}, nil
	case out.Partitions == nil:
		return partition.Slice{}, fmt.Errorf("partition %s: %w: it has no partitions: leave the key out", key, ErrPartitionValidation)
	case key.IsZero():
		return partition.Slice{}, fmt.Errorf("%w: it has partitions, %s: name one", ErrPartitionValidation, out.Partitions)
	}
	space, err := r.space(ctx, out.Partitions)
	if err != nil {
		return partition.Slice{}, err
	}
	set, err := space.Set(key)
	if err != nil {
		return partition.Slice{}, fault.Mark(fault.ErrPartitionValidation, err)
	}
	part, err := partition.NewSlice(space, set)
	if err == nil && part.Len() != 1 {
		err = fmt.Errorf("partition %s: %w: it names %d partitions: name one", key, ErrPartitionValidation, part.Len())
	}
	return part, err
}

// space returns what exists now of a definition. Dynamic keys are in the store, which is opened for
// them.
func (r *CodeRepository) space(ctx context.Context, d partition.Definition) (partition.Space, error) {
	if needs := partition.NeedsOf(d); len(needs.Dynamic) > 0 {
		if err := r.open(ctx); err != nil {
			return partition.Space{}, err
		}
	}
	tables, err := r.tables(ctx)(d)
	if err != nil {
		return partition.Space{}, err
	}
	return partition.NewSpace(d, time.Now(), tables)
}

// IOHandlerForOutput returns the handler that stores the value of an asset or task: its own, or the
// one it falls back on.
func (r *CodeRepository) IOHandlerForOutput(name string) (iohandler.Handler, error) {
	out, _, err := r.output(name)
	if err != nil {
		return nil, err
	}
	return out.Handler, nil
}

// output finds what has a stored value under a name; see [catalog.Catalog.Output].
func (r *CodeRepository) output(name string) (out *graph.Output, mapped bool, err error) {
	c, err := r.catalog()
	if err != nil {
		return nil, false, err
	}
	return c.Output(name)
}

// tables returns how the key tables of definitions are found: in the store, or without one by what
// the definitions themselves say.
func (r *CodeRepository) tables(ctx context.Context) func(partition.Definition) (partition.Tables, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.session != nil:
		return launch.TablesOf(ctx, r.session.Tables)
	case r.runner != nil:
		return launch.TablesOf(ctx, r.runner.Tables)
	}
	return launch.TablesOf(ctx, nil)
}

// load reads a value as the type that its function returns.
func load[Out any](ctx context.Context, repo *CodeRepository, name string, o LoadOptions) (Out, error) {
	var out Out
	result := resultOf(reflect.TypeFor[Out]())
	switch result.Kind {
	case define.ResultPartitions:
		return loadParts[Out](ctx, repo, name, o)
	case define.ResultValue:
		err := repo.LoadNode(ctx, name, &out, o)
		return out, err
	default:
	}
	var value any
	if result.Type != nil {
		dst := reflect.New(result.Type)
		if err := repo.LoadNode(ctx, name, dst.Interface(), o); err != nil {
			return out, err
		}
		value = dst.Elem().Interface()
	}
	facts, err := recorded(ctx, repo, name)
	if err != nil {
		return out, err
	}
	return any(out).(resultWithFacts).restored(value, facts).(Out), nil
}

// recorded returns the facts of the latest materialization of an asset; none if it never was.
func recorded(ctx context.Context, repo *CodeRepository, name string) (graph.Facts, error) {
	if err := repo.open(ctx); err != nil {
		return graph.Facts{}, err
	}
	rec, err := repo.Storage().GetAsset(ctx, name)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return graph.Facts{}, nil
	case err != nil:
		return graph.Facts{}, fmt.Errorf("asset %q: reading its record: %w", name, err)
	case rec.Materialization == nil:
		return graph.Facts{}, nil
	}
	m := rec.Materialization
	return graph.Facts{Metadata: m.Metadata, Tags: m.Tags, DataVersion: m.DataVersion}, nil
}

// loadParts returns the values of the partitions that a key names. Each is loaded on first use.
func loadParts[Out any](ctx context.Context, repo *CodeRepository, name string, o LoadOptions) (Out, error) {
	var out Out
	stored, _, err := repo.output(name)
	if err != nil {
		return out, err
	}
	if err := repo.openHandler(ctx, stored.Handler); err != nil {
		return out, err
	}
	space, err := repo.space(ctx, stored.Partitions)
	if err != nil {
		return out, err
	}
	if o.Partition.IsZero() {
		return out, fmt.Errorf("loading %q: %w: it has partitions, %s: name one or several", name, ErrPartitionValidation, stored.Partitions)
	}
	set, err := space.Set(o.Partition)
	if err != nil {
		return out, fmt.Errorf("loading %q: %w", name, fault.Mark(fault.ErrPartitionValidation, err))
	}
	of, err := partition.NewSlice(space, set)
	if err != nil {
		return out, fmt.Errorf("loading %q: %w", name, err)
	}
	field := any(out).(partsField)
	return field.fromLoader(graph.PartitionLoader{Of: of, Load: func(key partition.Key) (any, error) {
		dst := reflect.New(field.partType())
		err := repo.LoadNode(ctx, name, dst.Interface(), LoadOptions{Partition: key, Metadata: o.Metadata})
		return dst.Elem().Interface(), err
	}}).(Out), nil
}
