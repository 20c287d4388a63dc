package rivers

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/storage"
)

// RunResult is the outcome of a run. It is non-nil whenever a run was recorded, also beside an
// error.
type RunResult struct {
	// RunID names the run in storage.
	RunID string
	// Status is the state in which it ended.
	Status storage.RunState
	// MaterializedAssets are the assets that were attempted, in the order of the plan.
	MaterializedAssets []string
	// FailedAssets are the assets (or tasks) whose step failed.
	FailedAssets []FailedAsset
	// Steps has every step in the order of the plan, instances of mapped steps at the end.
	Steps []StepResult
	// Duration is from the run's start to its recorded end.
	Duration time.Duration
	// Cause is the reason for a cancellation, an [ErrRunCanceled] that names the operator; nil for
	// none.
	Cause error
}

// FailedAsset is an asset whose step failed, and why.
type FailedAsset struct {
	Asset   string `json:"asset"`
	Message string `json:"message"`
}

// StepResult is the outcome of one step.
type StepResult struct {
	// Step is the step's key, Asset the asset or task it belongs to.
	Step, Asset string
	// Outcome is "succeeded", "failed", "skipped", "canceled", or "reused" where the run retries one
	// in which the step had succeeded.
	Outcome string
	// Attempts counts how often it was started.
	Attempts int
	// Duration is that of the last attempt.
	Duration time.Duration
	// Cause is why it did not succeed; nil for a success.
	Cause error
	// Check is the outcome of a check; nil for other steps, and for a check without a result.
	Check *CheckOutcome
}

// CheckOutcome is the outcome of a check in a run.
type CheckOutcome struct {
	// State is that of the check: of one that judges partitions that of the worst.
	State storage.CheckState `json:"state"`
	// Verdict and Metadata are what it said, of the worst partition; nil where it failed before it
	// could.
	Verdict  *storage.Verdict `json:"verdict,omitempty"`
	Metadata metadata.Map     `json:"metadata,omitempty"`
	// Judged is how many partitions it judged, Failed how many of these did not pass or have the check
	// fail; zero for a check of an asset as a whole.
	Judged int64 `json:"partitions_judged,omitempty"`
	Failed int64 `json:"partitions_failed,omitempty"`
}

// String returns the outcome in one line.
func (c *CheckOutcome) String() string {
	text := strings.ReplaceAll(c.State.String(), "_", " ")
	if c.Judged > 0 {
		text += fmt.Sprintf(", %d of %d partitions", c.Failed, c.Judged)
	}
	if c.Verdict != nil && c.Verdict.Description != "" {
		text += ": " + c.Verdict.Description
	}
	return text
}

// Success reports whether every step of the run succeeded or had nothing to do.
func (r *RunResult) Success() bool { return r.Status == storage.Success }

// Err returns nil for a success, else an error that joins a [*StepError] for every step that
// failed, or wraps [ErrRunCanceled].
func (r *RunResult) Err() error {
	var errs []error
	for _, s := range r.Steps {
		if s.Outcome == "failed" {
			errs = append(errs, s.Cause)
		}
	}
	switch {
	case r.Cause != nil:
		errs = append(errs, r.Cause)
	case r.Status == storage.Canceled:
		errs = append(errs, ErrRunCanceled)
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("run %s: %w", r.RunID, errors.Join(errs...))
}

// ErrRunCanceled is wrapped by the error of a run that was canceled, and is the cause of its
// steps' contexts.
var ErrRunCanceled = engine.ErrCanceled

// ErrNotRecorded is wrapped by the error of a run whose events, or whose end, the store did not
// take (its disk is full, say): what the store has of the run is incomplete.
var ErrNotRecorded = engine.ErrNotRecorded

// StepError is the failure of one step.
type StepError struct {
	// Asset is the asset or task, Step the step's key.
	Asset, Step string
	// Attempt is the ordinal of the attempt that failed last, from 1.
	Attempt int
	// Err is what happened.
	Err error
	// Hint is the remedy; empty if none is known.
	Hint string
}

// Error returns the step, the attempt and the cause.
func (e *StepError) Error() string {
	attempt := ""
	if e.Attempt > 1 {
		attempt = fmt.Sprintf(" (attempt %d)", e.Attempt)
	}
	return fmt.Sprintf("step %q%s: %v", e.Step, attempt, e.Err)
}

// Unwrap returns what happened.
func (e *StepError) Unwrap() error { return e.Err }

// newResult turns the engine's result into the public one.
func newResult(res *engine.Result) *RunResult {
	g := res.Graph()
	out := &RunResult{RunID: res.Record.ID, Status: res.State, Cause: res.Cause, Steps: make([]StepResult, len(res.Steps))}
	if out.Duration = time.Since(res.Record.StartedAt); !res.Record.EndedAt.IsZero() { // one that is only read
		out.Duration = res.Record.EndedAt.Sub(res.Record.StartedAt)
	}
	failed := map[string]bool{}
	for i := range res.Steps {
		s := &res.Steps[i]
		node := g.Node(s.Node)
		sr := StepResult{
			Step: s.Key, Asset: node.Definition, Outcome: outcomeWord(s.Outcome),
			Attempts: s.Attempts, Duration: s.Duration, Cause: s.Err,
		}
		if c := s.Check; c != nil {
			sr.Check = &CheckOutcome{State: c.State, Verdict: c.Verdict, Metadata: c.Metadata, Judged: c.Judged, Failed: c.Failed}
		}
		if s.Outcome == storage.StepFailed {
			sr.Cause = stepError(node, s)
			if !failed[node.Definition] {
				failed[node.Definition] = true
				out.FailedAssets = append(out.FailedAssets, FailedAsset{Asset: node.Definition, Message: s.Err.Error()})
			}
		}
		if s.Attempts > 0 {
			for o := range node.Outputs {
				if node.Outputs[o].Asset && res.Wanted(i, o) {
					out.MaterializedAssets = append(out.MaterializedAssets, node.Outputs[o].Name)
				}
			}
		}
		out.Steps[i] = sr
	}
	return out
}

func stepError(node *graph.Node, s *engine.StepResult) *StepError {
	e := &StepError{Asset: node.Definition, Step: s.Key, Attempt: s.Attempts, Err: s.Err}
	var hinter engine.Hinter
	if errors.As(s.Err, &hinter) {
		e.Hint = hinter.Hint()
	}
	return e
}
