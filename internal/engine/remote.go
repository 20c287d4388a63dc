package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/engine/writes"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// RemoteAttempt is what a process that does one attempt for a run in another process knows of that
// run.
type RemoteAttempt struct {
	// Graph is the graph as this process's definitions make it.
	Graph *graph.Graph
	// Shared is what all steps see.
	Shared *graph.Run
	// Retry is the policy of nodes that have none.
	Retry retry.Policy
	// Tables finds the key tables that a definition of partitions needs.
	Tables plan.Tables
	// Prepare makes ready what the node takes and returns its config, nil where it takes none. It is
	// part of the attempt: its error or panic is the attempt's failure. A nil Prepare has nothing to
	// do.
	Prepare func(ctx context.Context, node *graph.Node) (config any, err error)
}

// Serve does an attempt in this process on behalf of a run in another one; ctx ends when that run
// is canceled, and sink takes what happens meanwhile. A task that these definitions do not have is
// reported as failed.
func Serve(ctx context.Context, from RemoteAttempt, t Task, sink Sink) Report {
	a, g, err := from.attempt(ctx, t, sink)
	if err != nil {
		return Refusal(err)
	}
	if !t.Deadline.IsZero() {
		var cancel context.CancelFunc
		a.ctx, cancel = context.WithDeadlineCause(ctx, t.Deadline, &TimeoutError{After: a.of.Timeout})
		defer cancel()
	}
	// A goroutine of its own, which the function may end.
	go func() {
		g.came <- a.guarded(func(a *attempt) outcome {
			if err := a.prepare(from.Prepare); err != nil {
				return a.failure(a.timedOut(err))
			}
			return a.do()
		})
	}()
	return g.report(<-g.came)
}

// Refusal is the report of an attempt that could not begin.
func Refusal(err error) Report {
	return Report{Kind: storage.StepFailed, Failure: &RemoteError{Message: err.Error()}}
}

// attempt finds in the graph what a task names.
func (from *RemoteAttempt) attempt(ctx context.Context, t Task, sink Sink) (*attempt, *remoteSink, error) {
	g := &remoteSink{sink: sink, task: t, orders: map[int32][]int{}, came: make(chan outcome, 1)}
	nodes := make([]int32, 0, 1+len(t.Maps))
	values := &writes.Remote{Graph: from.Graph, Told: t.Values, Instances: map[int32][]string{}, Store: from.Shared.Storage}
	s := &runEnv{graph: from.Graph, writes: values, runID: from.Shared.ID, shared: from.Shared, retry: from.Retry}
	step := func(key string) (int32, error) {
		n, ok := from.Graph.FindNode(key)
		if !ok {
			return 0, fmt.Errorf("step %q: the process that was started for it has no such step: definitions must be the same each time the program starts", key)
		}
		for at, have := range nodes {
			if have == n {
				return int32(at), nil
			}
		}
		nodes = append(nodes, n)
		return int32(len(nodes) - 1), nil
	}
	if _, err := step(t.Node); err != nil {
		return nil, nil, err
	}
	for _, m := range t.Maps {
		at, err := step(m.Node)
		if err != nil {
			return nil, nil, err
		}
		s.maps.put(at, &mapSource{keys: m.Keys})
		g.orders[at], values.Instances[at] = m.Order, m.Writes
	}
	for _, key := range t.Reads {
		if _, err := step(key); err != nil {
			return nil, nil, err
		}
	}
	s.plan = plan.Only(from.Graph, nodes...)
	if !t.Now.IsZero() {
		s.assignment = plan.NewPartitioning(s.plan, t.Now, from.Tables).Of(t.Partitions)
	}
	a := &attempt{
		runEnv: s, stepRef: stepRef{pos: t.Pos, instance: t.Instance, key: t.Key}, sink: g,
		job: job{attempt: t.Attempt}, run: ctx, ctx: ctx, persist: t.Persist, due: t.Partitions,
	}
	a.of = a.node(a.stepRef)
	a.locator = newLocator(a)
	a.logger = a.newLogger
	return a, g, nil
}

// prepare makes ready what the node of the attempt takes.
func (a *attempt) prepare(ready func(context.Context, *graph.Node) (any, error)) error {
	if ready == nil {
		return nil
	}
	config, err := ready(a.ctx, a.of)
	if config != nil {
		a.configs = map[int32]any{a.plan.Steps[a.mapped].Node: config}
	}
	return err
}

// remoteSink is the host of an attempt in a process of its own: it passes on what the attempt
// tells.
type remoteSink struct {
	sink   Sink
	task   Task
	orders map[int32][]int
	came   chan outcome // the one of the attempt
}

func (g *remoteSink) logLine(_, _ int32, _ string, line storage.LogLine) {
	if line.At.IsZero() {
		line.At = time.Now()
	}
	g.sink.Log(line)
}

func (g *remoteSink) handOver(a *attempt, pos int) error {
	g.task.Emitted = true
	return g.sink.Emit(pos, *a.inv.FactsOf(pos))
}

func (g *remoteSink) partMade(_ *attempt, part partition.Slice, facts []graph.Facts) error {
	return g.sink.Made(part.Key(), part.Set(), facts)
}

func (g *remoteSink) partLost(_ *attempt, part partition.Slice, err error) error {
	d := failureDetailOf(err)
	why := &RemoteError{Message: d.Error, HintText: d.Hint, Stack: d.Stack, Skipped: errors.Is(err, ErrSkip)}
	return g.sink.Failed(part.Key(), why, classified(err))
}

func (g *remoteSink) history(int32) (failures int, emitted bool) {
	return g.task.Failures, g.task.Emitted
}

func (g *remoteSink) finished(_ job, o outcome) { g.came <- o }

func (g *remoteSink) order(mapped int32) []int { return g.orders[mapped] }

// report describes the result of the attempt.
func (g *remoteSink) report(o outcome) Report {
	r := Report{Kind: o.kind, Facts: o.facts, Instances: o.instances, Names: o.names, Reason: o.reason, Apart: o.apart}
	if !o.part.IsZero() {
		r.Partitions = o.part.Set()
	}
	if o.err == nil {
		return r
	}
	d, err := storage.ParseDetail(o.detail)
	if err != nil {
		d = storage.Detail{Error: o.err.Error()}
	}
	r.Failure = &RemoteError{Message: d.Error, HintText: d.Hint, Stack: d.Stack}
	if r.Again = o.retryAt != 0; r.Again {
		r.Delay = max(between(now(), o.retryAt), 0)
	}
	return r
}
