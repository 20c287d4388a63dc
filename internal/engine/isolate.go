package engine

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rivers-go/rivers/internal/engine/writes"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Task is one attempt that has a process of its own: what that process must know beside the
// definitions and what its run was asked for. It is data, and names nodes by their keys: the
// process has definitions of its own, and need not plan the run to find a step in them.
type Task struct {
	// Key is the step's key, Attempt the ordinal of the attempt.
	Key     string
	Attempt int32
	// Node is the key of the planned step: another than Key for an instance of a mapped one, which is
	// at position Pos.
	Node     string
	Pos      int
	Instance bool
	// Persist defines which outputs are wanted, nil means all.
	Persist []bool
	// Failures and Emitted are the history of the step, by which a retry is decided.
	Failures int
	Emitted  bool
	// Maps are the mapped steps that the step takes its element from, or whose values it collects;
	// Reads are the others of the plan whose values it reads.
	Maps  []TaskMap
	Reads []string
	// Values tells where values lie.
	Values writes.Told
	// Deadline is when the attempt's time is over, zero for never.
	Deadline time.Time
	// Memory bounds what the attempt may use, in bytes; zero does not.
	Memory int64
	// Partitions are those that it is to make, as of the instant Now; empty for a step that is not
	// partitioned.
	Partitions partition.Set
	Now        time.Time
	// Environ is added to the environment of the process, as "key=value".
	Environ []string
}

// TaskMap has the instances of a mapped step.
type TaskMap struct {
	// Node is the key of the mapped step, Keys are those of its instances.
	Node string
	Keys []string
	// Order has the positions of the instances in the order in which they succeeded.
	Order []int
	// Writes are the names of the writes of the instances; nil where their handler keeps none.
	Writes []string
}

// Report is the outcome of an attempt in a process of its own.
type Report struct {
	// Kind is the kind of the event that the attempt leads to.
	Kind storage.EventKind
	// Partitions are those that all else is about, and Apart means that they were reported one by one.
	Partitions partition.Set
	Apart      bool
	// Facts are what body and handlers said about the outputs, by position.
	Facts []graph.Facts
	// Instances and Names are of a mapped step that unfolded.
	Instances int
	Names     []string
	// Failure is why it did not succeed, nil for a success. Reason, Again and Delay say whether it is
	// tried again: the process that ran the body has decided, for it had the error itself.
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
	// Skipped marks an [ErrSkip].
	Skipped bool
}

// Unwrap returns [ErrSkip] for a skip.
func (e *RemoteError) Unwrap() error {
	if e.Skipped {
		return ErrSkip
	}
	return nil
}

// Error returns the error's words.
func (e *RemoteError) Error() string { return e.Message }

// Hint explains what to do about it.
func (e *RemoteError) Hint() string { return e.HintText }

// StackText returns the stack of where it happened.
func (e *RemoteError) StackText() string { return e.Stack }

// Sink takes what an attempt in another process tells while it is at work.
type Sink struct {
	// Log keeps a line of the step's log.
	Log func(line storage.LogLine)
	// Emit records an output that was written while the body runs.
	Emit func(pos int, f graph.Facts) error
	// Made records partitions that were made while the attempt continues with others: that of the key,
	// or those of the set where it is zero. Failed records one that failed or was skipped.
	Made   func(key partition.Key, set partition.Set, f []graph.Facts) error
	Failed func(key partition.Key, why *RemoteError, reason storage.FailureReason) error
}

// isolatedSlack is how long an attempt in a process of its own has beyond what others have: the
// process that runs the process ends it when its time is over, and that is the attempt's end.
const isolatedSlack = 15 * time.Second

// isolate does an attempt in a process of its own.
func (r *run) isolate(a *attempt) outcome {
	if r.Isolate == nil {
		return a.failure(errors.New("this program starts no processes for steps: end its main with cli.Main, or call ServeStep first"))
	}
	sink := Sink{
		Log:  func(line storage.LogLine) { r.logLine(a.job.step, a.job.attempt, a.key, line) },
		Emit: a.emitRemote, Made: a.madeRemote, Failed: a.failedRemote,
	}
	task, err := r.task(a)
	if err != nil {
		return a.failure(err)
	}
	report, err := r.Isolate(a.ctx, task, sink)
	if err != nil {
		return a.failure(a.timedOut(err))
	}
	return a.reported(&report)
}

