package staleness

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// change is what changed of an asset since the cursor.
type change struct {
	asset *asset
	set   partition.Gather
	// single are partitions with a change of their own.
	single partition.Gather
	all    bool // everything is settled anew
}

// changedAssets are those of an update, in topological order of their assets.
type changedAssets struct {
	by    map[*asset]*change
	byKey map[storage.AssetKey]*asset
}

func (t *changedAssets) of(a *asset) *change {
	if t.by[a] == nil {
		t.by[a] = &change{asset: a}
	}
	return t.by[a]
}

// note notes what changes change.
func (r *reading) note(ctx context.Context, t *changedAssets, changes []storage.Change, before int64) error {
	changedKeys := map[string]bool{}
	for i := range changes {
		if i > 0 && changes[i-1].Seq < changes[i].Seq {
			before = changes[i-1].Seq
		}
		switch c := &changes[i]; c.Kind {
		case storage.ChangeKeys:
			changedKeys[c.Keys] = true
		case storage.ChangeMaterialized, storage.ChangeObserved, storage.ChangeWiped, storage.ChangeFailed:
			if err := r.noteLanded(ctx, t, c, before); err != nil {
				return err
			}
		}
	}
	r.noteExisting(t, changedKeys)
	return nil
}

// noteLanded notes a change of states, which came after another.
func (r *reading) noteLanded(ctx context.Context, t *changedAssets, c *storage.Change, before int64) error {
	partitioned := !c.Partitions.Equal(partition.Whole())
	for _, key := range c.Assets {
		a := t.byKey[key]
		if a == nil || a.fresh || partitioned != (a.def != nil) || c.Kind == storage.ChangeObserved && !a.external || c.Kind == storage.ChangeFailed && a.def != nil {
			continue
		}
		touched := t.of(a)
		touched.set.Add(c.Partitions)
		if a.def == nil {
			continue
		}
		// What one run recorded of many partitions at once is one state, however many they are.
		single := c.Partitions
		if c.Kind == storage.ChangeMaterialized {
			groups, err := r.groupsOf(ctx, a)
			if err != nil {
				return err
			}
			for i := range groups {
				if g := &groups[i]; g.Run == c.Run && before < g.Seq && g.Seq <= c.Seq {
					single = single.Minus(groups[i].set)
				}
			}
		}
		touched.single.Add(single)
		a.outside = a.outside.Union(c.Partitions.Minus(a.space.Within(c.Partitions)))
	}
	return nil
}

// noteExisting notes partitions that exist again, or only now, and those that no longer do, since
// keys or the time have changed.
func (r *reading) noteExisting(t *changedAssets, changedKeys map[string]bool) {
	for _, a := range r.assets {
		if a.def == nil || a.fresh {
			continue
		}
		other := a.space.Within(a.outside)
		if len(changedKeys) > 0 && slices.ContainsFunc(partition.NeedsOf(a.def).Dynamic, func(name string) bool { return changedKeys[name] }) {
			gone := a.made.Minus(a.space.Within(a.made))
			a.outside = a.outside.Union(gone)
			other = other.Union(gone)
		}
		if other.IsEmpty() {
			continue
		}
		a.outside = a.outside.Minus(a.space.Within(other))
		touched := t.of(a)
		touched.set.Add(other)
		touched.single.Add(other)
		for _, e := range a.downs {
			e.fresh = true // what is there again may have landed long ago
		}
	}
}

// Update brings the view to what the store holds, as of an instant, by which partitions exist.
func (v *View) Update(ctx context.Context, now time.Time) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.load(ctx); err != nil {
		return err
	}
	r := &reading{View: v, groups: map[*asset][]stateOf{}}
	before := v.feed.Cursor()
	changes, after, err := r.begin(ctx)
	if err == nil {
		err = v.findSpaces(now) // the keys that exist are looked up once they are known to be in the feed
	}
	if err != nil {
		v.feed.MoveTo(before)
		return err
	}
	if err := r.apply(ctx, changes, after); err != nil {
		v.forget() // what is half done is done anew
		return err
	}
	v.changed = v.changed || v.feed.Cursor() != before
	return nil
}

// begin reads the changes after the cursor, and returns where they begin. A view that knows nothing
// begins at the end.
func (r *reading) begin(ctx context.Context) (changes []storage.Change, after int64, err error) {
	lost, err := r.feed.Lost(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("staleness: %w", err)
	}
	if lost {
		r.forget()
	}
	if !slices.ContainsFunc(r.assets, func(a *asset) bool { return !a.fresh }) {
		if err := r.feed.MoveToEnd(ctx); err != nil {
			return nil, 0, fmt.Errorf("staleness: %w", err)
		}
	}
	after, r.feed.Page = r.feed.Cursor(), r.limits.changes
	for page, err := range r.feed.Since(ctx) {
		if err != nil {
			return nil, 0, fmt.Errorf("staleness: %w", err)
		}
		changes = append(changes, page...)
	}
	return changes, after, nil
}

