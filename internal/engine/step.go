package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/internal/engine/writes"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// outcome is the outcome of one attempt of a step.
type outcome struct {
	kind    storage.EventKind
	err     error
	reason  storage.FailureReason
	retryAt storage.Micros
	// detail is what people read about err.
	detail []byte
	// facts are what body and handlers said about the outputs, by position.
	facts []graph.Facts
	// part are the partitions that all this is about; apart means that they were recorded one by one.
	part  partition.Slice
	apart bool
	// instances and names are set for a mapped step that unfolded.
	instances int
	names     []string
}

// attempt is one attempt in progress, wherever it is done.
type attempt struct {
	*runEnv
	stepRef

	sink attemptSink
	job  job
	of   *graph.Node
	// run is the context of the run, ctx that of the attempt: the same unless it has a timeout.
	run, ctx context.Context //nolint:containedctx // an attempt lives as long as its context
	// inv is part of the attempt and logger is made once, so that a step allocates little.
	inv    graph.Invocation
	logger func() *slog.Logger
	// The attempt is to make the partitions in due, and not those in blocked, since they read what was
	// not made; part are those that the present call is about.
	due, blocked partition.Set
	part         partition.Slice
	// emitted are the outputs that the body has handed over, by position; persist defines which are
	// wanted, nil means all.
	emitted []int
	persist []bool
	// locator names what the attempt writes and loads.
	locator *writes.Locator
}

// newAttempt prepares an attempt of a step of the run.
func (r *run) newAttempt(j job) *attempt {
	a := &attempt{runEnv: &r.runEnv, stepRef: r.stepRef(j.step), sink: r, job: j, run: r.ctx, ctx: r.ctx}
	a.of = a.node(a.stepRef)
	if r.table.Needed() {
		a.locator = newLocator(a)
	}
	a.logger = a.newLogger
	return a
}

// newLocator names what the attempt writes and loads.
func newLocator(a *attempt) *writes.Locator {
	return &writes.Locator{Source: a.writes, Graph: a.graph, Node: a.of, Instance: a.instance}
}

// perform does one attempt: load inputs, call the function, write the outputs. No lock is held.
func (r *run) perform(j job) outcome {
	a := r.newAttempt(j)
	a.run = r.stepContext(a)
	a.ctx = a.run
	a.persist = r.stillWanted(a)
	if r.partitioned(a.mapped) {
		if err := r.assign(a); err != nil {
			return a.failure(err)
		}
	}
	if r.assignment != nil {
		if err := r.noteReading(j.step); err != nil {
			return a.failure(err)
		}
	}
	isolated, grace := r.plan.Steps[a.mapped].Lane.Isolated(), r.Grace
	if isolated { // who runs its process kills it when the grace period ends
		grace += isolatedSlack
	}
	if a.of.Timeout > 0 {
		var cancel context.CancelFunc
		a.ctx, cancel = context.WithTimeoutCause(a.run, a.of.Timeout, &TimeoutError{After: a.of.Timeout})
		defer cancel()
		late := time.AfterFunc(a.of.Timeout+grace, func() { r.abandon(j, a.of.Timeout, grace) })
		defer late.Stop()
	}
	if isolated {
		return a.guarded(r.isolate)
	}
	return a.guarded((*attempt).do)
}

// finished settles an attempt whose goroutine its function has ended.
func (r *run) finished(j job, o outcome) {
	if mine, ok := r.settle(j, o); ok {
		r.work(mine)
	}
}

// guarded does the attempt; a panic of the user's code, and a goroutine that it ended, become
// failures. That code is the body, but also IO handlers, what takes a mapped value apart, and the
// methods of the errors that all these return.
func (a *attempt) guarded(do func(*attempt) outcome) (o outcome) {
	returned := false
	defer func() {
		if p := recover(); p != nil {
			o = a.failure(a.timedOut(fault.NewPanicError(p)))
		} else if !returned {
			// runtime.Goexit (a test's FailNow, say) is ending this goroutine: another settles the step.
			o := a.failure(errors.New("the function ended its goroutine with runtime.Goexit instead of returning"))
			go a.sink.finished(a.job, o)
		}
	}()
	o = do(a)
	returned = true
	return o
}

