package staleness

import (
	"context"
	"fmt"

	"github.com/rivers-go/rivers/internal/feed"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// limits say when which way of reading is taken; none changes an answer.
type limits struct {
	// Keys are asked for some at a time; where more than so many states are asked for, and most of the
	// asset's, all of its states are read instead.
	keys, states int
	// few is up to how many upstream partitions are looked up one by one, without asking which of them
	// landed.
	few int64
	// The feed is read some entries at a time, and not further back than some pages for the sake of
	// what was read then.
	changes, pages int
}

// defaultLimits are the limits but in tests.
func defaultLimits() limits {
	return limits{keys: 500, states: 5000, few: 500, changes: 1000, pages: 20}
}

// reading is one round of reading the store: what it reads twice it remembers.
type reading struct {
	*View

	groups map[*asset][]stateOf
	landed *feed.Touched
	from   int64 // landed has the changes after this one
	whole  bool  // the feed is too long to be of use
}

// groupsOf returns the states that partitions of an asset got many at once.
func (r *reading) groupsOf(ctx context.Context, a *asset) ([]stateOf, error) {
	if known, ok := r.groups[a]; ok {
		return known, nil
	}
	list, err := r.Store.ListPartitionGroups(ctx, a.key, storage.Materialized)
	if err != nil {
		return nil, fmt.Errorf("staleness of %q: %w", a.name, err)
	}
	states := make([]stateOf, len(list))
	for i := range list {
		states[i] = stateOf{state: newState(&list[i].AssetState), set: list[i].Partitions, group: true}
	}
	r.groups[a] = states
	return states, nil
}

// states hands over the present states of some partitions, some at a time. Those in alone are known
// to have none of their own, but that of many at once.
func (r *reading) states(ctx context.Context, a *asset, of, alone partition.Set, yield func([]stateOf) error) error {
	if a.def == nil {
		if a.one == nil || of.IsEmpty() {
			return nil
		}
		return yield([]stateOf{{state: *a.one, set: partition.Whole()}})
	}
	if a.key == 0 {
		return nil
	}
	of = a.space.Within(of)
	if of.IsEmpty() {
		return nil
	}
	groups, err := r.groupsOf(ctx, a)
	if err != nil {
		return err
	}
	var own partition.Gather
	single := func(states []stateOf) error {
		for i := range states {
			own.Add(states[i].set)
		}
		if len(states) == 0 {
			return nil
		}
		return yield(states)
	}
	ask := of.Minus(alone)
	place := func(rows []storage.PartitionState) error { return r.withPartitions(a, rows, ask, single) }
	reader := feed.States{Store: r.Store, Keys: r.limits.keys, Page: r.limits.states}
	q := storage.PartitionQuery{Asset: a.key}
	if n := a.space.Count(ask); n > int64(r.limits.states) && n > a.space.Count(a.made)/4 {
		err = reader.All(ctx, q, place)
	} else {
		err = reader.Some(ctx, q, a.space, ask, place)
	}
	if err != nil {
		return fmt.Errorf("staleness of %q: %w", a.name, err)
	}
	left := of.Minus(own.Set())
	var rest []stateOf
	for _, g := range groups {
		if g.set = g.set.Intersect(left); !g.set.IsEmpty() {
			rest = append(rest, g)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	return yield(rest)
}

// withPartitions hands over states with the partitions that they are of.
func (r *reading) withPartitions(a *asset, rows []storage.PartitionState, of partition.Set, yield func([]stateOf) error) error {
	states := make([]stateOf, 0, len(rows))
	for i := range rows {
		key, err := partition.ParseKey(rows[i].Partition)
		if err != nil {
			return err
		}
		set, err := a.space.Set(key)
		if err != nil || !of.Contains(set) || !rows[i].IsOf(set) { // a former definition's
			continue
		}
		states = append(states, stateOf{state: newState(&rows[i].AssetState), set: set, key: rows[i].Partition})
	}
	return yield(states)
}

// changedSince returns the partitions of an asset that landed after a number of the feed, and false
// where that is not known: the feed was pruned, or is too long to be worth it.
func (r *reading) changedSince(ctx context.Context, a *asset, since int64) (partition.Set, bool, error) {
	if r.whole || since < r.feed.Pruned() {
		return partition.Set{}, false, nil
	}
	if r.landed != nil && r.from <= since {
		return r.landed.Of(a.key), true, nil
	}
	landed, pages := &feed.Touched{}, 0
	for page, err := range feed.Pages(ctx, r.Store, since, r.limits.changes) {
		if err != nil {
			return partition.Set{}, false, err
		}
		if pages++; pages > r.limits.pages {
			r.whole = true
			return partition.Set{}, false, nil
		}
		for i := range page {
			if page[i].Kind == storage.ChangeMaterialized {
				landed.Add(&page[i])
			}
		}
	}
	r.landed, r.from = landed, since
	return landed.Of(a.key), true, nil
}
