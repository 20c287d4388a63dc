package storage

import (
	"context"
	"fmt"
	"sync"

	"github.com/rivers-go/rivers/partition"
)

// OpenKeys returns a table of partition keys as spaces take it: the keys that are registered now, and a way to
// look up keys and ordinals, which never change once they were given. What was looked up is kept, some tens of
// thousands of keys, and looked up with the context.
func OpenKeys(ctx context.Context, s Partitions, table string) (partition.Registered, error) {
	rec, err := s.GetKeyTable(ctx, table)
	if err != nil {
		return partition.Registered{}, fmt.Errorf("keys of table %q: %w", table, err)
	}
	return partition.Registered{Live: rec.Live, Keys: &lookup{ctx: ctx, store: s, table: table}}, nil
}

// keptKeys bounds what a lookup keeps.
const keptKeys = 50_000

// lookup is a table of keys in a store.
type lookup struct {
	ctx   context.Context //nolint:containedctx // a space asks when it is asked, on behalf of whoever made it
	store Partitions
	table string

	mu       sync.Mutex
	ordinals map[string]partition.Ordinal
	keys     map[partition.Ordinal]string
}

// Ordinals returns the ordinal of each key.
func (l *lookup) Ordinals(keys []string) ([]partition.Ordinal, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := make([]partition.Ordinal, len(keys))
	var ask []string
	var at []int
	for i, key := range keys {
		if o, ok := l.ordinals[key]; ok {
			found[i] = o
		} else {
			ask, at = append(ask, key), append(at, i)
		}
	}
	if len(ask) == 0 {
		return found, nil
	}
	ordinals, _, err := l.store.LookUpKeys(l.ctx, KeyQuery{Table: l.table, Keys: ask})
	if err != nil {
		return nil, fmt.Errorf("keys of table %q: %w", l.table, err)
	}
	for i, o := range ordinals {
		if found[at[i]] = o; o != partition.NoOrdinal { // it may be added later
			l.keep(ask[i], o)
		}
	}
	return found, nil
}

// Keys returns the key of each ordinal.
func (l *lookup) Keys(ordinals []partition.Ordinal) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := make([]string, len(ordinals))
	var ask []partition.Ordinal
	var at []int
	for i, o := range ordinals {
		if key, ok := l.keys[o]; ok {
			found[i] = key
		} else {
			ask, at = append(ask, o), append(at, i)
		}
	}
	if len(ask) == 0 {
		return found, nil
	}
	_, keys, err := l.store.LookUpKeys(l.ctx, KeyQuery{Table: l.table, Ordinals: ask})
	if err != nil {
		return nil, fmt.Errorf("keys of table %q: %w", l.table, err)
	}
	for i, key := range keys {
		found[at[i]] = key
		l.keep(key, ask[i])
	}
	return found, nil
}

func (l *lookup) keep(key string, o partition.Ordinal) {
	if l.ordinals == nil || len(l.ordinals) >= keptKeys {
		l.ordinals, l.keys = map[string]partition.Ordinal{}, map[partition.Ordinal]string{}
	}
	l.ordinals[key], l.keys[o] = o, key
}
