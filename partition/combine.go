package partition

import (
	"slices"
	"sort"

	"github.com/RoaringBitmap/roaring/v2"
)

// operation is what two sets are combined by.
type operation uint8

const (
	opUnion operation = iota
	opIntersection
	opDifference
	opSymmetric
)

// keepsLeft and keepsRight say what becomes of what only one side has.
func (op operation) keepsLeft() bool  { return op != opIntersection }
func (op operation) keepsRight() bool { return op == opUnion || op == opSymmetric }

// keepsBoth says what becomes of what both sides have.
func (op operation) keepsBoth() bool { return op == opUnion || op == opIntersection }

// combiner combines the nodes of one pair of sets. Each pair of nested sets is combined
// once, and results that are equal become one.
type combiner struct {
	op   operation
	done map[[2]*node]*node
	pool map[uint64][]*node
}

func combine(op operation, a, b *node, axes []axis) *node {
	c := combiner{op: op}
	if n, plain := c.plainly(a, b); plain {
		return n
	}
	return c.walk(a, b, axes)
}

// plainly is the result where one side has nothing, or both are one.
func (c *combiner) plainly(a, b *node) (n *node, plain bool) {
	switch {
	case a == b:
		return when(c.op.keepsBoth(), a), true
	case b == nil:
		return when(c.op.keepsLeft(), a), true
	case a == nil:
		return when(c.op.keepsRight(), b), true
	default:
		return nil, false
	}
}

// walk combines two sets that both have something.
func (c *combiner) walk(a, b *node, axes []axis) *node {
	if n, covers := c.covering(a, b); covers {
		return n
	}
	if a.bits != nil || b.bits != nil {
		on := axes[0].scale()
		if x, y := a.bitmap(on), b.bitmap(on); x != nil && y != nil {
			return pack(c.bits(x, y), on)
		}
	}
	return c.segs(a, b, axes)
}

// covering is the result where one side is one interval that holds all of the other:
// as what exists holds all of what was made.
func (c *combiner) covering(a, b *node) (n *node, covers bool) {
	switch {
	case c.op == opSymmetric:
		return nil, false
	case b.covers(a):
		return [...]*node{opUnion: b, opIntersection: a, opDifference: nil}[c.op], true
	case c.op != opDifference && a.covers(b):
		return [...]*node{opUnion: a, opIntersection: b}[c.op], true
	default:
		return nil, false
	}
}

// nested combines two sets that are nested in others.
func (c *combiner) nested(a, b *node, axes []axis) *node {
	if n, plain := c.plainly(a, b); plain {
		return n
	}
	pair := [2]*node{a, b}
	if n, ok := c.done[pair]; ok {
		return n
	}
	n := c.shared(c.walk(a, b, axes))
	if c.done == nil {
		c.done = map[[2]*node]*node{}
	}
	c.done[pair] = n
	return n
}

func when(keep bool, n *node) *node {
	if keep {
		return n
	}
	return nil
}

func (c *combiner) bits(a, b *roaring.Bitmap) *roaring.Bitmap {
	switch c.op {
	case opUnion:
		return roaring.Or(a, b)
	case opIntersection:
		return roaring.And(a, b)
	case opDifference:
		return roaring.AndNot(a, b)
	default:
		return roaring.Xor(a, b)
	}
}

// shared returns the node that was made before and is equal, or remembers this one.
func (c *combiner) shared(n *node) *node {
	if n == nil {
		return nil
	}
	mark := n.fingerprint()
	for _, known := range c.pool[mark] {
		if same(known, n) {
			return known
		}
	}
	if c.pool == nil {
		c.pool = map[uint64][]*node{}
	}
	c.pool[mark] = append(c.pool[mark], n)
	return n
}

// segs walks over two lines at once. Between two ends of segments, both sides are
// the same all the way.
func (c *combiner) segs(a, b *node, axes []axis) *node {
	mine, its := a.segments(), b.segments()
	if !c.op.keepsRight() { // what one side has beyond the other is not looked at
		its = during(its, a)
	}
	if !c.op.keepsLeft() {
		mine = during(mine, b)
	}
	out := make([]seg, 0, len(mine)+len(its))
	left, right := cursor{rest: mine}, cursor{rest: its}
	at := min(left.next(), right.next())
	for at < farthest {
		x, xEnd := left.from(at)
		y, yEnd := right.from(at)
		end := min(xEnd, yEnd)
		if sub := c.nested(x, y, axes[1:]); sub != nil {
			out = append(out, seg{at, end, sub})
		}
		at = end
	}
	return line(out, axes[0].scale())
}

// during returns those of sorted segments that reach into the stretch of a node's own.
func during(segs []seg, n *node) []seg {
	lo, hi := n.bounds()
	from := sort.Search(len(segs), func(i int) bool { return segs[i].hi > lo })
	to := sort.Search(len(segs), func(i int) bool { return segs[i].lo >= hi })
	return segs[from:max(from, to)]
}

// farthest is beyond every label.
const farthest = 1 << 62

// cursor walks over segments.
type cursor struct{ rest []seg }

// next is where the next segment begins.
func (c *cursor) next() int64 {
	if len(c.rest) == 0 {
		return farthest
	}
	return c.rest[0].lo
}

// from is what is nested at a label, and where that ends.
func (c *cursor) from(at int64) (*node, int64) {
	for len(c.rest) > 0 && c.rest[0].hi <= at {
		c.rest = c.rest[1:]
	}
	switch {
	case len(c.rest) == 0:
		return nil, farthest
	case c.rest[0].lo > at:
		return nil, c.rest[0].lo
	default:
		return c.rest[0].sub, c.rest[0].hi
	}
}

// unite combines many sets, in pairs of pairs, so that none is walked over more often
// than there are doublings.
func unite(nodes []*node, axes []axis) *node {
	if len(axes) == 1 && !slices.ContainsFunc(nodes, func(n *node) bool { return n != nil && n.bits != nil }) {
		var segs []seg
		for _, n := range nodes {
			segs = slices.AppendSeq(segs, n.pieces())
		}
		return lineOf(segs, axes[0]) // intervals alone are sorted at once
	}
	for len(nodes) > 1 {
		half := nodes[:0]
		for i := 0; i < len(nodes); i += 2 {
			n := nodes[i]
			if i+1 < len(nodes) {
				n = combine(opUnion, n, nodes[i+1], axes)
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
