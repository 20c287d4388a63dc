package sqlite

import (
	"context"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/fold"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// setOf reads a set as [labels] wrote it.
func setOf(labels []byte) (partition.Set, error) {
	if labels == nil {
		return partition.Whole(), nil
	}
	return partition.ParseSet(labels)
}

// ChangeSeq returns the Seq of the last change.
func (s *Store) ChangeSeq(ctx context.Context) (int64, error) {
	id, err := s.reads.GetLastChange(ctx)
	if err != nil {
		return 0, s.readError("the last change", err)
	}
	return id >> seqShift, nil
}

// ListChanges reads the change feed. A transaction is visible whole or not at all, and the only
// writer gives the numbers: no smaller one appears later.
func (s *Store) ListChanges(ctx context.Context, q storage.ChangeQuery) ([]storage.Change, error) {
	const rest = 1<<seqShift - 1
	rows, err := s.reads.ListChanges(ctx, db.ListChangesParams{After: q.After<<seqShift | rest, Max: limit(q.Limit)})
	if err == nil && q.Limit > 0 && len(rows) == q.Limit { // and those of the same seq
		last := rows[len(rows)-1].ID
		var more []db.Change
		more, err = s.reads.ListChangesUpTo(ctx, db.ListChangesUpToParams{After: last, Until: last | rest})
		rows = append(rows, more...)
	}
	if err != nil {
		return nil, s.readError("list changes", err)
	}
	var list []storage.Change
	for i := range rows {
		r := &rows[i]
		c := storage.Change{Seq: r.ID >> seqShift, At: storage.Micros(r.At), Kind: storage.ChangeKind(r.Kind), Run: storage.RunKey(r.Run)}
		c.Partitions, err = setOf(r.Labels)
		switch {
		case err != nil:
		case c.Kind == storage.ChangeKeys:
			c.Keys = string(r.Subject)
		default:
			c.Assets, err = fold.ParseAssets(r.Subject)
		}
		if err != nil {
			return nil, s.readError("list changes", err)
		}
		list = append(list, c)
	}
	return list, nil
}
