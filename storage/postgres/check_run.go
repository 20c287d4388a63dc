package postgres

import (
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
)

func (c *checker) ends() error {
	rows, err := c.q.CheckEnds(c.ctx, int16(storage.RunEnded))
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
		Succeeded: int16(storage.StepSucceeded), Expanded: int16(storage.StepExpanded), Reused: int16(storage.StepReused),
		Failed: int16(storage.StepFailed), Skipped: int16(storage.StepSkipped), Canceled: int16(storage.StepCanceled),
	})
	for _, r := range rows {
		c.report("run %q counts %d succeeded, %d failed, %d skipped, %d canceled steps; its events say %d, %d, %d, %d", r.ID,
			r.Succeeded, r.Failed, r.Skipped, r.Canceled, r.EventsSucceeded, r.EventsFailed, r.EventsSkipped, r.EventsCanceled)
		if r.Whole {
			c.mendable(func() error {
				return c.q.MendCounts(c.ctx, db.MendCountsParams{
					Key: r.Key, Succeeded: r.EventsSucceeded, Failed: r.EventsFailed, Skipped: r.EventsSkipped, Canceled: r.EventsCanceled,
				})
			}, "run %q: its steps were counted again", r.ID)
		}
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

func (c *checker) leases() error {
	rows, err := c.q.CheckLeases(c.ctx)
	for _, r := range rows {
		c.report("run %q is %s and still leased to %q", r.ID, storage.RunState(r.State), r.Owner)
		c.mendable(func() error { return c.q.MendLease(c.ctx, r.Key) }, "run %q has ended: its lease was ended too", r.ID)
	}
	return err
}

func (c *checker) slots() error {
	rows, err := c.q.CheckSlots(c.ctx)
	for _, r := range rows {
		switch {
		case !r.RunID.Valid:
			c.report("pool %q: step %q of run %d has a place, and the run is not recorded", r.Pool, r.StepKey, r.Run)
		case storage.RunState(r.State.Int16).Terminal():
			c.report("pool %q: step %q of run %q has a place, and the run is %s", r.Pool, r.StepKey, r.RunID.String, storage.RunState(r.State.Int16))
		default:
			c.report("pool %q: step %q of run %q has a place, and the run is nobody's", r.Pool, r.StepKey, r.RunID.String)
		}
		c.mendable(func() error {
			c.touched |= storage.TopicSlots
			return c.q.MendSlot(c.ctx, db.MendSlotParams{Ticket: r.Ticket, Pool: r.Pool})
		}, "pool %q: the place of step %q was freed", r.Pool, r.StepKey)
	}
	return err
}

func (c *checker) runBackfills() error {
	rows, err := c.q.CheckRunBackfills(c.ctx)
	for _, r := range rows {
		c.report("run %q belongs to backfill %q, which is not recorded", r.ID, r.Backfill)
	}
	return err
}
