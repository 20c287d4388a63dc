package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/prune"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
)

// GetRun returns one run with its plan, or [storage.ErrNotFound].
func (s *Store) GetRun(ctx context.Context, id string) (storage.RunRecord, error) {
	what := fmt.Sprintf("run %q", id)
	row, err := readBy(ctx, s, what, (*db.Queries).GetRun, id)
	if err != nil {
		return storage.RunRecord{}, err
	}
	rec, err := runRecord(db.ListRunsRow{
		Key: row.Key, ID: row.ID, Location: row.Location, Job: row.Job, Backfill: row.Backfill, Partition: row.Partition, State: row.State, Token: row.Token,
		CreatedAt: row.CreatedAt, StartedAt: row.StartedAt, EndedAt: row.EndedAt,
		Succeeded: row.Succeeded, Failed: row.Failed, Skipped: row.Skipped, Canceled: row.Canceled,
		Error: row.Error, Request: row.Request, Tags: row.Tags, Owner: row.Owner, LeaseUntil: row.LeaseUntil, Cancel: row.Cancel, Lost: row.Lost,
	})
	if err == nil {
		err = decode(row.Plan, &rec.Plan)
	}
	if err != nil {
		return storage.RunRecord{}, s.target.explain(what, err)
	}
	return rec, nil
}

// ListRuns returns runs without their plans, newest first.
func (s *Store) ListRuns(ctx context.Context, q storage.RunQuery) ([]storage.RunRecord, error) {
	p := db.ListRunsParams{
		Before: int64(q.Before), Location: q.Location, AnyLocation: q.Location == "", Job: q.Job, AnyJob: q.Job == "",
		States: states(q.States), Max: int64(cmp.Or(q.Limit, defaultLimit)),
	}
	if p.Before <= 0 {
		p.Before = math.MaxInt64
	}
	rows, err := s.listRuns(ctx, p, &q)
	if err != nil {
		return nil, err
	}
	var list []storage.RunRecord
	for i := range rows {
		rec, err := runRecord(rows[i])
		if err != nil {
			return nil, s.target.explain(fmt.Sprintf("run %q", rows[i].ID), err)
		}
		list = append(list, rec)
	}
	return list, nil
}

// states returns the states as the server has them, all of them for none. (Their number tells it how many runs they are of.)
func states(asked []storage.RunState) []int16 {
	var list []int16
	for state := storage.Queued; state <= storage.Canceled; state++ {
		if len(asked) == 0 || slices.Contains(asked, state) {
			list = append(list, int16(state))
		}
	}
	return list
}

// listRuns asks in the words of the index that has the fewest runs: those of a backfill, those without an end, and so those that
// have a lease, those that are no success, those of a job. What is left is the whole history.
func (s *Store) listRuns(ctx context.Context, p db.ListRunsParams, q *storage.RunQuery) ([]db.ListRunsRow, error) {
	const what = "list runs"
	switch {
	case q.Backfill != "":
		found, err := planBy(ctx, s, what, (*db.Queries).ListBackfillRuns, db.ListBackfillRunsParams{
			Backfill: q.Backfill, Before: p.Before, Location: p.Location, AnyLocation: p.AnyLocation, Job: p.Job, AnyJob: p.AnyJob,
			States: p.States, Owned: q.Owned || q.Abandoned, Abandoned: q.Abandoned, Max: p.Max,
		})
		return runRows(found, func(r db.ListBackfillRunsRow) db.ListRunsRow { return db.ListRunsRow(r) }), err
	case q.Owned || q.Abandoned || !slices.ContainsFunc(p.States, ended):
		found, err := planBy(ctx, s, what, (*db.Queries).ListOpenRuns, db.ListOpenRunsParams{
			Before: p.Before, Location: p.Location, AnyLocation: p.AnyLocation, Job: p.Job, AnyJob: p.AnyJob,
			States: p.States, Owned: q.Owned || q.Abandoned, Abandoned: q.Abandoned, Max: p.Max,
		})
		return runRows(found, func(r db.ListOpenRunsRow) db.ListRunsRow { return db.ListRunsRow(r) }), err
	case !slices.Contains(p.States, int16(storage.Success)):
		found, err := planBy(ctx, s, what, (*db.Queries).ListUncommonRuns, db.ListUncommonRunsParams{
			Before: p.Before, Location: p.Location, AnyLocation: p.AnyLocation, Job: p.Job, AnyJob: p.AnyJob, States: p.States, Max: p.Max,
		})
		return runRows(found, func(r db.ListUncommonRunsRow) db.ListRunsRow { return db.ListRunsRow(r) }), err
	case q.Job != "":
		found, err := planBy(ctx, s, what, (*db.Queries).ListJobRuns, db.ListJobRunsParams{
			Job: p.Job, Before: p.Before, Location: p.Location, AnyLocation: p.AnyLocation, States: p.States, Max: p.Max,
		})
		return runRows(found, func(r db.ListJobRunsRow) db.ListRunsRow { return db.ListRunsRow(r) }), err
	}
	return planBy(ctx, s, what, (*db.Queries).ListRuns, p)
}

func ended(state int16) bool { return storage.RunState(state).Terminal() }

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
		Key: storage.RunKey(row.Key), ID: row.ID, Location: row.Location, Job: row.Job,
		Backfill: row.Backfill, Partition: row.Partition,
		State: storage.RunState(row.State), Token: row.Token, Error: row.Error,
		CreatedAt: storage.Micros(row.CreatedAt).Time(), StartedAt: storage.Micros(row.StartedAt).Time(),
		EndedAt: storage.Micros(row.EndedAt).Time(),
		Counts: storage.StepCounts{
			Succeeded: int(row.Succeeded), Failed: int(row.Failed), Skipped: int(row.Skipped), Canceled: int(row.Canceled),
		},
		Owner: row.Owner, LeaseUntil: storage.Micros(row.LeaseUntil).Time(), Lost: prune.LostOf(int64(row.Lost)),
	}
	var err error
	rec.Cancel, err = cancelRequest(storage.CancelRequest{Run: rec.Key}, row.Cancel)
	return rec, errors.Join(err, decode(row.Request, &rec.Request), decode(row.Tags, &rec.Tags))
}

// cancelRequest reads what a row keeps of the request to stop it into one that names what it is of, nil where there
// is none.
func cancelRequest(c storage.CancelRequest, doc []byte) (*storage.CancelRequest, error) {
	if len(doc) == 0 {
		return nil, nil //nolint:nilnil // nobody asked, which is no error
	}
	if err := json.Unmarshal(doc, &c); err != nil {
		return nil, fmt.Errorf("a request to cancel: %w", err)
	}
	return &c, nil
}
