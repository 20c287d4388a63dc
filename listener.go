package rivers

import (
	"time"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/storage"
)

// Listener observes runs. Every field may be nil; a new kind of notice is a new field. The functions
// are called from the goroutines of the steps, outside of any lock: they must be safe for
// concurrent use and return quickly. What they do changes nothing about the run.
type Listener struct {
	// RunStarted is called once a run is recorded, before its first step.
	RunStarted func(RunStarted)
	// StepStarted is called when an attempt begins.
	StepStarted func(StepStarted)
	// StepWaiting is called when a step waits for slots of a pool.
	StepWaiting func(StepWaiting)
	// StepFinished is called when an attempt, or a step without one, has come to something.
	StepFinished func(StepFinished)
	// StepLogged is called for each line that a step logs or prints.
	StepLogged func(StepLogged)
	// RunFinished is called when the run's end is recorded.
	RunFinished func(*RunResult)
	// BackfillProgress is called as the partitions of a backfill are made, up to ten times a second, and at its end.
	BackfillProgress func(BackfillProgress)
}

// BackfillProgress says how far a backfill has come: in partitions, but for Runs.
type BackfillProgress struct {
	BackfillID                         string
	Total, Completed, Failed, Canceled int64
	Runs                               int64
}

// RunStarted says that a run began.
type RunStarted struct {
	RunID, Job string
	At         time.Time
	// Steps are the keys of the planned steps, in their order; mapped ones unfold later.
	Steps []string
}

// StepStarted says that an attempt of a step began.
type StepStarted struct {
	RunID, Step string
	Attempt     int
	At          time.Time
}

// StepWaiting says that a step waits for slots of a pool.
type StepWaiting struct {
	RunID, Step string
	// Attempt is the ordinal of the attempt that is to come.
	Attempt int
	At      time.Time
	// Pool is what is waited for, Reason says in words who has it.
	Pool   string
	Reason string
}

// StepFinished says what an attempt of a step came to.
type StepFinished struct {
	RunID, Step string
	Attempt     int
	At          time.Time
	// Outcome is "succeeded", "failed", "skipped", "canceled", or "reused" where the run retries one in which
	// the step had succeeded; a mapped step that unfolded has succeeded.
	Outcome string
	// Duration is that of the attempt.
	Duration time.Duration
	// RetryAt is when a failed attempt is followed by another; zero when it is not.
	RetryAt time.Time
	// Err is why it did not succeed.
	Err error
}

// StepLogged is one line of a step's log.
type StepLogged struct {
	RunID, Step string
	Line        storage.LogLine
}

// observe turns the engine's notices into calls of the listeners.
func observe(runID string, listeners []Listener) engine.Observer {
	var o engine.Observer
	for _, l := range listeners {
		l.addStarted(&o)
		l.addFinished(runID, &o)
		l.addSteps(runID, &o)
	}
	return o
}

func (l Listener) addStarted(o *engine.Observer) {
	if l.RunStarted == nil {
		return
	}
	next := o.RunStarted
	o.RunStarted = func(run storage.RunRecord) {
		if next != nil {
			next(run)
		}
		steps := make([]string, len(run.Plan))
		for i := range run.Plan {
			steps[i] = run.Plan[i].Key
		}
		l.RunStarted(RunStarted{RunID: run.ID, Job: run.Job, At: run.StartedAt, Steps: steps})
	}
}

func (l Listener) addSteps(runID string, o *engine.Observer) {
	if l.StepStarted != nil {
		next := o.StepStarted
		o.StepStarted = func(n engine.StepNotice) {
			if next != nil {
				next(n)
			}
			l.StepStarted(StepStarted{RunID: runID, Step: n.Step, Attempt: n.Attempt, At: n.At})
		}
	}
	if l.StepWaiting != nil {
		next := o.StepWaiting
		o.StepWaiting = func(n engine.WaitNotice) {
			if next != nil {
				next(n)
			}
			l.StepWaiting(StepWaiting{RunID: runID, Step: n.Step, Attempt: n.Attempt, At: n.At, Pool: n.Pool.Pool, Reason: n.Reason})
		}
	}
	if l.StepLogged != nil {
		next := o.Logged
		o.Logged = func(step string, line storage.LogLine) {
			if next != nil {
				next(step, line)
			}
			l.StepLogged(StepLogged{RunID: runID, Step: step, Line: line})
		}
	}
}

func (l Listener) addFinished(runID string, o *engine.Observer) {
	if l.StepFinished == nil {
		return
	}
	next := o.StepFinished
	o.StepFinished = func(n engine.StepNotice) {
		if next != nil {
			next(n)
		}
		l.StepFinished(StepFinished{
			RunID: runID, Step: n.Step, Attempt: n.Attempt, At: n.At, Outcome: outcomeWord(n.Kind),
			Duration: n.Duration, RetryAt: n.RetryAt, Err: n.Err,
		})
	}
}

func outcomeWord(k storage.EventKind) string {
	switch k {
	case storage.StepSucceeded, storage.StepExpanded:
		return "succeeded"
	case storage.StepFailed:
		return "failed"
	case storage.StepSkipped:
		return "skipped"
	case storage.StepReused:
		return "reused"
	default:
		return "canceled"
	}
}
