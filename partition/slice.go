package partition

import (
	"fmt"
	"iter"
)

// Slice is the partitions that one call is about: one, several, or the one of an asset without
// partitions, which is the zero Slice. Functions and IO handlers are handed one.
type Slice struct {
	space Space
	set   Set
	key   Key // of a slice of one partition
	count int64
}

// NewSlice returns the partitions of a set that exist. An error is that of a key table.
func NewSlice(space Space, set Set) (Slice, error) {
	if space.def == nil {
		return Slice{}, nil
	}
	s := Slice{space: space, set: space.Within(set)}
	if s.count = space.Count(s.set); s.count != 1 {
		return s, nil
	}
	for key, err := range space.Keys(s.set) {
		if err != nil {
			return Slice{}, err
		}
		s.key = key
	}
	return s, nil
}

// SliceOf returns the slice of one partition, whose key and set the caller knows to belong
// together.
func SliceOf(space Space, set Set, key Key) Slice {
	return Slice{space: space, set: set, key: key, count: 1}
}

// IsZero reports whether it is the slice of an asset without partitions.
func (s Slice) IsZero() bool { return s.space.def == nil }

// Definition returns the definition of the partitions, nil for an asset without.
func (s Slice) Definition() Definition { return s.space.def }

// Space returns what exists of the definition, at the instant at which the run was planned.
func (s Slice) Space() Space { return s.space }

// Set returns the partitions as a set, that of [Whole] for an asset without.
func (s Slice) Set() Set {
	if s.IsZero() {
		return Whole()
	}
	return s.set
}

// Len returns how many partitions there are: 1 for an asset without.
func (s Slice) Len() int64 {
	if s.IsZero() {
		return 1
	}
	return s.count
}

// Key returns the key of the partition, the zero Key if there are several or the asset has none.
func (s Slice) Key() Key { return s.key }

// Keys yields the key of each partition, in the order of the definition; the zero Key for an asset
// without partitions. It writes them as it goes, so that a caller who stops early pays for little.
// An error is that of the store that has the keys, and ends it.
func (s Slice) Keys() iter.Seq2[Key, error] {
	if s.IsZero() || s.count == 1 {
		return func(yield func(Key, error) bool) { yield(s.key, nil) }
	}
	return s.space.Keys(s.set)
}

// Contains reports whether every partition that a key names is among them.
func (s Slice) Contains(key Key) (bool, error) {
	if s.IsZero() {
		return key.IsZero(), nil
	}
	set, err := s.space.Set(key)
	if err != nil {
		return false, err
	}
	return s.set.Contains(set), nil
}

// Range returns the partitions as one stretch of the definition, and false if they are not one.
func (s Slice) Range() (KeyRange, bool) {
	if s.IsZero() {
		return KeyRange{}, false
	}
	var found KeyRange
	n := 0
	for stretch, err := range s.space.Ranges(s.set) {
		if n++; err != nil || n > 1 {
			return KeyRange{}, false
		}
		found = stretch.Range
	}
	return found, n == 1
}

// Window returns the time that the partitions cover, from the start of the first window to the end
// of the last. It is that of the one time dimension; the zero Window where there is none, or more
// than one, which [Slice.Windows] has.
func (s Slice) Window() Window {
	all := s.Windows()
	if len(all) != 1 {
		return Window{}
	}
	for _, w := range all {
		return w
	}
	return Window{}
}

// Windows returns the time that the partitions cover by the name of the time dimension, which is ""
// for a definition that is no Multi.
func (s Slice) Windows() map[string]Window {
	if s.IsZero() {
		return nil
	}
	return s.space.Windows(s.set)
}

// String says for people which partitions they are: the key of one, a range, or how many; nothing
// for an asset without.
func (s Slice) String() string {
	switch {
	case s.IsZero():
		return ""
	case s.count == 1:
		return s.key.String()
	}
	if r, ok := s.Range(); ok {
		return r.String()
	}
	return fmt.Sprintf("%d partitions", s.count)
}
