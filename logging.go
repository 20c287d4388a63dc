package rivers

import (
	"context"
	"log/slog"

	"github.com/rivers-go/rivers/storage"
)

// log is where the repository says what is for the operator of the program.
func (r *CodeRepository) log() *slog.Logger {
	if r.config.Logger == nil {
		return slog.Default()
	}
	return r.config.Logger
}

// operator is the listener that says through the logger what happens in runs, and forwards the lines of
// steps where the repository has a logger of its own. It reports false where nothing of that would be written,
// so that it costs nothing.
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

// operations says what is as it should be: at level debug, since storage has all of it.
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

// stepAttrs are the attributes of whatever is said about a step, in the names that are used everywhere.
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
