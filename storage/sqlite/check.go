package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// Check reads the whole store and says in words which of its invariants do not hold, nothing where
// all do: the file is sound, an ended run has one end with its state and its counts, events
// are numbered from 1 without gaps and belong to recorded runs, and the state of an asset is its newest
// event. It reads one snapshot, so it may run while others write; an error is a check that could
// not be made.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	tx, err := s.pool.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, s.readError("check", err)
	}
	c := &checker{ctx: ctx, tx: tx, q: s.reads.WithTx(tx)}
	for _, check := range []func() error{c.file, c.ends, c.counts, c.numbers, c.strays, c.states, c.missingStates} {
		if err = check(); err != nil {
			break
		}
	}
	if err = errors.Join(err, tx.Rollback()); err != nil {
		return nil, s.readError("check", err)
	}
	return c.found, nil
}

type checker struct {
	ctx   context.Context //nolint:containedctx // it lives as long as one call of Check
	tx    *sql.Tx
	q     *db.Queries
	found []string
}

func (c *checker) report(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

func (c *checker) file() (err error) {
	rows, err := c.tx.QueryContext(c.ctx, "PRAGMA integrity_check(20)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return err
		}
		if line != "ok" {
			c.report("the file is damaged: %s", line)
		}
	}
	return rows.Err()
}

func (c *checker) ends() error {
	rows, err := c.q.CheckEnds(c.ctx, int64(storage.RunEnded))
	for _, r := range rows {
		state := storage.RunState(r.State)
		switch {
		case !state.Terminal():
			c.report("run %q is %s, but has an end among its events", r.ID, state)
		case r.Ends == 1:
			c.report("run %q is recorded as %s, its end says %s", r.ID, state, storage.RunState(r.Status))
		default:
			c.report("run %q is %s and has %d ends among its events, want one", r.ID, state, r.Ends)
		}
	}
	return err
}

func (c *checker) counts() error {
	rows, err := c.q.CheckCounts(c.ctx, db.CheckCountsParams{
		Succeeded: int64(storage.StepSucceeded), Expanded: int64(storage.StepExpanded), Failed: int64(storage.StepFailed),
		Skipped: int64(storage.StepSkipped), Canceled: int64(storage.StepCanceled),
	})
	for _, r := range rows {
		c.report("run %q counts %d succeeded, %d failed, %d skipped, %d canceled steps; its events say %d, %d, %d, %d", r.ID,
			r.Succeeded, r.Failed, r.Skipped, r.Canceled, r.EventsSucceeded, r.EventsFailed, r.EventsSkipped, r.EventsCanceled)
	}
	return err
}

func (c *checker) numbers() error {
	rows, err := c.q.CheckNumbers(c.ctx)
	for _, r := range rows {
		c.report("run %q has %d events numbered from %d to %d, want 1 to %d", r.ID, r.Events, r.Lowest, r.Highest, r.Events)
	}
	return err
}

func (c *checker) strays() error {
	events, err := c.q.CheckStrayEvents(c.ctx)
	if err != nil {
		return err
	}
	for _, r := range events {
		c.report("%d events belong to run %d, which is not recorded", r.Events, r.Run)
	}
	lines, err := c.q.CheckStrayLogs(c.ctx)
	for _, r := range lines {
		c.report("%d log lines belong to run %d, which is not recorded", r.Lines, r.Run)
	}
	return err
}

func (c *checker) states() error {
	rows, err := c.q.CheckStates(c.ctx, int64(storage.AssetObserved))
	for _, r := range rows {
		what := stateWord(r.Kind)
		switch {
		case !r.Name.Valid:
			c.report("the %s state of asset %d: there is no such asset", what, r.Asset)
		case !r.RunID.Valid:
			c.report("asset %q was last %s by a run that is not recorded", r.Name.String, what)
		case r.HasNewer:
			c.report("asset %q was last %s by event %d of run %q, which has a newer one", r.Name.String, what, r.N, r.RunID.String)
		default:
			c.report("asset %q was last %s by event %d of run %q, which says otherwise or is not there", r.Name.String, what, r.N, r.RunID.String)
		}
	}
	return err
}

func (c *checker) missingStates() error {
	rows, err := c.q.CheckMissingStates(c.ctx, int64(storage.AssetObserved))
	for _, r := range rows {
		c.report("asset %q was %s by %d events, but has no such state", r.Name, stateWord(r.Observed), r.Events)
	}
	return err
}

func stateWord(observed int64) string {
	if observed != 0 {
		return "observed"
	}
	return "materialized"
}
