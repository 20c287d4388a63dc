package partition

import "slices"

// arrange returns a set over some of its axes, in another order: order names positions
// in axes. What is left out is projected away: a combination is in the result if it
// is in the set with anything in the axes that are left out.
func arrange(n *node, axes []axis, order []int) *node {
	a := arranger{axes: axes, done: map[arranged]*node{}}
	return a.node(n, 0, order)
}

// arranger rearranges each nested set once for each order.
type arranger struct {
	axes []axis
	done map[arranged]*node
}

type arranged struct {
	n     *node
	order string
}

// node rearranges a set nested at a level: order has positions from there on.
func (a *arranger) node(n *node, level int, order []int) *node {
	if n == nil || n == unit {
		return n
	}
	if len(order) == 0 {
		return unit
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

// inOrder reports whether an order is that of the axes themselves, all of them.
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

func (a *arranger) walk(n *node, level int, order []int) *node {
	depth := slices.Index(order, level) // where this axis goes
	rest := slices.DeleteFunc(slices.Clone(order), func(at int) bool { return at == level })
	axes := a.axesOf(order)
	if depth == 0 {
		var segs []seg
		for s := range n.pieces() {
			segs = append(segs, seg{s.lo, s.hi, a.node(s.sub, level+1, rest)})
		}
		return line(segs, axes[0].scale())
	}
	var parts []*node
	for s := range n.pieces() {
		part := a.node(s.sub, level+1, rest)
		if depth > 0 {
			in := inserter{lo: s.lo, hi: s.hi, done: map[*node]*node{}}
			part = in.node(part, depth, axes)
		}
		if len(parts) == 0 || parts[len(parts)-1] != part {
			parts = append(parts, part)
		}
	}
	return unite(parts, axes)
}

func (a *arranger) axesOf(order []int) []axis {
	axes := make([]axis, len(order))
	for i, at := range order {
		axes[i] = a.axes[at]
	}
	return axes
}

// inserter puts an interval of an axis into a set, some levels inside. Each nested set is
// done once.
type inserter struct {
	lo, hi int64
	done   map[*node]*node
}

// node puts the interval in depth levels inside; axes are those of the result.
func (in *inserter) node(n *node, depth int, axes []axis) *node {
	if depth == 0 {
		return interval(in.lo, in.hi, n)
	}
	if known, ok := in.done[n]; ok {
		return known
	}
	var segs []seg
	for s := range n.pieces() {
		segs = append(segs, seg{s.lo, s.hi, in.node(s.sub, depth-1, axes[1:])})
	}
	made := line(segs, axes[0].scale())
	in.done[n] = made
	return made
}
