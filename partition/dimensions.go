package partition

import (
	"math"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/partition/internal/sets"
)

// dimensions are the dimensions of a space, in the order of the axes of its shape.
type dimensions []dimension

// product returns all combinations of the labels that of returns per dimension.
func (d dimensions) product(of func(dimension) *sets.Node) *sets.Node {
	n := sets.Unit
	for _, one := range slices.Backward(d) {
		n = sets.Nest(of(one), n)
	}
	return n
}

// count counts the existing partitions of a node over the dimensions from a level on. It counts
// shared nested sets once.
func (d dimensions) count(n *sets.Node, level int, known map[*sets.Node]int64) int64 {
	switch {
	case n == nil:
		return 0
	case n == sets.Unit:
		return 1
	case n.Packed() != nil:
		return n.Packed().Count()
	}
	if count, ok := known[n]; ok {
		return count
	}
	total := int64(0)
	for _, one := range n.Segments() {
		if known == nil && level+2 < len(d) {
			known = map[*sets.Node]int64{}
		}
		total = plus(total, times(d[level].count(one.Lo, one.Hi), d.count(one.Sub, level+1, known)))
	}
	if known != nil {
		known[n] = total
	}
	return total
}

// part returns the partitions of a node from rank from to before rank to.
func (d dimensions) part(n *sets.Node, level int, from, to int64) *sets.Node {
	if n == nil || n == sets.Unit || from == 0 && to >= d.count(n, level, nil) {
		return sets.When(from < to, n)
	}
	one := d[level]
	if level+1 == len(d) && one.ordered() {
		return d.cut(n, level, from, to)
	}
	var out []sets.Seg
	add := func(i, j int64, sub *sets.Node) {
		if i >= j || sub == nil {
			return
		}
		for _, piece := range one.between(i, j) {
			out = append(out, sets.Seg{Lo: piece.Lo, Hi: piece.Hi, Sub: sub})
		}
	}
	before := int64(0)
	for r := range runs(one, n, 0) {
		each := d.count(r.sub, level+1, nil)
		total := times(each, r.hi-r.lo)
		a, b := max(from-before, 0), min(to-before, total)
		before = plus(before, total)
		if a >= b {
			if before >= to {
				break
			}
			continue
		}
		first, last := r.lo+a/each, r.lo+b/each // partly taken, unless nothing is left over
		if head := a % each; first == last {
			add(first, first+1, d.part(r.sub, level+1, head, b%each))
			continue
		} else if head > 0 {
			add(first, first+1, d.part(r.sub, level+1, head, each))
			first++
		}
		add(first, last, r.sub)
		if b%each > 0 {
			add(last, last+1, d.part(r.sub, level+1, 0, b%each))
		}
	}
	slices.SortFunc(out, sets.ByStart)
	return sets.Line(out, one.axis().Scale())
}

// cut is part for the innermost dimension whose labels are in the order of indices. It finds both
// ends and keeps what lies between.
func (d dimensions) cut(n *sets.Node, level int, from, to int64) *sets.Node {
	one := d[level]
	find := func(rank int64) int64 {
		if b := n.Packed(); b != nil {
			return b.At(rank)
		}
		for _, piece := range n.Segments() {
			count := one.count(piece.Lo, piece.Hi)
			if rank < count {
				return one.label(one.index(piece.Lo) + rank)
			}
			rank -= count
		}
		_, hi := n.Bounds()
		return hi
	}
	between := sets.Interval(find(from), find(to), whenever(from < to))
	return sets.Combine(sets.Intersection, n, between, []sets.Axis{one.axis()})
}

// level returns the position of a dimension by name, -1 if it is missing.
func (d dimensions) level(name string) int {
	return slices.IndexFunc(d, func(one dimension) bool { return one.axis().Name == name })
}

// levels returns the positions of dimensions by their names.
func (d dimensions) levels(names []string) []int {
	var levels []int
	for level, one := range d {
		if slices.Contains(names, one.axis().Name) {
			levels = append(levels, level)
		}
	}
	return levels
}

// byName returns the positions of the dimensions, sorted by name.
func (d dimensions) byName() []int {
	order := make([]int, len(d))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(d[a].axis().Name, d[b].axis().Name) })
	return order
}

// names returns the names of the dimensions, sorted.
func (d dimensions) names() []string {
	var names []string
	for _, at := range d.byName() {
		names = append(names, d[at].axis().Name)
	}
	return names
}

// plus and times stay at the greatest integer where a result is beyond it.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func times(a, b int64) int64 {
	if b != 0 && a > math.MaxInt64/b {
		return math.MaxInt64
	}
	return a * b
}
