package partition

import (
	"iter"
	"slices"
	"sort"
	"sync/atomic"
)

// node is a set of partitions over the axes from one on inwards, never empty and
// never changed. The empty set is a nil *node, the set of one partition without axes
// is unit. There are two forms, and which one a set has follows from what is in it,
// so that equal sets look alike:
//
//   - segs: sorted intervals of labels, each with the set that holds for all of it.
//     Neighbours that touch have different sets, so the list is as short as can be.
//   - bits: the labels of the innermost axis, where nothing is nested any more, if the
//     axis has a scale, they lie on it, and they have more than fewRuns runs.
type node struct {
	segs []seg
	bits *bitmap
	mark atomic.Uint64 // the fingerprint once it was asked for
}

// seg is an interval of labels from lo to before hi, and what is nested in it.
type seg struct {
	lo, hi int64
	sub    *node
}

// unit is the set of one partition without axes.
var unit = &node{}

// line makes a node of segments that are sorted and disjoint, and have no empty set
// nested. Those that touch are joined where they can be. The segments belong to it;
// the scale is that of their axis.
func line(segs []seg, on scale) *node {
	if len(segs) == 0 {
		return nil
	}
	kept := segs[:1]
	for _, s := range segs[1:] {
		if last := &kept[len(kept)-1]; last.hi == s.lo && same(last.sub, s.sub) {
			last.hi = s.hi
			continue
		}
		kept = append(kept, s)
	}
	if len(kept) > fewRuns && kept[0].sub == unit {
		if b := packed(kept, on); b != nil {
			return pack(b, on)
		}
	}
	return &node{segs: kept}
}

// interval makes a node of one interval, nil if it is empty or nothing is nested.
func interval(lo, hi int64, sub *node) *node {
	if lo >= hi || sub == nil {
		return nil
	}
	return &node{segs: []seg{{lo, hi, sub}}}
}

// nest makes the node that has a set nested in every label of a one-axis set.
func nest(outer, sub *node) *node {
	if outer == nil || sub == nil {
		return nil
	}
	if sub == unit {
		return outer
	}
	var segs []seg
	for s := range outer.pieces() {
		segs = append(segs, seg{s.lo, s.hi, sub})
	}
	return line(segs, scale{})
}

// pieces yields the segments of a node; those of a bitmap have unit nested.
func (n *node) pieces() iter.Seq[seg] {
	return func(yield func(seg) bool) {
		switch {
		case n == nil:
		case n.bits != nil:
			n.bits.runs()(yield)
		default:
			for _, s := range n.segs {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// segments are the pieces of a node, to be read only.
func (n *node) segments() []seg {
	if n.bits != nil {
		return slices.Collect(n.pieces())
	}
	return n.segs
}

// piecesFrom yields the segments that end after a label, the first one cut to begin
// no earlier.
func (n *node) piecesFrom(label int64) iter.Seq[seg] {
	return func(yield func(seg) bool) {
		switch {
		case n == nil:
		case n.bits != nil:
			n.bits.runsFrom(label, yield)
		default:
			first := sort.Search(len(n.segs), func(i int) bool { return n.segs[i].hi > label })
			for _, s := range n.segs[first:] {
				s.lo = max(s.lo, label)
				if !yield(s) {
					return
				}
			}
		}
	}
}

// piecesBefore yields the segments that begin up to a label, the last first.
func (n *node) piecesBefore(label int64) iter.Seq[seg] {
	return func(yield func(seg) bool) {
		switch {
		case n == nil:
		case n.bits != nil:
			n.bits.runsBefore(label, yield)
		default:
			last := sort.Search(len(n.segs), func(i int) bool { return n.segs[i].lo > label })
			for _, s := range slices.Backward(n.segs[:last]) {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// bounds are the first label of a node and the end of its last segment.
func (n *node) bounds() (lo, hi int64) {
	if n.bits != nil {
		return n.bits.scale.label(int64(n.bits.Minimum())), n.bits.scale.label(int64(n.bits.Maximum()) + 1)
	}
	return n.segs[0].lo, n.segs[len(n.segs)-1].hi
}

// covers reports whether the node is one interval of the innermost axis in which all
// labels of another lie.
func (n *node) covers(other *node) bool {
	if len(n.segs) != 1 || n.segs[0].sub != unit {
		return false
	}
	lo, hi := other.bounds()
	return n.segs[0].lo <= lo && hi <= n.segs[0].hi
}

// at is what is nested at a label.
func (n *node) at(label int64) *node {
	switch {
	case n == nil:
		return nil
	case n.bits != nil:
		return when(n.bits.has(label), unit)
	}
	i := sort.Search(len(n.segs), func(i int) bool { return n.segs[i].hi > label })
	if i == len(n.segs) || n.segs[i].lo > label {
		return nil
	}
	return n.segs[i].sub
}

// fingerprint is a number that equal nodes share and others seldom do.
func (n *node) fingerprint() uint64 {
	if n == nil || n == unit {
		return 1
	}
	if mark := n.mark.Load(); mark != 0 {
		return mark
	}
	mark := uint64(len(n.segs))
	if n.bits != nil {
		mark = mix(n.bits.Checksum(), n.bits.GetCardinality())
	}
	for _, s := range n.segs {
		mark = mix(mix(mark, uint64(s.lo)), mix(uint64(s.hi), s.sub.fingerprint()))
	}
	n.mark.Store(max(mark, 1))
	return max(mark, 1)
}

// mix stirs a number into another (the finalizer of splitmix64).
func mix(a, b uint64) uint64 {
	x := a*0x9e3779b97f4a7c15 + b
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// same reports whether two nodes are the same set.
func same(a, b *node) bool { return equal(a, b, nil) }

// equal compares nodes. Pairs found equal are remembered, because a set whose inner
// sets are shared has more paths than nodes.
func equal(a, b *node, known map[[2]*node]bool) bool {
	switch {
	case a == b:
		return true
	case a == nil || b == nil || a == unit || b == unit || (a.bits == nil) != (b.bits == nil) || len(a.segs) != len(b.segs):
		return false
	case a.bits != nil:
		return a.bits.GetCardinality() == b.bits.GetCardinality() && a.bits.Equals(b.bits.Bitmap)
	case known[[2]*node{a, b}]:
		return true
	}
	if !slices.EqualFunc(a.segs, b.segs, func(x, y seg) bool { return x.lo == y.lo && x.hi == y.hi }) {
		return false
	}
	if a.segs[0].sub == unit || b.segs[0].sub == unit {
		return a.segs[0].sub == b.segs[0].sub // the innermost axis: nothing is nested anywhere
	}
	if a.fingerprint() != b.fingerprint() {
		return false
	}
	if known == nil {
		known = map[[2]*node]bool{}
	}
	for i, s := range a.segs {
		if !equal(s.sub, b.segs[i].sub, known) {
			return false
		}
	}
	known[[2]*node{a, b}] = true
	return true
}
