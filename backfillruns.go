package rivers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/rivers-go/rivers/internal/backfill"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// backfillRuns makes the runs of a backfill.
type backfillRuns struct {
	plan     *backfillPlan
	backfill string
}

// cut says which partitions each step of a run of a group is of.
func (b *backfillRuns) cut(group int, set partition.Set) *plan.Cut {
	p := b.plan.groups[group].config.Plan
	c := b.plan.groups[group].division.Of(partition.Set{})
	for s := range p.Steps {
		if p.Graph.Node(p.Steps[s].Node).Partitions != nil {
			c.Sets[s] = set
		}
	}
	return c
}

// Record returns the record of a run that is to be inserted, ready to be started by this process.
func (b *backfillRuns) Record(group int, set partition.Set) (storage.RunRecord, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return storage.RunRecord{}, fmt.Errorf("making an id: %w", err)
	}
	p := b.plan
	g := &p.groups[group]
	of, err := partition.NewSlice(p.space, set)
	if err != nil {
		return storage.RunRecord{}, err
	}
	c := g.config
	c.Cut = b.cut(group, set)
	if err := c.Cut.Mapped(); err != nil {
		return storage.RunRecord{}, err
	}
	rec := storage.RunRecord{
		ID: id.String(), Location: p.repo.Name(), Backfill: b.backfill, Partition: of.String(), State: storage.NotStarted,
		Request: RunRequest{Selection: g.assets, Action: p.req.Action, Tags: p.req.Tags, Config: p.req.Config}, Tags: p.req.Tags,
		CreatedAt: p.division.Now().UTC(), Token: 1, Owner: proc.Self().String(),
	}
	if of.Len() == 1 {
		rec.Request.Partition = of.Key()
	} else {
		rec.Request.Partitions = set
	}
	rec.Plan, rec.Targets = engine.Planned(c)
	return rec, nil
}

// Do executes a run, or goes on with one that another process had begun.
func (b *backfillRuns) Do(ctx context.Context, group int, rec storage.RunRecord, set partition.Set) (_ backfill.Outcome, err error) {
	p := b.plan
	c := p.groups[group].config
	c.Cut, c.Record = b.cut(group, set), rec
	if rec.Owner != proc.Self().String() {
		if c.Record, c.Past, err = engine.TakeOver(ctx, p.repo.store, rec.ID); err != nil {
			return backfill.Outcome{}, err
		}
	}
	if c.Isolate, err = p.repo.isolator(c.Plan, &rec); err != nil {
		return backfill.Outcome{}, err
	}
	c.Shared = &graph.Run{
		ID: rec.ID, Location: rec.Location, Tags: rec.Tags, Storage: p.repo.store, Load: p.repo.loadFrom,
	}
	listeners := p.repo.listeners()
	observe(&c, listeners)
	res, err := engine.Execute(ctx, c)
	if res == nil {
		return backfill.Outcome{}, err
	}
	if len(listeners) > 0 {
		p.repo.finished(listeners, newResult(res))
	}
	return outcomeOf(res), err
}

// outcomeOf says what a run has not made.
func outcomeOf(res *engine.Result) backfill.Outcome {
	var o backfill.Outcome
	lost := res.Lost()
	if lost.IsEmpty() {
		return o
	}
	if res.State == storage.Canceled {
		o.Canceled = lost
		return o
	}
	o.Failed = lost
	for i := range res.Steps {
		if s := &res.Steps[i]; s.Outcome == storage.StepFailed {
			o.Cause = fmt.Errorf("run %s: step %q: %w", res.Record.ID, s.Key, s.Err)
			break
		}
	}
	return o
}

// Drop cancels a run that was recorded and never started.
func (b *backfillRuns) Drop(ctx context.Context, rec storage.RunRecord, reason string) error {
	rec.Cancel = &storage.CancelRequest{Reason: reason}
	p, err := plan.Recorded(rec.Plan)
	if err != nil {
		return err
	}
	if rec.Owner != proc.Self().String() {
		var claimErr error
		if rec, _, claimErr = engine.TakeOver(ctx, b.plan.repo.store, rec.ID); claimErr != nil {
			return claimErr
		}
		rec.Cancel = &storage.CancelRequest{Reason: reason}
	}
	_, err = engine.Settle(ctx, engine.Config{Plan: p, Record: rec, Store: b.plan.repo.store}, "it was never started")
	return err
}

// planRecordedBackfill plans a backfill again from its record: as of the instant at which it was requested, for the
// partitions that were found then.
func (r *CodeRepository) planRecordedBackfill(ctx context.Context, rec *storage.BackfillRecord) (*backfillPlan, error) {
	req := rec.Request
	req.Only, req.Latest = "", 0
	p, err := r.planBackfillOf(ctx, req, rec.CreatedAt, func(space partition.Space) (partition.Set, error) {
		set := space.Within(rec.Partitions)
		if !set.Equal(rec.Partitions) {
			return set, errors.New("some of the partitions that it was to make are not defined any more: cancel it, and begin a new one")
		}
		return set, nil
	})
	if err != nil {
		return nil, fmt.Errorf("backfill %q: %w", rec.ID, err)
	}
	p.req, p.set, p.total = rec.Request, rec.Partitions, rec.Total
	return p, nil
}

// past reads what the runs of a backfill have come to, in the order in which they were created.
func (p *backfillPlan) past(ctx context.Context, rec *storage.BackfillRecord) ([]backfill.Past, error) {
	var all []backfill.Past
	q := storage.RunQuery{Backfill: rec.ID, Limit: 1000}
	for {
		runs, err := p.repo.store.ListRuns(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("backfill %q: reading its runs: %w", rec.ID, err)
		}
		for i := range runs {
			one, err := p.pastRun(ctx, &runs[i])
			if err != nil {
				return nil, fmt.Errorf("backfill %q: run %q: %w", rec.ID, runs[i].ID, err)
			}
			all = append(all, one)
		}
		if len(runs) < q.Limit {
			slices.Reverse(all)
			return all, nil
		}
		q.Before = runs[len(runs)-1].Key
	}
}

// pastRun reads what one run has come to.
func (p *backfillPlan) pastRun(ctx context.Context, rec *storage.RunRecord) (backfill.Past, error) {
	one := backfill.Past{Run: *rec, Group: -1, Set: rec.Request.Partitions, Ended: rec.State.Terminal()}
	for g := range p.groups {
		if slices.Equal(p.groups[g].assets, rec.Request.Selection) {
			one.Group = g
		}
	}
	if one.Group < 0 {
		return one, fmt.Errorf("it makes %s, and the definitions would backfill that otherwise now: cancel the backfill, and begin a new one", fault.QuotedList(rec.Request.Selection))
	}
	if !rec.Request.Partition.IsZero() {
		var err error
		if one.Set, err = p.space.Set(rec.Request.Partition); err != nil {
			return one, err
		}
	}
	switch {
	case !one.Ended:
		full, err := p.repo.store.GetRun(ctx, rec.ID) // with its plan
		one.Run = full
		return one, err
	case rec.State == storage.Success:
		return one, nil
	}
	res, err := engine.ReadResult(ctx, p.repo.store, rec.ID)
	if err != nil {
		return one, err
	}
	one.Outcome = outcomeOf(res)
	if lost := one.Outcome.Failed.Union(one.Outcome.Canceled); lost.IsEmpty() { // it says nothing of its partitions
		one.Outcome.Canceled = one.Set
	}
	return one, nil
}
