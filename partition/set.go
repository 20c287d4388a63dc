package partition

import (
	"encoding/base64"
	"fmt"
	"iter"

	"github.com/rivers-go/rivers/partition/internal/sets"
)

// Set is a set of partitions in stored form. It holds labels, which no change of a definition
// moves, and may hold partitions of several definitions, each under its own shape. The zero Set is
// empty.
//
// Operations need no definition; their cost follows the intervals in the sets. A [Space] gives a
// Set keys, order and count.
type Set struct{ in sets.Set }

// noAxes is the shape of an asset without partitions, whole the set of its one partition.
var (
	noAxes = sets.NewShape(nil)
	whole  = setOf(noAxes, sets.Unit)
)

// Whole returns the set of the one partition of an unpartitioned asset.
func Whole() Set { return whole }

// Ordinal is the row of a key in a [KeyTable].
type Ordinal uint32

// NoOrdinal is the ordinal of a key that a table lacks.
const NoOrdinal Ordinal = 1<<32 - 1

// DynamicSet returns the set of some ordinals of a dynamic definition. Storage keeps the registered
// keys in this form. NoOrdinal is skipped.
func DynamicSet(name string, ordinals iter.Seq[Ordinal]) Set {
	return setOf(sets.NewShape([]sets.Axis{{Kind: sets.Dynamic, Of: name}}), sets.Ordinals(ordinals))
}

// setOf is the set of one shape, empty for a nil node.
func setOf(s *sets.Shape, root *sets.Node) Set { return Set{sets.SetOf(s, root)} }

// of returns the partitions of a shape, nil for none.
func (s Set) of(want *sets.Shape) *sets.Node { return s.in.Of(want) }

// IsEmpty reports whether the set has no partition.
func (s Set) IsEmpty() bool { return s.in.IsEmpty() }

// IsZero is [Set.IsEmpty] under the name that encoding/json knows for omitzero.
func (s Set) IsZero() bool { return s.in.IsEmpty() }

// Shapes returns how many definitions have partitions in the set. Definitions that give partitions
// the same labels count as one.
func (s Set) Shapes() int { return s.in.Shapes() }

// Equal reports whether two sets have the same partitions.
func (s Set) Equal(t Set) bool { return s.in.Equal(t.in) }

// Union returns the partitions in either set.
func (s Set) Union(t Set) Set { return Set{s.in.Combine(sets.Union, t.in)} }

// Intersect returns the partitions in both sets.
func (s Set) Intersect(t Set) Set { return Set{s.in.Combine(sets.Intersection, t.in)} }

// Minus returns the partitions of s without those of t.
func (s Set) Minus(t Set) Set { return Set{s.in.Combine(sets.Difference, t.in)} }

// SymmetricDifference returns the partitions in exactly one of the sets.
func (s Set) SymmetricDifference(t Set) Set { return Set{s.in.Combine(sets.SymmetricDifference, t.in)} }

// Contains reports whether every partition of t is in s.
func (s Set) Contains(t Set) bool { return t.Minus(s).IsEmpty() }

// String shows the first labels of the set, for debugging. It shows no keys.
func (s Set) String() string { return s.in.String() }

// AppendBinary appends the binary form, which [ParseSet] reads. The form is compact (a few bytes
// per interval of windows), versioned, and the same for equal sets. It never fails.
func (s Set) AppendBinary(b []byte) ([]byte, error) { return s.in.AppendBinary(b), nil }

// ParseSet reads the binary form of a set. It rejects everything that [Set.AppendBinary] does not
// write, and allocates at most a small multiple of len(data).
func ParseSet(data []byte) (Set, error) {
	s, err := sets.Parse(data)
	if err != nil {
		return Set{}, fmt.Errorf("stored set of partitions: %w", err)
	}
	return Set{s}, nil
}

// AppendText appends the binary form in URL-safe base64, and nothing for an empty set. It never
// fails.
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
