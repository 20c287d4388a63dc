package sets

import (
	"cmp"
	"iter"
	"slices"
	"sort"
	"sync/atomic"
)

// Node is a non-empty set of partitions over the axes from one level inwards. It is immutable. A
// nil *Node is the empty set, [Unit] the set of one partition without axes. A node has one of two
// forms, which its content determines, so that equal sets have equal forms:
//
//   - segs: sorted intervals of labels, each with the set nested in all of its labels. Neighbours
//     that touch have different sets, so the list is as short as possible.
//   - bits: labels of the innermost axis, if they lie on the scale of the axis and have more than
//     fewRuns runs.
type Node struct {
	segs []Seg
	bits *Bitmap
	mark atomic.Uint64 // cached fingerprint
}

// Seg is an interval of labels from Lo to before Hi, with the set nested in each of them.
type Seg struct {
	Lo, Hi int64
	Sub    *Node
}

// Unit is the set of one partition without axes.
var Unit = &Node{}

// Line returns the node of segments. They must be sorted, disjoint, and without empty nested sets.
// Line joins neighbours that touch and takes ownership of segs. on is the scale of their axis.
func Line(segs []Seg, on Scale) *Node {
	if len(segs) == 0 {
		return nil
	}
	kept := segs[:1]
	for _, s := range segs[1:] {
		if last := &kept[len(kept)-1]; last.Hi == s.Lo && Same(last.Sub, s.Sub) {
			last.Hi = s.Hi
			continue
		}
		kept = append(kept, s)
	}
	if len(kept) > fewRuns && kept[0].Sub == Unit {
		if b := packed(kept, on); b != nil {
			return pack(b, on)
		}
	}
	return &Node{segs: kept}
}

// ByStart orders segments by their first label.
func ByStart(a, b Seg) int { return cmp.Compare(a.Lo, b.Lo) }

// LineOf returns the one-axis set of segments in any order, which may overlap. It takes ownership.
func LineOf(segs []Seg, a Axis) *Node {
	slices.SortFunc(segs, ByStart)
	kept := segs[:0]
	for _, s := range segs {
		if n := len(kept); n > 0 && s.Lo <= kept[n-1].Hi {
			kept[n-1].Hi = max(kept[n-1].Hi, s.Hi)
			continue
		}
		kept = append(kept, s)
	}
	return Line(kept, a.Scale())
}

// Interval returns the node of one interval. It is nil if the interval or the nested set is empty.
func Interval(lo, hi int64, sub *Node) *Node {
	if lo >= hi || sub == nil {
		return nil
	}
	return &Node{segs: []Seg{{lo, hi, sub}}}
}

// Nest returns the node with sub nested in every label of a one-axis set.
func Nest(outer, sub *Node) *Node {
	if outer == nil || sub == nil {
		return nil
	}
	if sub == Unit {
		return outer
	}
	var segs []Seg
	for s := range outer.Pieces() {
		segs = append(segs, Seg{s.Lo, s.Hi, sub})
	}
	return Line(segs, Scale{})
}

