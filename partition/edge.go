package partition

import (
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/partition/internal/sets"
)

// Edge is a [Mapping] between two spaces. It tells which upstream partitions the downstream
// partitions read, and the reverse, for sets of any size. The cost follows the intervals of the
// set.
type Edge struct {
	mapping  Mapping
	down, up Space
	bound    []bound // by dimension of upstream
	constant bool
	reads    *sets.Node // what is read of upstream where it is constant
	readers  *sets.Node // which of downstream reads it then
	complete *sets.Node // the downstream partitions that lack no input
	lost     error      // why all partitions lack their input, nil otherwise
}

// bound is what is read of one upstream dimension.
type bound struct {
	down int        // the downstream dimension it follows, -1 for none
	rel  relation   // between the two, if down is not -1
	only *sets.Node // the labels read, if down is -1
}

// Connect ties the mapping to two spaces. [Mapping.Check] must accept their definitions. If a key
// has different ordinals on the two sides (static keys that changed, or different tables), Connect
// looks up all keys of the smaller side once.
func (m Mapping) Connect(upstream, downstream Space) (Edge, error) {
	if err := m.Check(upstream.def, downstream.def); err != nil {
		return Edge{}, err
	}
	upstream, downstream = upstream.shaped(), downstream.shaped()
	r, err := m.route(upstream.def, downstream.def)
	if err != nil {
		return Edge{}, err
	}
	c := connector{Edge{mapping: m.Resolve(upstream.def, downstream.def), up: upstream, down: downstream, complete: downstream.all}}
	if r.constant {
		err = c.fix(r)
	} else {
		err = c.bind(r)
	}
	return c.Edge, err
}

// connector makes an edge.
type connector struct{ Edge }

// fix makes an edge on which every reader reads the same.
func (c *connector) fix(r route) error {
	c.constant, c.reads, c.readers = true, c.up.all, c.down.all
	if r.reads != nil {
		reads, err := c.up.Set(r.reads...)
		if err != nil {
			if !refused(err) {
				return err
			}
			c.complete, c.lost = nil, err
		}
		c.reads = reads.of(c.up.shape)
	}
	if r.readers != nil {
		c.readers = nil
		for _, key := range r.readers {
			reader, err := c.down.Set(key)
			if err != nil && !refused(err) {
				return err
			}
			c.readers = sets.Combine(sets.Union, c.readers, reader.of(c.down.shape), c.down.shape.Axes)
		}
	}
	return nil
}

// bind makes an edge from links.
func (c *connector) bind(r route) error {
	c.bound = make([]bound, len(c.up.dims))
	for level, one := range c.up.dims {
		c.bound[level] = bound{down: -1, only: one.exists()}
	}
	for _, l := range r.links {
		at := c.up.dims.level(l.up)
		if l.apart {
			if err := c.choose(at, l); err != nil {
				return err
			}
			continue
		}
		to := c.down.dims.level(l.down)
		rel, err := newRelation(l.rule, c.down.dims[to], c.up.dims[at])
		if err != nil {
			return err
		}
		c.bound[at] = bound{down: to, rel: rel}
		complete := rel.complete()
		c.complete = sets.Combine(sets.Intersection, c.complete, c.down.dims.product(func(one dimension) *sets.Node {
			if one == c.down.dims[to] {
				return complete
			}
			return one.exists()
		}), c.down.shape.Axes)
	}
	return nil
}

// choose restricts an upstream dimension to keys.
func (c *connector) choose(level int, l link) error {
	chosen, ok := l.rule.(specific)
	if !ok {
		return nil
	}
	one := c.up.dims[level]
	var segs []sets.Seg
	for _, key := range chosen.keys {
		labels, wrong, err := one.find(key.Values(""))
		if err != nil {
			return err
		}
		for i, label := range labels {
			if wrong[i] != nil {
				c.complete, c.lost = nil, refuse(key.text, inDimension(one, wrong[i]))
				continue
			}
			segs = append(segs, sets.Seg{Lo: label, Hi: label + 1, Sub: sets.Unit})
			if t, ok := one.(*timeDimension); ok {
				segs[len(segs)-1].Hi = t.label(t.index(label) + 1)
			}
		}
	}
	c.bound[level].only = sets.LineOf(segs, one.axis())
	return nil
}

// newRelation returns the relation of a checked rule.
func newRelation(r rule, down, up dimension) (relation, error) {
	downTime, _ := down.(*timeDimension)
	upTime, _ := up.(*timeDimension)
	switch r := r.(type) {
	case overlap:
		return overlapping{downTime, upTime}, nil
	case timeOffset:
		return shifted{downTime, upTime, int64(r.n)}, nil
	case staticMap:
		return newPaired(r, down, up)
	case identity:
		if downTime != nil || sameOrdinals(down, up) {
			return carried{down, up, r.lenient}, nil
		}
		pairs, err := samePairs(down, up)
		if err != nil {
			return nil, err
		}
		return newTranslated(down, up, r.lenient, pairs), nil
	default:
		return nil, fmt.Errorf("%s does not map one dimension", r.text())
	}
}

