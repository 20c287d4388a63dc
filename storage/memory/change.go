package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// changes are entries of the feed that followed one another and are of the same kind, run and
// partitions. The seq of the i-th is first+i, and assets has what it is about, nothing for a table
// of keys. So a step does not make an entry.
type changes struct {
	first      int64
	at         storage.Micros
	kind       storage.ChangeKind
	run        storage.RunKey
	assets     []storage.AssetKey
	partitions partition.Set
	keys       string
}

// change gives a change the next number and keeps it.
func (s *Store) change(c changes, asset storage.AssetKey) {
	s.seq++
	if last := len(s.feed) - 1; last < 0 || !s.feed[last].joins(&c) {
		begun := c // only what begins an entry is allocated
		begun.first = s.seq
		s.feed = append(s.feed, &begun)
	}
	last := s.feed[len(s.feed)-1]
	last.at = max(last.at, c.at)
	if c.kind != storage.ChangeKeys {
		last.assets = append(last.assets, asset)
	}
}

// joins reports whether a change continues the entry.
func (c *changes) joins(o *changes) bool {
	return c.kind == o.kind && c.run == o.run && c.kind != storage.ChangeKeys && c.partitions.Equal(o.partitions)
}

// ChangeSeq returns the Seq of the last change.
func (s *Store) ChangeSeq(ctx context.Context) (int64, error) {
	if err := s.read(ctx); err != nil {
		return 0, err
	}
	defer s.mu.RUnlock()
	return s.seq, nil
}

// ListChanges reads the feed of changes.
func (s *Store) ListChanges(ctx context.Context, q storage.ChangeQuery) ([]storage.Change, error) {
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	// The last one that begins no later may go on beyond.
	from, _ := slices.BinarySearchFunc(s.feed, q.After+2, func(c *changes, seq int64) int { return cmp.Compare(c.first, seq) })
	var list []storage.Change
	for i := max(from-1, 0); i < len(s.feed) && (q.Limit <= 0 || len(list) < q.Limit); i++ {
		c := s.feed[i]
		end := s.seq + 1
		if i+1 < len(s.feed) {
			end = s.feed[i+1].first
		}
		if end-1 <= q.After {
			continue
		}
		assets := slices.Clone(c.assets[min(max(q.After+1-c.first, 0), int64(len(c.assets))):])
		slices.Sort(assets)
		list = append(list, storage.Change{
			Seq: end - 1, At: c.at, Kind: c.kind, Run: c.run, Assets: slices.Compact(assets), Partitions: c.partitions, Keys: c.keys,
		})
	}
	return list, nil
}
