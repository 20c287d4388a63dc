package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// TimeoutError is an attempt that took longer than it may.
type TimeoutError struct {
	After time.Duration
	Err   error
}

// Error reports how long the attempt had.
func (e *TimeoutError) Error() string {
	if e.Err == nil || errors.Is(e.Err, context.DeadlineExceeded) {
		return fmt.Sprintf("timeout after %s", e.After)
	}
	return fmt.Sprintf("timeout after %s: %v", e.After, e.Err)
}

// Unwrap returns what the body returned when its context ended.
func (e *TimeoutError) Unwrap() error { return e.Err }

// UpstreamError explains why a step was skipped.
type UpstreamError struct {
	// Step is the key of the step that it is due to, Outcome the outcome of that in a word.
	Step, Outcome string
}

// Error names the upstream step and what became of it.
func (e *UpstreamError) Error() string { return graph.NotMade(e.Step, e.Outcome) }

// ErrSkip is wrapped by the error of a body that has nothing to do.
var ErrSkip = errors.New("skipped")

// ErrNotRecorded is wrapped by the error of a run whose events, or whose end, the store did not
// take: what the store's error is not its outcome.
var ErrNotRecorded = errors.New("the run is not recorded as it went")

// recordError is why a run is not recorded as it went.
type recordError struct {
	what string
	err  error
}

func (e *recordError) Error() string   { return fmt.Sprintf("recording its %s: %v", e.what, e.err) }
func (e *recordError) Unwrap() []error { return []error{ErrNotRecorded, e.err} }

// Hinter is implemented by errors that know what to do about them.
type Hinter interface{ Hint() string }

// Stacked is implemented by errors that know the stack of where they happened.
type Stacked interface{ StackText() string }

// failure turns an error of a body or handler into the outcome of the attempt: whether it is tried
// again is decided here, where the error is still a value.
func (a *attempt) failure(err error) outcome {
	detail := failureDetail(err) // asks the error, which is the user's code, so not under the lock
	var reason storage.FailureReason
	var timeout *TimeoutError
	switch {
	case errors.Is(err, ErrSkip):
		return outcome{kind: storage.StepSkipped, err: err, detail: detail}
	case a.run.Err() != nil:
		return outcome{kind: storage.StepCanceled, err: err, detail: detail}
	case errors.As(err, &timeout):
		reason = storage.ReasonTimeout
	default:
		reason = classified(err)
	}
	o := outcome{kind: storage.StepFailed, err: err, reason: reason, detail: detail}
	policy := retry.Nearest(a.of.Retry, a.retry)
	failures, emitted := a.sink.history(a.job.step)
	if policy.IsZero() || emitted {
		return o
	}
	seed := retry.Seed(a.runID, a.key, int(a.job.attempt))
	if delay, again := policy.Decide(failures+1, err, reasonOf(reason), seed); again {
		o.retryAt = max(now()+storage.Micros(delay.Microseconds()), 1)
	}
	return o
}

// Classified is implemented by errors that know the reason of a failure: of a process that was
// killed for its memory, say.
type Classified interface{ FailureReason() storage.FailureReason }

// classified returns the reason that an error knows, else the one that [retry.ReasonOf] finds.
func classified(err error) storage.FailureReason {
	var c Classified
	if errors.As(err, &c) {
		return c.FailureReason()
	}
	switch retry.ReasonOf(err) {
	case retry.Timeout:
		return storage.ReasonTimeout
	case retry.OutOfMemory:
		return storage.ReasonOutOfMemory
	case retry.Infrastructure:
		return storage.ReasonInfrastructure
	case retry.Canceled:
		return storage.ReasonCanceled
	default:
		return storage.ReasonError
	}
}

// history returns how many attempts of the step have failed, and whether a body has handed over an
// output.
func (r *run) history(step int32) (failures int, emitted bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.d.Failures(step), len(r.detailOf(step).emitted) > 0
}

func reasonOf(r storage.FailureReason) retry.Reason {
	switch r {
	case storage.ReasonTimeout:
		return retry.Timeout
	case storage.ReasonOutOfMemory:
		return retry.OutOfMemory
	case storage.ReasonInfrastructure:
		return retry.Infrastructure
	case storage.ReasonCanceled:
		return retry.Canceled
	default:
		return retry.Error
	}
}

// failureDetail is what people read about a failure.
func failureDetail(err error) []byte {
	d := failureDetailOf(err)
	return d.AppendJSON(nil)
}

func failureDetailOf(err error) storage.Detail {
	d := storage.Detail{Error: err.Error()}
	var hint Hinter
	if errors.As(err, &hint) {
		d.Hint = hint.Hint()
	}
	var stacked Stacked
	if errors.As(err, &stacked) {
		d.Stack = stacked.StackText()
	}
	return d
}
