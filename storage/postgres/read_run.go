package postgres

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/record"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
)

// GetRun returns one run with its plan, or [storage.ErrNotFound].
func (s *Store) GetRun(ctx context.Context, id string) (storage.RunRecord, error) {
	what := fmt.Sprintf("run %q", id)
	row, err := readBy(ctx, s, what, (*db.Queries).GetRun, id)
	if err != nil {
		return storage.RunRecord{}, err
	}
	rec, err := record.Run(row)
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
	return s.listRuns(ctx, p, &q)
}

// states returns the states as the server stores them, all for none. Their number lets it estimate
// the number of runs.
func states(asked []storage.RunState) []int64 {
	var list []int64
	for state := storage.Queued; state <= storage.Canceled; state++ {
		if len(asked) == 0 || slices.Contains(asked, state) {
			list = append(list, int64(state))
		}
	}
	return list
}

// listRuns queries by the index with the fewest runs: those of a backfill, those in progress, those
// other than successes, those of a job. All other queries read the whole history.
func (s *Store) listRuns(ctx context.Context, p db.ListRunsParams, q *storage.RunQuery) ([]storage.RunRecord, error) {
	switch {
	case q.Backfill != "":
		return listRuns(ctx, s, (*db.Queries).ListBackfillRuns, db.ListBackfillRunsParams{
			Backfill: q.Backfill, Before: p.Before, Location: p.Location, AnyLocation: p.AnyLocation, Job: p.Job, AnyJob: p.AnyJob,
			States: p.States, Owned: q.Owned || q.Abandoned, Abandoned: q.Abandoned, Max: p.Max,
		})
	case q.Owned || q.Abandoned || !slices.ContainsFunc(p.States, ended):
		return listRuns(ctx, s, (*db.Queries).ListOpenRuns, db.ListOpenRunsParams{
			Before: p.Before, Location: p.Location, AnyLocation: p.AnyLocation, Job: p.Job, AnyJob: p.AnyJob,
			States: p.States, Owned: q.Owned || q.Abandoned, Abandoned: q.Abandoned, Max: p.Max,
		})
	case !slices.Contains(p.States, int64(storage.Success)):
		return listRuns(ctx, s, (*db.Queries).ListUncommonRuns, db.ListUncommonRunsParams{
			Before: p.Before, Location: p.Location, AnyLocation: p.AnyLocation, Job: p.Job, AnyJob: p.AnyJob, States: p.States, Max: p.Max,
		})
	case q.Job != "":
		return listRuns(ctx, s, (*db.Queries).ListJobRuns, db.ListJobRunsParams{
			Job: p.Job, Before: p.Before, Location: p.Location, AnyLocation: p.AnyLocation, States: p.States, Max: p.Max,
		})
	}
	return listRuns(ctx, s, (*db.Queries).ListRuns, p)
}

// listRuns reads runs by one of the queries that list them.
func listRuns[P any, R ~record.RunRow](ctx context.Context, s *Store, ask func(*db.Queries, context.Context, P) ([]R, error), p P) ([]storage.RunRecord, error) {
	const what = "list runs"
	rows, err := planBy(ctx, s, what, ask, p)
	if err != nil {
		return nil, err
	}
	list, err := record.Runs(rows)
	return list, s.target.explain(what, err)
}

func ended(state int64) bool { return storage.RunState(state).Terminal() }
