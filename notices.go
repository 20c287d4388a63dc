package rivers

import (
	"context"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/launch"
	"github.com/rivers-go/rivers/storage"
)

// observer turns the notices of one run into calls of the listeners. It exists only where somebody
// listens.
type observer struct {
	runID     string
	config    *engine.Config
	listeners []Listener

	mu sync.Mutex
	// steps has positions of the planned steps by key, labels the words for their partitions.
	steps  map[string]int32
	labels map[int32]string
}

// listenTo makes a run tell the listeners what happens. The function that it returns tells them of
// the end; it is nil where nobody listens.
func (r *CodeRepository) listenTo(c *engine.Config) (ended func(*engine.Result)) {
	listeners := r.listeners()
	if len(listeners) == 0 {
		return nil
	}
	o := &observer{runID: c.Record.ID, config: c, listeners: listeners}
	c.Observer = engine.Observer{
		RunContext: o.runContext(), StepContext: o.stepContext(), RunStarted: o.runStarted(), StepStarted: o.stepStarted(),
		StepWaiting: o.stepWaiting(), StepFinished: o.stepFinished(), Logged: o.logged(), Made: o.made(), LogsCut: o.logsCut(),
		CheckEvaluated: o.checkEvaluated(), ActionPerformed: o.acted(),
	}
	if !o.any(func(l *Listener) bool { return l.RunFinished != nil }) {
		return nil
	}
	return func(res *engine.Result) { r.finished(listeners, newResult(res)) }
}

