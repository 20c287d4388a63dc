package partition

import "slices"

// image is what is read of upstream, and exists, by a set of downstream that exists.
func (e Edge) image(n *node) *node {
	if e.carries() {
		return combine(opIntersection, n, e.up.all, e.up.shape.axes)
	}
	followed := make([]int, 0, len(e.bound))
	for _, b := range e.bound {
		if b.down >= 0 {
			followed = append(followed, b.down)
		}
	}
	i := imager{axes: e.up.shape.axes, steps: make([]step, len(e.bound)), done: map[imaged]*node{}}
	for level, b := range e.bound {
		i.steps[level] = step{only: b.only}
		if b.down >= 0 {
			i.steps[level].to = b.rel.reads
		}
	}
	made := i.level(arrange(n, e.down.shape.axes, followed), 0)
	return combine(opIntersection, made, e.up.all, e.up.shape.axes)
}

// preimage is what of downstream exists and reads a set of upstream that exists.
func (e Edge) preimage(n *node) *node {
	if e.carries() {
		return combine(opIntersection, n, e.down.all, e.down.shape.axes)
	}
	// What is not read of upstream has no readers; then each downstream dimension
	// follows the upstream dimension that follows it.
	n = combine(opIntersection, n, e.up.product(func(one dimension) *node {
		at := slices.Index(e.up.dims, one)
		if e.bound[at].down < 0 {
			return e.bound[at].only
		}
		return one.exists()
	}), e.up.shape.axes)
	i := imager{axes: e.down.shape.axes, steps: make([]step, len(e.down.dims)), done: map[imaged]*node{}}
	var followed []int
	for level, one := range e.down.dims {
		at := slices.IndexFunc(e.bound, func(b bound) bool { return b.down == level })
		if at < 0 {
			i.steps[level] = step{only: one.exists()}
			continue
		}
		followed = append(followed, at)
		i.steps[level] = step{to: e.bound[at].rel.readers}
	}
	made := i.level(arrange(n, e.up.shape.axes, followed), 0)
	return combine(opIntersection, made, e.down.all, e.down.shape.axes)
}

// carries reports whether every partition reads the one with the same labels.
func (e Edge) carries() bool {
	if e.up.shape.code != e.down.shape.code {
		return false
	}
	for level, b := range e.bound {
		if _, ok := b.rel.(carried); !ok || b.down != level {
			return false
		}
	}
	return true
}

// step is how one dimension of a result comes about: by a relation from the next
// dimension of what is mapped, or without one.
type step struct {
	to   func(lo, hi int64) []seg
	only *node
}

// imager maps a set, dimension by dimension of the result. Each nested set is mapped
// once.
type imager struct {
	axes  []axis // of the result
	steps []step
	done  map[imaged]*node
}

type imaged struct {
	n     *node
	level int
}

func (i *imager) level(n *node, level int) *node {
	if n == nil || level == len(i.steps) {
		return n
	}
	key := imaged{n, level}
	if known, ok := i.done[key]; ok {
		return known
	}
	var made *node
	if step := i.steps[level]; step.to == nil {
		made = nest(step.only, i.level(n, level+1))
	} else {
		made = i.follow(n, level, step.to)
	}
	i.done[key] = made
	return made
}

// follow maps a dimension by its relation. Images of segments may overlap, as those of
// two days in one week do; what does not is collected as it comes.
func (i *imager) follow(n *node, level int, to func(lo, hi int64) []seg) *node {
	var parts []*node
	var flow []seg
	flush := func() {
		if part := line(flow, i.axes[level].scale()); part != nil {
			parts = append(parts, part)
		}
		flow = nil
	}
	for s := range n.pieces() {
		sub := i.level(s.sub, level+1)
		if sub == nil {
			continue
		}
		for _, t := range to(s.lo, s.hi) {
			if k := len(flow); k > 0 && t.lo < flow[k-1].hi {
				if last := &flow[k-1]; last.sub == sub && t.lo >= last.lo {
					last.hi = max(last.hi, t.hi)
					continue
				}
				flush()
			}
			flow = append(flow, seg{t.lo, t.hi, sub})
		}
	}
	flush()
	return unite(parts, i.axes[level:])
}
