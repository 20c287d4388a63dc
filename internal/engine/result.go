package engine

import (
	"fmt"
	"strings"
	"time"

	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Result is the result of a run.
type Result struct {
	Record storage.RunRecord
	State  storage.RunState
	Counts storage.StepCounts
	// Steps are in the order of the plan, instances of mapped steps after them.
	Steps []StepResult
	// Cause is why the run was canceled; nil where it was not.
	Cause error

	plan *plan.Plan
}

// StepResult is the result of one step.
type StepResult struct {
	Key string
	// Node is the graph's node, Outcome the kind of the event that ended the step.
	Node     int32
	Outcome  storage.EventKind
	Attempts int
	// Duration is that of the last attempt.
	Duration time.Duration
	// Err is why the step did not succeed; nil for a success.
	Err error
	// Lost are the partitions that it has not made, Losses why; empty for one that is not partitioned.
	Lost   partition.Set
	Losses decide.Losses
	// Check is the result of a check; nil for other steps, and for one without a result.
	Check *CheckReport
}

// Graph is the graph whose nodes the steps name.
func (res *Result) Graph() *graph.Graph { return res.plan.Graph }

// Lost are the partitions that at least one step of the run has not made.
func (res *Result) Lost() partition.Set {
	var lost partition.Set
	for i := range res.Steps {
		lost = lost.Union(res.Steps[i].Lost)
	}
	return lost
}

// result reads the outcomes. Called with the lock held, after the end.
func (r *run) result() *Result {
	res := &Result{Record: r.Record, State: r.end, Counts: r.d.Counts(), plan: r.Plan, Steps: make([]StepResult, r.d.Len())}
	res.Record.State, res.Record.Counts = r.end, res.Counts
	if res.State == storage.Canceled {
		res.Cause = r.why
	}
	losses := r.d.Losses()
	for s := range res.Steps {
		st, d := r.d.Status(int32(s)), r.detailOf(int32(s))
		attempts := int(r.d.Attempt(int32(s)))
		mapped, _, _ := r.d.Instance(int32(s))
		sr := StepResult{
			Key: r.stepKey(int32(s)), Node: r.Plan.Steps[mapped].Node, Outcome: st.Event(),
			Attempts: attempts,
		}
		if d.started == 0 && st == decide.Failed { // it failed before it began
			sr.Attempts = 0
		}
		if d.ended > 0 {
			sr.Duration = between(d.started, d.ended)
		}
		if st == decide.Succeeded && attempts == 0 {
			sr.Outcome = storage.StepReused
		}
		if st != decide.Succeeded {
			if sr.Err = d.err; sr.Err == nil && st == decide.Canceled {
				sr.Err = ErrCanceled
			}
		}
		if s < len(r.plan.Steps) && r.partitioned(int32(s)) {
			sr.Lost, sr.Losses = r.unmade(int32(s)), losses[s]
		}
		sr.Check = r.checks[int32(s)]
		res.Steps[s] = sr
	}
	return res
}

// summary explains in one line why the run did not succeed.
func (r *run) summary(res *Result) string {
	switch res.State {
	case storage.Failure:
		for i := range res.Steps {
			if s := &res.Steps[i]; s.Outcome == storage.StepFailed {
				more := ""
				if res.Counts.Failed > 1 {
					more = fmt.Sprintf(" (and %d more)", res.Counts.Failed-1)
				}
				return fmt.Sprintf("step %q: %v%s", s.Key, firstLine(s.Err.Error()), more)
			}
		}
		if r.why != nil { // settled, with no step in progress
			return firstLine(r.why.Error())
		}
	case storage.Canceled:
		if r.why != nil {
			return firstLine(r.why.Error())
		}
		return ErrCanceled.Error()
	}
	return ""
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// between is the time from one instant to another; none from one that never was.
func between(from, to storage.Micros) time.Duration {
	if from == 0 {
		return 0
	}
	return time.Duration(to-from) * time.Microsecond
}

// Wanted reports whether output pos of step i was to be kept; an instance makes no output of its
// own.
func (res *Result) Wanted(i, pos int) bool {
	return i < len(res.plan.Steps) && res.plan.Wanted(int32(i), pos)
}
