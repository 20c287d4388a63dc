package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// change is what an entry of the feed has of one asset, or of one key table. Entries are put together when
// they are read, so that a step does not make one.
type change struct {
	seq        int64
	at         storage.Micros
	kind       storage.ChangeKind
	run        storage.RunKey
	asset      storage.AssetKey
	partitions partition.Set
	keys       string
}

// change gives a change the next number and keeps it.
func (s *Store) change(c change) {
	s.seq++
	c.seq = s.seq
	s.changes = append(s.changes, c)
}

// joins reports whether a change is part of an entry.
func (c *change) joins(e *storage.Change) bool {
	return c.kind == e.Kind && c.run == e.Run && c.keys == e.Keys && c.partitions.Equal(e.Partitions)
}

// ListChanges reads the feed of changes.
func (s *Store) ListChanges(ctx context.Context, q storage.ChangeQuery) ([]storage.Change, error) {
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	var list []storage.Change
	for i := s.after(q.After); i < len(s.changes); i++ {
		c := &s.changes[i]
		if last := len(list) - 1; last < 0 || !c.joins(&list[last]) {
			if q.Limit > 0 && len(list) == q.Limit {
				break
			}
			list = append(list, storage.Change{Kind: c.kind, Run: c.run, Partitions: c.partitions, Keys: c.keys})
		}
		entry := &list[len(list)-1]
		entry.Seq, entry.At = c.seq, max(entry.At, c.at)
		if c.asset != 0 {
			entry.Assets = append(entry.Assets, c.asset)
		}
	}
	for i := range list {
		slices.Sort(list[i].Assets)
		list[i].Assets = slices.Compact(list[i].Assets)
	}
	return list, nil
}

// after is the index of the first change with a greater seq.
func (s *Store) after(seq int64) int {
	i, _ := slices.BinarySearchFunc(s.changes, seq+1, func(c change, seq int64) int { return cmp.Compare(c.seq, seq) })
	return i
}
