package partition

import (
	"iter"
	"slices"

	"github.com/rivers-go/rivers/partition/internal/sets"
)

// Split yields the partitions of a set that exist in groups that have the same keys in
// some dimensions: one group for each combination of them, in the order of the
// definition. Without a dimension there is one group; a definition that is no Multi has
// the dimension "". Names that are no dimensions are passed over.
//
// It is how work is cut where some dimensions are to be run together and others apart:
// its cost is that of the intervals for each group.
func (s Space) Split(set Set, dimensions ...string) iter.Seq[Set] {
	return func(yield func(Set) bool) {
		apart := s.dims.levels(dimensions)
		n := s.here(set)
		if n == nil {
			return
		}
		if len(apart) == 0 {
			yield(s.set(n))
			return
		}
		s.split(n, sets.Arrange(n, s.shape.Axes, apart), apart, yield)
	}
}

// SplitCount returns how many groups [Space.Split] yields, without making them: its cost
// is that of the intervals.
func (s Space) SplitCount(set Set, dimensions ...string) int64 {
	apart := s.dims.levels(dimensions)
	n := s.here(set)
	switch {
	case n == nil:
		return 0
	case len(apart) == 0:
		return 1
	}
	combinations := s.dims[:0:0]
	for _, level := range apart {
		combinations = append(combinations, s.dims[level])
	}
	return combinations.count(sets.Arrange(n, s.shape.Axes, apart), 0, nil)
}

// split yields the groups of n: combinations are those of the dimensions apart, the
// first of which is nested no further than the others.
func (s Space) split(n, combinations *sets.Node, apart []int, yield func(Set) bool) bool {
	level := apart[0]
	one := s.dims[level]
	for r := range runs(one, combinations, 0) {
		for i := r.lo; i < r.hi; i++ {
			at := sets.Line(one.between(i, i+1), one.axis().Scale())
			group := sets.Combine(sets.Intersection, n, s.dims.product(func(other dimension) *sets.Node {
				if other == one {
					return at
				}
				return other.exists()
			}), s.shape.Axes)
			if len(apart) == 1 && !yield(s.set(group)) || len(apart) > 1 && !s.split(group, r.sub, apart[1:], yield) {
				return false
			}
		}
	}
	return true
}

// Needs are the key tables that a definition needs.
type Needs struct {
	// Static has the keys of the static dimensions by name, "" for a definition that is
	// no Multi: what their tables must have.
	Static map[string][]string
	// Dynamic has the names of the dynamic definitions, sorted.
	Dynamic []string
}

// NeedsOf returns which key tables a definition, which may be nil, needs as [Tables].
func NeedsOf(d Definition) Needs {
	needs := Needs{Static: map[string][]string{}}
	if d == nil {
		return needs
	}
	for _, one := range dimsOf(d) {
		switch def := one.def.(type) {
		case *static:
			needs.Static[one.name] = slices.Clone(def.keys)
		case *dynamic:
			needs.Dynamic = append(needs.Dynamic, def.name)
		}
	}
	slices.Sort(needs.Dynamic)
	needs.Dynamic = slices.Compact(needs.Dynamic)
	return needs
}
