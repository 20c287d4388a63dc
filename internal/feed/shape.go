package feed

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/rivers-go/rivers/partition"
)

// ShapeOf returns a short text for a partition definition, the same for definitions that mean the
// same. More is what a document depends on beside it. The text of nil is empty.
func ShapeOf(d partition.Definition, more ...string) string {
	if d == nil {
		return ""
	}
	doc, err := json.Marshal(partition.Describe(d))
	if err != nil {
		return ""
	}
	for _, text := range more {
		doc = append(doc, text...)
	}
	return Hash(doc)
}

// Hash returns a short text that differs where the data does.
func Hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// SetDecoder decodes the sets of a document and remembers the first error.
type SetDecoder struct{ err error }

// Err returns the first error, nil if every set was valid.
func (d *SetDecoder) Err() error { return d.err }

// Set decodes one set. No bytes are the empty set, and so is a damaged one.
func (d *SetDecoder) Set(data []byte) partition.Set {
	if len(data) == 0 {
		return partition.Set{}
	}
	s, err := partition.ParseSet(data)
	if err != nil && d.err == nil {
		d.err = err
	}
	return s
}

// Sets decodes sets by name; nil for none.
func (d *SetDecoder) Sets(data map[string][]byte) map[string]partition.Set {
	if len(data) == 0 {
		return nil
	}
	to := make(map[string]partition.Set, len(data))
	for name, set := range data {
		to[name] = d.Set(set)
	}
	return to
}

// EncodeSet encodes a set; nil for the empty one.
func EncodeSet(s partition.Set) []byte {
	if s.IsEmpty() {
		return nil
	}
	data, _ := s.AppendBinary(nil) // never fails
	return data
}

// EncodeSets encodes sets by name; nil for none.
func EncodeSets(sets map[string]partition.Set) map[string][]byte {
	if len(sets) == 0 {
		return nil
	}
	to := make(map[string][]byte, len(sets))
	for name, set := range sets {
		to[name] = EncodeSet(set)
	}
	return to
}
