package partition

import (
	"iter"
	"slices"

	"github.com/rivers-go/rivers/partition/internal/sets"
)

// Split yields the existing partitions of a set in groups that share their keys in some dimensions,
// one group per combination, in the order of the definition. Without dimensions there is one group.
// A definition that is not Multi has the dimension "". Unknown names are skipped. The cost per
// group follows the intervals.
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

// SplitCount returns the number of groups that [Space.Split] yields, without making them.
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

// split yields the groups of n. combinations are those of the dimensions apart, outermost first.
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
	// Static has the keys of the static dimensions by name, "" for a definition that is not Multi.
	// Their tables must have these keys.
	Static map[string][]string
	// Dynamic has the names of the dynamic definitions, sorted.
	Dynamic []string
}

// NeedsOf returns the key tables that a definition, which may be nil, needs.
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
