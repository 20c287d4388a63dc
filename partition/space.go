package partition

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rivers-go/rivers/partition/internal/sets"
)

// Space is what exists of a definition at an instant. It gives keys, order and numbers to the
// partitions of a [Set]. No answer enumerates partitions: the cost is that of arithmetic or follows
// the intervals of the set. The zero Space has no partition; [NewSpace] makes one.
type Space struct {
	def    Definition
	now    time.Time
	tables Tables
	shape  *sets.Shape
	dims   dimensions
	all    *sets.Node
}

// NewSpace returns what exists of a definition at an instant, with the keys of some tables. A nil
// definition stands for an unpartitioned asset. The definition must be valid and resolved. Windows
// exist if they have ended at now.
func NewSpace(d Definition, now time.Time, tables Tables) (Space, error) {
	s := Space{def: d, now: now, tables: tables}
	if d == nil {
		s.shape, s.all = noAxes, sets.Unit
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
	slices.SortFunc(s.dims, func(a, b dimension) int { return a.axis().Compare(b.axis()) })
	axes := make([]sets.Axis, len(s.dims))
	for i, one := range s.dims {
		axes[i] = one.axis()
	}
	s.shape = sets.NewShape(axes)
	s.all = s.dims.product(func(one dimension) *sets.Node { return one.exists() })
	return s, nil
}

// At returns the space of the same definition and keys at another instant.
func (s Space) At(now time.Time) Space {
	moved := s
	moved.now = now
	moved.dims = slices.Clone(s.dims)
	for i, one := range s.dims {
		if t, ok := one.(*timeDimension); ok {
			moved.dims[i] = newTimeDimension(t.id.Name, t.def, now)
		}
	}
	if len(s.dims) > 0 {
		moved.all = moved.dims.product(func(one dimension) *sets.Node { return one.exists() })
	}
	return moved
}

// Definition returns the definition, nil for an unpartitioned asset.
func (s Space) Definition() Definition { return s.def }

// Now returns the instant of the space.
func (s Space) Now() time.Time { return s.now }

// shaped returns the space with a shape, also for the zero Space.
func (s Space) shaped() Space {
	if s.shape == nil {
		s.shape = noAxes
	}
	return s
}

// set returns a set of the shape of the space.
func (s Space) set(n *sets.Node) Set {
	if n == nil {
		return Set{}
	}
	return setOf(s.shape, n)
}

// here returns the existing partitions of a set.
func (s Space) here(set Set) *sets.Node {
	if s.shape == nil {
		return nil
	}
	return sets.Combine(sets.Intersection, set.of(s.shape), s.all, s.shape.Axes)
}

// All returns the existing partitions.
func (s Space) All() Set { return s.set(s.all) }

// Within returns the existing partitions of a set.
func (s Space) Within(set Set) Set { return s.set(s.here(set)) }

// Complement returns the existing partitions that are not in a set. For a set of materialized
// partitions it returns the missing ones.
func (s Space) Complement(set Set) Set { return s.All().Minus(set) }

// Len returns the number of existing partitions, at most the greatest int64.
func (s Space) Len() int64 { return s.dims.count(s.all, 0, nil) }

// Count returns the number of existing partitions of a set.
func (s Space) Count(set Set) int64 { return s.dims.count(s.here(set), 0, nil) }

// Contains reports whether every partition of a key exists. It returns an error if a key table
// does.
func (s Space) Contains(key Key) (bool, error) {
	set, err := s.Set(key)
	if refused(err) {
		return false, nil
	}
	return !set.IsEmpty(), err
}

// Index returns the position of a partition among the existing ones. The key must name exactly one.
// The zero Key is index 0 of an unpartitioned asset.
func (s Space) Index(key Key) (int64, error) {
	n, err := s.Set(key)
	if err != nil {
		return 0, err
	}
	root, index := n.of(s.shape), int64(0)
	for _, one := range s.dims {
		lo, hi := root.Bounds()
		if !root.IsInterval() || one.count(lo, hi) != 1 {
			return 0, refuse(key.String(), errors.New("names several partitions: write one"))
		}
		index = plus(times(index, one.size()), one.index(lo))
		root = root.At(lo)
	}
	return index, nil
}

// Key returns the key of the partition at an index, from 0 to before [Space.Len].
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

// key returns the key of one text per dimension.
func (s Space) key(texts []string) Key {
	if _, product := s.def.(*multi); !product {
		if len(texts) == 0 {
			return Key{}
		}
		return Key{escape(texts[0])}
	}
	var b strings.Builder
	for i, at := range s.dims.byName() {
		if i > 0 {
			b.WriteByte('|')
		}
		b.WriteString(escape(s.dims[at].axis().Name) + "=" + escape(texts[at]))
	}
	return Key{b.String()}
}
