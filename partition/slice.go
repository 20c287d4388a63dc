package partition

import (
	"fmt"
	"iter"
)

// Slice is the partitions of one call of a function or an IO handler: one partition, several, or
// that of an unpartitioned asset, which is the zero Slice.
type Slice struct {
	space Space
	set   Set
	key   Key // of a slice of one partition
	count int64
}

// NewSlice returns the existing partitions of a set. It returns an error if a key table does.
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

// SliceOf returns the slice of one partition. The caller guarantees that key and set belong
// together.
func SliceOf(space Space, set Set, key Key) Slice {
	return Slice{space: space, set: set, key: key, count: 1}
}

// IsZero reports whether this is the slice of an unpartitioned asset.
func (s Slice) IsZero() bool { return s.space.def == nil }

// Definition returns the definition of the partitions, nil for an unpartitioned asset.
func (s Slice) Definition() Definition { return s.space.def }

// Space returns what exists of the definition at the instant of the run's plan.
func (s Slice) Space() Space { return s.space }

// Set returns the partitions as a set, [Whole] for an unpartitioned asset.
func (s Slice) Set() Set {
	if s.IsZero() {
		return Whole()
	}
	return s.set
}

// Len returns the number of partitions, 1 for an unpartitioned asset.
func (s Slice) Len() int64 {
	if s.IsZero() {
		return 1
	}
	return s.count
}

// Key returns the key of the partition. It is the zero Key for several partitions and for an
// unpartitioned asset.
func (s Slice) Key() Key { return s.key }

// Keys yields the key of each partition, in the order of the definition; the zero Key for an
// unpartitioned asset. It formats keys lazily, so stopping early is cheap. An error of the key
// table ends the sequence.
func (s Slice) Keys() iter.Seq2[Key, error] {
	if s.IsZero() || s.count == 1 {
		return func(yield func(Key, error) bool) { yield(s.key, nil) }
	}
	return s.space.Keys(s.set)
}

// Contains reports whether the slice has every partition of a key.
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

// Range returns the partitions as one range, and false if they are not contiguous.
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

// Window returns the time from the start of the first window to the end of the last. It is the zero
// Window unless the definition has exactly one time dimension; see [Slice.Windows].
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

// Windows returns the time that the partitions cover, by time dimension. The name is "" for a
// definition that is not Multi.
func (s Slice) Windows() map[string]Window {
	if s.IsZero() {
		return nil
	}
	return s.space.Windows(s.set)
}

// String returns the key of one partition, a range, or the number of partitions. It is empty for an
// unpartitioned asset.
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
