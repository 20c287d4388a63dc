package fold

import (
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Sets are the partitions of an asset that are materialized, and those that failed when last tried.
type Sets struct{ Materialized, Failed partition.Set }

// Of returns the set of a kind. Only Materialized and Failed have one.
func (s *Sets) Of(kind storage.StateKind) *partition.Set {
	if kind == storage.Failed {
		return &s.Failed
	}
	return &s.Materialized
}

// Moves collects the updates of one asset's partitions. The zero value is empty.
type Moves struct {
	kind storage.StateKind
	sets []partition.Set // of that kind, since the last update of another one
	done []move
}

// move is the sum of consecutive updates of one kind.
type move struct {
	kind storage.StateKind
	set  partition.Set
}

// Add adds an update behind the others. An observation moves nothing.
func (m *Moves) Add(kind storage.StateKind, set partition.Set) {
	if kind == storage.Observed {
		return
	}
	if kind != m.kind && len(m.sets) > 0 {
		m.settle()
	}
	m.kind = kind
	m.sets = append(m.sets, set)
}

func (m *Moves) settle() {
	m.done = append(m.done, move{m.kind, Union(m.sets)})
	m.sets = m.sets[:0]
}

// Apply returns the sets as they are after the updates, which are forgotten.
func (m *Moves) Apply(s Sets) Sets {
	if len(m.sets) > 0 {
		m.settle()
	}
	for _, one := range m.done {
		switch one.kind {
		case storage.Materialized:
			s.Materialized, s.Failed = s.Materialized.Union(one.set), s.Failed.Minus(one.set)
		case storage.Failed:
			s.Failed = s.Failed.Union(one.set)
		case storage.Wiped:
			s.Materialized, s.Failed = s.Materialized.Minus(one.set), s.Failed.Minus(one.set)
		}
	}
	clear(m.done)
	m.done = m.done[:0]
	return s
}

// Union returns the partitions of all sets, which it may overwrite. It combines pairs, and then
// pairs of the results: each set is walked over once per doubling.
func Union(sets []partition.Set) partition.Set {
	for len(sets) > 1 {
		half := sets[:0]
		for i := 0; i < len(sets); i += 2 {
			one := sets[i]
			if i+1 < len(sets) {
				one = one.Union(sets[i+1])
			}
			half = append(half, one)
		}
		sets = half
	}
	if len(sets) == 0 {
		return partition.Set{}
	}
	return sets[0]
}

// Replay adds up the sets of present states: those of single partitions and of groups, wiped ones
// included. States are added in the order of their numbers. The zero value has no state.
type Replay struct {
	sets  Sets
	moves Moves
	added int
}

// replayed is how many states are kept until they are put together.
const replayed = 4096

// Add adds a state that is newer than all before, or of the same number and kind.
func (r *Replay) Add(kind storage.StateKind, set partition.Set) {
	r.moves.Add(kind, set)
	if r.added++; r.added%replayed == 0 {
		r.sets = r.moves.Apply(r.sets)
	}
}

// Sets returns the sum of the states that were added.
func (r *Replay) Sets() Sets {
	r.sets = r.moves.Apply(r.sets)
	return r.sets
}
