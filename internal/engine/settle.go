package engine

import (
	"context"
	"fmt"

	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Settle ends a run whose owner is gone, without running anything: c has the run as it was claimed,
// and its past. What was in progress has failed for the reason given, what had not begun is skipped
// or canceled, and the run has failed; one that somebody had asked to stop is canceled. A run that
// only lacked its end gets the one that it was heading for.
func Settle(ctx context.Context, c Config, reason string) (*Result, error) {
	r := newRun(c)
	r.settled = true
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.settleSteps(reason)
	r.mu.Unlock()
	return r.finish()
}

// settleSteps gives every step its outcome.
func (r *run) settleSteps(reason string) {
	at := now()
	fresh := r.n == 0 // a run without a single event has no end
	if fresh {
		r.record(storage.Fact{Kind: storage.RunStarted, Step: storage.NoStep, At: at}, nil)
	}
	cause := &RemoteError{Message: reason, HintText: fmt.Sprintf("run again what did not succeed: `runs retry %s`", r.Record.ID)}
	end := storage.Failure
	if r.Record.Cancel != nil || r.d.Canceling() {
		end = storage.Canceled
		r.why = &CancelError{}
		if r.Record.Cancel != nil {
			r.why = &CancelError{*r.Record.Cancel}
		}
		r.why = fmt.Errorf("%w; %s", r.why, reason)
	} else {
		r.why = cause
	}
	inProgress := r.d.InProgress(nil)
	for _, s := range inProgress {
		f := storage.Fact{Kind: storage.StepCanceled, Step: s, Attempt: r.d.Attempt(s), At: at}
		if end != storage.Canceled {
			f = f.Failed(storage.ReasonInfrastructure, 0, false)
		}
		d := storage.Detail{Error: cause.Message, Hint: cause.HintText}
		r.detailOf(s).ended, r.detailOf(s).err = at, cause
		unmade, detail := r.unmade(s), d.AppendJSON(nil)
		n := r.record(f, detail)
		switch {
		case f.Kind == storage.StepFailed && r.isCheck(s):
			if e := r.openEvaluation(s, storage.CheckExecutionFailed, d); e != nil {
				r.recordEvaluation(s, storage.Fact{Step: s, Attempt: f.Attempt, At: at}, e)
			}
		case r.isCheck(s):
			r.skipCheck(s, at, r.why)
		case f.Kind == storage.StepFailed:
			r.setFailed(s, partition.Key{}, unmade, n, at, detail)
		}
	}
	interrupted := fresh || len(inProgress) > 0
	if !r.d.Canceling() && (interrupted || r.d.Open() > 0) {
		d := storage.Detail{Error: reason}
		r.record(storage.Fact{Kind: storage.RunCanceling, Step: storage.NoStep, At: at}, d.AppendJSON(nil))
	}
	r.closeWith(at, end, interrupted)
}

// closeWith obeys the decider until the run has its end. An interrupted run ends as the caller
// decides.
func (r *run) closeWith(at storage.Micros, end storage.RunState, interrupted bool) {
	for !r.d.Ended() {
		for _, c := range r.d.Next(at, nil) {
			switch c.Kind {
			case decide.Skip:
				r.recordSkip(c, at)
			case decide.Cancel:
				interrupted = true
				r.record(storage.Fact{Kind: storage.StepCanceled, Step: c.Step, Attempt: c.Attempt, At: at}, nil)
				r.skipCheck(c.Step, at, r.why)
			case decide.End:
				if r.end = c.State; interrupted {
					r.end = end
				}
				r.record(storage.Fact{At: at}.Ended(r.end), nil)
			}
		}
	}
}
