package partition

import (
	"encoding/base64"
	"fmt"
	"iter"

	"github.com/rivers-go/rivers/partition/internal/sets"
)

// Set is a set of partitions, as it is stored: by labels that no change of a
// definition moves. It may hold partitions of different definitions, each under its
// own shape. The zero Set is the empty one. Operations need no definition and cost
// by the intervals in the sets, not by the partitions; a [Space] gives a Set keys,
// an order and a count.
type Set struct{ in sets.Set }

// noAxes is the shape of an asset without partitions, whole the set of its one partition.
var (
	noAxes = sets.NewShape(nil)
	whole  = setOf(noAxes, sets.Unit)
)

// Whole returns the set that is the one partition of an asset without partitions.
func Whole() Set { return whole }

// Ordinal is the row of a key in a [KeyTable].
type Ordinal uint32

// NoOrdinal is the ordinal of a key that a table does not have.
const NoOrdinal Ordinal = 1<<32 - 1

// DynamicSet returns the set of the keys with these ordinals in the table of a dynamic
// definition: what storage keeps as the keys that are registered now, and what it
// adds to or takes from it. NoOrdinal is passed over.
func DynamicSet(name string, ordinals iter.Seq[Ordinal]) Set {
	return setOf(sets.NewShape([]sets.Axis{{Kind: sets.Dynamic, Of: name}}), sets.Ordinals(ordinals))
}

// setOf is the set of one shape, empty for a nil node.
func setOf(s *sets.Shape, root *sets.Node) Set { return Set{sets.SetOf(s, root)} }

// of is what the set has of a shape, nil if nothing.
func (s Set) of(want *sets.Shape) *sets.Node { return s.in.Of(want) }

// IsEmpty reports whether there is no partition in the set.
func (s Set) IsEmpty() bool { return s.in.IsEmpty() }

// IsZero reports whether there is no partition in the set: the same as [Set.IsEmpty], so that
// encoding/json leaves an empty set out.
func (s Set) IsZero() bool { return s.in.IsEmpty() }

// Equal reports whether two sets have the same partitions.
func (s Set) Equal(t Set) bool { return s.in.Equal(t.in) }

// Union returns the partitions that are in either set.
func (s Set) Union(t Set) Set { return Set{s.in.Combine(sets.Union, t.in)} }

// Intersect returns the partitions that are in both sets.
func (s Set) Intersect(t Set) Set { return Set{s.in.Combine(sets.Intersection, t.in)} }

// Minus returns the partitions of s that are not in t.
func (s Set) Minus(t Set) Set { return Set{s.in.Combine(sets.Difference, t.in)} }

// SymmetricDifference returns the partitions that are in one of the sets and not in
// both.
func (s Set) SymmetricDifference(t Set) Set { return Set{s.in.Combine(sets.SymmetricDifference, t.in)} }

// Contains reports whether every partition of t is in s.
func (s Set) Contains(t Set) bool { return t.Minus(s).IsEmpty() }

// String shows the labels of the set, the first of them where there are many: for
// debugging, since it knows no keys.
func (s Set) String() string { return s.in.String() }

// AppendBinary appends the binary form of the set, which [ParseSet] reads. It is
// compact (an interval of windows is a few bytes, whatever its length), versioned, and
// the same for equal sets. It never fails.
func (s Set) AppendBinary(b []byte) ([]byte, error) { return s.in.AppendBinary(b), nil }

// ParseSet reads the binary form of a set. It refuses what [Set.AppendBinary] does not
// write, and allocates no more than a small multiple of what it is given.
func ParseSet(data []byte) (Set, error) {
	s, err := sets.Parse(data)
	if err != nil {
		return Set{}, fmt.Errorf("stored set of partitions: %w", err)
	}
	return Set{s}, nil
}

// AppendText appends the binary form of the set in base64, as URLs write it, and nothing for an
// empty set. It never fails.
func (s Set) AppendText(b []byte) ([]byte, error) {
	if s.IsEmpty() {
		return b, nil
	}
	data, err := s.AppendBinary(nil)
	if err != nil {
		return b, err
	}
	return base64.RawURLEncoding.AppendEncode(b, data), nil
}

// MarshalText returns the text of [Set.AppendText]. It never fails.
func (s Set) MarshalText() ([]byte, error) { return s.AppendText(nil) }

// UnmarshalText reads what [Set.AppendText] wrote.
func (s *Set) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = Set{}
		return nil
	}
	data, err := base64.RawURLEncoding.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("set of partitions: %w", err)
	}
	*s, err = ParseSet(data)
	return err
}
