package partition

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/rivers-go/rivers/partition/internal/sets"
)

// LackingError tells which partitions lack an input, and which one.
type LackingError struct {
	// Mapping is the mapping through which they read.
	Mapping Mapping
	// Partition is the first one that lacks an input, More the number of others.
	Partition Key
	More      int64
	// Needs is the first missing upstream key, in the dimension named Dimension ("" for the only one).
	Needs, Dimension string
	// Exists describes the existing upstream keys.
	Exists string
}

// Error names the partition, the missing key and the existing keys.
func (e *LackingError) Error() string {
	in := ""
	if e.Dimension != "" {
		in = " in dimension " + strconv.Quote(e.Dimension)
	}
	text := fmt.Sprintf("partition %q reads %q%s by %s, which does not exist upstream: %s", e.Partition, e.Needs, in, e.Mapping, e.Exists)
	if e.More > 0 {
		text += fmt.Sprintf(" (others that lack what they read: %d)", e.More)
	}
	return text
}

// Explain returns a *[LackingError] about the first partition of a set that lacks an input, nil if
// none does. lacking is what [Edge.Upstream] returned, or part of it. It returns errors of a key
// table unchanged.
func (e Edge) Explain(lacking Set) error {
	n := sets.Combine(sets.Difference, e.down.here(lacking), e.complete, e.down.shape.Axes)
	if n == nil {
		return nil
	}
	if e.lost != nil {
		return fmt.Errorf("%s: %w", e.mapping, e.lost)
	}
	for key, err := range e.down.Keys(e.down.set(n)) {
		if err != nil {
			return err
		}
		found := &LackingError{Mapping: e.mapping, Partition: key, More: e.down.dims.count(n, 0, nil) - 1}
		one, err := e.down.Set(key)
		if err != nil {
			return err
		}
		if err := e.needs(found, one.of(e.down.shape)); err != nil {
			return err
		}
		return found
	}
	return errors.New("a partition that lacks something has no key")
}

// needs finds the missing key that a partition reads.
func (e Edge) needs(found *LackingError, one *sets.Node) error {
	for level, b := range e.bound {
		if b.down < 0 {
			continue
		}
		lo, hi := sets.Arrange(one, e.down.shape.Axes, []int{b.down}).Bounds()
		complete := b.rel.complete()
		if complete.At(lo) != nil {
			continue
		}
		up := e.up.dims[level]
		found.Dimension, found.Exists = up.axis().Name, existing(up)
		reads := sets.Line(slices.Clone(b.rel.reads(lo, hi)), up.axis().Scale())
		missing := sets.Combine(sets.Difference, reads, up.exists(), []sets.Axis{up.axis()})
		if missing != nil {
			label, _ := missing.Bounds()
			texts, err := up.texts([]int64{label})
			if err != nil {
				return err
			}
			found.Needs = texts[0]
			return nil
		}
		if p, ok := b.rel.(*paired); ok { // a key that upstream never had
			i := slices.IndexFunc(p.incomplete, func(a absent) bool { return a.label == lo })
			found.Needs = p.incomplete[i].key
			return nil
		}
		texts, err := e.down.dims[b.down].texts([]int64{lo})
		if err != nil {
			return err
		}
		found.Needs = texts[0]
		return nil
	}
	return nil
}

// existing describes the keys of a dimension.
func existing(one dimension) string {
	n := one.size()
	if n == 0 {
		return "it has no partition yet"
	}
	texts, err := one.texts([]int64{one.label(0), one.label(n - 1)})
	switch {
	case err != nil:
		return fmt.Sprintf("it has %d keys", n)
	case n == 1:
		return fmt.Sprintf("it has only %q", texts[0])
	default:
		return fmt.Sprintf("it has %q to %q", texts[0], texts[1])
	}
}