// Pieces yields the segments of a node. Those of a bitmap have Unit nested.
func (n *Node) Pieces() iter.Seq[Seg] {
	return func(yield func(Seg) bool) {
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

// Segments returns the pieces of a node. The caller must not change the slice.
func (n *Node) Segments() []Seg {
	if n.bits != nil {
		return slices.Collect(n.Pieces())
	}
	return n.segs
}

// PiecesFrom yields the segments that end after a label. The first one is cut to begin no earlier.
func (n *Node) PiecesFrom(label int64) iter.Seq[Seg] {
	return func(yield func(Seg) bool) {
		switch {
		case n == nil:
		case n.bits != nil:
			n.bits.runsFrom(label, yield)
		default:
			first := sort.Search(len(n.segs), func(i int) bool { return n.segs[i].Hi > label })
			for _, s := range n.segs[first:] {
				s.Lo = max(s.Lo, label)
				if !yield(s) {
					return
				}
			}
		}
	}
}

// PiecesBefore yields the segments that begin at a label or before, last first.
func (n *Node) PiecesBefore(label int64) iter.Seq[Seg] {
	return func(yield func(Seg) bool) {
		switch {
		case n == nil:
		case n.bits != nil:
			n.bits.runsBefore(label, yield)
		default:
			last := sort.Search(len(n.segs), func(i int) bool { return n.segs[i].Lo > label })
			for _, s := range slices.Backward(n.segs[:last]) {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// Bounds returns the first label of a node and the end of its last segment.
func (n *Node) Bounds() (lo, hi int64) {
	if n.bits != nil {
		return n.bits.scale.label(int64(n.bits.Minimum())), n.bits.scale.label(int64(n.bits.Maximum()) + 1)
	}
	return n.segs[0].Lo, n.segs[len(n.segs)-1].Hi
}

// Packed returns the bitmap of a node in that form, otherwise nil.
func (n *Node) Packed() *Bitmap { return n.bits }

// Few reports whether a node, which may be nil, has at most fewRuns segments.
func (n *Node) Few() bool { return n == nil || n.bits == nil && len(n.segs) <= fewRuns }

// IsInterval reports whether a node is one segment.
func (n *Node) IsInterval() bool { return n.bits == nil && len(n.segs) == 1 }

// Rank returns the number of labels before the given one, in a one-axis set of ordinals.
func (n *Node) Rank(label int64) int64 {
	switch {
	case label <= 0:
		return 0
	case n.bits != nil:
		return n.bits.rank(min(label, MaxOrdinal+1))
	}
	rank := int64(0)
	for _, s := range n.segs {
		rank += max(min(s.Hi, label)-s.Lo, 0)
	}
	return rank
}

// Nth returns the label of a rank in a one-axis set of ordinals. Beyond the last rank it returns
// the end of the set.
func (n *Node) Nth(rank int64) int64 {
	if n.bits != nil {
		return n.bits.At(rank)
	}
	for _, s := range n.segs {
		if rank < s.Hi-s.Lo {
			return s.Lo + rank
		}
		rank -= s.Hi - s.Lo
	}
	_, hi := n.Bounds()
	return hi
}

// covers reports whether the node is one interval of the innermost axis that contains all labels of
// another.
func (n *Node) covers(other *Node) bool {
	if len(n.segs) != 1 || n.segs[0].Sub != Unit {
		return false
	}
	lo, hi := other.Bounds()
	return n.segs[0].Lo <= lo && hi <= n.segs[0].Hi
}

// At returns the set nested at a label, nil for none.
func (n *Node) At(label int64) *Node {
	switch {
	case n == nil:
		return nil
	case n.bits != nil:
		return When(n.bits.has(label), Unit)
	}
	i := sort.Search(len(n.segs), func(i int) bool { return n.segs[i].Hi > label })
	if i == len(n.segs) || n.segs[i].Lo > label {
		return nil
	}
	return n.segs[i].Sub
}

// fingerprint returns a hash of the content. Equal nodes have equal hashes.
func (n *Node) fingerprint() uint64 {
	if n == nil || n == Unit {
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
		mark = mix(mix(mark, uint64(s.Lo)), mix(uint64(s.Hi), s.Sub.fingerprint()))
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

// Same reports whether two nodes are equal sets.
func Same(a, b *Node) bool { return equal(a, b, nil) }

// equal compares nodes. It remembers equal pairs, because a set with shared nested sets has more
// paths than nodes.
func equal(a, b *Node, known map[[2]*Node]bool) bool {
	switch {
	case a == b:
		return true
	case a == nil || b == nil || a == Unit || b == Unit || (a.bits == nil) != (b.bits == nil) || len(a.segs) != len(b.segs):
		return false
	case a.bits != nil:
		return a.bits.GetCardinality() == b.bits.GetCardinality() && a.bits.Equals(b.bits.Bitmap)
	case known[[2]*Node{a, b}]:
		return true
	}
	if !slices.EqualFunc(a.segs, b.segs, func(x, y Seg) bool { return x.Lo == y.Lo && x.Hi == y.Hi }) {
		return false
	}
	if a.segs[0].Sub == Unit || b.segs[0].Sub == Unit {
		return a.segs[0].Sub == b.segs[0].Sub // the innermost axis has no nested sets
	}
	if a.fingerprint() != b.fingerprint() {
		return false
	}
	if known == nil {
		known = map[[2]*Node]bool{}
	}
	for i, s := range a.segs {
		if !equal(s.Sub, b.segs[i].Sub, known) {
			return false
		}
	}
	known[[2]*Node{a, b}] = true
	return true
}
