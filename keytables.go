package rivers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// tables returns how the key tables of definitions are found: in the store, or without one by what the definitions
// themselves say.
func (r *CodeRepository) tables(ctx context.Context) plan.Tables {
	r.mu.Lock()
	cache := r.keyTables
	r.mu.Unlock()
	return func(d partition.Definition) (partition.Tables, error) {
		if cache != nil {
			return cache.Tables(ctx, d)
		}
		if names := partition.NeedsOf(d).Dynamic; len(names) > 0 {
			return partition.Tables{}, fmt.Errorf("the keys of %q are in the store, which is not open: resolve the repository first", names[0])
		}
		return partition.Tables{}, nil
	}
}

// staticKeys are the keys of all static definitions, each once, in the order in which the definitions have them.
func (b *built) staticKeys() []string {
	var keys []string
	seen := map[string]bool{}
	visited := map[partition.Definition]bool{}
	for v := range int32(b.graph.Outputs()) {
		out, _ := b.graph.Output(v)
		if out.Partitions == nil || visited[out.Partitions] {
			continue
		}
		visited[out.Partitions] = true
		needs := partition.NeedsOf(out.Partitions).Static
		for _, name := range slices.Sorted(maps.Keys(needs)) {
			for _, key := range needs[name] {
				if !seen[key] {
					seen[key] = true
					keys = append(keys, key)
				}
			}
		}
	}
	return keys
}

// AddPartitions registers keys of a dynamic definition, by its name, in the order in which they are given; keys that
// are registered already are no mistake. Definitions of this repository must use the name.
func (r *CodeRepository) AddPartitions(ctx context.Context, name string, keys ...string) error {
	return r.changeKeys(ctx, storage.KeyUpdate{Table: name, Add: keys}, keys)
}

// RemovePartitions takes keys of a dynamic definition out of those that are registered. What was recorded of
// their partitions stays, and is there again when they are added again.
func (r *CodeRepository) RemovePartitions(ctx context.Context, name string, keys ...string) error {
	return r.changeKeys(ctx, storage.KeyUpdate{Table: name, Remove: keys}, keys)
}

func (r *CodeRepository) changeKeys(ctx context.Context, u storage.KeyUpdate, keys []string) error {
	if err := r.Resolve(ctx, nil); err != nil {
		return err
	}
	b, err := r.built()
	if err != nil {
		return err
	}
	known := b.dynamicNames()
	if !slices.Contains(known, u.Table) {
		return fmt.Errorf("partitions of %q: %w: no asset has dynamic partitions of that name%s; %s", u.Table, ErrPartitionValidation,
			fault.Suggestion(u.Table, slices.Values(known)), fault.Listed("dynamic definitions", known))
	}
	var errs []error
	for _, key := range keys {
		if err := partition.SingleKey(key).Validate(); err != nil || key == "" {
			errs = append(errs, fmt.Errorf("partitions of %q: key %q: a key is a text of UTF-8 that is not empty", u.Table, key))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return &partitionError{err}
	}
	if err := r.store.Commit(ctx, &storage.Batch{Keys: []storage.KeyUpdate{u}}); err != nil {
		return fmt.Errorf("partitions of %q: %w", u.Table, err)
	}
	return nil
}

// dynamicNames are the names of the dynamic definitions that assets have, sorted.
func (b *built) dynamicNames() []string {
	names := map[string]bool{}
	for v := range int32(b.graph.Outputs()) {
		if out, _ := b.graph.Output(v); out.Partitions != nil {
			for _, name := range partition.NeedsOf(out.Partitions).Dynamic {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