// do does the attempt in this process.
func (a *attempt) do() outcome {
	switch {
	case !a.due.IsEmpty() || a.partitionedHere():
		return a.byParts()
	case a.unfolds():
		return a.unfold()
	}
	inv, _, err := a.call(partition.Slice{})
	if err != nil {
		return a.failure(a.timedOut(err))
	}
	return outcome{kind: storage.StepSucceeded, facts: inv.Facts}
}

// partitionedHere reports whether the node has partitions in this run.
func (a *attempt) partitionedHere() bool { return a.assignment != nil && a.of.Partitions != nil }

// assign reports which partitions an attempt is to make.
func (r *run) assign(a *attempt) (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.instance { // the mapped step was recorded to have made its partition when it unfolded
		a.due = r.d.Partitions().Assigned(a.mapped)
		return nil
	}
	a.due, a.blocked, err = r.d.Partitions().Left(a.mapped)
	return err
}

// call loads, calls and writes, for some partitions. What the body returned of several partitions
// is left to the caller to write.
func (a *attempt) call(part partition.Slice) (*graph.Invocation, graph.Result, error) {
	a.part = part
	args, err := a.load()
	if err != nil {
		return nil, graph.Result{}, err
	}
	a.inv = graph.Invocation{
		Context: a.ctx, Run: a.shared, Node: a.of, Step: a.key, Attempt: int(a.job.attempt),
		Config: a.configs[a.plan.Steps[a.mapped].Node], Persist: a.persist,
		NewLogger: a.logger, Write: a.write, Partition: part,
	}
	inv := &a.inv
	if a.of.Emits {
		inv.Emit = a.emit
	}
	if a.locator != nil {
		inv.Writes = a.locator.Known
	}
	if a.of.Action != nil {
		inv.Present = func() (string, error) { return a.locator.Present(a.ctx, a.part) }
		inv.NewWrite = a.locator.New
	}
	res, err := a.of.Call(inv, args)
	if err == nil { // before anything is written
		err = unstorable(inv.Facts)
	}
	if err != nil || res.Parts != nil {
		return inv, res, err
	}
	if err := a.store(inv, res); err != nil {
		return inv, res, err
	}
	return inv, res, unstorable(inv.Facts) // what handlers have added
}

// timedOut reports that an error is the timeout's, if the attempt's time had passed when it came.
func (a *attempt) timedOut(err error) error {
	var timeout *TimeoutError
	if a.ctx != a.run && errors.As(context.Cause(a.ctx), &timeout) && a.run.Err() == nil {
		return &TimeoutError{After: timeout.After, Err: err}
	}
	return err
}

// recordOutcome folds the result of an attempt. Called with the lock held.
func (r *run) recordOutcome(j job, o *outcome, made []materialization, evaluated *evaluation, acted *actionResult) {
	at := now()
	if s := r.d.Planned(j.step); r.isCheck(s) {
		r.rejects(s, o)
		if evaluated != nil {
			r.recordEvaluation(s, storage.Fact{Step: j.step, Attempt: j.attempt, At: at}, evaluated)
		}
	}
	if acted != nil {
		r.recordAction(storage.Fact{Step: j.step, Attempt: j.attempt, At: at}, acted)
	}
	d := r.detailOf(j.step)
	d.ended, d.err = at, o.err
	f := storage.Fact{Kind: o.kind, Step: j.step, Attempt: j.attempt, At: at}
	notice := StepNotice{Kind: o.kind, Attempt: int(j.attempt), At: at.Time(), Duration: between(d.started, at), Err: o.err}
	switch o.kind {
	case storage.StepSucceeded:
		r.recordSuccess(f, made, o.part)
	case storage.StepExpanded:
		f = f.Expanded(o.instances)
		detail := storage.Detail{Instances: o.names}
		r.record(f, detail.AppendJSON(nil))
		r.maps.locate(j.step, r.d.InstanceOf(j.step, 0))
	case storage.StepFailed:
		f = f.Failed(o.reason, o.retryAt, o.retryAt == 0 && r.partitioned(r.d.Planned(j.step)))
		notice.RetryAt, notice.Reason = o.retryAt.Time(), o.reason
		r.recordFailure(f, o)
	case storage.StepSkipped:
		f = f.Skipped(j.step, false)
		r.record(f, o.detail)
		r.skipCheck(j.step, at, o.err)
	default:
		r.record(f, o.detail)
		r.skipCheck(j.step, at, o.err)
	}
	if mapped, pos, ok := r.d.Instance(j.step); ok && o.kind == storage.StepSucceeded {
		m := r.maps.get(mapped)
		m.order = append(m.order, pos)
	}
	r.notice(j.step, notice)
}