// notifyAll returns a function that calls those of one field with what it makes of a notice. It is
// nil where there are none.
func notifyAll[N, T any](o *observer, field func(*Listener) func(T), convert func(N) T) func(N) {
	var all []func(T)
	for i := range o.listeners {
		if f := field(&o.listeners[i]); f != nil {
			all = append(all, f)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return func(n N) {
		said := convert(n)
		for _, tell := range all {
			callListener(o.config.Logger, o.runID, func() { tell(said) })
		}
	}
}

// callListener calls a listener. It logs a panic, so that the others are called too.
func callListener(to *slog.Logger, run string, tell func()) {
	defer func() {
		if p := recover(); p != nil {
			if to == nil {
				to = slog.Default()
			}
			to.Error("a listener panicked", "run", run, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	tell()
}

func (o *observer) started(rec storage.RunRecord) RunStarted {
	steps := make([]string, len(rec.Plan))
	for i := range rec.Plan {
		steps[i] = rec.Plan[i].Key
	}
	return RunStarted{
		RunID: rec.ID, Job: rec.Job, At: rec.StartedAt, Steps: steps, Location: rec.Location, Tags: rec.Tags,
		RetryOf: rec.Request.RetryOf, Backfill: rec.Backfill, Partition: rec.Partition, Resumed: len(o.config.History) > 0,
	}
}

func (o *observer) runStarted() func(storage.RunRecord) {
	return notifyAll(o, func(l *Listener) func(RunStarted) { return l.RunStarted }, o.started)
}

func (o *observer) runContext() func(context.Context, storage.RunRecord) context.Context {
	if !o.any(func(l *Listener) bool { return l.RunContext != nil }) {
		return nil
	}
	return func(ctx context.Context, rec storage.RunRecord) context.Context {
		started := o.started(rec)
		for i := range o.listeners {
			if f := o.listeners[i].RunContext; f != nil {
				callListener(o.config.Logger, o.runID, func() { ctx = engine.WithValuesOf(ctx, f(ctx, started)) }) //nolint:fatcontext // each listener adds to the context of the one before, once a run or attempt
			}
		}
		return ctx
	}
}

func (o *observer) any(has func(*Listener) bool) bool {
	for i := range o.listeners {
		if has(&o.listeners[i]) {
			return true
		}
	}
	return false
}

func (o *observer) stepContext() func(context.Context, engine.StepNotice) context.Context {
	if !o.any(func(l *Listener) bool { return l.StepContext != nil || l.StepEnviron != nil }) {
		return nil
	}
	return func(ctx context.Context, n engine.StepNotice) context.Context {
		s := o.begun(n)
		for i := range o.listeners {
			if f := o.listeners[i].StepContext; f != nil {
				callListener(o.config.Logger, o.runID, func() { ctx = engine.WithValuesOf(ctx, f(ctx, s)) }) //nolint:fatcontext // each listener adds to the context of the one before, once a run or attempt
			}
		}
		var env []string
		for i := range o.listeners {
			if f := o.listeners[i].StepEnviron; f != nil {
				callListener(o.config.Logger, o.runID, func() { env = append(env, f(ctx, s)...) })
			}
		}
		if len(env) == 0 {
			return ctx
		}
		return launch.WithEnviron(ctx, env)
	}
}

func (o *observer) begun(n engine.StepNotice) StepStarted {
	s := StepStarted{RunID: o.runID, Step: n.Step, Attempt: n.Attempt, At: n.At}
	s.Asset, s.Partition = o.subject(n.Step)
	return s
}

func (o *observer) stepStarted() func(engine.StepNotice) {
	return notifyAll(o, func(l *Listener) func(StepStarted) { return l.StepStarted }, o.begun)
}

func (o *observer) stepWaiting() func(engine.WaitNotice) {
	return notifyAll(o, func(l *Listener) func(StepWaiting) { return l.StepWaiting }, func(n engine.WaitNotice) StepWaiting {
		w := StepWaiting{RunID: o.runID, Step: n.Step, Attempt: n.Attempt, At: n.At, Pool: n.Pool.Pool, Reason: n.Reason}
		w.Asset, w.Partition = o.subject(n.Step)
		return w
	})
}

func (o *observer) stepFinished() func(engine.StepNotice) {
	return notifyAll(o, func(l *Listener) func(StepFinished) { return l.StepFinished }, func(n engine.StepNotice) StepFinished {
		f := StepFinished{
			RunID: o.runID, Step: n.Step, Attempt: n.Attempt, At: n.At, Outcome: outcomeWord(n.Kind),
			Duration: n.Duration, RetryAt: n.RetryAt, Err: n.Err,
		}
		if n.Kind == storage.StepFailed {
			f.Reason = n.Reason.String()
		}
		f.Asset, f.Partition = o.subject(n.Step)
		return f
	})
}

func (o *observer) made() func(engine.MadeNotice) {
	return notifyAll(o, func(l *Listener) func(Materialized) { return l.Materialized }, func(n engine.MadeNotice) Materialized {
		m := Materialized{RunID: o.runID, Step: n.Step, Asset: n.Asset, Partition: n.Partition, Attempt: n.Attempt, At: n.At}
		if d, err := storage.ParseDetail(n.Detail); err == nil { // what the engine has just written can be read
			m.DataVersion, m.Metadata = d.Data, d.Metadata
		}
		return m
	})
}

func (o *observer) checkEvaluated() func(engine.CheckNotice) {
	return notifyAll(o, func(l *Listener) func(CheckEvaluated) { return l.CheckEvaluated }, func(n engine.CheckNotice) CheckEvaluated {
		e := CheckEvaluated{RunID: o.runID, Step: n.Step, Partition: n.Partition, Partitions: n.Partitions, Attempt: n.Attempt, At: n.At, State: n.State}
		e.Asset, e.Check, _ = storage.SplitCheck(n.Step)
		if d, err := storage.ParseDetail(n.Detail); err == nil {
			e.Verdict, e.Metadata, e.Error = d.Check, d.Metadata, d.Error
		}
		return e
	})
}

func (o *observer) acted() func(engine.ActionNotice) {
	return notifyAll(o, func(l *Listener) func(ActionPerformed) { return l.ActionPerformed }, func(n engine.ActionNotice) ActionPerformed {
		a := ActionPerformed{RunID: o.runID, Step: n.Step, Partition: n.Partition, Partitions: n.Partitions, Attempt: n.Attempt, At: n.At, Did: n.Did}
		a.Asset, a.Action, _ = storage.SplitAction(n.Step)
		if d, err := storage.ParseDetail(n.Detail); err == nil {
			a.DataVersion, a.Metadata = d.Data, d.Metadata
		}
		return a
	})
}

func (o *observer) logsCut() func(engine.CutNotice) {
	return notifyAll(o, func(l *Listener) func(LogsCut) { return l.LogsCut }, func(n engine.CutNotice) LogsCut {
		return LogsCut{RunID: o.runID, Step: n.Step, Attempt: n.Attempt, At: n.At, Lines: n.Lines, Size: n.Size}
	})
}

func (o *observer) logged() func(string, storage.LogLine) {
	tell := notifyAll(o, func(l *Listener) func(StepLogged) { return l.StepLogged }, func(l StepLogged) StepLogged { return l })
	if tell == nil {
		return nil
	}
	return func(step string, line storage.LogLine) {
		l := StepLogged{RunID: o.runID, Step: step, Line: line}
		l.Asset, l.Partition = o.subject(step)
		tell(l)
	}
}

// subject returns the asset or task of a step, and its partitions in words.
func (o *observer) subject(key string) (asset, partition string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.config.Plan
	if o.steps == nil {
		o.steps, o.labels = make(map[string]int32, len(p.Steps)), map[int32]string{}
		for s := range int32(len(p.Steps)) {
			o.steps[p.Key(s)] = s
		}
	}
	s, ok := o.steps[key]
	if !ok { // an instance of a mapped step: a name has no bracket
		planned, _, _ := strings.Cut(key, "[")
		if s, ok = o.steps[planned]; !ok {
			return "", ""
		}
	}
	asset = p.Graph.Node(p.Steps[s].Node).Definition
	label, known := o.labels[s]
	if cut := o.config.Assignment; !known && cut != nil && !cut.Sets[s].IsEmpty() {
		if of, err := cut.Slice(s, cut.Sets[s]); err == nil {
			label = of.String()
		}
		o.labels[s] = label
	}
	return asset, label
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

// finished tells the listeners that a run has ended.
func (r *CodeRepository) finished(listeners []Listener, out *RunResult) {
	for i := range listeners {
		if f := listeners[i].RunFinished; f != nil {
			callListener(r.config.Logger, out.RunID, func() { f(out) })
		}
	}
}

// backfillStarted tells the listeners that a backfill begins. The function that it returns tells
// them of the end; it is nil where nobody listens.
func (r *CodeRepository) backfillStarted(rec *storage.BackfillRecord) (finished func(*storage.BackfillRecord)) {
	listeners := r.listeners()
	if len(listeners) == 0 {
		return nil
	}
	for i := range listeners {
		if f := listeners[i].BackfillStarted; f != nil {
			callListener(r.config.Logger, "", func() {
				f(BackfillStarted{
					BackfillID: rec.ID, Action: rec.Request.Action, Assets: rec.Assets, Total: rec.Total, Resumed: rec.Token > 1,
				})
			})
		}
	}
	return func(rec *storage.BackfillRecord) { r.backfillFinished(listeners, newBackfillResult(rec)) }
}

// backfillFinished tells the listeners that a backfill has ended.
func (r *CodeRepository) backfillFinished(listeners []Listener, out *BackfillResult) {
	for i := range listeners {
		if f := listeners[i].BackfillFinished; f != nil {
			callListener(r.config.Logger, "", func() { f(out) })
		}
	}
}

// backfillListener tells the listeners of progress; nil if nobody listens.
func (r *CodeRepository) backfillListener(id string, total int64) func(storage.BackfillProgress) {
	listeners := slices.DeleteFunc(r.listeners(), func(l Listener) bool { return l.BackfillProgress == nil })
	if len(listeners) == 0 {
		return nil
	}
	return func(p storage.BackfillProgress) {
		for _, l := range listeners {
			callListener(r.config.Logger, "", func() {
				l.BackfillProgress(BackfillProgress{
					BackfillID: id, Total: total, Runs: p.Runs, Completed: p.CompletedCount, Failed: p.FailedCount, Skipped: p.SkippedCount, Canceled: p.CanceledCount,
				})
			})
		}
	}
}
