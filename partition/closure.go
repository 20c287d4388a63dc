package partition

import (
	"iter"
	"slices"

	"github.com/rivers-go/rivers/partition/internal/sets"
)

// Closure returns the partitions that read some of a set, directly or through others: everything
// that follows from partitions of an asset that reads itself. Both spaces of the edge must have the
// same definition and instant.
//
// Steps double: a chain of a million windows takes twenty, each at the cost of a Downstream. Only a
// mapping that exchanges dimensions takes one step per link of the longest chain.
func (e Edge) Closure(set Set) Set {
	n := e.up.here(set)
	if n.Few() {
		return e.closure(set)
	}
	// Where windows follow one from another, what follows from the outermost has most of the others in
	// it, and with them what follows from those.
	var known Set
	lo, hi := n.Bounds()
	for _, pieces := range []iter.Seq[sets.Seg]{n.PiecesFrom(lo), n.PiecesBefore(hi)} {
		for s := range pieces {
			end := e.up.set(sets.Interval(s.Lo, s.Hi, s.Sub))
			known = known.Union(e.closure(end))
			set = set.Minus(known).Minus(end)
			break
		}
	}
	return known.Union(e.closure(set))
}

func (e Edge) closure(set Set) Set {
	// All are those within n steps, and e is a step of at most n at once.
	all := e.Downstream(set)
	for {
		more := all.Union(e.Downstream(all))
		if more.Equal(all) {
			return all
		}
		all, e = more, e.twice()
	}
}

// Loops returns the partitions that read themselves. The edge must be as for [Edge.Closure].
func (e Edge) Loops() Set {
	if e.constant {
		return e.down.set(sets.Combine(sets.Intersection, e.reads, e.readers, e.down.shape.Axes))
	}
	if !e.straight() {
		return e.lookForLoops()
	}
	return e.down.set(e.down.dims.product(func(one dimension) *sets.Node {
		b := e.bound[slices.Index(e.down.dims, one)]
		if b.down < 0 {
			return sets.Combine(sets.Intersection, b.only, one.exists(), []sets.Axis{one.axis()})
		}
		return loops(b.rel, one)
	}))
}

// straight reports whether each dimension that follows one follows itself.
func (e Edge) straight() bool {
	for level, b := range e.bound {
		if b.down >= 0 && b.down != level {
			return false
		}
	}
	return true
}

// lookForLoops asks the partitions one by one. A diagonal has no closed form.
func (e Edge) lookForLoops() Set {
	all := e.down.All()
	var found Gather
	for i := range e.down.Len() {
		if one := e.down.Part(all, i, 1); e.Downstream(one).Contains(one) {
			found.Add(one)
		}
	}
	return found.Set()
}

// twice returns the edge of two steps at once. It returns the edge itself if two steps are one, or
// have no closed form.
func (e Edge) twice() Edge {
	if e.constant || !e.straight() {
		return e
	}
	e.bound = slices.Clone(e.bound)
	for level := range e.bound {
		if e.bound[level].down >= 0 {
			e.bound[level].rel = twice(e.bound[level].rel)
		}
	}
	return e
}

// twice is the relation of two steps within one dimension. Those that keep the key are their own.
func twice(r relation) relation {
	switch r := r.(type) {
	case shifted: // between two windows that exist there is none that does not
		r.n *= 2
		return r
	case *paired:
		return r.twice()
	default:
		return r
	}
}

func (p *paired) twice() *paired {
	two := &paired{down: p.down, up: p.up}
	for _, first := range p.byDown {
		i, _ := slices.BinarySearchFunc(p.byDown, pair{down: first.up, up: noLabel}, comparePairs)
		for ; i < len(p.byDown) && p.byDown[i].down == first.up; i++ {
			two.byDown = append(two.byDown, pair{first.down, p.byDown[i].up})
		}
	}
	slices.SortFunc(two.byDown, comparePairs)
	two.byDown = slices.Compact(two.byDown)
	two.byUp = make([]pair, len(two.byDown))
	for i, p := range two.byDown {
		two.byUp[i] = pair{p.up, p.down}
	}
	slices.SortFunc(two.byUp, comparePairs)
	return two
}

// loops are the labels of a dimension that read themselves.
func loops(r relation, of dimension) *sets.Node {
	switch r := r.(type) {
	case shifted:
		if r.n != 0 {
			return nil
		}
	case *paired:
		var segs []sets.Seg
		for _, p := range r.byDown {
			if p.down == p.up {
				segs = append(segs, sets.Seg{Lo: p.down, Hi: p.down + 1, Sub: sets.Unit})
			}
		}
		return sets.LineOf(segs, of.axis())
	}
	return of.exists()
}
