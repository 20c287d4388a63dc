package storage

import (
	"context"
	"fmt"
	"sync"

	"github.com/rivers-go/rivers/partition"
)

// KeyCache remembers keys of key tables and their ordinals, which never change, and asks a store
// for the others. It is what spaces are made with: a process has one, and a request takes tables of
// it under its own context. It is made by [NewKeyCache] and may be used by several goroutines.
type KeyCache struct {
	store Partitions
	bound int

	mu sync.Mutex
	// Keys that are read enter the young generation. A full young generation becomes the old one,
	// and unread keys of the former old one are forgotten. A walk through a long table evicts at
	// most half.
	young, old generation
}

type generation struct {
	ordinals map[keyIn]partition.Ordinal
	keys     map[ordinalIn]string
}

// keyIn and ordinalIn are a key and an ordinal in the table of a name.
type (
	keyIn     struct{ table, key string }
	ordinalIn struct {
		table   string
		ordinal partition.Ordinal
	}
)

func newGeneration() generation {
	return generation{ordinals: map[keyIn]partition.Ordinal{}, keys: map[ordinalIn]string{}}
}

// DefaultKeys is how many keys a [KeyCache] remembers by default, in about 10 MiB.
const DefaultKeys = 1 << 16

// NewKeyCache returns a cache of the store's keys that remembers at most so many; zero and less
// mean [DefaultKeys].
func NewKeyCache(store Partitions, keys int) *KeyCache {
	if keys <= 0 {
		keys = DefaultKeys
	}
	return &KeyCache{store: store, bound: max(keys/2, 1), young: newGeneration(), old: newGeneration()}
}

// Table returns the table of a name, "" for static keys, to be read under a context. A call reads
// all keys that it does not remember in one query, and returns the store's error.
func (c *KeyCache) Table(ctx context.Context, name string) partition.KeyTable {
	return &cachedTable{c, ctx, name}
}

// Registered returns the table of a dynamic definition and its registered keys.
func (c *KeyCache) Registered(ctx context.Context, name string) (partition.Registered, error) {
	t, err := c.store.GetKeyTable(ctx, name)
	return partition.Registered{Keys: c.Table(ctx, name), Live: t.Live}, err
}

// Tables returns the key tables that a definition, which may be nil, needs: its static keys, and
// the registered keys of its dynamic dimensions as they are now.
func (c *KeyCache) Tables(ctx context.Context, d partition.Definition) (partition.Tables, error) {
	needs := partition.NeedsOf(d)
	t := partition.Tables{Static: map[string]partition.KeyTable{}, Dynamic: map[string]partition.Registered{}}
	for dimension := range needs.Static {
		t.Static[dimension] = c.Table(ctx, "")
	}
	for _, name := range needs.Dynamic {
		registered, err := c.Registered(ctx, name)
		if err != nil {
			return t, fmt.Errorf("keys of table %q: %w", name, err)
		}
		t.Dynamic[name] = registered
	}
	return t, nil
}

// ordinal returns the remembered ordinal of a key. The caller holds the lock.
func (c *KeyCache) ordinal(k keyIn) (partition.Ordinal, bool) {
	if o, known := c.young.ordinals[k]; known {
		return o, true
	}
	o, known := c.old.ordinals[k]
	if known {
		c.remember(k, o)
	}
	return o, known
}

// key returns the remembered key of an ordinal. The caller holds the lock.
func (c *KeyCache) key(o ordinalIn) (string, bool) {
	if key, known := c.young.keys[o]; known {
		return key, true
	}
	key, known := c.old.keys[o]
	if known {
		c.remember(keyIn{o.table, key}, o.ordinal)
	}
	return key, known
}

// remember adds a key to the young generation. The lock is held.
func (c *KeyCache) remember(k keyIn, o partition.Ordinal) {
	if len(c.young.ordinals) >= c.bound {
		c.old, c.young = c.young, newGeneration()
	}
	c.young.ordinals[k] = o
	c.young.keys[ordinalIn{k.table, o}] = k.key
}

// cachedTable is a table of a cache in a request.
type cachedTable struct {
	cache *KeyCache
	ctx   context.Context //nolint:containedctx // it lives as long as the request
	name  string
}

// Ordinals returns the ordinal of each key.
func (t *cachedTable) Ordinals(keys []string) ([]partition.Ordinal, error) {
	return recall(t, keys,
		func(key string) (partition.Ordinal, bool) { return t.cache.ordinal(keyIn{t.name, key}) },
		func(missing []string) ([]partition.Ordinal, error) {
			ordinals, _, err := t.cache.store.LookUpKeys(t.ctx, KeyQuery{Table: t.name, Keys: missing})
			return ordinals, err
		},
		func(key string, o partition.Ordinal) {
			if o != partition.NoOrdinal { // it may get one
				t.cache.remember(keyIn{t.name, key}, o)
			}
		})
}

// Keys returns the key of each ordinal.
func (t *cachedTable) Keys(ordinals []partition.Ordinal) ([]string, error) {
	return recall(t, ordinals,
		func(o partition.Ordinal) (string, bool) { return t.cache.key(ordinalIn{t.name, o}) },
		func(missing []partition.Ordinal) ([]string, error) {
			_, keys, err := t.cache.store.LookUpKeys(t.ctx, KeyQuery{Table: t.name, Ordinals: missing})
			return keys, err
		},
		func(o partition.Ordinal, key string) { t.cache.remember(keyIn{t.name, key}, o) })
}

// recall answers questions from memory, and all others by one query, whose answers it remembers.
func recall[Q, A any](t *cachedTable, questions []Q, known func(Q) (A, bool), ask func([]Q) ([]A, error), keep func(Q, A)) ([]A, error) {
	answers := make([]A, len(questions))
	var missing []Q
	var places []int
	t.cache.mu.Lock()
	for i, q := range questions {
		a, ok := known(q)
		if !ok {
			missing, places = append(missing, q), append(places, i)
		}
		answers[i] = a
	}
	t.cache.mu.Unlock()
	if len(missing) == 0 {
		return answers, nil
	}
	found, err := ask(missing)
	if err != nil {
		return nil, err
	}
	t.cache.mu.Lock()
	defer t.cache.mu.Unlock()
	for i, a := range found {
		answers[places[i]] = a
		keep(missing[i], a)
	}
	return answers, nil
}
