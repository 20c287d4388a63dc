package partition

import (
	"slices"
	"time"

	"github.com/rivers-go/rivers/internal/civil"
)

// Part returns n partitions of a set, after the first skip of it, in the order of the
// definition; fewer if the set has no more. What does not exist does not count. It is
// how a set is cut into pieces: its cost is that of the intervals, not of n.
func (s Space) Part(set Set, skip, n int64) Set {
	if skip < 0 || n <= 0 {
		return Set{}
	}
	return s.set(s.part(s.here(set), 0, skip, plus(skip, n)))
}

// Last returns the last n partitions of a set in the order of the definition.
func (s Space) Last(set Set, n int64) Set {
	total := s.Count(set)
	return s.Part(set, max(total-n, 0), n)
}

// part is what a node has from its from-th partition to before its to-th.
func (s Space) part(n *node, level int, from, to int64) *node {
	if n == nil || n == unit || from == 0 && to >= s.countOf(n, level, nil) {
		return when(from < to, n)
	}
	one := s.dims[level]
	if level+1 == len(s.dims) && one.ordered() {
		return s.cut(n, level, from, to)
	}
	var out []seg
	add := func(i, j int64, sub *node) {
		if i >= j || sub == nil {
			return
		}
		for _, piece := range one.between(i, j) {
			out = append(out, seg{piece.lo, piece.hi, sub})
		}
	}
	before := int64(0)
	for r := range runs(one, n, 0) {
		each := s.countOf(r.sub, level+1, nil)
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
			add(first, first+1, s.part(r.sub, level+1, head, b%each))
			continue
		} else if head > 0 {
			add(first, first+1, s.part(r.sub, level+1, head, each))
			first++
		}
		add(first, last, r.sub)
		if b%each > 0 {
			add(last, last+1, s.part(r.sub, level+1, 0, b%each))
		}
	}
	slices.SortFunc(out, bySegStart)
	return line(out, one.axis().scale())
}

// cut is part for the innermost dimension, where labels have the order of indices: it
// finds both ends and keeps what lies between.
func (s Space) cut(n *node, level int, from, to int64) *node {
	one := s.dims[level]
	find := func(rank int64) int64 {
		if n.bits != nil {
			return n.bits.at(rank)
		}
		for _, piece := range n.segs {
			count := one.count(piece.lo, piece.hi)
			if rank < count {
				return one.label(one.index(piece.lo) + rank)
			}
			rank -= count
		}
		_, hi := n.bounds()
		return hi
	}
	between := interval(find(from), find(to), whenever(from < to))
	return combine(opIntersection, n, between, s.shape.axes[level:])
}

// Latest returns, of the partitions that exist, those of the latest n windows: for a
// [Multi] definition with all keys of its other dimensions, and the latest n windows
// of each time dimension. Of a definition without time it is everything.
func (s Space) Latest(n int64) Set {
	if s.all == nil {
		return Set{}
	}
	return s.set(s.product(func(one dimension) *node {
		if t, ok := one.(*timeDimension); ok {
			return t.from(max(t.first, t.end-max(n, 0)))
		}
		return one.exists()
	}))
}

// LatestWithin returns, of the partitions that exist, those of the windows that lie
// wholly in the given time before the end of the latest window; without time left, of
// the latest window. Other dimensions are as in [Space.Latest].
func (s Space) LatestWithin(lookback time.Duration) Set {
	if s.all == nil {
		return Set{}
	}
	return s.set(s.product(func(one dimension) *node {
		t, ok := one.(*timeDimension)
		if !ok {
			return one.exists()
		}
		if lookback <= 0 {
			return t.from(t.end - 1)
		}
		opens := t.tick(t.end).In(t.def.zone).Add(-lookback)
		// The first window that starts no earlier: the one after the last label that was
		// reached before.
		reached := civil.Reached(opens.Add(-time.Nanosecond), t.def.zone)
		return t.from(min(max(t.def.grid.rank(reached+1), t.first), t.end))
	}))
}

// from is the windows that exist from a rank on.
func (t *timeDimension) from(rank int64) *node {
	return interval(int64(t.tick(rank)), int64(t.tick(t.end)), unit)
}

// Next returns the next instant at which another window exists, and false if none
// ever will, also for a definition without time.
func (s Space) Next() (time.Time, bool) {
	var next time.Time
	for _, one := range s.dims {
		t, ok := one.(*timeDimension)
		if !ok || t.end >= t.last {
			continue
		}
		// The window of rank end exists once it, less the end offset, has ended.
		at := t.tick(t.end + 1 - t.def.endOffset).In(t.def.zone)
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next, !next.IsZero()
}
