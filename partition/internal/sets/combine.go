package sets

import (
	"slices"
	"sort"

	"github.com/RoaringBitmap/roaring/v2"
)

// Operation is a way to combine two sets.
type Operation uint8

// The operations: what either side has, what both have, what only the left side has, what exactly
// one side has.
const (
	Union Operation = iota
	Intersection
	Difference
	SymmetricDifference
)

// keepsLeft and keepsRight report whether the result has what only that side has.
func (op Operation) keepsLeft() bool  { return op != Intersection }
func (op Operation) keepsRight() bool { return op == Union || op == SymmetricDifference }

// keepsBoth reports whether the result has what both sides have.
func (op Operation) keepsBoth() bool { return op == Union || op == Intersection }

// combiner combines the nodes of one pair of sets. It combines each pair of nested sets once, and
// merges equal results into one node.
type combiner struct {
	op   Operation
	done map[[2]*Node]*Node
	pool map[uint64][]*Node
}

// Combine returns the result of an operation on two sets over the same axes. Nil is the empty set.
func Combine(op Operation, a, b *Node, axes []Axis) *Node {
	c := combiner{op: op}
	if n, plain := c.plainly(a, b); plain {
		return n
	}
	return c.walk(a, b, axes)
}

// plainly returns the result if one side is empty or both are the same node.
func (c *combiner) plainly(a, b *Node) (n *Node, plain bool) {
	switch {
	case a == b:
		return When(c.op.keepsBoth(), a), true
	case b == nil:
		return When(c.op.keepsLeft(), a), true
	case a == nil:
		return When(c.op.keepsRight(), b), true
	default:
		return nil, false
	}
}

// walk combines two sets that are not empty.
func (c *combiner) walk(a, b *Node, axes []Axis) *Node {
	if n, covers := c.covering(a, b); covers {
		return n
	}
	if a.bits != nil || b.bits != nil {
		on := axes[0].Scale()
		if x, y := a.bitmap(on), b.bitmap(on); x != nil && y != nil {
			return pack(c.bits(x, y), on)
		}
	}
	return c.segs(a, b, axes)
}

// covering returns the result if one side is a single interval that contains the other. It is the
// frequent case: everything that exists contains everything that was materialized.
func (c *combiner) covering(a, b *Node) (n *Node, covers bool) {
	switch {
	case c.op == SymmetricDifference:
		return nil, false
	case b.covers(a):
		return [...]*Node{Union: b, Intersection: a, Difference: nil}[c.op], true
	case c.op != Difference && a.covers(b):
		return [...]*Node{Union: a, Intersection: b}[c.op], true
	default:
		return nil, false
	}
}

// nested combines two nested sets.
func (c *combiner) nested(a, b *Node, axes []Axis) *Node {
	if n, plain := c.plainly(a, b); plain {
		return n
	}
	pair := [2]*Node{a, b}
	if n, ok := c.done[pair]; ok {
		return n
	}
	n := c.shared(c.walk(a, b, axes))
	if c.done == nil {
		c.done = map[[2]*Node]*Node{}
	}
	c.done[pair] = n
	return n
}

// When returns the node if keep is true, and the empty set otherwise.
func When(keep bool, n *Node) *Node {
	if keep {
		return n
	}
	return nil
}

func (c *combiner) bits(a, b *roaring.Bitmap) *roaring.Bitmap {
	switch c.op {
	case Union:
		return roaring.Or(a, b)
	case Intersection:
		return roaring.And(a, b)
	case Difference:
		return roaring.AndNot(a, b)
	default:
		return roaring.Xor(a, b)
	}
}

// shared returns an equal node made earlier, or remembers this one.
func (c *combiner) shared(n *Node) *Node {
	if n == nil {
		return nil
	}
	mark := n.fingerprint()
	for _, known := range c.pool[mark] {
		if Same(known, n) {
			return known
		}
	}
	if c.pool == nil {
		c.pool = map[uint64][]*Node{}
	}
	c.pool[mark] = append(c.pool[mark], n)
	return n
}

// segs walks over the segments of both sides at once. Between two neighbouring ends, neither side
// changes.
func (c *combiner) segs(a, b *Node, axes []Axis) *Node {
	mine, its := a.Segments(), b.Segments()
	if !c.op.keepsRight() { // skip what lies beyond the other side
		its = during(its, a)
	}
	if !c.op.keepsLeft() {
		mine = during(mine, b)
	}
	out := make([]Seg, 0, len(mine)+len(its))
	left, right := cursor{rest: mine}, cursor{rest: its}
	at := min(left.next(), right.next())
	for at < farthest {
		x, xEnd := left.from(at)
		y, yEnd := right.from(at)
		end := min(xEnd, yEnd)
		if sub := c.nested(x, y, axes[1:]); sub != nil {
			out = append(out, Seg{at, end, sub})
		}
		at = end
	}
	return Line(out, axes[0].Scale())
}

// during returns the sorted segments that reach into the bounds of a node.
func during(segs []Seg, n *Node) []Seg {
	lo, hi := n.Bounds()
	from := sort.Search(len(segs), func(i int) bool { return segs[i].Hi > lo })
	to := sort.Search(len(segs), func(i int) bool { return segs[i].Lo >= hi })
	return segs[from:max(from, to)]
}

// farthest is greater than every label.
const farthest = 1 << 62

// cursor walks over segments.
type cursor struct{ rest []Seg }

// next returns the start of the next segment.
func (c *cursor) next() int64 {
	if len(c.rest) == 0 {
		return farthest
	}
	return c.rest[0].Lo
}

// from returns the node nested at a label, and the label at which it ends.
func (c *cursor) from(at int64) (*Node, int64) {
	for len(c.rest) > 0 && c.rest[0].Hi <= at {
		c.rest = c.rest[1:]
	}
	switch {
	case len(c.rest) == 0:
		return nil, farthest
	case c.rest[0].Lo > at:
		return nil, c.rest[0].Lo
	default:
		return c.rest[0].Sub, c.rest[0].Hi
	}
}

// Unite returns the union of many sets. It combines them pairwise, so that it walks over each set
// log n times. It overwrites nodes.
func Unite(nodes []*Node, axes []Axis) *Node {
	if len(axes) == 1 && !slices.ContainsFunc(nodes, func(n *Node) bool { return n != nil && n.bits != nil }) {
		var segs []Seg
		for _, n := range nodes {
			segs = slices.AppendSeq(segs, n.Pieces())
		}
		return LineOf(segs, axes[0]) // intervals alone are sorted at once
	}
	for len(nodes) > 1 {
		half := nodes[:0]
		for i := 0; i < len(nodes); i += 2 {
			n := nodes[i]
			if i+1 < len(nodes) {
				n = Combine(Union, n, nodes[i+1], axes)
			}
			half = append(half, n)
		}
		nodes = half
	}
	if len(nodes) == 0 {
		return nil
	}
	return nodes[0]
}
