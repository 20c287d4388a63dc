package staleness

import (
	"slices"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
)

// readSelf adds what an asset reads of its own other partitions, by its one self dependency: an
// edge to itself. Its name is not among the dependencies, for none is recorded. The former value of
// the same partition is nothing that could be newer.
func (a *asset) readSelf(in *graph.Input) {
	if a.def == nil || in.Parts == nil || in.Parts.Mapping.Equal(partition.Identity()) || in.Parts.Mapping.Equal(partition.Subset()) {
		return
	}
	e := &edge{up: a, down: a, inputs: []*graph.Input{in}, fresh: true}
	a.ups, a.downs = append(a.ups, e), append(a.downs, e)
}

// self is the edge by which an asset reads its own other partitions, nil if it does not.
func (a *asset) self() *edge {
	for _, e := range a.ups {
		if e.up == a {
			return e
		}
	}
	return nil
}

// reads are the names of all that an asset reads, with its own where it reads other partitions of
// itself.
func (a *asset) reads() []string {
	names := depsOf(a.deps)
	if a.self() != nil {
		names = append(names, a.name)
		slices.Sort(names)
	}
	return names
}

// follow returns the partitions that read others of a set along an edge to itself, by any number of
// steps. A partition that reads itself reads no other, and its own former value does not count.
func (e *edge) follow(set partition.Set) partition.Set {
	return e.links[0].Closure(set).Minus(e.links[0].Loops())
}

// Follow returns which partitions of an asset read some of a set by its self dependency, or read
// what reads them, and so on, as long as it stays within other partitions: what is stale once the
// set is made and then, each in its turn, what follows.
func (v *View) Follow(name string, set, within partition.Set) partition.Set {
	v.mu.Lock()
	defer v.mu.Unlock()
	a := v.byName[name]
	if a == nil || a.self() == nil {
		return partition.Set{}
	}
	e := a.self()
	if all := e.links[0].Closure(set); within.Contains(all) {
		return all
	}
	// What lies within may have gaps, beyond which nothing follows: a step for each link of a chain
	// that is made.
	var found partition.Set
	for set = e.downstream(set).Intersect(within); !found.Contains(set); set = e.downstream(set).Intersect(within) {
		found = found.Union(set)
	}
	return found
}
