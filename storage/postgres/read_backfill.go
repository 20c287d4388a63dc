package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
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

// readBackfill reads a backfill by its ID as it is kept.
func readBackfill(ctx context.Context, q *db.Queries, id string) (storage.BackfillRecord, error) {
	row, err := q.GetBackfill(ctx, id)
	if err != nil {
		return storage.BackfillRecord{}, err
	}
	return wholeBackfill(&row)
}

func wholeBackfill(row *db.GetBackfillRow) (storage.BackfillRecord, error) {
	rec, err := backfillRecord(&db.Backfill{
		Key: row.Key, Token: row.Token, LeaseUntil: row.LeaseUntil, CreatedAt: row.CreatedAt, StartedAt: row.StartedAt, EndedAt: row.EndedAt,
		Total: row.Total, Runs: row.Runs, Completed: row.Completed, Failed: row.Failed, Canceled: row.Canceled, State: row.State,
		ID: row.ID, Location: row.Location, Owner: row.Owner, RerunOf: row.RerunOf, Error: row.Error, Cancel: row.Cancel, Assets: row.Assets, Request: row.Request,
	})
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
	var rows []db.Backfill
	var err error
	if q.Abandoned {
		rows, err = readBy(ctx, s, what, (*db.Queries).ListAbandonedBackfills, db.ListAbandonedBackfillsParams(p))
	} else {
		rows, err = readBy(ctx, s, what, (*db.Queries).ListBackfills, p)
	}
	if err != nil {
		return nil, err
	}
	var list []storage.BackfillRecord
	for i := range rows {
		rec, err := backfillRecord(&rows[i])
		if err != nil {
			return nil, s.target.explain(fmt.Sprintf("backfill %q", rows[i].ID), err)
		}
		list = append(list, rec)
	}
	return list, nil
}

func backfillRecord(row *db.Backfill) (storage.BackfillRecord, error) {
	rec := storage.BackfillRecord{
		Key: storage.BackfillKey(row.Key), ID: row.ID, Location: row.Location, State: storage.BackfillState(row.State),
		RerunOf: row.RerunOf, Total: row.Total, Token: row.Token, Owner: row.Owner, Error: row.Error,
		CreatedAt: storage.Micros(row.CreatedAt).Time(), StartedAt: storage.Micros(row.StartedAt).Time(), EndedAt: storage.Micros(row.EndedAt).Time(),
		LeaseUntil: storage.Micros(row.LeaseUntil).Time(),
		Progress: storage.BackfillProgress{
			Runs: row.Runs, CompletedCount: row.Completed, FailedCount: row.Failed, CanceledCount: row.Canceled,
		},
	}
	var err error
	rec.Cancel, err = cancelRequest(storage.CancelRequest{Backfill: rec.Key}, row.Cancel)
	return rec, errors.Join(err, decode(row.Request, &rec.Request), decode(row.Assets, &rec.Assets))
}
