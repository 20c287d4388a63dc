package partition

import (
	"iter"

	"github.com/rivers-go/rivers/partition/internal/sets"
)

// run is an interval of indices of a dimension, from lo to before hi, with the set nested in each.
type run struct {
	lo, hi int64
	sub    *sets.Node
}

// runs yields the existing labels of a dimension by index, in the order of the definition from an
// index on. It joins neighbours with the same nested set.
func runs(one dimension, n *sets.Node, from int64) iter.Seq[run] {
	return func(yield func(run) bool) {
		if n == nil || from >= one.size() {
			return
		}
		var held run // joined as long as it grows
		emit := func(r run) bool {
			if held.sub != nil && held.hi == r.lo && sets.Same(held.sub, r.sub) {
				held.hi = r.hi
				return true
			}
			if held.sub != nil && !yield(held) {
				return false
			}
			held = r
			return true
		}
		if s, ok := one.(*staticDimension); ok && !s.ordered() {
			if !s.scattered(n, from, emit) {
				return
			}
		} else {
			for s := range n.PiecesFrom(one.label(from)) {
				lo := one.index(s.Lo)
				if !emit(run{lo, lo + one.count(s.Lo, s.Hi), s.Sub}) {
					return
				}
			}
		}
		if held.sub != nil {
			yield(held)
		}
	}
}

// scattered yields the runs of a set in the order of positions, stretch by stretch.
func (s *staticDimension) scattered(n *sets.Node, from int64, emit func(run) bool) bool {
	for _, one := range s.byPosition[s.at(from):] {
		end := one.ordinal + one.n
		for piece := range n.PiecesFrom(one.ordinal + max(0, from-one.position)) {
			if piece.Lo >= end {
				break
			}
			lo := one.position + piece.Lo - one.ordinal
			if !emit(run{lo, lo + min(piece.Hi, end) - piece.Lo, piece.Sub}) {
				return false
			}
		}
	}
	return true
}

// Keys yields the keys of the existing partitions of a set, in the order of the definition. It
// formats keys in batches of a few hundred, so stopping early is cheap. An error of a key table
// ends the sequence.
func (s Space) Keys(set Set) iter.Seq2[Key, error] { return s.walk(set, nil) }

// KeysFrom is [Space.Keys] from a partition on. The partition must exist and be one, but need not
// be in the set.
func (s Space) KeysFrom(set Set, from Key) iter.Seq2[Key, error] {
	index, err := s.Index(from)
	if err != nil {
		return func(yield func(Key, error) bool) { yield(Key{}, err) }
	}
	at := make([]int64, len(s.dims))
	for level := len(s.dims) - 1; level >= 0; level-- {
		at[level] = index % s.dims[level].size()
		index /= s.dims[level].size()
	}
	return s.walk(set, at)
}

// walk yields keys from the partition with some indices on, nil for the first.
func (s Space) walk(set Set, from []int64) iter.Seq2[Key, error] {
	return func(yield func(Key, error) bool) {
		n := s.here(set)
		switch {
		case n == nil:
		case n == sets.Unit:
			yield(Key{}, nil)
		default:
			w := walker{space: s, texts: make([]string, len(s.dims)), yield: yield}
			w.level(0, n, from)
		}
	}
}

// walker yields the keys of a set, dimension by dimension.
type walker struct {
	space Space
	texts []string // of the dimensions so far
	yield func(Key, error) bool
}

// level yields the keys of a set nested at a level. It returns false to stop.
func (w *walker) level(level int, n *sets.Node, from []int64) bool {
	const batch = 256
	one := w.space.dims[level]
	first := int64(0)
	if from != nil {
		first = from[0]
	}
	for r := range runs(one, n, first) {
		for lo := r.lo; lo < r.hi; lo += batch {
			labels := make([]int64, min(batch, r.hi-lo))
			for i := range labels {
				labels[i] = one.label(lo + int64(i))
			}
			texts, err := one.texts(labels)
			if err != nil {
				w.yield(Key{}, err)
				return false
			}
			for i, text := range texts {
				w.texts[level] = text
				if !w.inner(level, r.sub, lo+int64(i), from) {
					return false
				}
			}
		}
	}
	return true
}

// inner yields the keys with an index at a level.
func (w *walker) inner(level int, sub *sets.Node, index int64, from []int64) bool {
	if level+1 == len(w.texts) {
		return w.yield(w.space.key(w.texts), nil)
	}
	if from != nil && index == from[0] {
		return w.level(level+1, sub, from[1:])
	}
	return w.level(level+1, sub, nil)
}

// First returns the keys of the first n existing partitions of a set, in the order of the
// definition.
func (s Space) First(set Set, n int) ([]Key, error) {
	var keys []Key
	for key, err := range s.Keys(set) {
		if len(keys) >= n || err != nil {
			return keys, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}
