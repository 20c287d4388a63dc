package sets

import "slices"

// Arrange returns a set over some of its axes, in another order. order has positions in axes. Axes
// left out are projected away: the result has every combination that occurs with any label there.
func Arrange(n *Node, axes []Axis, order []int) *Node {
	a := arranger{axes: axes, done: map[arranged]*Node{}}
	return a.node(n, 0, order)
}

// arranger rearranges each nested set once per order.
type arranger struct {
	axes []Axis
	done map[arranged]*Node
}

type arranged struct {
	n     *Node
	order string
}

// node rearranges a set nested at a level. order has positions from that level on.
func (a *arranger) node(n *Node, level int, order []int) *Node {
	if n == nil || n == Unit {
		return n
	}
	if len(order) == 0 {
		return Unit
	}
	if inOrder(order, level, len(a.axes)) {
		return n
	}
	key := arranged{n, orderCode(order)}
	if known, ok := a.done[key]; ok {
		return known
	}
	made := a.walk(n, level, order)
	a.done[key] = made
	return made
}

// inOrder reports whether order is all axes in their own order.
func inOrder(order []int, level, end int) bool {
	if len(order) != end-level {
		return false
	}
	for i, at := range order {
		if at != level+i {
			return false
		}
	}
	return true
}

func orderCode(order []int) string {
	code := make([]byte, 0, 2*len(order))
	for _, at := range order {
		code = append(code, byte(at), byte(at>>8))
	}
	return string(code)
}

func (a *arranger) walk(n *Node, level int, order []int) *Node {
	depth := slices.Index(order, level) // where this axis goes
	rest := slices.DeleteFunc(slices.Clone(order), func(at int) bool { return at == level })
	axes := a.axesOf(order)
	if depth == 0 {
		var segs []Seg
		for s := range n.Pieces() {
			segs = append(segs, Seg{s.Lo, s.Hi, a.node(s.Sub, level+1, rest)})
		}
		return Line(segs, axes[0].Scale())
	}
	var parts []*Node
	for s := range n.Pieces() {
		part := a.node(s.Sub, level+1, rest)
		if depth > 0 {
			in := inserter{lo: s.Lo, hi: s.Hi, done: map[*Node]*Node{}}
			part = in.node(part, depth, axes)
		}
		if len(parts) == 0 || parts[len(parts)-1] != part {
			parts = append(parts, part)
		}
	}
	return Unite(parts, axes)
}

func (a *arranger) axesOf(order []int) []Axis {
	axes := make([]Axis, len(order))
	for i, at := range order {
		axes[i] = a.axes[at]
	}
	return axes
}

// inserter inserts an interval of an axis some levels inside a set, once per nested set.
type inserter struct {
	lo, hi int64
	done   map[*Node]*Node
}

// node inserts the interval depth levels inside. axes are those of the result.
func (in *inserter) node(n *Node, depth int, axes []Axis) *Node {
	if depth == 0 {
		return Interval(in.lo, in.hi, n)
	}
	if known, ok := in.done[n]; ok {
		return known
	}
	var segs []Seg
	for s := range n.Pieces() {
		segs = append(segs, Seg{s.Lo, s.Hi, in.node(s.Sub, depth-1, axes[1:])})
	}
	made := Line(segs, axes[0].Scale())
	in.done[n] = made
	return made
}
