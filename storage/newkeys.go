package storage

import (
	"context"
	"slices"

	"github.com/rivers-go/rivers/partition"
)

// ProvisionalTables is [KeyCache.Tables] for readers of a store on which the definition may not
// have been resolved yet. Unregistered static keys get ordinals that no store gives: never store
// sets that contain them.
func (c *KeyCache) ProvisionalTables(ctx context.Context, d partition.Definition) (partition.Tables, error) {
	tables, err := c.Tables(ctx, d)
	if err != nil {
		return tables, err
	}
	for dimension, keys := range partition.NeedsOf(d).Static {
		tables.Static[dimension] = &newKeys{tables.Static[dimension], keys}
	}
	return tables, nil
}

// newKeys is a key table that has the keys of a static definition too which no run has registered
// yet: nothing is recorded of them, so any ordinals will do that are not given.
type newKeys struct {
	partition.KeyTable

	keys []string
}

// firstNew is the first ordinal that no store gives.
const firstNew partition.Ordinal = 1 << 31

func (t *newKeys) Ordinals(keys []string) ([]partition.Ordinal, error) {
	ordinals, err := t.KeyTable.Ordinals(keys)
	if err != nil || !slices.Contains(ordinals, partition.NoOrdinal) {
		return ordinals, err
	}
	at := make(map[string]int, len(t.keys))
	for i, key := range t.keys {
		at[key] = i
	}
	for i, o := range ordinals {
		if place, defined := at[keys[i]]; o == partition.NoOrdinal && defined {
			ordinals[i] = firstNew + partition.Ordinal(place)
		}
	}
	return ordinals, nil
}

func (t *newKeys) Keys(ordinals []partition.Ordinal) ([]string, error) {
	keys := make([]string, len(ordinals))
	var stored []partition.Ordinal
	var places []int
	for i, o := range ordinals {
		if o >= firstNew {
			keys[i] = t.keys[o-firstNew]
			continue
		}
		stored, places = append(stored, o), append(places, i)
	}
	if len(stored) == 0 {
		return keys, nil
	}
	found, err := t.KeyTable.Keys(stored)
	for i, key := range found {
		keys[places[i]] = key
	}
	return keys, err
}
