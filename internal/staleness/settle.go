package staleness

import (
	"context"
	"slices"

	"github.com/rivers-go/rivers/internal/feed"
	"github.com/rivers-go/rivers/partition"
)

// settle decides anew, for partitions of down with the states that they have, whether they are
// stale along an edge.
func (r *reading) settle(ctx context.Context, e *edge, states []stateOf) error {
	var of, stale partition.Gather
	for i := range states {
		of.Add(states[i].set)
	}
	var err error
	switch e.kind {
	case plain:
		return nil
	case fixed:
		readers := e.readers()
		for i := range states {
			if p := &states[i]; p.group && e.up.one != nil && p.Missed(&e.up.one.Landing) {
				stale.Add(p.set.Intersect(readers))
			}
		}
	default:
		err = r.compare(ctx, e, states, of.Set(), &stale)
	}
	if err != nil {
		return err
	}
	e.stale = e.stale.Minus(of.Set()).Union(stale.Set())
	e.down.dirty = true
	return nil
}

// compare finds the partitions whose upstream partitions have other data than they have read.
func (r *reading) compare(ctx context.Context, e *edge, states []stateOf, of partition.Set, stale *partition.Gather) error {
	needs := e.upstream(of)
	since := states[0].Since()
	exact := partition.Gather{} // whose versions are compared, whenever they landed
	for i := range states {
		since = min(since, states[i].Since())
		if e.kind == paired && !states[i].group {
			exact.Add(e.upstream(states[i].set))
		}
	}
	if e.up.space.Count(needs) > r.limits.few {
		changed, known, err := r.changedSince(ctx, e.up, since)
		if err != nil {
			return err
		}
		if known {
			needs = needs.Intersect(changed.Union(exact.Set()))
		}
	}
	ups := upstates{few: r.limits.few}
	err := r.states(ctx, e.up, needs, partition.Set{}, func(found []stateOf) error {
		for i := range found {
			if p := &found[i]; e.kind == paired || p.Seq > since {
				ups.add(p)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range states {
		p := &states[i]
		if e.kind == paired && !p.group {
			if u := ups.of(e.up, e.upstream(p.set)); u != nil && u.Version != p.Inputs[e.up.name] {
				stale.Add(p.set)
			}
			continue
		}
		ups.stale(e, p, stale)
	}
	return nil
}

// upstates are states of upstream partitions.
type upstates struct {
	few    int64
	byKey  map[string]*stateOf
	groups []*stateOf
	// sorted has all, the newest first, once it is asked for.
	sorted []*stateOf
}

func (u *upstates) add(p *stateOf) {
	slim := &stateOf{state: state{Landing: feed.Landing{Seq: p.Seq, Run: p.Run}, Version: p.Version}, set: p.set, key: p.key, group: p.group}
	if p.group || p.key == "" {
		u.groups = append(u.groups, slim)
		return
	}
	if u.byKey == nil {
		u.byKey = map[string]*stateOf{}
	}
	u.byKey[p.key] = slim
}

// of returns the state of one partition, nil if it has none.
func (u *upstates) of(a *asset, set partition.Set) *stateOf {
	if set.IsEmpty() {
		return nil
	}
	if keys, err := a.space.First(set, 1); err == nil && len(keys) == 1 {
		if p := u.byKey[keys[0].String()]; p != nil {
			return p
		}
	}
	for _, g := range u.groups {
		if g.set.Contains(set) {
			return g
		}
	}
	return nil
}

// stale adds the partitions of a state that read what landed after they had read.
func (u *upstates) stale(e *edge, p *stateOf, stale *partition.Gather) {
	add := func(up *stateOf) {
		if p.Missed(&up.Landing) {
			stale.Add(e.downstream(up.set).Intersect(p.set))
		}
	}
	if needs := e.upstream(p.set); int64(len(u.byKey)) > u.few && e.up.space.Count(needs) <= u.few {
		for key, err := range e.up.space.Keys(needs) {
			if err != nil {
				continue
			}
			if up := u.byKey[key.String()]; up != nil {
				add(up)
			}
		}
		for _, g := range u.groups {
			add(g)
		}
		return
	}
	if u.sorted == nil {
		u.sorted = slices.Clone(u.groups)
		for _, up := range u.byKey {
			u.sorted = append(u.sorted, up)
		}
		slices.SortFunc(u.sorted, func(a, b *stateOf) int { return int(min(max(b.Seq-a.Seq, -1), 1)) })
	}
	since := p.Since()
	for _, up := range u.sorted {
		if up.Seq <= since {
			return
		}
		add(up)
	}
}
