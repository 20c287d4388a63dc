package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/prune"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// defaultLimit bounds the lists whose query says nothing.
const defaultLimit = 100

// GetRun returns one run with its plan, or [storage.ErrNotFound].
func (s *Store) GetRun(ctx context.Context, id string) (storage.RunRecord, error) {
	row, err := s.reads.GetRun(ctx, id)
	if err != nil {
		return storage.RunRecord{}, s.readError(fmt.Sprintf("run %q", id), err)
	}
	rec, err := runRecord(db.ListRunsRow{
		Key: row.Key, ID: row.ID, Location: row.Location, Job: row.Job, Backfill: row.Backfill, Partition: row.Partition, State: row.State, Token: row.Token,
		CreatedAt: row.CreatedAt, StartedAt: row.StartedAt, EndedAt: row.EndedAt,
		Succeeded: row.Succeeded, Failed: row.Failed, Skipped: row.Skipped, Canceled: row.Canceled,
		Error: row.Error, Request: row.Request, Tags: row.Tags, Owner: row.Owner, LeaseUntil: row.LeaseUntil, Cancel: row.Cancel, Lost: row.Lost,
	})
	if err == nil {
		err = errors.Join(decode(row.Plan, &rec.Plan), decode(row.LongPlan, &rec.Plan))
	}
	if err != nil {
		return storage.RunRecord{}, s.readError(fmt.Sprintf("run %q", id), err)
	}
	return rec, nil
}

// ListRuns returns runs without their plans, newest first.
func (s *Store) ListRuns(ctx context.Context, q storage.RunQuery) ([]storage.RunRecord, error) {
	before := int64(q.Before)
	if before <= 0 {
		before = math.MaxInt64
	}
	states := statesOf(q.States)
	p := db.ListRunsParams{
		Before: before, Location: q.Location, AnyLocation: q.Location == "", Job: q.Job, AnyJob: q.Job == "",
		States: states, Max: int64(cmp.Or(q.Limit, defaultLimit)),
	}
	var rows []db.ListRunsRow
	var err error
	switch {
	case q.Backfill != "":
		rows, err = s.ofBackfill(ctx, p, &q)
	case q.Abandoned:
		rows, err = s.owned(ctx, p, storage.MicrosOf(time.Now()))
	case q.Owned:
		rows, err = s.owned(ctx, p, math.MaxInt64)
	case states&(1<<storage.Success) == 0:
		rows, err = s.uncommon(ctx, p)
	case q.Job != "":
		rows, err = s.ofJob(ctx, p)
	default:
		rows, err = s.reads.ListRuns(ctx, p)
	}
	if err != nil {
		return nil, s.readError("list runs", err)
	}
	var list []storage.RunRecord
	for i := range rows {
		rec, err := runRecord(rows[i])
		if err != nil {
			return nil, s.readError(fmt.Sprintf("run %q", rows[i].ID), err)
		}
		list = append(list, rec)
	}
	return list, nil
}

// statesOf returns a bit for each state, all of them for none.
func statesOf(states []storage.RunState) int64 {
	if len(states) == 0 {
		return -1
	}
	bits := int64(0)
	for _, state := range states {
		bits |= 1 << state
	}
	return bits
}

// uncommon lists runs that are not successes, which have indexes: most of a history is successes.
func (s *Store) uncommon(ctx context.Context, p db.ListRunsParams) ([]db.ListRunsRow, error) {
	found, err := s.reads.ListUncommonRuns(ctx, db.ListUncommonRunsParams{
		Before: p.Before, Location: p.Location, AnyLocation: p.AnyLocation, Job: p.Job, AnyJob: p.AnyJob, States: p.States, Max: p.Max,
	})
	return runRows(found, func(r db.ListUncommonRunsRow) db.ListRunsRow { return db.ListRunsRow(r) }), err
}

