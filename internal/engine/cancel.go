package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// stop asks the run to stop: nothing new starts, running steps have the grace period.
func (r *run) stop(cause error) {
	if !errors.Is(cause, ErrCanceled) {
		cause = canceledBy(cause)
	}
	r.mu.Lock()
	if r.d.Ended() || r.d.Canceling() {
		r.mu.Unlock()
		return
	}
	r.why = cause
	at := now()
	detail := storage.Detail{Error: cause.Error()}
	r.record(storage.Fact{Kind: storage.RunCanceling, Step: storage.NoStep, At: at}, detail.AppendJSON(nil))
	r.advance() // while canceling nothing is started
	r.flush()
	ended := r.d.Ended()
	r.unlock()
	r.cancel(cause)
	if !ended {
		own := time.AfterFunc(r.Grace, func() { r.abandonAll(r.Grace, false) })
		all := time.AfterFunc(r.Grace+isolatedSlack, func() { r.abandonAll(r.Grace+isolatedSlack, true) })
		go func() { <-r.done; own.Stop(); all.Stop() }()
	}
}

func canceledBy(cause error) error {
	if cause == nil || errors.Is(cause, context.Canceled) {
		return ErrCanceled
	}
	return fmt.Errorf("%w: %w", ErrCanceled, cause)
}

// abandonAll settles the steps that did not stop within the grace period. Their goroutines cannot
// be ended; what they still report is kept as a line of the log. A step in a process of its own is
// killed by who runs it, and is left to that unless isolated reports that even this took too long.
func (r *run) abandonAll(after time.Duration, isolated bool) {
	r.mu.Lock()
	if r.d.Ended() {
		r.mu.Unlock()
		return
	}
	at := now()
	for _, s := range r.d.InProgress(nil) {
		if !isolated && r.plan.Steps[r.d.Planned(s)].Lane.Isolated() {
			continue
		}
		attempt := r.d.Attempt(s)
		err := fmt.Errorf("still running %s after the run was canceled, and left behind", after)
		detail := storage.Detail{Error: err.Error()}
		r.detailOf(s).ended, r.detailOf(s).err = at, err
		r.record(storage.Fact{Kind: storage.StepCanceled, Step: s, Attempt: attempt, At: at}, detail.AppendJSON(nil))
		r.notice(s, StepNotice{Kind: storage.StepCanceled, Attempt: int(attempt), At: at.Time(), Err: err})
	}
	r.advance()
	r.flush()
	r.unlock()
}

// abandon settles one attempt that went on for the grace period after its timeout.
func (r *run) abandon(j job, timeout, after time.Duration) {
	err := fmt.Errorf("still running %s after its timeout of %s, and left behind: let the function end when its context does", after, timeout)
	o := r.newAttempt(j).failure(&TimeoutError{After: timeout, Err: err})
	r.finished(j, o)
}
