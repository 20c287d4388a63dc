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
	"github.com/rivers-go/rivers/storage/internal/record"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// defaultLimit bounds lists whose query has no limit.
const defaultLimit = 100

// GetRun returns one run with its plan, or [storage.ErrNotFound].
func (s *Store) GetRun(ctx context.Context, id string) (storage.RunRecord, error) {
	row, err := s.reads.GetRun(ctx, id)
	if err != nil {
		return storage.RunRecord{}, s.readError(fmt.Sprintf("run %q", id), err)
	}
	rec, err := record.Run(row)
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
	switch {
	case q.Backfill != "":
		return s.ofBackfill(ctx, p, &q)
	case q.Abandoned:
		return s.owned(ctx, p, storage.MicrosOf(time.Now()))
	case q.Owned:
		return s.owned(ctx, p, math.MaxInt64)
	case states&(1<<storage.Success) == 0:
		return s.uncommon(ctx, p)
	case q.Job != "":
		return s.ofJob(ctx, p)
	}
	return listRuns(ctx, s, (*db.Queries).ListRuns, p)
}

// listRuns reads runs by one of the queries that list them.
func listRuns[P any, R ~record.RunRow](ctx context.Context, s *Store, ask func(*db.Queries, context.Context, P) ([]R, error), p P) ([]storage.RunRecord, error) {
	var list []storage.RunRecord
	rows, err := ask(s.reads, ctx, p)
	if err == nil {
		list, err = record.Runs(rows)
	}
	if err != nil {
		return nil, s.readError("list runs", err)
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

// uncommon lists runs other than successes, which have indexes: most of a history is successes.
func (s *Store) uncommon(ctx context.Context, p db.ListRunsParams) ([]storage.RunRecord, error) {
	return listRuns(ctx, s, (*db.Queries).ListUncommonRuns, db.ListUncommonRunsParams{
		Before: p.Before, Location: p.Location, AnyLocation: p.AnyLocation, Job: p.Job, AnyJob: p.AnyJob, States: p.States, Max: p.Max,
	})
}

// ofJob lists the runs of a job, which have an index.
func (s *Store) ofJob(ctx context.Context, p db.ListRunsParams) ([]storage.RunRecord, error) {
	return listRuns(ctx, s, (*db.Queries).ListJobRuns, db.ListJobRunsParams{
		Job: p.Job, Before: p.Before, Location: p.Location, AnyLocation: p.AnyLocation, States: p.States, Max: p.Max,
	})
}

// owned lists runs whose owner's lease ends at an instant or before. They are few and have an
// index.
func (s *Store) owned(ctx context.Context, p db.ListRunsParams, until storage.Micros) ([]storage.RunRecord, error) {
	return listRuns(ctx, s, (*db.Queries).ListOwnedRuns, db.ListOwnedRunsParams{
		Until: int64(until), Before: p.Before, Location: p.Location, AnyLocation: p.AnyLocation,
		Job: p.Job, AnyJob: p.AnyJob, States: p.States, Max: p.Max,
	})
}

// ofBackfill lists the runs of a backfill, which have an index too.
func (s *Store) ofBackfill(ctx context.Context, p db.ListRunsParams, q *storage.RunQuery) ([]storage.RunRecord, error) {
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
	return listRuns(ctx, s, (*db.Queries).ListBackfillRuns, b)
}

// readError names the record that was being read. A closed store returns [storage.ErrClosed].
func (s *Store) readError(what string, err error) error {
	switch {
	case s.closed.Load():
		return storage.ErrClosed
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%s: %w", what, storage.ErrNotFound)
	}
	return explain(s.path, what, err)
}

// limit is a limit as SQLite takes it; zero means all.
func limit(n int) int64 {
	if n <= 0 {
		return -1
	}
	return int64(n)
}
