package postgres

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
	"github.com/rivers-go/rivers/storage/internal/record"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
)

// GetBackfill returns one backfill, or [storage.ErrNotFound].
func (s *Store) GetBackfill(ctx context.Context, id string) (storage.BackfillRecord, error) {
	what := fmt.Sprintf("backfill %q", id)
	row, err := readBy(ctx, s, what, (*db.Queries).GetBackfill, id)
	if err != nil {
		return storage.BackfillRecord{}, err
	}
	rec, err := wholeBackfill(&row)
	if err != nil {
		return storage.BackfillRecord{}, s.target.explain(what, err)
	}
	return rec, nil
}

// readBackfill reads a backfill by its ID.
func readBackfill(ctx context.Context, q *db.Queries, id string) (storage.BackfillRecord, error) {
	row, err := q.GetBackfill(ctx, id)
	if err != nil {
		return storage.BackfillRecord{}, err
	}
	return wholeBackfill(&row)
}

func wholeBackfill(row *db.GetBackfillRow) (storage.BackfillRecord, error) {
	rec, err := record.Backfill(row.Backfill)
	if err == nil {
		sets := commit.Sets{row.AllSet, row.SubmittedSet, row.CompletedSet, row.FailedSet, row.CanceledSet}
		err = sets.Fill(&rec)
	}
	return rec, err
}

// ListBackfills returns backfills without their sets, newest first.
func (s *Store) ListBackfills(ctx context.Context, q storage.BackfillQuery) ([]storage.BackfillRecord, error) {
	const what = "list backfills"
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
	ask := (*db.Queries).ListBackfills
	if q.Abandoned {
		ask = func(q *db.Queries, ctx context.Context, p db.ListBackfillsParams) ([]db.Backfill, error) {
			return q.ListAbandonedBackfills(ctx, db.ListAbandonedBackfillsParams(p))
		}
	}
	rows, err := readBy(ctx, s, what, ask, p)
	if err != nil {
		return nil, err
	}
	list, err := record.Backfills(rows)
	return list, s.target.explain(what, err)
}
