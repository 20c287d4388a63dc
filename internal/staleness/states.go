package staleness

import (
	"context"
	"fmt"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// limits say when which way of reading is taken; none changes an answer.
type limits struct {
	// Keys are asked for some at a time; where more than so many states are asked for, and most of the asset's, all
	// of its states are read instead.
	keys, states int
	// few is up to how many upstream partitions are looked up one by one, without asking which of them landed.
	few int64
	// The feed is read some entries at a time, and not further back than some pages for the sake of what was read then.
	changes, pages int
}

// usual are the limits but in tests.
func usual() limits { return limits{keys: 500, states: 5000, few: 500, changes: 1000, pages: 20} }

// reading is one round of reading the store: what it reads twice it remembers.
type reading struct {
	*View

	groups map[*asset][]piece
	feed   map[storage.AssetKey]partition.Set
	from   int64 // the feed is known from here on, zero for not at all
	whole  bool  // the feed is too long to be of use
}

// groupsOf returns the states that partitions of an asset got many at once.
func (r *reading) groupsOf(ctx context.Context, a *asset) ([]piece, error) {
	if known, ok := r.groups[a]; ok {
		return known, nil
	}
	list, err := r.Store.ListPartitionGroups(ctx, a.key, storage.Materialized)
	if err != nil {
		return nil, fmt.Errorf("staleness of %q: %w", a.name, err)
	}
	pieces := make([]piece, len(list))
	for i := range list {
		pieces[i] = piece{fact: factOf(&list[i].AssetState), set: list[i].Partitions, group: true}
	}
	r.groups[a] = pieces
	return pieces, nil
}

// states hands over the present states of some partitions, some at a time. Those in alone are known to have none of their
// own, but that of many at once.
func (r *reading) states(ctx context.Context, a *asset, of, alone partition.Set, yield func([]piece) error) error {
	if a.def == nil {
		if a.one == nil || of.IsEmpty() {
			return nil
		}
		return yield([]piece{{fact: *a.one, set: partition.Whole()}})
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
	single := func(pieces []piece) error {
		for i := range pieces {
			own.Add(pieces[i].set)
		}
		if len(pieces) == 0 {
			return nil
		}
		return yield(pieces)
	}
	ask := of.Minus(alone)
	if n := a.space.Count(ask); n > int64(r.limits.states) && n > a.space.Count(a.made)/4 {
		err = r.listed(ctx, a, ask, single)
	} else {
		err = r.lookedUp(ctx, a, ask, single)
	}
	if err != nil {
		return fmt.Errorf("staleness of %q: %w", a.name, err)
	}
	left := of.Minus(own.Set())
	var rest []piece
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

// lookedUp reads the states of partitions by their keys.
func (r *reading) lookedUp(ctx context.Context, a *asset, of partition.Set, yield func([]piece) error) error {
	texts := make([]string, 0, min(int64(r.limits.keys), a.space.Count(of)))
	ask := func() error {
		if len(texts) == 0 {
			return nil
		}
		rows, err := r.Store.ListPartitions(ctx, storage.PartitionQuery{Asset: a.key, Partitions: texts})
		if err != nil {
			return err
		}
		texts = texts[:0]
		return r.placed(a, rows, of, yield)
	}
	for key, err := range a.space.Keys(of) {
		if err != nil {
			return err
		}
		if texts = append(texts, key.String()); len(texts) == r.limits.keys {
			if err := ask(); err != nil {
				return err
			}
		}
	}
	return ask()
}

// listed reads all states of an asset and keeps those of some partitions.
func (r *reading) listed(ctx context.Context, a *asset, of partition.Set, yield func([]piece) error) error {
	q := storage.PartitionQuery{Asset: a.key, Limit: r.limits.states}
	for {
		rows, err := r.Store.ListPartitions(ctx, q)
		if err != nil || len(rows) == 0 {
			return err
		}
		q.After = rows[len(rows)-1].Partition
		if err := r.placed(a, rows, of, yield); err != nil {
			return err
		}
	}
}

// placed hands over states with the partitions that they are of.
func (r *reading) placed(a *asset, rows []storage.PartitionState, of partition.Set, yield func([]piece) error) error {
	pieces := make([]piece, 0, len(rows))
	for i := range rows {
		key, err := partition.ParseKey(rows[i].Partition)
		if err != nil {
			return err
		}
		set, err := a.space.Set(key)
		if err != nil || !of.Contains(set) { // a former definition's
			continue
		}
		pieces = append(pieces, piece{fact: factOf(&rows[i].AssetState), set: set, key: rows[i].Partition})
	}
	return yield(pieces)
}

// changedSince returns the partitions of an asset that landed after a number of the feed, and false where that is not known:
// the feed was pruned, or is too long to be worth it.
func (r *reading) changedSince(ctx context.Context, a *asset, since int64) (partition.Set, bool, error) {
	if r.whole || since < r.pruned {
		return partition.Set{}, false, nil
	}
	if r.feed != nil && r.from <= since {
		return r.feed[a.key], true, nil
	}
	gathered := map[storage.AssetKey]*partition.Gather{}
	q := storage.ChangeQuery{After: since, Limit: r.limits.changes}
	for pages := 0; ; pages++ {
		list, err := r.Store.ListChanges(ctx, q)
		if err != nil {
			return partition.Set{}, false, err
		}
		if len(list) == 0 {
			break
		}
		if pages == r.limits.pages {
			r.whole = true
			return partition.Set{}, false, nil
		}
		for i := range list {
			if list[i].Kind != storage.ChangeMaterialized {
				continue
			}
			for _, key := range list[i].Assets {
				if gathered[key] == nil {
					gathered[key] = &partition.Gather{}
				}
				gathered[key].Add(list[i].Partitions)
			}
		}
		q.After = list[len(list)-1].Seq
	}
	r.feed, r.from = make(map[storage.AssetKey]partition.Set, len(gathered)), since
	for key, g := range gathered {
		r.feed[key] = g.Set()
	}
	return r.feed[a.key], true, nil
}
