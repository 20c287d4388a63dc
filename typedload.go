package rivers

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/storage"
)

// load reads a value as the type that its function returns.
func load[Out any](ctx context.Context, repo *CodeRepository, name string, o LoadOptions) (Out, error) {
	var out Out
	how, typ := shapeOf(reflect.TypeFor[Out]())
	if how == plain {
		err := repo.LoadNode(ctx, name, &out, o)
		return out, err
	}
	var value any
	if typ != nil {
		dst := reflect.New(typ)
		if err := repo.LoadNode(ctx, name, dst.Interface(), o); err != nil {
			return out, err
		}
		value = dst.Elem().Interface()
	}
	facts, err := recorded(ctx, repo, name)
	if err != nil {
		return out, err
	}
	return any(out).(carrier).restored(value, facts).(Out), nil
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
