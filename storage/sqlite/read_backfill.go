package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
	"github.com/rivers-go/rivers/storage/internal/record"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// GetBackfill returns one backfill, or [storage.ErrNotFound].
func (s *Store) GetBackfill(ctx context.Context, id string) (storage.BackfillRecord, error) {
	var rec storage.BackfillRecord
	err := s.snapshot(ctx, fmt.Sprintf("backfill %q", id), func(q *db.Queries) (err error) {
		rec, err = readBackfill(ctx, q, id)
		return err
	})
	return rec, err
}

func readBackfill(ctx context.Context, q *db.Queries, id string) (storage.BackfillRecord, error) {
	row, err := q.GetBackfill(ctx, id)
	if err != nil {
		return storage.BackfillRecord{}, err
	}
	rec, err := record.Backfill(row)
	if err != nil {
		return rec, err
	}
	rows, err := q.ListBackfillSets(ctx, row.Key)
	if err != nil {
		return rec, err
	}
	var sets commit.Sets
	for _, set := range rows {
		sets[set.Which] = set.Labels
	}
	err = sets.Fill(&rec)
	return rec, err
}

// ListBackfills returns backfills without their sets, newest first.
func (s *Store) ListBackfills(ctx context.Context, q storage.BackfillQuery) ([]storage.BackfillRecord, error) {
	p := db.ListBackfillsParams{
		Before: int64(q.Before), Location: q.Location, AnyLocation: q.Location == "", States: -1, Max: int64(cmp.Or(q.Limit, defaultLimit)),
	}
	if p.Before <= 0 {
		p.Before = math.MaxInt64
	}
	if len(q.States) > 0 {
		p.States = 0
		for _, state := range q.States {
			p.States |= 1 << state
		}
	}
	if q.Abandoned {
		return listBackfills(ctx, s, (*db.Queries).ListAbandonedBackfills, db.ListAbandonedBackfillsParams{
			Before: p.Before, Now: int64(storage.MicrosOf(time.Now())), Location: p.Location, AnyLocation: p.AnyLocation, States: p.States, Max: p.Max,
		})
	}
	return listBackfills(ctx, s, (*db.Queries).ListBackfills, p)
}

// listBackfills reads backfills by one of the queries that list them.
func listBackfills[P any, R ~record.BackfillRow](
	ctx context.Context, s *Store, ask func(*db.Queries, context.Context, P) ([]R, error), p P,
) ([]storage.BackfillRecord, error) {
	var list []storage.BackfillRecord
	rows, err := ask(s.reads, ctx, p)
	if err == nil {
		list, err = record.Backfills(rows)
	}
	if err != nil {
		return nil, s.readError("list backfills", err)
	}
	return list, nil
}
