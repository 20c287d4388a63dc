package rivers

import (
	"context"
	"log/slog"
	"time"

	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/storage"
)

// Listener observes runs. Every field may be nil; a new kind of notice is a new field.
//
// A run calls the functions in the order of its events, one at a time, outside of any lock and from
// a goroutine of its own. Different runs call them at the same time, so they must be safe for
// concurrent use. They should return quickly. A slow function delays the later calls and the end of
// its run; no step waits for it. A panic is logged. The functions do not affect the run: wrap the
// step's function to change what it does, and use a [Hook] to act on its outcome.
//
// RunContext, StepContext and ServedContext are called synchronously, before the run or attempt
// starts: this is how a span of a trace gets into the contexts of what is called. Only the values
// of what they return are used, never its deadline or cancellation, and nil stands for no change.
// Several listeners are asked in their order, each with the context of the one before.
type Listener struct {
	// RunContext returns what the contexts of the run's steps and hooks are derived from; ctx has the
	// values of the context that the run was asked for with. It is called before RunStarted.
	RunContext func(ctx context.Context, r RunStarted) context.Context
	// StepContext returns the context of an attempt, derived from that of its run. It may be called
	// before StepStarted.
	StepContext func(ctx context.Context, s StepStarted) context.Context
	// StepEnviron returns what an attempt's process gets in its environment, as "key=value": that of a
	// bash task, and that of a step of executor.Subprocess. It is called with the context of the
	// attempt.
	StepEnviron func(ctx context.Context, s StepStarted) []string
	// ServedContext returns the context of an attempt in the process that executor.Subprocess started
	// for it; it finds there what StepEnviron added. All other functions are called in the run's own
	// process only.
	ServedContext func(ctx context.Context) context.Context
	// RunStarted is called once a run is recorded, before its first step, or when it was taken over.
	RunStarted func(RunStarted)
	// StepStarted is called when an attempt begins.
	StepStarted func(StepStarted)
	// StepWaiting is called when a step waits for slots of a pool.
	StepWaiting func(StepWaiting)
	// StepFinished is called when an attempt, or a step without one, has ended.
	StepFinished func(StepFinished)
	// StepLogged is called for each line that a step logs or prints.
	StepLogged func(StepLogged)
	// LogsCut is called at the end of an attempt that logged more than is kept.
	LogsCut func(LogsCut)
	// Materialized is called for each asset that was made, and for partitions as they are. What an
	// action made anew is told by ActionPerformed.
	Materialized func(Materialized)
	// CheckEvaluated is called for every check result, per partition as results arrive, and for checks
	// that were planned but did not run.
	CheckEvaluated func(CheckEvaluated)
	// ActionPerformed is called for the result of each action, per partition as results arrive.
	ActionPerformed func(ActionPerformed)
	// RunFinished is called when the run's end is recorded.
	RunFinished func(*RunResult)
	// BackfillStarted is called when a backfill begins, or is resumed.
	BackfillStarted func(BackfillStarted)
	// BackfillProgress is called as the partitions of a backfill are made, up to ten times a second,
	// and at its end.
	BackfillProgress func(BackfillProgress)
	// BackfillFinished is called when a backfill has ended, or stopped with an error that its result
	// does not tell.
	BackfillFinished func(*BackfillResult)
}

// BackfillStarted is the begin of a backfill.
type BackfillStarted struct {
	BackfillID string
	// Action is what it does to the assets, empty where it makes them. Total is the number of their
	// partitions.
	Action string
	Assets []string
	Total  int64
	// Resumed is set if another process began it.
	Resumed bool
}

// BackfillProgress is the progress of a backfill: in partitions, except for Runs.
type BackfillProgress struct {
	BackfillID                                  string
	Total, Completed, Failed, Skipped, Canceled int64
	Runs                                        int64
}

