package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
)

// Check reads the whole store and says in words which of its invariants do not hold, nothing where
// all do: an ended run has one end with its state and its counts, events
// are numbered from 1 without gaps and belong to recorded runs, and the state of an asset is its newest
// event. It reads one snapshot, so it may run while others write; an error is a check that could
// not be made. (Whether pages are damaged is the server's to say, see pg_amcheck.)
func (s *Store) Check(ctx context.Context) ([]string, error) {
	return read(ctx, s, "check", func(_ *db.Queries, ctx context.Context) ([]string, error) {
		tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		if err != nil {
			return nil, err
		}
		c := &checker{ctx: ctx, q: s.reads.WithTx(tx)}
		for _, check := range []func() error{c.ends, c.counts, c.numbers, c.strays, c.states, c.missingStates} {
			if err = check(); err != nil {
				break
			}
		}
		return c.found, errors.Join(err, tx.Rollback(ctx))
	})
}

type checker struct {
	ctx   context.Context //nolint:containedctx // it lives as long as one call of Check
	q     *db.Queries
	found []string
}

func (c *checker) report(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

func (c *checker) ends() error {
	rows, err := c.q.CheckEnds(c.ctx, int16(storage.RunEnded))
	for _, r := range rows {
		id, state := original(r.ID), storage.RunState(r.State)
		switch {
		case !state.Terminal():
			c.report("run %q is %s, but has an end among its events", id, state)
		case r.Ends == 1:
			c.report("run %q is recorded as %s, its end says %s", id, state, storage.RunState(r.Status))
		default:
			c.report("run %q is %s and has %d ends among its events, want one", id, state, r.Ends)
		}
	}
	return err
}

func (c *checker) counts() error {
	rows, err := c.q.CheckCounts(c.ctx, db.CheckCountsParams{
		Succeeded: int16(storage.StepSucceeded), Expanded: int16(storage.StepExpanded), Failed: int16(storage.StepFailed),
		Skipped: int16(storage.StepSkipped), Canceled: int16(storage.StepCanceled),
	})
	for _, r := range rows {
		c.report("run %q counts %d succeeded, %d failed, %d skipped, %d canceled steps; its events say %d, %d, %d, %d", original(r.ID),
			r.Succeeded, r.Failed, r.Skipped, r.Canceled, r.EventsSucceeded, r.EventsFailed, r.EventsSkipped, r.EventsCanceled)
	}
	return err
}

func (c *checker) numbers() error {
	rows, err := c.q.CheckNumbers(c.ctx)
	for _, r := range rows {
		c.report("run %q has %d events numbered from %d to %d, want 1 to %d", original(r.ID), r.Events, r.Lowest, r.Highest, r.Events)
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
	rows, err := c.q.CheckStates(c.ctx, int16(storage.AssetObserved))
	for _, r := range rows {
		what, name, run := stateWord(r.Kind == 1), original(r.Name.String), original(r.RunID.String)
		switch {
		case !r.Name.Valid:
			c.report("the %s state of asset %d: there is no such asset", what, r.Asset)
		case !r.RunID.Valid:
			c.report("asset %q was last %s by a run that is not recorded", name, what)
		case r.HasNewer:
			c.report("asset %q was last %s by event %d of run %q, which has a newer one", name, what, r.N, run)
		default:
			c.report("asset %q was last %s by event %d of run %q, which says otherwise or is not there", name, what, r.N, run)
		}
	}
	return err
}

func (c *checker) missingStates() error {
	rows, err := c.q.CheckMissingStates(c.ctx, int16(storage.AssetObserved))
	for _, r := range rows {
		c.report("asset %q was %s by %d events, but has no such state", original(r.Name), stateWord(r.Observed), r.Events)
	}
	return err
}

func stateWord(observed bool) string {
	if observed {
		return "observed"
	}
	return "materialized"
}
