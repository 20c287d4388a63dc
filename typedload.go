package rivers

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

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

// recorded returns what the latest materialization of an asset says; nothing if there was none.
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

// loadParts returns the values of the partitions that a key names, each of which is loaded when it is asked for.
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
	return field.packed(graph.PartitionLoader{Of: of, Load: func(key partition.Key) (any, error) {
		dst := reflect.New(field.partType())
		err := repo.LoadNode(ctx, name, dst.Interface(), LoadOptions{Partition: key, Metadata: o.Metadata})
		return dst.Elem().Interface(), err
	}}).(Out), nil
}