// RunStarted is the begin of a run.
type RunStarted struct {
	RunID, Job string
	At         time.Time
	// Location is the repository's name, Tags are the run's.
	Location string
	Tags     map[string]string
	// RetryOf is the run that it retries, Backfill its backfill, and Partition its partitions as
	// people read them; each is empty for none.
	RetryOf, Backfill, Partition string
	// Resumed is set if another process began it.
	Resumed bool
	// Steps are the keys of the planned steps, in their order; mapped ones unfold later.
	Steps []string
}

// StepStarted is the begin of an attempt of a step.
type StepStarted struct {
	RunID, Step string
	// Asset is the asset or task of the step. Partition is its partitions as people read them; empty
	// for none.
	Asset, Partition string
	Attempt          int
	At               time.Time
}

// StepWaiting is the wait of a step for slots of a pool.
type StepWaiting struct {
	RunID, Step string
	// Asset and Partition are as in [StepStarted].
	Asset, Partition string
	// Attempt is the ordinal of the attempt that is to come.
	Attempt int
	At      time.Time
	// Pool is the pool that it waits for, Reason names the holder in words.
	Pool   string
	Reason string
}

// StepFinished is the outcome of an attempt of a step.
type StepFinished struct {
	RunID, Step string
	// Asset and Partition are as in [StepStarted].
	Asset, Partition string
	// Attempt counts from 1; it is zero for a step that never began.
	Attempt int
	At      time.Time
	// Outcome is "succeeded", "failed", "skipped", "canceled", or "reused" where the run retries one
	// in which the step had succeeded; a mapped step that unfolded has succeeded.
	Outcome string
	// Duration is that of the attempt.
	Duration time.Duration
	// RetryAt is when a failed attempt is followed by another; zero when it is not.
	RetryAt time.Time
	// Reason is the kind of a failure, such as "timeout", as retry policies see it; empty for other
	// outcomes.
	Reason string
	// Err is why it did not succeed.
	Err error
}

// StepLogged is one line of a step's log.
type StepLogged struct {
	RunID, Step string
	// Asset and Partition are as in [StepStarted].
	Asset, Partition string
	Line             storage.LogLine
}

// LogsCut is the loss of the middle of an attempt's log, which was too long. Its beginning and end
// are kept.
type LogsCut struct {
	RunID, Step string
	Attempt     int
	At          time.Time
	// Lines are left out, Size is that of their text in bytes.
	Lines, Size int
}

// Materialized is the materialization of an asset.
type Materialized struct {
	RunID, Step string
	Asset       string
	// Partition names the partitions that were made; empty for an unpartitioned asset.
	Partition string
	Attempt   int
	At        time.Time
	// DataVersion names what was made, Metadata is what the function and the IO handler said about it.
	DataVersion string
	Metadata    metadata.Map
}

// CheckEvaluated is the result of a check, for its asset or some partitions of it.
type CheckEvaluated struct {
	RunID, Step string
	// Asset is what was judged, Check the check's own name.
	Asset, Check string
	// Partition names the checked partitions, Partitions is their number. Both are zero for a check of
	// the whole asset.
	Partition  string
	Partitions int64
	// Attempt is zero if the check did not run.
	Attempt int
	At      time.Time
	// State and Verdict are the result. Verdict is nil if the check failed itself; Error is the
	// reason.
	State    storage.CheckState
	Verdict  *storage.Verdict
	Metadata metadata.Map
	Error    string
}

// ActionPerformed is the result of an action on an asset, or on some partitions of it.
type ActionPerformed struct {
	RunID, Step string
	// Asset is what it was done to, Action the action's own name.
	Asset, Action string
	// Partition and Partitions are as in [CheckEvaluated].
	Partition  string
	Partitions int64
	Attempt    int
	At         time.Time
	// Did is what it did to the state of the asset. DataVersion names what it made, empty where it
	// made nothing; Metadata is what it said about it.
	Did         ActionEffect
	DataVersion string
	Metadata    metadata.Map
}