// apply settles what is touched and what is not known yet.
func (r *reading) apply(ctx context.Context, changes []storage.Change, before int64) error {
	t := &changedAssets{by: map[*asset]*change{}, byKey: make(map[storage.AssetKey]*asset, len(r.assets))}
	for _, a := range r.assets {
		if a.key != 0 {
			t.byKey[a.key] = a
		}
	}
	if err := r.note(ctx, t, changes, before); err != nil {
		return err
	}
	for _, a := range r.assets {
		if a.fresh && a.key != 0 {
			t.of(a).all = true
		}
	}
	if err := r.readWhole(ctx, t); err != nil {
		return err
	}
	if err := r.readMade(ctx, t); err != nil {
		return err
	}
	for _, a := range r.assets {
		if touched := t.by[a]; touched != nil {
			if err := r.absorb(ctx, a, touched); err != nil {
				return err
			}
		}
		for _, e := range a.ups {
			e.fresh = e.fresh && !a.fresh
		}
	}
	for _, a := range r.assets {
		touched := t.by[a]
		for _, e := range a.downs {
			var err error
			switch {
			case e.fresh:
				err = r.readAndSettle(ctx, e, e.down.has(), e.down.grouped)
			case touched != nil:
				err = r.spread(ctx, e, touched, t)
			}
			if err != nil {
				return err
			}
		}
	}
	for _, a := range r.assets {
		a.fresh = false
		for _, e := range a.ups {
			e.fresh = false
		}
	}
	return nil
}

// readWhole reads the states of touched assets without partitions.
func (r *reading) readWhole(ctx context.Context, t *changedAssets) error {
	names := make([]string, 0, len(t.by))
	byName := make(map[string]*asset, len(t.by))
	for a := range t.by {
		if a.def == nil {
			byName[a.name], names = a, append(names, a.name)
			a.one, a.read, a.failed, a.dirty = nil, "", false, true
		}
	}
	slices.Sort(names) // as they are stored
	q := storage.AssetQuery{Limit: r.limits.states}
	if len(names) > r.limits.keys && len(names) >= len(r.assets)/2 { // all of the store are read, and those of others skipped
		for {
			if more, err := r.hold(ctx, byName, &q); err != nil || !more {
				return err
			}
		}
	}
	for some := range slices.Chunk(names, r.limits.keys) {
		if _, err := r.hold(ctx, byName, &storage.AssetQuery{Names: some}); err != nil {
			return err
		}
	}
	return nil
}

// hold reads assets and takes over their states; the query becomes that for those that follow, and
// more is false where there are none.
func (r *reading) hold(ctx context.Context, byName map[string]*asset, q *storage.AssetQuery) (more bool, err error) {
	records, err := r.Store.ListAssets(ctx, *q)
	if err != nil {
		return false, fmt.Errorf("staleness: reading assets: %w", err)
	}
	for i := range records {
		q.After = records[i].Name
		if a := byName[q.After]; a != nil {
			a.hold(&records[i])
		}
	}
	return len(records) == q.Limit, nil
}

// hold takes over the state of an asset without partitions.
func (a *asset) hold(rec *storage.AssetRecord) {
	state := rec.Materialization
	if a.external && state == nil {
		state = rec.Observation
	}
	if state != nil && (state.Partition == "" && state.Partitions.IsEmpty()) {
		one := newState(state)
		a.one, a.read = &one, one.readBy(a)
	}
	failure := rec.Failure
	a.failed = failure != nil && failure.Partition == "" && failure.Partitions.IsEmpty() && (a.one == nil || failure.Seq > a.one.Seq)
}

