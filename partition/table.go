package partition

import (
	"fmt"
	"slices"
)

// KeyTable maps keys to ordinals and back. A table only grows: a key keeps its ordinal for ever,
// even while it is removed. There is one table per name of a dynamic definition, in the order of
// registration, and one per asset and static dimension. Storage holds them; [Table] is one in
// memory.
//
// Calls are batched, a few hundred keys each when a set is walked. Errors are returned unchanged.
type KeyTable interface {
	// Ordinals returns the ordinal of each key, NoOrdinal for an unknown key.
	Ordinals(keys []string) ([]Ordinal, error)
	// Keys returns the key of each ordinal. It returns an error for an unknown ordinal.
	Keys(ordinals []Ordinal) ([]string, error)
}

// Table is a key table in memory. It is immutable. A nil *Table has no keys.
type Table struct {
	keys     []string
	ordinals map[string]Ordinal
}

// NewTable returns the table of some keys, in order. Repeated keys count once.
func NewTable(keys ...string) *Table {
	t, _ := (*Table)(nil).Grow(keys...)
	return t
}

// Grow returns the table with more keys, and the keys that are new in it, in order. The caller
// stores those.
func (t *Table) Grow(keys ...string) (*Table, []string) {
	grown := &Table{ordinals: make(map[string]Ordinal, t.Len()+len(keys))}
	if t != nil {
		grown.keys = slices.Clip(t.keys)
		for i, key := range t.keys {
			grown.ordinals[key] = Ordinal(i)
		}
	}
	for _, key := range keys {
		if _, known := grown.ordinals[key]; !known {
			grown.ordinals[key] = Ordinal(len(grown.keys))
			grown.keys = append(grown.keys, key)
		}
	}
	return grown, grown.keys[t.Len():]
}

// Len returns the number of keys.
func (t *Table) Len() int {
	if t == nil {
		return 0
	}
	return len(t.keys)
}

// Ordinals returns the ordinal of each key. It never fails.
func (t *Table) Ordinals(keys []string) ([]Ordinal, error) {
	out := make([]Ordinal, len(keys))
	for i, key := range keys {
		out[i] = NoOrdinal
		if t != nil {
			if o, ok := t.ordinals[key]; ok {
				out[i] = o
			}
		}
	}
	return out, nil
}

// Keys returns the key of each ordinal.
func (t *Table) Keys(ordinals []Ordinal) ([]string, error) {
	out := make([]string, len(ordinals))
	for i, o := range ordinals {
		if int64(o) >= int64(t.Len()) {
			return nil, fmt.Errorf("key table: ordinal %d: the table has %d keys", o, t.Len())
		}
		out[i] = t.keys[o]
	}
	return out, nil
}

// Tables are the key tables that a definition needs.
type Tables struct {
	// Static has the tables of the static dimensions by name, "" for a definition that is not Multi.
	// Without a table, ordinals are positions; use that only while nothing is stored.
	Static map[string]KeyTable
	// Dynamic has the keys of dynamic definitions by their names.
	Dynamic map[string]Registered
}

// Registered is what storage has of a dynamic definition.
type Registered struct {
	Keys KeyTable // of all keys there ever were
	Live Set      // of those that are registered now, as [DynamicSet] makes it
}