// log returns the logger for the operator of the program.
func (r *CodeRepository) log() *slog.Logger {
	if r.config.Logger == nil {
		return slog.Default()
	}
	return r.config.Logger
}

// operator returns the listener that logs the course of runs. It forwards the lines of steps if the
// repository has its own logger. It returns false if nothing would be written.
func (r *CodeRepository) operator() (Listener, bool) {
	log := r.log()
	var l Listener
	if log.Enabled(context.Background(), slog.LevelDebug) {
		l = operations(log)
	}
	if r.config.Logger != nil {
		l.StepLogged = func(s StepLogged) { forward(log, s) }
		l.LogsCut = func(c LogsCut) {
			log.Warn("the log of an attempt is not kept as a whole", "run", c.RunID, "step", c.Step, "attempt", c.Attempt, "lines", c.Lines, "bytes", c.Size)
		}
	}
	return l, l.RunStarted != nil || l.StepLogged != nil
}

// operations logs the normal course of runs at level debug, since storage has all of it.
func operations(log *slog.Logger) Listener {
	return Listener{
		RunStarted: func(s RunStarted) {
			text := "a run begins"
			if s.Resumed {
				text = "a run is taken over"
			}
			log.Debug(text, "run", s.RunID, "job", s.Job, "partition", s.Partition, "steps", len(s.Steps))
		},
		RunFinished: func(res *RunResult) {
			log.Debug("a run has ended", "run", res.RunID, "status", res.Status.String(), "duration", res.Duration)
		},
		StepWaiting: func(w StepWaiting) {
			log.Debug("a step waits for a pool", stepAttrs(w.RunID, w.Step, w.Asset, w.Partition, w.Attempt, "pool", w.Pool, "reason", w.Reason)...)
		},
		StepFinished: func(f StepFinished) {
			if f.Outcome != "failed" {
				return
			}
			text, more := "an attempt failed", []any{"reason", f.Reason, "error", f.Err}
			if !f.RetryAt.IsZero() {
				text, more = "an attempt failed and is tried again", append(more, "retry_at", f.RetryAt)
			}
			log.Debug(text, stepAttrs(f.RunID, f.Step, f.Asset, f.Partition, f.Attempt, more...)...)
		},
		BackfillStarted: func(b BackfillStarted) {
			log.Debug("a backfill begins", "backfill", b.BackfillID, "partitions", b.Total, "resumed", b.Resumed)
		},
		BackfillFinished: func(b *BackfillResult) {
			log.Debug("a backfill has ended", "backfill", b.ID, "state", b.State.String(), "completed", b.Completed, "failed", b.Failed, "canceled", b.Canceled)
		},
	}
}

// stepAttrs returns the attributes of a log line about a step, under the names used everywhere.
func stepAttrs(run, step, asset, partition string, attempt int, more ...any) []any {
	attrs := []any{"run", run, "step", step, "asset", asset}
	if partition != "" {
		attrs = append(attrs, "partition", partition)
	}
	return append(append(attrs, "attempt", attempt), more...)
}

// forward writes a line of a step to the logger of the repository, at its time.
func forward(log *slog.Logger, s StepLogged) {
	ctx := context.Background()
	if !log.Enabled(ctx, s.Line.Level) {
		return
	}
	rec := slog.NewRecord(s.Line.At, s.Line.Level, s.Line.Message, 0)
	rec.Add(stepAttrs(s.RunID, s.Step, s.Asset, s.Partition, int(s.Line.Attempt))...)
	if s.Line.Stream != storage.StreamLog {
		rec.Add("stream", s.Line.Stream.String())
	}
	if s.Line.Attrs != "" {
		rec.Add("attrs", attrsText(s.Line.Attrs))
	}
	_ = log.Handler().Handle(ctx, rec) // as slog does: there is nowhere else to say it
}

// attrsText is JSON that handlers which write JSON embed as it is.
type attrsText string

// MarshalJSON returns the text.
func (a attrsText) MarshalJSON() ([]byte, error) { return []byte(a), nil }
