package sqlite

import (
	"context"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/fold"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// writeFeed writes what the transaction adds to the feed of changes, all under its last number.
func (p *parter) writeFeed() error {
	if p.feed.Empty() {
		return nil
	}
	if _, err := p.next(storage.Wiped, true); err != nil {
		return err
	}
	w := p.w
	w.topics |= storage.TopicChanges
	for i, c := range p.feed.Entries() {
		row, err := p.change.row()
		if err != nil {
			return err
		}
		row[0].Value = w.boxes.of(p.seq)
		row[1].Value = int64(i)
		row[2].Value = w.boxes.of(int64(c.At))
		row[3].Value = int64(c.Kind)
		row[4].Value = w.boxes.of(int64(c.Run))
		row[5].Value = labels(c.Partitions)
		row[6].Value = document(fold.AppendAssets(nil, c.Assets))
		row[7].Value = c.Keys
	}
	return p.change.flush()
}

// labels is a set as an argument: NULL for an asset without partitions.
func labels(set partition.Set) any {
	if set.Equal(partition.Whole()) {
		return nil
	}
	data, _ := set.AppendBinary(nil) // never fails
	return data
}

// setOf reads what [labels] wrote.
func setOf(labels []byte) (partition.Set, error) {
	if labels == nil {
		return partition.Whole(), nil
	}
	return partition.ParseSet(labels)
}

// ListChanges reads the feed of changes. A transaction is seen whole or not at all, and numbers are given by the only writer
// there is: no smaller one appears later.
func (s *Store) ListChanges(ctx context.Context, q storage.ChangeQuery) ([]storage.Change, error) {
	rows, err := s.reads.ListChanges(ctx, db.ListChangesParams{After: q.After, Max: limit(q.Limit)})
	if err == nil && q.Limit > 0 && len(rows) == q.Limit {
		last := &rows[len(rows)-1]
		var more []db.Change
		more, err = s.reads.ListChangesOf(ctx, db.ListChangesOfParams{Seq: last.Seq, After: last.I})
		rows = append(rows, more...)
	}
	if err != nil {
		return nil, s.readError("list changes", err)
	}
	var list []storage.Change
	for i := range rows {
		r := &rows[i]
		c := storage.Change{Seq: r.Seq, At: storage.Micros(r.At), Kind: storage.ChangeKind(r.Kind), Run: storage.RunKey(r.Run), Keys: r.Keys}
		if c.Partitions, err = setOf(r.Labels); err == nil {
			c.Assets, err = fold.ParseAssets(r.Assets)
		}
		if err != nil {
			return nil, s.readError("list changes", err)
		}
		list = append(list, c)
	}
	return list, nil
}