// recordFailure writes a failed attempt. One that is not tried again is the state of what it did
// not make. Of a step with partitions the others may be there, so that what waits for it continues
// with those, if there are any.
func (r *run) recordFailure(f storage.Fact, o *outcome) {
	s := r.d.Planned(f.Step)
	n := r.record(f, o.detail)
	if f.RetryAt == 0 && !r.isCheck(s) {
		part := o.part
		if part.IsZero() && !o.apart {
			part = r.failedWith(s)
		}
		var failed partition.Set
		if !part.IsZero() {
			failed = part.Set()
		}
		r.setFailed(f.Step, part.Key(), failed, n, f.At, o.detail)
	}
}

// recordSuccess writes the success of a step and what it made: a single asset rides on the success
// itself, several have events of their own before it. A step that makes no asset records in its
// success which partitions it made, and by which write.
func (r *run) recordSuccess(f storage.Fact, made []materialization, part partition.Slice) {
	if len(made) == 1 {
		r.setMaterialized(&made[0], r.recordMade(f, &made[0]), f.At)
		return
	}
	for i := range made {
		m := storage.Fact{Kind: storage.AssetMaterialized, Step: f.Step, Attempt: f.Attempt, At: f.At}
		r.setMaterialized(&made[i], r.recordMade(m, &made[i]), f.At)
	}
	s, d := r.d.Planned(f.Step), storage.Detail{}
	if writes.Inside(r.graph.Node(r.plan.Steps[s].Node), s != f.Step) != nil {
		d.Write = r.table.Inner()
	}
	if parts := r.d.Partitions(); parts.Has(s) && parts.MakesNoAsset(f.Step) {
		d.Partitions = parts.Made(f.Step).Union(setOf(part))
		r.recordEvent(storage.Event{Fact: f, Detail: d.AppendJSON(nil)}, decide.Event{Fact: f, Partitions: d.Partitions})
		return
	}
	r.record(f, d.AppendJSON(nil))
}

// setMaterialized makes a materialization the asset's present state.
func (r *run) setMaterialized(m *materialization, n int64, at storage.Micros) {
	r.rememberVersion(m)
	if m.asset == 0 {
		return
	}
	u := storage.AssetUpdate{
		Asset: m.asset, Run: r.key, N: n, At: at,
		DataVersion: m.version, CodeVersion: m.code, Detail: m.detail,
	}
	if !m.part.IsZero() {
		u.Partition, u.Partitions = m.part.Key().String(), m.part.Set()
	}
	r.batch.Assets = append(r.batch.Assets, u)
}

// reportLate keeps what an attempt that is over still had to say as a line of the log.
func (r *run) reportLate(j job, o outcome) {
	word := "succeeded"
	if o.err != nil {
		word = fmt.Sprintf("%s: %v", o.kind, o.err)
	}
	r.newAttempt(j).newLogger().Warn("this attempt was given up before it reported", "outcome", word)
}
