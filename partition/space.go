package partition

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Space is what exists of a definition at an instant: it gives keys, an order and a
// number to the partitions of a [Set]. No answer enumerates partitions; what costs
// more than arithmetic costs by the intervals of the set that is asked about. The
// zero Space has no partition at all; [NewSpace] makes one.
type Space struct {
	def    Definition
	now    time.Time
	tables Tables
	shape  *shape
	dims   []dimension // in the order of the shape's axes
	all    *node
}

// NewSpace returns what exists of a definition at an instant, with the keys that
// tables have. The definition may be nil, for an asset without partitions; it must be
// valid and resolved. Time windows exist that have ended by now.
func NewSpace(d Definition, now time.Time, tables Tables) (Space, error) {
	s := Space{def: d, now: now, tables: tables}
	if d == nil {
		s.shape, s.all = whole.parts[0].shape, unit
		return s, nil
	}
	if err := d.Validate(); err != nil {
		return Space{}, err
	}
	dims := []dim{{"", d}}
	if product, ok := d.(*multi); ok {
		dims = product.dims
	}
	for _, one := range dims {
		made, err := newDimension(one.name, one.def, now, tables)
		if err != nil {
			return Space{}, err
		}
		s.dims = append(s.dims, made)
	}
	slices.SortFunc(s.dims, func(a, b dimension) int { return a.axis().compare(b.axis()) })
	axes := make([]axis, len(s.dims))
	for i, one := range s.dims {
		axes[i] = one.axis()
	}
	s.shape = newShape(axes)
	s.all = s.product(func(one dimension) *node { return one.exists() })
	return s, nil
}

// At returns what exists of the same definition, with the same keys, at another
// instant.
func (s Space) At(now time.Time) Space {
	moved := s
	moved.now = now
	moved.dims = slices.Clone(s.dims)
	for i, one := range s.dims {
		if t, ok := one.(*timeDimension); ok {
			moved.dims[i] = newTimeDimension(t.id.name, t.def, now)
		}
	}
	if len(s.dims) > 0 {
		moved.all = moved.product(func(one dimension) *node { return one.exists() })
	}
	return moved
}

// product is the set of all combinations of what each dimension has.
func (s Space) product(of func(dimension) *node) *node {
	n := unit
	for _, one := range slices.Backward(s.dims) {
		n = nest(of(one), n)
	}
	return n
}

// Definition returns the definition of the space, nil for an asset without partitions.
func (s Space) Definition() Definition { return s.def }

// Now returns the instant of the space.
func (s Space) Now() time.Time { return s.now }

// shaped is the space, with a shape also if it is the zero Space.
func (s Space) shaped() Space {
	if s.shape == nil {
		s.shape = whole.parts[0].shape
	}
	return s
}

// set is a set of the shape of the space.
func (s Space) set(n *node) Set {
	if n == nil {
		return Set{}
	}
	return setOf(s.shape, n)
}

// here is what exists of a set.
func (s Space) here(set Set) *node {
	if s.shape == nil {
		return nil
	}
	return combine(opIntersection, set.of(s.shape), s.all, s.shape.axes)
}

// All returns the partitions that exist.
func (s Space) All() Set { return s.set(s.all) }

// Within returns the partitions of a set that exist.
func (s Space) Within(set Set) Set { return s.set(s.here(set)) }

// Complement returns the partitions that exist and are not in a set: what is missing
// where the set is what was made.
func (s Space) Complement(set Set) Set { return s.All().Minus(set) }

// Len returns how many partitions exist. A number beyond int64 is the greatest int64.
func (s Space) Len() int64 { return s.countOf(s.all, 0, nil) }

// Count returns how many partitions of a set exist.
func (s Space) Count(set Set) int64 { return s.countOf(s.here(set), 0, nil) }

// countOf counts the partitions of a node over the dimensions from a level on, all of
// which exist. Nested sets that occur twice are counted once.
func (s Space) countOf(n *node, level int, known map[*node]int64) int64 {
	switch {
	case n == nil:
		return 0
	case n == unit:
		return 1
	case n.bits != nil:
		return int64(n.bits.GetCardinality())
	}
	if count, ok := known[n]; ok {
		return count
	}
	total := int64(0)
	for _, one := range n.segs {
		if known == nil && level+2 < len(s.dims) {
			known = map[*node]int64{}
		}
		total = plus(total, times(s.dims[level].count(one.lo, one.hi), s.countOf(one.sub, level+1, known)))
	}
	if known != nil {
		known[n] = total
	}
	return total
}

// plus and times stay at the greatest integer where a result is beyond it.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func times(a, b int64) int64 {
	if b != 0 && a > math.MaxInt64/b {
		return math.MaxInt64
	}
	return a * b
}

// Contains reports whether every partition that a key names exists. The error is that
// of a key table.
func (s Space) Contains(key Key) (bool, error) {
	set, err := s.Set(key)
	if refused(err) {
		return false, nil
	}
	return !set.IsEmpty(), err
}

// Index returns the position of a partition among those that exist. The key must name
// exactly one; the zero Key is index 0 of an asset without partitions.
func (s Space) Index(key Key) (int64, error) {
	n, err := s.Set(key)
	if err != nil {
		return 0, err
	}
	root, index := n.of(s.shape), int64(0)
	for _, one := range s.dims {
		lo, hi := root.bounds()
		if len(root.segs) != 1 || one.count(lo, hi) != 1 {
			return 0, refuse(key.String(), errors.New("names several partitions: write one"))
		}
		index = plus(times(index, one.size()), one.index(lo))
		root = root.at(lo)
	}
	return index, nil
}

// Key returns the key of the partition at an index, which must be from 0 to before
// [Space.Len].
func (s Space) Key(index int64) (Key, error) {
	if index < 0 || index >= s.Len() {
		return Key{}, fmt.Errorf("partition %d: there are %d, counted from 0", index, s.Len())
	}
	texts := make([]string, len(s.dims))
	for level, one := range slices.Backward(s.dims) {
		label := one.label(index % one.size())
		index /= one.size()
		text, err := one.texts([]int64{label})
		if err != nil {
			return Key{}, err
		}
		texts[level] = text[0]
	}
	return s.key(texts), nil
}

// key is the key of one text for each dimension.
func (s Space) key(texts []string) Key {
	if _, product := s.def.(*multi); !product {
		if len(texts) == 0 {
			return Key{}
		}
		return Key{escape(texts[0])}
	}
	var b strings.Builder
	for i, at := range s.byName() {
		if i > 0 {
			b.WriteByte('|')
		}
		b.WriteString(escape(s.dims[at].axis().name) + "=" + escape(texts[at]))
	}
	return Key{b.String()}
}

// byName are the dimensions in the order of their names.
func (s Space) byName() []int {
	order := make([]int, len(s.dims))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(s.dims[a].axis().name, s.dims[b].axis().name) })
	return order
}

// level is the dimension of a name.
func (s Space) level(name string) int {
	return slices.IndexFunc(s.dims, func(one dimension) bool { return one.axis().name == name })
}
