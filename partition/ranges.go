package partition

import (
	"fmt"
	"iter"
	"slices"

	"github.com/rivers-go/rivers/partition/internal/sets"
)

// Stretch is a part of a set that one range describes.
type Stretch struct {
	Range KeyRange
	Count int64 // how many partitions it has
}

// Ranges yields the existing partitions of a set as ranges, in the order of the definition.
// Neighbours in that order are one range. For a [Multi] definition each is a range per dimension.
// An error of a key table ends the sequence.
func (s Space) Ranges(set Set) iter.Seq2[Stretch, error] {
	return func(yield func(Stretch, error) bool) {
		n := s.here(set)
		if n == nil || n == sets.Unit {
			return
		}
		b := boxes{space: s, terms: make([]term, len(s.dims)), yield: func(terms []term, count int64) bool {
			return yield(Stretch{Range: KeyRange{writeTerms(s.sortTerms(terms))}, Count: count}, nil)
		}}
		if b.level(0, n, 1); b.err != nil {
			yield(Stretch{}, b.err)
		}
	}
}

// Texts yields texts that select exactly the existing partitions of a set, as [Space.Select] reads
// them. A definition with one dimension needs one text, a [Multi] definition as many as it takes.
// An error of a key table ends the sequence.
func (s Space) Texts(set Set) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		n := s.here(set)
		if n == nil || n == sets.Unit {
			return
		}
		b := boxes{space: s, terms: make([]term, len(s.dims)), together: true, yield: func(terms []term, _ int64) bool {
			return yield(writeTerms(s.sortTerms(terms)), nil)
		}}
		if b.level(0, n, 1); b.err != nil {
			yield("", b.err)
		}
	}
}

// sortTerms sorts terms as they are written.
func (s Space) sortTerms(terms []term) []term {
	sorted := slices.Clone(terms)
	slices.SortFunc(sorted, func(a, b term) int {
		if a.dim < b.dim {
			return -1
		}
		return 1
	})
	return sorted
}

// boxes splits a set into products of ranges.
type boxes struct {
	space    Space
	terms    []term // of the dimensions so far
	together bool   // all ranges of the innermost dimension are one term
	yield    func(terms []term, count int64) bool
	err      error
}

// level yields the boxes of a set nested at a level, within some combinations of the levels before.
// It returns false to stop.
func (b *boxes) level(level int, n *sets.Node, combinations int64) bool {
	one := b.space.dims[level]
	innermost := level+1 == len(b.terms)
	b.terms[level] = term{dim: one.axis().Name}
	var items []item
	for r := range runs(one, n, 0) {
		texts, err := one.texts([]int64{one.label(r.lo), one.label(r.hi - 1)})
		if err != nil {
			b.err = fmt.Errorf("keys of a set: %w", err)
			return false
		}
		it := item{from: texts[0], to: texts[1], ranged: true}
		if b.together && r.hi == r.lo+1 {
			it = item{from: texts[0]}
		}
		if b.together && innermost {
			items = append(items, it)
			continue
		}
		b.terms[level].items = []item{it}
		count := times(combinations, r.hi-r.lo)
		if innermost && !b.yield(b.terms, count) || !innermost && !b.level(level+1, r.sub, count) {
			return false
		}
	}
	if len(items) > 0 {
		b.terms[level].items = items
		return b.yield(b.terms, 0)
	}
	return true
}
