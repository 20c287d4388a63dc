package sets

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/rivers-go/rivers/internal/civil"
)

// Set is a set of partitions of any shapes. The zero Set is empty.
type Set struct{ parts []part } // sorted by the code of their shapes

// part holds the partitions of one shape.
type part struct {
	shape *Shape
	root  *Node // never nil
}

// SetOf returns a set of one shape. A nil node gives the empty set.
func SetOf(s *Shape, root *Node) Set {
	if root == nil {
		return Set{}
	}
	return Set{[]part{{s, root}}}
}

// Of returns the partitions of a shape, nil if the set has none.
func (s Set) Of(want *Shape) *Node {
	for _, p := range s.parts {
		if p.shape == want || p.shape.Code == want.Code {
			return p.root
		}
	}
	return nil
}

// All yields each shape of the set with its partitions, sorted by code.
func (s Set) All() iter.Seq2[*Shape, *Node] {
	return func(yield func(*Shape, *Node) bool) {
		for _, p := range s.parts {
			if !yield(p.shape, p.root) {
				return
			}
		}
	}
}

// Shapes returns how many shapes have partitions in the set.
func (s Set) Shapes() int { return len(s.parts) }

// IsEmpty reports whether the set has no partition.
func (s Set) IsEmpty() bool { return len(s.parts) == 0 }

// Equal reports whether two sets have the same partitions.
func (s Set) Equal(t Set) bool {
	return slices.EqualFunc(s.parts, t.parts, func(a, b part) bool {
		return (a.shape == b.shape || a.shape.Code == b.shape.Code) && Same(a.root, b.root)
	})
}

// Combine applies an operation to two sets, shape by shape.
func (s Set) Combine(op Operation, t Set) Set {
	if len(s.parts) == 1 && len(t.parts) == 1 && s.parts[0].shape.Code == t.parts[0].shape.Code {
		one := s.parts[0]
		return SetOf(one.shape, Combine(op, one.root, t.parts[0].root, one.shape.Axes))
	}
	var out []part
	keep := func(shape *Shape, a, b *Node) {
		if root := Combine(op, a, b, shape.Axes); root != nil {
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
			order = cmp.Compare(a[0].shape.Code, b[0].shape.Code)
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

// String shows the first labels of the set, for debugging.
func (s Set) String() string {
	var b strings.Builder
	for i, p := range s.parts {
		if i > 0 {
			b.WriteString(" + ")
		}
		b.WriteString("{" + p.shape.String())
		room := shownSegments
		writeNode(&b, p.root, p.shape.Axes, &room)
		b.WriteString("}")
	}
	if len(s.parts) == 0 {
		return "{}"
	}
	return b.String()
}

// shownSegments is the number of segments that String shows.
const shownSegments = 20

// writeNode shows the first segments of a node, up to room.
func writeNode(b *strings.Builder, n *Node, axes []Axis, room *int) {
	if n == Unit {
		return
	}
	for s := range n.Pieces() {
		if *room == 0 {
			b.WriteString(" …")
			return
		}
		*room--
		b.WriteString(" [" + labelText(s.Lo, axes[0]) + ", " + labelText(s.Hi, axes[0]) + ")")
		if s.Sub != Unit {
			b.WriteString("{")
			writeNode(b, s.Sub, axes[1:], room)
			b.WriteString("}")
		}
	}
}

func labelText(label int64, a Axis) string {
	if a.Ordinals() {
		return strconv.FormatInt(label, 10)
	}
	return civil.Time(label).String()
}
