package launch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// ChangeKeys adds or removes keys of a dynamic definition of partitions.
func (r *Runner) ChangeKeys(ctx context.Context, u storage.KeyUpdate) error {
	known := r.Catalog.DynamicNames()
	if !slices.Contains(known, u.Table) {
		return fmt.Errorf("partitions of %q: %w: no asset has dynamic partitions of that name%s; %s", u.Table, fault.ErrPartitionValidation,
			fault.Suggestion(u.Table, slices.Values(known)), fault.Listed("dynamic definitions", known))
	}
	var errs []error
	for _, key := range slices.Concat(u.Add, u.Remove) {
		if err := partition.SingleKey(key).Validate(); err != nil || key == "" {
			errs = append(errs, fmt.Errorf("partitions of %q: key %q: a key is a text of UTF-8 that is not empty", u.Table, key))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fault.Mark(fault.ErrPartitionValidation, err)
	}
	if err := everRegistered(r.tables(ctx), u); err != nil {
		return err
	}
	if err := r.Store.Commit(ctx, &storage.Batch{Keys: []storage.KeyUpdate{u}}); err != nil {
		return fmt.Errorf("partitions of %q: %w", u.Table, err)
	}
	return nil
}

// everRegistered requires the keys that are removed to be keys, of now or of before: one that never
// was is misspelt.
func everRegistered(of plan.Tables, u storage.KeyUpdate) error {
	if len(u.Remove) == 0 {
		return nil
	}
	wrap := func(err error) error { return fmt.Errorf("partitions of %q: %w", u.Table, err) }
	d := partition.Dynamic(u.Table)
	tables, err := of(d)
	if err != nil {
		return wrap(err)
	}
	space, err := partition.NewSpace(d, time.Now(), tables)
	if err != nil {
		return wrap(err)
	}
	ordinals, err := tables.Dynamic[u.Table].Keys.Ordinals(u.Remove)
	if err != nil {
		return wrap(err)
	}
	var unknown []error
	for i, ordinal := range ordinals {
		if ordinal != partition.NoOrdinal {
			continue
		}
		if _, err := space.Set(partition.SingleKey(u.Remove[i])); err != nil {
			unknown = append(unknown, err)
		}
	}
	if len(unknown) > 0 {
		return fault.Mark(fault.ErrPartitionValidation, wrap(errors.Join(unknown...)))
	}
	return nil
}
