package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/storage"
)

// Task is one attempt that has a process of its own: what that process must know beside the definitions
// and the request, which it has. It is data.
type Task struct {
	// Step and Attempt are as the run counts them, Key is the step's.
	Step, Attempt int32
	Key           string
	// Mapped is the step of the plan; Pos is the position of an instance of it, where Instance is set.
	Mapped   int32
	Pos      int
	Instance bool
	// Persist says which outputs are wanted, nil means all.
	Persist []bool
	// Failures and Emitted are the history of the step, by which a retry is decided.
	Failures int
	Emitted  bool
	// Maps are the mapped steps that the step takes its element from, or whose values it collects.
	Maps []TaskMap
}

// TaskMap has the instances of a mapped step.
type TaskMap struct {
	Step int32
	Keys []string
	// Order has the positions of the instances in the order in which they succeeded.
	Order []int
}

// Report is what an attempt in a process of its own came to.
type Report struct {
	// Kind is the kind of the event that the attempt leads to.
	Kind storage.EventKind
	// Facts are what body and handlers said about the outputs, by position.
	Facts []graph.Facts
	// Instances and Names are of a mapped step that unfolded.
	Instances int
	Names     []string
	// Failure is why it did not succeed, nil for a success. Reason, Again and Delay say whether it is tried
	// again: the process that ran the body has decided, for it had the error itself.
	Failure *RemoteError
	Reason  storage.FailureReason
	Again   bool
	Delay   time.Duration
}

// RemoteError is an error that happened in another process: its words.
type RemoteError struct {
	Message string
	// HintText and Stack are what the error itself knew, empty for none.
	HintText, Stack string
}

// Error returns the error's words.
func (e *RemoteError) Error() string { return e.Message }

// Hint says what to do about it.
func (e *RemoteError) Hint() string { return e.HintText }

// Sink takes what an attempt in another process tells while it is at work.
type Sink struct {
	// Log keeps a line of the step's log.
	Log func(line storage.LogLine)
	// Emit records an output that was written while the body runs.
	Emit func(pos int, f graph.Facts) error
}

// isolate does an attempt in a process of its own.
func (r *run) isolate(a *attempt) outcome {
	if r.Isolate == nil {
		return a.failure(errors.New("this program starts no processes for steps: end its main with cli.Main, or call ServeStep first"))
	}
	sink := Sink{
		Log:  func(line storage.LogLine) { r.logLine(a.job.step, a.job.attempt, a.key, line) },
		Emit: a.emitRemote,
	}
	report, err := r.Isolate(a.ctx, r.task(a), sink)
	if err != nil {
		return a.failure(a.timedOut(err))
	}
	return a.reported(&report)
}

// task says to another process which attempt it is to do.
func (r *run) task(a *attempt) Task {
	t := Task{
		Step: a.job.step, Attempt: a.job.attempt, Key: a.key, Mapped: a.mapped, Pos: a.pos, Instance: a.instance, Persist: a.persist,
	}
	t.Failures, t.Emitted = r.history(a.job.step)
	if a.instance {
		t.Maps = append(t.Maps, TaskMap{Step: a.mapped, Keys: r.maps.get(a.mapped).keys})
	}
	from := r.graph.From(r.plan.Steps[a.mapped].Node)
	for k := range a.of.Inputs {
		if mode := a.of.Inputs[k].Mode; mode != graph.Collect && mode != graph.Stream {
			continue
		}
		_, node := r.graph.Output(from[k])
		mapped, _ := r.plan.StepOf(node)
		t.Maps = append(t.Maps, TaskMap{Step: mapped, Keys: r.maps.get(mapped).keys, Order: r.order(mapped)})
	}
	return t
}

// emitRemote records an output that another process has written.
func (a *attempt) emitRemote(pos int, f graph.Facts) error {
	switch {
	case pos < 0 || pos >= len(a.of.Outputs):
		return fmt.Errorf("output %d of step %q: it has %d", pos, a.key, len(a.of.Outputs))
	case slices.Contains(a.emitted, pos):
		return fmt.Errorf("output %q was emitted before: emit each output once", a.of.Outputs[pos].Name)
	}
	a.inv.Node = a.of
	*a.inv.Fact(pos) = f
	a.emitted = append(a.emitted, pos)
	return a.host.handOver(a, pos)
}

// reported turns what another process reports into the outcome of the attempt. Whether its run was
// canceled, or its time had passed, is known here better than there.
func (a *attempt) reported(r *Report) outcome {
	o := outcome{kind: r.Kind, facts: r.Facts, instances: r.Instances, names: r.Names}
	if r.Failure == nil {
		if r.Kind == storage.StepExpanded {
			a.maps.put(a.mapped, &mapSource{names: r.Names, keys: instanceKeys(a.key, r.Instances, r.Names)})
		}
		return o
	}
	if a.run.Err() != nil || a.ctx.Err() != nil {
		return a.failure(a.timedOut(r.Failure))
	}
	d := storage.Detail{Error: r.Failure.Message, Hint: r.Failure.HintText, Stack: r.Failure.Stack}
	o.err, o.reason, o.detail = r.Failure, r.Reason, d.AppendJSON(nil)
	if r.Kind == storage.StepFailed && r.Again {
		o.retryAt = max(now()+storage.Micros(r.Delay.Microseconds()), 1)
	}
	return o
}

// Serve does an attempt in this process on behalf of a run in another one: c is the run's, as far as it
// can be known here, and sink takes what happens meanwhile.
func Serve(ctx context.Context, c Config, t Task, sink Sink) Report {
	s := &scene{plan: c.Plan, graph: c.Plan.Graph, runID: c.Record.ID, shared: c.Shared, configs: c.Configs, retry: c.Retry}
	g := &guest{sink: sink, task: t, orders: map[int32][]int{}, came: make(chan outcome, 1)}
	for _, m := range t.Maps {
		s.maps.put(m.Step, &mapSource{keys: m.Keys})
		g.orders[m.Step] = m.Order
	}
	a := &attempt{
		scene: s, place: place{mapped: t.Mapped, pos: t.Pos, instance: t.Instance, key: t.Key}, host: g,
		job: job{t.Step, t.Attempt}, run: ctx, ctx: ctx, persist: t.Persist,
	}
	a.of = a.node(a.place)
	a.logger = a.newLogger
	// A goroutine of its own, which the function may end.
	go func() { g.came <- a.guarded((*attempt).do) }()
	return g.report(<-g.came)
}

// guest is the host of an attempt in a process of its own: it passes on what the attempt tells.
type guest struct {
	sink   Sink
	task   Task
	orders map[int32][]int
	came   chan outcome // the one of the attempt
}

func (g *guest) logLine(_, _ int32, _ string, line storage.LogLine) {
	if line.At.IsZero() {
		line.At = time.Now()
	}
	g.sink.Log(line)
}

func (g *guest) handOver(a *attempt, pos int) error {
	g.task.Emitted = true
	return g.sink.Emit(pos, *a.inv.Fact(pos))
}

func (g *guest) history(int32) (failures int, emitted bool) { return g.task.Failures, g.task.Emitted }

func (g *guest) finished(_ job, o outcome) { g.came <- o }

func (g *guest) order(mapped int32) []int { return g.orders[mapped] }

// report says what the attempt came to, in words.
func (g *guest) report(o outcome) Report {
	r := Report{Kind: o.kind, Facts: o.facts, Instances: o.instances, Names: o.names, Reason: o.reason}
	for i := range r.Facts {
		r.Facts[i].Metadata, _ = normalized(r.Facts[i].Metadata)
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
