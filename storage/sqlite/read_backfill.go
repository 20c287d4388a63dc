package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
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
	rec, err := backfillRecord(db.ListBackfillsRow(row))
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
	var rows []db.ListBackfillsRow
	var err error
	if q.Abandoned {
		rows, err = s.abandoned(ctx, p)
	} else {
		rows, err = s.reads.ListBackfills(ctx, p)
	}
	if err != nil {
		return nil, s.readError("list backfills", err)
	}
	var list []storage.BackfillRecord
	for i := range rows {
		rec, err := backfillRecord(rows[i])
		if err != nil {
			return nil, s.readError(fmt.Sprintf("backfill %q", rows[i].ID), err)
		}
		list = append(list, rec)
	}
	return list, nil
}

// abandoned lists backfills without an end and an owner. There are few without an end, and an index of their own.
func (s *Store) abandoned(ctx context.Context, p db.ListBackfillsParams) ([]db.ListBackfillsRow, error) {
	found, err := s.reads.ListAbandonedBackfills(ctx, db.ListAbandonedBackfillsParams{
		Before: p.Before, Now: int64(storage.MicrosOf(time.Now())), Location: p.Location, AnyLocation: p.AnyLocation, States: p.States, Max: p.Max,
	})
	rows := make([]db.ListBackfillsRow, len(found))
	for i := range found {
		rows[i] = db.ListBackfillsRow(found[i])
	}
	return rows, err
}

func backfillRecord(row db.ListBackfillsRow) (storage.BackfillRecord, error) {
	rec := storage.BackfillRecord{
		Key: storage.BackfillKey(row.Key), ID: row.ID, Location: row.Location, State: storage.BackfillState(row.State), RerunOf: row.RerunOf,
		Total: row.Total, Token: row.Token, Owner: row.Owner, Error: row.Error,
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
