package backfill

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/rivers-go/rivers/internal/backfill/decide"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/launch"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// runs makes the runs of a backfill.
type runs struct {
	plan     *Plan
	backfill string
}

// assign gives partitions to the steps of a group's run.
func assign(g *group, set partition.Set) *plan.Assignment {
	p := g.config.Plan
	c := g.partitioning.Of(partition.Set{})
	for s := range p.Steps {
		if p.Graph.Node(p.Steps[s].Node).Partitions != nil {
			c.Sets[s] = set
		}
	}
	return c
}

// Record returns the record of a run that is to be inserted, ready to be started by this process.
func (b *runs) Record(group int, members []int, set partition.Set) (storage.RunRecord, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return storage.RunRecord{}, fmt.Errorf("making an id: %w", err)
	}
	p := b.plan
	g, err := b.plan.part(group, members)
	if err != nil {
		return storage.RunRecord{}, err
	}
	of, err := partition.NewSlice(p.space, set)
	if err != nil {
		return storage.RunRecord{}, err
	}
	c := g.config
	c.Assignment = assign(g, set)
	if err := c.Assignment.Mapped(); err != nil {
		return storage.RunRecord{}, err
	}
	rec := storage.RunRecord{
		ID: id.String(), Location: p.runner.Catalog.Location(), Backfill: b.backfill, Partition: of.String(), State: storage.NotStarted,
		Request: storage.RunRequest{Selection: g.assets, Action: p.req.Action, Tags: p.req.Tags, Config: p.req.Config}, Tags: p.req.Tags,
		CreatedAt: p.partitioning.Now().UTC(), Token: 1, Owner: proc.Self().String(),
	}
	if of.Len() == 1 {
		rec.Request.Partition = of.Key()
	} else {
		rec.Request.Partitions = set
	}
	rec.Plan, rec.Targets = engine.Planned(c)
	return rec, nil
}

// Do executes a run, or continues one that another process began.
func (b *runs) Do(ctx context.Context, group int, members []int, rec storage.RunRecord, set partition.Set) (_ Outcome, err error) {
	p := b.plan
	g, err := p.part(group, members)
	if err != nil {
		return Outcome{}, err
	}
	c := g.config
	c.Assignment = assign(g, set)
	if err := p.runner.Bind(&c, rec); err != nil {
		return Outcome{}, err
	}
	if rec.Owner != proc.Self().String() {
		if c.Record, c.History, err = engine.ClaimAbandoned(ctx, p.runner.Store, rec.ID); err != nil {
			return Outcome{}, err
		}
	}
	res, err := p.runner.Drive(ctx, c)
	if res == nil {
		return Outcome{}, err
	}
	return p.groups[group].outcomeOf(res), err
}

// outcomeOf returns what a run did not make, by definition of the group.
func (g *group) outcomeOf(res *engine.Result) Outcome {
	o := Outcome{Losses: make([]decide.Losses, len(g.names))}
	for i := range res.Steps {
		s := &res.Steps[i]
		if o.Cause == nil && s.Outcome == storage.StepFailed {
			o.Cause = fmt.Errorf("run %s: step %q: %w", res.Record.ID, s.Key, s.Err)
		}
		runs := g.config.Plan.Graph
		n, known := runs.FindNode(s.Key)
		if !known { // an instance
			continue
		}
		node, lost := runs.Node(n), &s.Losses
		if node.Check == nil {
			if m := slices.Index(g.names, node.Definition); m >= 0 {
				l := &o.Losses[m]
				l.Failed = l.Failed.Union(lost.Failed)
				l.Skipped = l.Skipped.Union(lost.Skipped)
				l.Canceled = l.Canceled.Union(lost.Blocked).Union(lost.Canceled)
			}
			continue
		}
		m := slices.IndexFunc(g.made, func(assets []string) bool { return slices.Contains(assets, node.Check.Asset) })
		switch { // what it judges is made
		case m < 0:
		case node.Check.Blocking:
			o.Losses[m].Rejected = o.Losses[m].Rejected.Union(lost.Failed)
		default:
			o.Losses[m].Unchecked = o.Losses[m].Unchecked.Union(lost.Failed)
		}
	}
	for m := range o.Losses { // several tasks of a graph asset may have lost a partition in several ways
		l := &o.Losses[m]
		l.Canceled = l.Canceled.Minus(l.Failed)
		l.Skipped = l.Skipped.Minus(l.Failed).Minus(l.Canceled)
	}
	return o
}

