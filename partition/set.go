package partition

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/rivers-go/rivers/internal/civil"
)

// Set is a set of partitions, as it is stored: by labels that no change of a
// definition moves. It may hold partitions of different definitions, each under its
// own shape. The zero Set is the empty one. Operations need no definition and cost
// by the intervals in the sets, not by the partitions; a [Space] gives a Set keys,
// an order and a count.
type Set struct{ parts []part } // by the code of their shapes

// part is what a set has of one shape.
type part struct {
	shape *shape
	root  *node // never nil
}

// whole is the set of the one partition of an asset without partitions.
var whole = Set{[]part{{newShape(nil), unit}}}

// Whole returns the set that is the one partition of an asset without partitions.
func Whole() Set { return whole }

// Ordinal is the row of a key in a [KeyTable].
type Ordinal uint32

// NoOrdinal is the ordinal of a key that a table does not have.
const NoOrdinal Ordinal = 1<<32 - 1

// maxOrdinal is the last ordinal a key can have.
const maxOrdinal = 1<<32 - 2

// DynamicSet returns the set of the keys with these ordinals in the table of a dynamic
// definition: what storage keeps as the keys that are registered now, and what it
// adds to or takes from it. NoOrdinal is passed over.
func DynamicSet(name string, ordinals iter.Seq[Ordinal]) Set {
	b := roaring.New()
	batch := make([]uint32, 0, 1024)
	for o := range ordinals {
		if o == NoOrdinal {
			continue
		}
		if batch = append(batch, uint32(o)); len(batch) == cap(batch) {
			b.AddMany(batch)
			batch = batch[:0]
		}
	}
	b.AddMany(batch)
	return setOf(newShape([]axis{{kind: axisDynamic, of: name}}), pack(b, ordinalScale))
}

// setOf is the set of one shape, empty for a nil node.
func setOf(s *shape, root *node) Set {
	if root == nil {
		return Set{}
	}
	return Set{[]part{{s, root}}}
}

// of is what the set has of a shape, nil if nothing.
func (s Set) of(want *shape) *node {
	for _, p := range s.parts {
		if p.shape == want || p.shape.code == want.code {
			return p.root
		}
	}
	return nil
}

// IsEmpty reports whether there is no partition in the set.
func (s Set) IsEmpty() bool { return len(s.parts) == 0 }

// Equal reports whether two sets have the same partitions.
func (s Set) Equal(t Set) bool {
	return slices.EqualFunc(s.parts, t.parts, func(a, b part) bool {
		return (a.shape == b.shape || a.shape.code == b.shape.code) && same(a.root, b.root)
	})
}

// Union returns the partitions that are in either set.
func (s Set) Union(t Set) Set { return s.combine(opUnion, t) }

// Intersect returns the partitions that are in both sets.
func (s Set) Intersect(t Set) Set { return s.combine(opIntersection, t) }

// Minus returns the partitions of s that are not in t.
func (s Set) Minus(t Set) Set { return s.combine(opDifference, t) }

// SymmetricDifference returns the partitions that are in one of the sets and not in
// both.
func (s Set) SymmetricDifference(t Set) Set { return s.combine(opSymmetric, t) }

// Contains reports whether every partition of t is in s.
func (s Set) Contains(t Set) bool { return t.Minus(s).IsEmpty() }

// combine combines the parts of equal shapes.
func (s Set) combine(op operation, t Set) Set {
	if len(s.parts) == 1 && len(t.parts) == 1 && s.parts[0].shape.code == t.parts[0].shape.code {
		one := s.parts[0]
		return setOf(one.shape, combine(op, one.root, t.parts[0].root, one.shape.axes))
	}
	var out []part
	keep := func(shape *shape, a, b *node) {
		if root := combine(op, a, b, shape.axes); root != nil {
			out = append(out, part{shape, root})
		}
	}
	a, b := s.parts, t.parts
	for len(a) > 0 || len(b) > 0 {
		order := -1
		switch {
		case len(a) == 0:
			order = 1
		case len(b) > 0:
			order = cmp.Compare(a[0].shape.code, b[0].shape.code)
		}
		switch {
		case order < 0:
			keep(a[0].shape, a[0].root, nil)
			a = a[1:]
		case order > 0:
			keep(b[0].shape, nil, b[0].root)
			b = b[1:]
		default:
			keep(a[0].shape, a[0].root, b[0].root)
			a, b = a[1:], b[1:]
		}
	}
	return Set{out}
}

// String shows the labels of the set, the first of them where there are many: for
// debugging, since it knows no keys.
func (s Set) String() string {
	var b strings.Builder
	for i, p := range s.parts {
		if i > 0 {
			b.WriteString(" + ")
		}
		b.WriteString("{" + p.shape.String())
		room := shownSegments
		writeNode(&b, p.root, p.shape.axes, &room)
		b.WriteString("}")
	}
	if len(s.parts) == 0 {
		return "{}"
	}
	return b.String()
}

// shownSegments is how many segments the text of a set shows.
const shownSegments = 20

// writeNode shows the first segments of a node, as many as there is room for.
func writeNode(b *strings.Builder, n *node, axes []axis, room *int) {
	if n == unit {
		return
	}
	for s := range n.pieces() {
		if *room == 0 {
			b.WriteString(" …")
			return
		}
		*room--
		b.WriteString(" [" + labelText(s.lo, axes[0]) + ", " + labelText(s.hi, axes[0]) + ")")
		if s.sub != unit {
			b.WriteString("{")
			writeNode(b, s.sub, axes[1:], room)
			b.WriteString("}")
		}
	}
}

func labelText(label int64, a axis) string {
	if a.ordinals() {
		return strconv.FormatInt(label, 10)
	}
	return civil.Time(label).String()
}