// task tells another process which attempt to do.
func (r *run) task(a *attempt) (t Task, err error) {
	t = Task{
		Key: a.key, Attempt: a.job.attempt, Node: r.plan.Key(a.mapped), Pos: a.pos, Instance: a.instance,
		Persist: a.persist, Memory: a.of.Compute.MemoryBytes(),
	}
	if t.Partitions = a.due; a.assignment != nil {
		t.Now = a.assignment.Now()
	}
	t.Deadline, _ = a.ctx.Deadline()
	t.Failures, t.Emitted = r.history(a.job.step)
	if a.instance {
		t.Maps = append(t.Maps, TaskMap{Node: t.Node, Keys: r.maps.get(a.mapped).keys})
	}
	from := r.graph.From(r.plan.Steps[a.mapped].Node)
	for k := range a.of.Inputs {
		if from[k] < 0 {
			continue
		}
		out, node := r.graph.Output(from[k])
		up, planned := r.plan.StepOf(node)
		switch a.of.Inputs[k].Mode {
		case graph.Value:
			if planned {
				t.Reads = append(t.Reads, r.plan.Key(up))
			}
		case graph.Collect, graph.Stream:
			t.Maps = append(t.Maps, TaskMap{Node: r.plan.Key(up), Keys: r.maps.get(up).keys, Order: r.order(up), Writes: instanceWrites(r, out, up)})
		}
		if err := tellValues(r, &t.Values, a, k, from[k]); err != nil {
			return t, a.loadFailure(k, from[k], err)
		}
	}
	if a.of.Action != nil {
		if v, ok := r.graph.Find(a.of.Action.Asset); ok {
			var of partition.Slice
			if r.partitioned(a.mapped) {
				if of, err = a.assignment.Slice(a.mapped, a.due); err != nil {
					return t, err
				}
			}
			if err := t.Values.Tell(r.table, v, of); err != nil {
				return t, err
			}
		}
	}
	if writes.Inside(a.of, a.instance) != nil {
		t.Values.Inner = r.table.Inner()
	}
	return t, nil
}

// instanceWrites returns the writes of the instances of a mapped step, nil for a handler that keeps
// none.
func instanceWrites(r *run, out *graph.Output, mapped int32) []string {
	if !iohandler.KeepsWrites(out.Handler) {
		return nil
	}
	m := r.maps.get(mapped)
	names := make([]string, len(m.keys))
	for i := range names {
		names[i] = r.table.Instance(mapped, m.first, i)
	}
	return names
}

// tellValues adds where the values lie that input k reads of an output.
func tellValues(r *run, told *writes.Told, a *attempt, k int, v int32) error {
	out, _ := r.graph.Output(v)
	if a.of.Inputs[k].Parts == nil || a.assignment == nil || out.Partitions == nil || !iohandler.KeepsWrites(out.Handler) {
		return told.Tell(r.table, v, partition.Slice{})
	}
	edge, err := a.assignment.Edge(a.mapped, k)
	if err != nil {
		return err
	}
	space, err := a.assignment.Space(out.Partitions)
	if err != nil {
		return err
	}
	needs, _ := edge.Upstream(a.due)
	of, err := partition.NewSlice(space, needs)
	if err != nil {
		return err
	}
	return told.Tell(r.table, v, of)
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
	*a.inv.FactsOf(pos) = f
	a.emitted = append(a.emitted, pos)
	return a.sink.handOver(a, pos)
}

// madeRemote records partitions that another process has made.
func (a *attempt) madeRemote(key partition.Key, set partition.Set, facts []graph.Facts) error {
	part, err := a.assignment.Slice(a.mapped, set)
	if !key.IsZero() && err == nil {
		part, err = a.assignment.SliceOf(a.mapped, key)
	}
	if err != nil {
		return err
	}
	a.emitted = nil // it continues with another
	return a.sink.partMade(a, part, facts)
}

// failedRemote records a partition that failed, or was skipped, in another process.
func (a *attempt) failedRemote(key partition.Key, why *RemoteError, reason storage.FailureReason) error {
	part, err := a.assignment.SliceOf(a.mapped, key)
	if err != nil {
		return err
	}
	return a.sink.partLost(a, part, &classifiedError{why, reason})
}

// classifiedError is an error of another process with the reason that was seen there.
type classifiedError struct {
	*RemoteError

	reason storage.FailureReason
}

// FailureReason returns the reason that was seen where it happened.
func (e *classifiedError) FailureReason() storage.FailureReason { return e.reason }

// reported turns what another process reports into the outcome of the attempt. Whether its run was
// canceled, or its time had passed, is known here better than there.
func (a *attempt) reported(r *Report) outcome {
	o := outcome{kind: r.Kind, facts: r.Facts, instances: r.Instances, names: r.Names, apart: r.Apart}
	if !r.Partitions.IsEmpty() {
		var err error
		if o.part, err = a.assignment.Slice(a.mapped, r.Partitions); err != nil {
			return a.failure(err)
		}
	}
	if r.Failure == nil {
		if r.Kind == storage.StepExpanded {
			a.maps.put(a.mapped, &mapSource{names: r.Names, keys: instanceKeys(a.key, r.Instances, r.Names)})
		}
		return o
	}
	canceled, late := a.run.Err() != nil, a.ctx.Err() != nil && r.Reason != storage.ReasonTimeout
	if r.Kind == storage.StepCanceled || r.Kind == storage.StepFailed && (canceled || late) {
		return a.failure(a.timedOut(r.Failure))
	}
	d := storage.Detail{Error: r.Failure.Message, Hint: r.Failure.HintText, Stack: r.Failure.Stack}
	o.err, o.reason, o.detail = r.Failure, r.Reason, d.AppendJSON(nil)
	if r.Kind == storage.StepFailed && r.Again {
		o.retryAt = max(now()+storage.Micros(r.Delay.Microseconds()), 1)
	}
	return o
}
