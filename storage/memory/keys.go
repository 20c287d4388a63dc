package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// keyTable is a table of partition keys.
type keyTable struct {
	keys     []string
	ordinals map[string]partition.Ordinal
	live     partition.Set
}

// set is the set of those of the keys that the table has.
func (t *keyTable) set(name string, keys []string) partition.Set {
	return partition.DynamicSet(name, func(yield func(partition.Ordinal) bool) {
		for _, key := range keys {
			if o, known := t.ordinals[key]; known && !yield(o) {
				return
			}
		}
	})
}

// updateKeys changes a table of keys.
func (s *Store) updateKeys(u *storage.KeyUpdate) {
	t := s.keys[u.Table]
	if t == nil {
		t = &keyTable{ordinals: map[string]partition.Ordinal{}}
		s.keys[u.Table] = t
	}
	before := t.live
	for _, key := range u.Add {
		if _, known := t.ordinals[key]; !known {
			t.ordinals[key] = partition.Ordinal(len(t.keys))
			t.keys = append(t.keys, key)
		}
	}
	if u.Table == "" {
		return
	}
	t.live = t.live.Union(t.set(u.Table, u.Add)).Minus(t.set(u.Table, u.Remove))
	if changed := before.SymmetricDifference(t.live); !changed.IsEmpty() {
		s.change(changes{at: storage.MicrosOf(time.Now()), kind: storage.ChangeKeys, keys: u.Table, partitions: changed}, 0)
	}
}

// GetKeyTable returns a table of keys, an empty one where there is none of that name.
func (s *Store) GetKeyTable(ctx context.Context, name string) (storage.KeyTable, error) {
	if err := s.read(ctx); err != nil {
		return storage.KeyTable{}, err
	}
	defer s.mu.RUnlock()
	rec := storage.KeyTable{Name: name}
	if t := s.keys[name]; t != nil {
		rec.Size, rec.Live = int64(len(t.keys)), t.live
	}
	return rec, nil
}

// LookUpKeys returns the ordinals of keys, or the keys of ordinals.
func (s *Store) LookUpKeys(ctx context.Context, q storage.KeyQuery) ([]partition.Ordinal, []string, error) {
	if err := s.read(ctx); err != nil {
		return nil, nil, err
	}
	defer s.mu.RUnlock()
	t := s.keys[q.Table]
	if t == nil {
		t = &keyTable{}
	}
	var ordinals []partition.Ordinal
	for _, key := range q.Keys {
		o, known := t.ordinals[key]
		if !known {
			o = partition.NoOrdinal
		}
		ordinals = append(ordinals, o)
	}
	var keys []string
	for _, o := range q.Ordinals {
		if int(o) >= len(t.keys) {
			return nil, nil, fmt.Errorf("key table %q: ordinal %d: the table has %d keys", q.Table, o, len(t.keys))
		}
		keys = append(keys, t.keys[o])
	}
	return ordinals, keys, nil
}