// Drop cancels a run that was recorded and never started.
func (b *runs) Drop(ctx context.Context, rec storage.RunRecord, reason string) error {
	rec.Cancel = &storage.CancelRequest{Reason: reason}
	p, err := plan.Recorded(rec.Plan)
	if err != nil {
		return err
	}
	if rec.Owner != proc.Self().String() {
		var claimErr error
		if rec, _, claimErr = engine.ClaimAbandoned(ctx, b.plan.runner.Store, rec.ID); claimErr != nil {
			return claimErr
		}
		rec.Cancel = &storage.CancelRequest{Reason: reason}
	}
	_, err = engine.Settle(ctx, engine.Config{Plan: p, Record: rec, Store: b.plan.runner.Store}, "it was never started")
	return err
}

// errDefinedAnew is wrapped by the error of a recorded backfill that the present definitions would
// not make as they did.
var errDefinedAnew = errors.New("the definitions are others now")

// newRecordedPlan plans a backfill again from its record: as of the instant at which it was
// requested, for the partitions that were found then.
func newRecordedPlan(ctx context.Context, r *launch.Runner, rec *storage.BackfillRecord) (*Plan, error) {
	req := rec.Request
	req.Only, req.Latest = "", 0
	p, err := newPlanOf(ctx, r, req, rec.CreatedAt, func(space partition.Space) (partition.Set, error) {
		set := space.Within(rec.Partitions)
		if !set.Equal(rec.Partitions) {
			return set, fault.Mark(errDefinedAnew, errors.New("some of its partitions are no longer defined: cancel it, and begin a new one"))
		}
		return set, nil
	})
	if err != nil {
		err = fmt.Errorf("backfill %q: %w", rec.ID, err)
		for _, kind := range []error{fault.ErrPartitionValidation, fault.ErrAssetNotFound, fault.ErrConfig, fault.ErrGraphValidation, iohandler.ErrNoValue} {
			if errors.Is(err, kind) {
				return nil, fault.Mark(errDefinedAnew, err)
			}
		}
		return nil, err
	}
	p.req, p.set, p.total = rec.Request, rec.Partitions, rec.Total
	return p, nil
}

// recordedRuns reads the runs of a backfill and their outcomes, in the order of their creation.
func (p *Plan) recordedRuns(ctx context.Context, rec *storage.BackfillRecord) ([]RecordedRun, error) {
	var all []RecordedRun
	q := storage.RunQuery{Backfill: rec.ID, Limit: 1000}
	for {
		runs, err := p.runner.Store.ListRuns(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("backfill %q: reading its runs: %w", rec.ID, err)
		}
		for i := range runs {
			one, err := p.recordedRun(ctx, &runs[i])
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

// recordedRun reads the outcome of one run.
func (p *Plan) recordedRun(ctx context.Context, rec *storage.RunRecord) (RecordedRun, error) {
	one := RecordedRun{Run: *rec, Group: -1, Set: rec.Request.Partitions, Ended: rec.State.Terminal()}
	for g := range p.groups {
		if members, of := p.groups[g].membersOf(rec.Request.Selection); of {
			one.Group, one.Members = g, members
		}
	}
	if one.Group < 0 {
		return one, fault.Mark(errDefinedAnew, fmt.Errorf("it makes %s, and the definitions would backfill that otherwise now: cancel the backfill, and begin a new one", fault.QuotedList(rec.Request.Selection)))
	}
	if !rec.Request.Partition.IsZero() {
		var err error
		if one.Set, err = p.space.Set(rec.Request.Partition); err != nil {
			return one, err
		}
	}
	switch {
	case !one.Ended:
		full, err := p.runner.Store.GetRun(ctx, rec.ID) // with its plan
		one.Run = full
		return one, err
	case rec.State == storage.Success:
		return one, nil
	}
	res, err := engine.ReadResult(ctx, p.runner.Store, rec.ID)
	if err != nil {
		return one, err
	}
	one.Outcome = p.groups[one.Group].outcomeOf(res)
	if res.Lost().IsEmpty() { // no partition is named
		for m := range one.Outcome.Losses {
			one.Outcome.Losses[m] = decide.Losses{Canceled: one.Set}
		}
	}
	return one, nil
}
