package staleness

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/rivers-go/rivers/partition"
)

// CauseKind describes what makes a materialization stale.
type CauseKind string

// The kinds of causes.
const (
	// Code: it was made by another code version.
	Code CauseKind = "code"
	// Data: an upstream asset has other data than was read.
	Data CauseKind = "data"
	// Dependencies: it was made from other upstream assets.
	Dependencies CauseKind = "dependencies"
)

// Cause is one reason why partitions are stale.
type Cause struct {
	Kind CauseKind
	// Upstream is the asset that it is about, empty for the code.
	Upstream string
	// Removed marks a dependency that was removed; otherwise it is new.
	Removed bool
	// Recorded and Current are the versions, where all partitions share them.
	Recorded, Current string
	// Partitions are those that are stale for it.
	Partitions partition.Set
}

// String returns it in words.
func (c *Cause) String() string {
	switch {
	case c.Kind == Code:
		return "has a new code version"
	case c.Kind == Data:
		return fmt.Sprintf("new data of %s", c.Upstream)
	case c.Removed:
		return "removed dependency on " + c.Upstream
	default:
		return "new dependency on " + c.Upstream
	}
}

// Status is what is known of one asset. An asset without partitions is in the sets as
// [partition.Whole].
type Status struct {
	Asset    string
	External bool
	Space    partition.Space
	// Made are the partitions that exist and are materialized, Stale those of them that are stale.
	// What exists and is not made is missing.
	Made, Stale partition.Set
	// Lost are recorded, and their values lay in the memory of a process that is not this one. They
	// count as missing.
	Lost partition.Set
	// UpstreamStale are those with something stale or missing further up, along any number of edges.
	UpstreamStale partition.Set
	Causes        []Cause
	// Failed means that an asset without partitions failed when it was last tried.
	Failed bool
}

// Missing returns the partitions that exist and are not materialized; of an external asset none is.
func (s *Status) Missing() partition.Set {
	if s.External {
		return partition.Set{}
	}
	return s.Space.Complement(s.Made)
}

// Statuses returns the status of all assets, in topological order, as of the last Update.
func (v *View) Statuses() []Status {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := make([]Status, len(v.assets))
	bad := make(map[*asset]partition.Set, len(v.assets)) // stale or missing, or below such
	there := v.Held.Now()
	for i, a := range v.assets {
		s := &list[i]
		*s = Status{Asset: a.name, External: a.external, Space: a.space, Failed: a.failed}
		if a.external {
			s.Space, s.Made = a.exists, a.exists.All()
			continue
		}
		s.Lost = there.Lost(a.name, a.space, a.has())
		s.Made = a.has().Minus(s.Lost)
		s.Causes = a.causes(s.Made)
		for k := range s.Causes {
			s.Stale = s.Stale.Union(s.Causes[k].Partitions)
		}
		var above partition.Set
		for _, e := range a.ups {
			if set := bad[e.up]; !set.IsEmpty() {
				above = above.Union(e.downstream(set))
			}
		}
		all := s.Stale.Union(s.Missing()).Union(above)
		if e := a.self(); e != nil {
			above = above.Union(e.follow(all))
			all = all.Minus(above).Union(above) // most of what is scattered is within what follows
		}
		if s.UpstreamStale = above; !all.IsEmpty() {
			bad[a] = all
		}
	}
	return list
}

