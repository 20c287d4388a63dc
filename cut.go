package rivers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// cut finds which partitions each step of a plan is of, nil where nothing is divided. Now is read by the caller,
// once a request.
func (r *CodeRepository) cut(ctx context.Context, p *plan.Plan, req *RunRequest, now time.Time) (*plan.Cut, error) {
	given := 0
	for _, has := range []bool{!req.Partition.IsZero(), !req.Range.IsZero(), !req.Partitions.IsEmpty()} {
		if has {
			given++
		}
	}
	divided := p.Divided()
	switch {
	case given > 1:
		return nil, fmt.Errorf("%w: the request has Partition, Range and Partitions, %d of them: give one", ErrPartitionValidation, given)
	case !divided && given > 0:
		return nil, fmt.Errorf("%w: nothing that is selected has partitions: leave %s out, or select an asset that has some", ErrPartitionValidation, partitionText(req))
	case !p.ReadsPartitions():
		return nil, nil //nolint:nilnil // nothing to cut is no error
	case !divided:
		return plan.Divide(p, now, r.tables(ctx)).Of(partition.Set{}), nil
	}
	c, err := plan.Divide(p, now, r.tables(ctx)).Cut(func(space partition.Space) (partition.Set, error) { return ask(req, space) })
	if err != nil {
		return nil, &partitionError{err}
	}
	return c, c.Mapped()
}

// ask returns what a request names of what there is.
func ask(req *RunRequest, space partition.Space) (set partition.Set, err error) {
	switch {
	case !req.Partition.IsZero():
		set, err = space.Set(req.Partition)
	case !req.Range.IsZero():
		set, err = space.Range(req.Range)
	case !req.Partitions.IsEmpty():
		set = space.Within(req.Partitions)
		if n := space.Count(set); !set.Equal(req.Partitions) {
			err = fmt.Errorf("of the partitions that are asked for %d exist, and others do not", n)
		}
	default:
		return set, fmt.Errorf("it has partitions, %s, and none is given: give one as Partition, or several as a Range", space.Definition())
	}
	if err == nil && set.IsEmpty() {
		err = fmt.Errorf("%s names no partition of %s", partitionText(req), space.Definition())
	}
	return set, err
}

// partitionText is what a request says about partitions.
func partitionText(req *RunRequest) string {
	switch {
	case !req.Partition.IsZero():
		return fmt.Sprintf("partition %s", req.Partition)
	case !req.Range.IsZero():
		return fmt.Sprintf("range %s", req.Range)
	default:
		return "the set of partitions"
	}
}

// partitionError is a request for partitions that there are not.
type partitionError struct{ err error }

func (e *partitionError) Error() string   { return e.err.Error() }
func (e *partitionError) Unwrap() []error { return []error{ErrPartitionValidation, e.err} }

// recordedCut is the cut of a run that is recorded.
func (r *CodeRepository) recordedCut(ctx context.Context, p *plan.Plan, steps []storage.PlanStep, now time.Time) *plan.Cut {
	if !p.ReadsPartitions() || len(steps) != len(p.Steps) {
		return nil
	}
	c := plan.Divide(p, now, r.tables(ctx)).Of(partition.Set{})
	for s := range steps {
		c.Sets[s] = steps[s].Partitions
	}
	return c
}

// cutLabel says for people which partitions a run is of: those of its first step that has any.
func cutLabel(c *plan.Cut) string {
	if c == nil {
		return ""
	}
	for s := range c.Sets {
		if c.Sets[s].IsEmpty() {
			continue
		}
		if slice, err := c.Slice(int32(s), c.Sets[s]); err == nil {
			return slice.String()
		}
	}
	return ""
}

// tables returns how the key tables of definitions are found: in the store, or without one by what the definitions
// themselves say.
func (r *CodeRepository) tables(ctx context.Context) plan.Tables {
	reader := r.Storage()
	return func(d partition.Definition) (partition.Tables, error) {
		needs := partition.NeedsOf(d)
		t := partition.Tables{}
		if len(needs.Static) > 0 && reader != nil {
			table, err := storage.OpenKeys(ctx, reader, "")
			if err != nil {
				return t, err
			}
			t.Static = map[string]partition.KeyTable{}
			for name := range needs.Static {
				t.Static[name] = table.Keys
			}
		}
		for _, name := range needs.Dynamic {
			if reader == nil {
				return t, fmt.Errorf("the keys of %q are in the store, which is not open: resolve the repository first", name)
			}
			table, err := storage.OpenKeys(ctx, reader, name)
			if err != nil {
				return t, err
			}
			if t.Dynamic == nil {
				t.Dynamic = map[string]partition.Registered{}
			}
			t.Dynamic[name] = table
		}
		return t, nil
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
			suggestion(u.Table, slices.Values(known)), listed("dynamic definitions", known))
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
