package partition

import (
	"encoding/base64"
	"fmt"
)

// IsZero reports whether there is no partition in the set: the same as [Set.IsEmpty], so that
// encoding/json leaves an empty set out.
func (s Set) IsZero() bool { return s.IsEmpty() }

// AppendText appends the binary form of the set in base64, as URLs write it, and nothing for an empty
// set. It never fails.
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