// causes returns why partitions of those that are made are stale: the code, then dependencies, then
// data, each by the names of upstream.
func (a *asset) causes(made partition.Set) []Cause {
	if a.def == nil && a.current() {
		return nil
	}
	var causes []Cause
	add := func(c Cause) {
		if c.Partitions = c.Partitions.Intersect(made); !c.Partitions.IsEmpty() {
			causes = append(causes, c)
		}
	}
	codes, deps := a.recorded()
	if a.code != "" {
		for _, code := range slices.Sorted(maps.Keys(codes)) {
			if code != a.code {
				add(Cause{Kind: Code, Recorded: code, Current: a.code, Partitions: codes[code]})
			}
		}
	}
	byName := map[string]*edge{}
	for _, e := range a.ups {
		byName[e.up.name] = e
	}
	added, removed := setsBy{}, setsBy{}
	for text, set := range deps {
		if text == a.deps {
			continue
		}
		had := depsOf(text)
		for _, name := range had {
			if byName[name] == nil {
				removed.add(name, set)
			}
		}
		for _, name := range depsOf(a.deps) {
			if !slices.Contains(had, name) {
				added.add(name, set)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(added)) {
		add(Cause{Kind: Dependencies, Upstream: name, Partitions: added[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(removed)) {
		add(Cause{Kind: Dependencies, Upstream: name, Removed: true, Partitions: removed[name]})
	}
	for _, name := range a.reads() {
		e := byName[name]
		c := Cause{Kind: Data, Upstream: name, Partitions: e.old().Minus(added[name])}
		if e.up.one != nil {
			c.Current = e.up.one.Version
		}
		if a.one != nil && e.kind == plain {
			c.Recorded = a.one.Inputs[name]
		}
		add(c)
	}
	return causes
}

// current reports whether an asset without partitions has no cause to be stale, as most have none.
func (a *asset) current() bool {
	if a.one == nil {
		return true
	}
	if a.code != "" && a.one.Code != a.code || a.read != a.deps {
		return false
	}
	for _, e := range a.ups {
		if !e.old().IsEmpty() {
			return false
		}
	}
	return true
}

// recorded returns the partitions that are made by the code version and the dependencies that were
// recorded.
func (a *asset) recorded() (codes, deps setsBy) {
	if a.def != nil || a.one == nil {
		return a.byCode, a.byDeps
	}
	return setsBy{a.one.Code: partition.Whole()}, setsBy{a.read: partition.Whole()}
}

// old returns the partitions of down that have read other data than upstream has.
func (e *edge) old() partition.Set {
	switch e.kind {
	case plain:
		if e.up.one == nil || e.down.one == nil || e.up.one.Version == e.down.one.Inputs[e.up.name] {
			return partition.Set{}
		}
		return partition.Whole()
	case fixed:
		if e.up.one == nil {
			return partition.Set{}
		}
		single := e.down.made.Minus(e.down.grouped).Intersect(e.readers())
		return e.stale.Union(single.Minus(e.read[e.up.one.Version]))
	default:
		return e.stale
	}
}

// Inputs returns the versions that a materialization of some partitions of an asset would record if
// it was made of what there is now: an entry for each dependency, empty where several partitions
// are read or there is no version.
func (v *View) Inputs(ctx context.Context, name string, of partition.Set) (map[string]string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	a := v.byName[name]
	if a == nil || a.deps == "" {
		return nil, nil //nolint:nilnil // what reads nothing has no inputs
	}
	r := &reading{View: v, groups: map[*asset][]stateOf{}}
	inputs := make(map[string]string, len(a.ups))
	for _, e := range a.ups {
		if e.up == a {
			continue
		}
		inputs[e.up.name] = ""
		if e.up.one != nil {
			inputs[e.up.name] = e.up.one.Version
		}
		needs := e.upstream(of)
		if e.up.def == nil || e.up.space.Count(needs) != 1 {
			continue
		}
		err := r.states(ctx, e.up, needs, partition.Set{}, func(states []stateOf) error {
			inputs[e.up.name] = states[0].Version
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return inputs, nil
}

// Downstream returns which partitions of an asset read some of another, directly.
func (v *View) Downstream(name, upstream string, set partition.Set) partition.Set {
	v.mu.Lock()
	defer v.mu.Unlock()
	a := v.byName[name]
	if a == nil {
		return partition.Set{}
	}
	for _, e := range a.ups {
		if e.up.name == upstream {
			return e.downstream(set)
		}
	}
	return partition.Set{}
}