// ofJob lists the runs of a job, which have an index.
func (s *Store) ofJob(ctx context.Context, p db.ListRunsParams) ([]db.ListRunsRow, error) {
	found, err := s.reads.ListJobRuns(ctx, db.ListJobRunsParams{
		Job: p.Job, Before: p.Before, Location: p.Location, AnyLocation: p.AnyLocation, States: p.States, Max: p.Max,
	})
	return runRows(found, func(r db.ListJobRunsRow) db.ListRunsRow { return db.ListRunsRow(r) }), err
}

// owned lists runs that have an owner, whose lease ends at an instant or before. There are few of them,
// and an index of their own.
func (s *Store) owned(ctx context.Context, p db.ListRunsParams, until storage.Micros) ([]db.ListRunsRow, error) {
	found, err := s.reads.ListOwnedRuns(ctx, db.ListOwnedRunsParams{
		Until: int64(until), Before: p.Before, Location: p.Location, AnyLocation: p.AnyLocation,
		Job: p.Job, AnyJob: p.AnyJob, States: p.States, Max: p.Max,
	})
	return runRows(found, func(r db.ListOwnedRunsRow) db.ListRunsRow { return db.ListRunsRow(r) }), err
}

// ofBackfill lists the runs of a backfill, which have an index too.
func (s *Store) ofBackfill(ctx context.Context, p db.ListRunsParams, q *storage.RunQuery) ([]db.ListRunsRow, error) {
	b := db.ListBackfillRunsParams{
		Backfill: q.Backfill, Before: p.Before, Location: p.Location, AnyLocation: p.AnyLocation,
		Job: p.Job, AnyJob: p.AnyJob, States: p.States, Until: math.MaxInt64, Max: p.Max,
	}
	if q.Owned || q.Abandoned {
		b.FromLease = 1
	}
	if q.Abandoned {
		b.Until = int64(storage.MicrosOf(time.Now()))
	}
	found, err := s.reads.ListBackfillRuns(ctx, b)
	return runRows(found, func(r db.ListBackfillRunsRow) db.ListRunsRow { return db.ListRunsRow(r) }), err
}

// runRows makes the rows of one query those of another, which have the same columns.
func runRows[T any](found []T, row func(T) db.ListRunsRow) []db.ListRunsRow {
	rows := make([]db.ListRunsRow, len(found))
	for i := range found {
		rows[i] = row(found[i])
	}
	return rows
}

func runRecord(row db.ListRunsRow) (storage.RunRecord, error) {
	rec := storage.RunRecord{
		Key: storage.RunKey(row.Key), ID: row.ID, Location: row.Location, Job: row.Job, Backfill: row.Backfill, Partition: row.Partition,
		State: storage.RunState(row.State), Token: row.Token, Error: row.Error,
		CreatedAt: storage.Micros(row.CreatedAt).Time(), StartedAt: storage.Micros(row.StartedAt).Time(),
		EndedAt: storage.Micros(row.EndedAt).Time(),
		Counts: storage.StepCounts{
			Succeeded: int(row.Succeeded), Failed: int(row.Failed), Skipped: int(row.Skipped), Canceled: int(row.Canceled),
		},
	}
	rec.Lost = prune.LostOf(row.Lost)
	rec.Owner, rec.LeaseUntil = row.Owner, storage.Micros(row.LeaseUntil).Time()
	var err error
	rec.Cancel, err = cancelRequest(storage.CancelRequest{Run: rec.Key}, row.Cancel)
	return rec, errors.Join(err, decode(row.Request, &rec.Request), decode(row.Tags, &rec.Tags))
}

// readError says what was being read. Errors of a store closed meanwhile are [storage.ErrClosed].
func (s *Store) readError(what string, err error) error {
	switch {
	case s.closed.Load():
		return storage.ErrClosed
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%s: %w", what, storage.ErrNotFound)
	}
	return explain(s.path, what, err)
}

// limit is a limit in SQLite's words, where zero means all.
func limit(n int) int64 {
	if n <= 0 {
		return -1
	}
	return int64(n)
}