// sameOrdinals reports whether a key has the same ordinal on both sides.
func sameOrdinals(a, b dimension) bool {
	switch a := a.(type) {
	case *dynamicDimension:
		b, ok := b.(*dynamicDimension)
		return ok && a.def.name == b.def.name
	case *staticDimension:
		b, ok := b.(*staticDimension)
		return ok && sameKeys(a.def.keys, b.def.keys) && slices.Equal(a.byPosition, b.byPosition)
	default:
		return false
	}
}

// samePairs returns the labels of each key that both sides have. It looks up the keys of the
// smaller side in batches.
func samePairs(down, up dimension) ([]pair, error) {
	if down.size() > up.size() {
		pairs, err := samePairs(up, down)
		for i := range pairs {
			pairs[i] = pair{pairs[i].up, pairs[i].down}
		}
		return pairs, err
	}
	const batch = 512
	var pairs []pair
	for lo := int64(0); lo < down.size(); lo += batch {
		labels := make([]int64, min(batch, down.size()-lo))
		for i := range labels {
			labels[i] = down.label(lo + int64(i))
		}
		keys, err := down.texts(labels)
		if err != nil {
			return nil, err
		}
		found, wrong, err := up.find(keys)
		if err != nil {
			return nil, err
		}
		for i, label := range found {
			if wrong[i] == nil {
				pairs = append(pairs, pair{labels[i], label})
			}
		}
	}
	return pairs, nil
}

// Mapping returns the mapping of the edge. For the zero Mapping it is the default that applied.
func (e Edge) Mapping() Mapping { return e.mapping }

// Upstream returns the existing upstream partitions that a downstream set reads, and the partitions
// of the set that lack an input. [Edge.Explain] tells why. Partitions that do not exist are
// ignored.
func (e Edge) Upstream(set Set) (needs, lacking Set) {
	n := e.down.here(set)
	if n == nil {
		return Set{}, Set{}
	}
	lacks := sets.Combine(sets.Difference, n, e.complete, e.down.shape.Axes)
	if e.constant {
		if sets.Combine(sets.Intersection, n, e.readers, e.down.shape.Axes) == nil {
			return Set{}, e.down.set(lacks)
		}
		return e.up.set(e.reads), e.down.set(lacks)
	}
	return e.up.set(e.image(n)), e.down.set(lacks)
}

// Downstream returns the existing downstream partitions that read at least one existing partition
// of an upstream set.
func (e Edge) Downstream(set Set) Set {
	n := e.up.here(set)
	if n == nil {
		return Set{}
	}
	if e.constant {
		if sets.Combine(sets.Intersection, n, e.reads, e.up.shape.Axes) == nil {
			return Set{}
		}
		return e.down.set(e.readers)
	}
	return e.down.set(e.preimage(n))
}

// image returns the existing upstream partitions that an existing downstream set reads.
func (e Edge) image(n *sets.Node) *sets.Node {
	if e.carries() {
		return sets.Combine(sets.Intersection, n, e.up.all, e.up.shape.Axes)
	}
	followed := make([]int, 0, len(e.bound))
	for _, b := range e.bound {
		if b.down >= 0 {
			followed = append(followed, b.down)
		}
	}
	steps := make([]sets.Step, len(e.bound))
	for level, b := range e.bound {
		steps[level] = sets.Step{Only: b.only}
		if b.down >= 0 {
			steps[level].To = b.rel.reads
		}
	}
	made := sets.Image(sets.Arrange(n, e.down.shape.Axes, followed), e.up.shape.Axes, steps)
	return sets.Combine(sets.Intersection, made, e.up.all, e.up.shape.Axes)
}

// preimage returns the existing downstream partitions that read an existing upstream set.
func (e Edge) preimage(n *sets.Node) *sets.Node {
	if e.carries() {
		return sets.Combine(sets.Intersection, n, e.down.all, e.down.shape.Axes)
	}
	// What is not read of upstream has no readers; then each downstream dimension
	// follows the upstream dimension that follows it.
	n = sets.Combine(sets.Intersection, n, e.up.dims.product(func(one dimension) *sets.Node {
		at := slices.Index(e.up.dims, one)
		if e.bound[at].down < 0 {
			return e.bound[at].only
		}
		return one.exists()
	}), e.up.shape.Axes)
	steps := make([]sets.Step, len(e.down.dims))
	var followed []int
	for level, one := range e.down.dims {
		at := slices.IndexFunc(e.bound, func(b bound) bool { return b.down == level })
		if at < 0 {
			steps[level] = sets.Step{Only: one.exists()}
			continue
		}
		followed = append(followed, at)
		steps[level] = sets.Step{To: e.bound[at].rel.readers}
	}
	made := sets.Image(sets.Arrange(n, e.up.shape.Axes, followed), e.down.shape.Axes, steps)
	return sets.Combine(sets.Intersection, made, e.down.all, e.down.shape.Axes)
}

// carries reports whether every partition reads the one with the same labels.
func (e Edge) carries() bool {
	if e.up.shape.Code != e.down.shape.Code {
		return false
	}
	for level, b := range e.bound {
		if _, ok := b.rel.(carried); !ok || b.down != level {
			return false
		}
	}
	return true
}