// readMade finds, which partitions are made, for assets that nothing is known about.
func (r *reading) readMade(ctx context.Context, t *changedAssets) error {
	var assets []*asset
	var keys []storage.AssetKey
	for a, touched := range t.by {
		if a.def != nil && touched.all {
			assets, keys = append(assets, a), append(keys, a.key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	sets, err := r.Store.PartitionSets(ctx, keys)
	if err != nil {
		return fmt.Errorf("staleness: reading what is materialized: %w", err)
	}
	for i, a := range assets {
		touched := t.by[a]
		a.made = a.space.Within(sets[i].Materialized)
		a.outside = sets[i].Materialized.Minus(a.made)
		touched.set.Add(a.made)
		touched.single.Add(a.made)
	}
	return nil
}

// absorb takes over the states of what landed of an asset, and settles it along the edges to what
// it reads.
func (r *reading) absorb(ctx context.Context, a *asset, t *change) error {
	if a.external {
		return nil
	}
	if a.def == nil {
		t.set.Add(partition.Whole())
		if a.one == nil {
			for _, e := range a.ups {
				e.stale = partition.Set{}
			}
			return nil
		}
		return r.settleAll(ctx, a, []stateOf{{state: *a.one, set: partition.Whole()}})
	}
	touched := t.set.Set()
	a.dirty = true
	a.grouped = a.grouped.Minus(touched)
	a.byCode.remove(touched)
	a.byDeps.remove(touched)
	for _, e := range a.ups {
		e.stale = e.stale.Minus(touched)
		e.read.remove(touched)
	}
	var made, grouped partition.Gather
	code, deps := map[string]*partition.Gather{}, map[string]*partition.Gather{}
	read := make([]map[string]*partition.Gather, len(a.ups))
	err := r.states(ctx, a, touched, touched.Minus(t.single.Set()), func(states []stateOf) error {
		for i := range states {
			p := &states[i]
			made.Add(p.set)
			gather(code, p.Code, p.set)
			gather(deps, p.readBy(a), p.set)
			if p.group {
				grouped.Add(p.set)
				continue
			}
			for k, e := range a.ups {
				if version, known := p.Inputs[e.up.name]; known && e.kind == fixed {
					if read[k] == nil {
						read[k] = map[string]*partition.Gather{}
					}
					gather(read[k], version, p.set)
				}
			}
		}
		return r.settleAll(ctx, a, states)
	})
	if err != nil {
		return err
	}
	a.made = a.made.Minus(touched).Union(made.Set())
	a.grouped = a.grouped.Union(grouped.Set())
	pour(&a.byCode, code)
	pour(&a.byDeps, deps)
	for k, e := range a.ups {
		pour(&e.read, read[k])
	}
	return nil
}

func gather(by map[string]*partition.Gather, what string, set partition.Set) {
	if by[what] == nil {
		by[what] = &partition.Gather{}
	}
	by[what].Add(set)
}

func pour(to *setsBy, from map[string]*partition.Gather) {
	if *to == nil && len(from) > 0 {
		*to = make(setsBy, len(from))
	}
	for what, g := range from {
		to.add(what, g.Set())
	}
}

// settleAll settles partitions along all edges to what they read, but for those that are settled as
// a whole.
func (r *reading) settleAll(ctx context.Context, a *asset, states []stateOf) error {
	for _, e := range a.ups {
		if e.fresh && !a.fresh {
			continue
		}
		if err := r.settle(ctx, e, states); err != nil {
			return err
		}
	}
	return nil
}

// readAndSettle reads the states of partitions of down and settles them along an edge; alone is as
// for states.
func (r *reading) readAndSettle(ctx context.Context, e *edge, of, alone partition.Set) error {
	return r.states(ctx, e.down, of, alone, func(states []stateOf) error { return r.settle(ctx, e, states) })
}

// spread carries what landed upstream along an edge, to partitions that did not land themselves.
func (r *reading) spread(ctx context.Context, e *edge, up *change, t *changedAssets) error {
	if e.kind == plain || e.down.fresh {
		return nil
	}
	rest := e.down.has()
	if down := t.by[e.down]; down != nil {
		rest = rest.Minus(down.set.Set()) // they are settled
	}
	if e.kind == fixed {
		if e.up.one != nil {
			grouped := rest.Intersect(e.down.grouped)
			return r.readAndSettle(ctx, e, grouped, grouped)
		}
		return nil
	}
	set := up.set.Set()
	landed := e.downstream(set.Intersect(e.up.made)).Intersect(rest)
	gone := e.downstream(set.Minus(e.up.made)).Intersect(rest)
	again := gone.Intersect(e.stale)
	if e.kind == paired {
		alone := landed.Minus(e.down.grouped)
		landed, again = landed.Intersect(e.down.grouped), again.Union(alone)
	}
	e.mark(landed)
	if again.IsEmpty() {
		return nil
	}
	return r.readAndSettle(ctx, e, again, again.Intersect(e.down.grouped))
}

// mark makes partitions stale along an edge.
func (e *edge) mark(set partition.Set) {
	if !e.stale.Contains(set) {
		e.stale, e.down.dirty = e.stale.Union(set), true
	}
}
