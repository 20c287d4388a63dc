// Package otel makes OpenTelemetry spans from what happens in runs: pass [Listener] in
// RepositoryConfig.Listeners.
//
// A run is a span named "run", a child of the span in the context that the run was asked for with.
// Each attempt of a step is a span named "step" below it, and is in the context that the step's
// function gets, so that the spans of its own code are its children. What never began (skipped,
// reused) is an event of the run, and so is what has no attempt yet, such as waiting for a pool.
// Materializations, check results and action results are events of the attempt; where a
// check or an action was of an asset as a whole, also its attributes (rivers.check.state,
// rivers.action.effect).
//
// Across processes the W3C trace context goes along: TRACEPARENT is in the environment of bash
// tasks, and of the processes that executor.Subprocess starts, where the step's context continues
// the trace. Spans of rivers itself are made in the run's process only.
//
// Nothing is sampled, exported or configured here: that is the tracer provider's.
package otel

import (
	"context"
	"os"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/storage"
)

// The attributes of spans and events.
const (
	runIDKey     = attribute.Key("rivers.run.id")
	jobKey       = attribute.Key("rivers.job")
	locationKey  = attribute.Key("rivers.location")
	backfillKey  = attribute.Key("rivers.backfill.id")
	retryOfKey   = attribute.Key("rivers.run.retry_of")
	stepKey      = attribute.Key("rivers.step")
	assetKey     = attribute.Key("rivers.asset")
	partitionKey = attribute.Key("rivers.partition")
	attemptKey   = attribute.Key("rivers.attempt")
	outcomeKey   = attribute.Key("rivers.outcome")
	reasonKey    = attribute.Key("rivers.reason")
	poolKey      = attribute.Key("rivers.pool")
	rowsKey      = attribute.Key("rivers.rows")
	checkKey     = attribute.Key("rivers.check")
	stateKey     = attribute.Key("rivers.check.state")
	severityKey  = attribute.Key("rivers.check.severity")
	actionKey    = attribute.Key("rivers.action")
	effectKey    = attribute.Key("rivers.action.effect")
	countKey     = attribute.Key("rivers.partitions")
	errorTypeKey = attribute.Key("error.type")
)

// Listener returns a listener that makes spans with a tracer of the provider, which must not be
// nil. A run that retries one that ended in this process, among the last thousand, has a link to
// it.
func Listener(provider trace.TracerProvider) rivers.Listener {
	t := &tracer{
		tracer: provider.Tracer("github.com/rivers-go/rivers/otel"),
		runs:   map[string]trace.Span{}, steps: map[attempt]trace.Span{}, ended: map[string]trace.SpanContext{},
	}
	return rivers.Listener{
		RunContext: t.runContext, StepContext: t.stepContext, StepEnviron: environ, ServedContext: served,
		StepWaiting: t.waiting, StepFinished: t.stepFinished, Materialized: t.materialized, RunFinished: t.runFinished,
		CheckEvaluated: t.evaluated, ActionPerformed: t.performed,
	}
}

type attempt struct {
	run, step string
	n         int
}

// maxEnded bounds how many ended runs can be linked to.
const maxEnded = 1000

type tracer struct {
	tracer trace.Tracer

	mu    sync.Mutex
	runs  map[string]trace.Span
	steps map[attempt]trace.Span
	ended map[string]trace.SpanContext
	order []string // of ended, the oldest first
}

func (t *tracer) runContext(ctx context.Context, r rivers.RunStarted) context.Context {
	attrs := []attribute.KeyValue{runIDKey.String(r.RunID), locationKey.String(r.Location)}
	for _, a := range []struct {
		key   attribute.Key
		value string
	}{{jobKey, r.Job}, {partitionKey, r.Partition}, {backfillKey, r.Backfill}, {retryOfKey, r.RetryOf}} {
		if a.value != "" {
			attrs = append(attrs, a.key.String(a.value))
		}
	}
	options := []trace.SpanStartOption{trace.WithAttributes(attrs...)}
	t.mu.Lock()
	defer t.mu.Unlock()
	if of, ok := t.ended[r.RetryOf]; ok {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: of, Attributes: []attribute.KeyValue{retryOfKey.String(r.RetryOf)}}))
	}
	ctx, span := t.tracer.Start(ctx, "run", options...) //nolint:spancheck // runFinished ends it
	t.runs[r.RunID] = span
	return ctx //nolint:spancheck // see above
}

func (t *tracer) stepContext(ctx context.Context, s rivers.StepStarted) context.Context {
	attrs := trace.WithAttributes(about(s.RunID, s.Step, s.Asset, s.Partition, s.Attempt)...)
	ctx, span := t.tracer.Start(ctx, "step", trace.WithTimestamp(s.At), attrs) //nolint:spancheck // stepFinished ends it
	t.mu.Lock()
	defer t.mu.Unlock()
	t.steps[attempt{s.RunID, s.Step, s.Attempt}] = span
	return ctx //nolint:spancheck // see above
}

// about are the attributes of what concerns a step.
func about(run, step, asset, partition string, n int) []attribute.KeyValue {
	attrs := []attribute.KeyValue{runIDKey.String(run), stepKey.String(step), assetKey.String(asset)}
	if partition != "" {
		attrs = append(attrs, partitionKey.String(partition))
	}
	if n > 0 {
		attrs = append(attrs, attemptKey.Int(n))
	}
	return attrs
}

// run returns the span of a run in progress, nil for none.
func (t *tracer) run(id string) trace.Span {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.runs[id]
}

func (t *tracer) waiting(w rivers.StepWaiting) {
	if span := t.run(w.RunID); span != nil {
		attrs := append(about(w.RunID, w.Step, w.Asset, w.Partition, w.Attempt), poolKey.String(w.Pool))
		span.AddEvent("step waiting", trace.WithTimestamp(w.At), trace.WithAttributes(attrs...))
	}
}

func (t *tracer) stepFinished(f rivers.StepFinished) {
	at := attempt{f.RunID, f.Step, f.Attempt}
	t.mu.Lock()
	span := t.steps[at]
	delete(t.steps, at)
	t.mu.Unlock()
	run := t.run(f.RunID)
	if span == nil {
		if run != nil {
			attrs := append(about(f.RunID, f.Step, f.Asset, f.Partition, f.Attempt), outcomeKey.String(f.Outcome))
			run.AddEvent("step "+f.Outcome, trace.WithTimestamp(f.At), trace.WithAttributes(attrs...))
		}
		return
	}
	span.SetAttributes(outcomeKey.String(f.Outcome))
	if f.Err != nil {
		span.RecordError(f.Err, trace.WithTimestamp(f.At))
	}
	if f.Outcome == "failed" {
		span.SetAttributes(reasonKey.String(f.Reason), errorTypeKey.String(f.Reason))
		span.SetStatus(codes.Error, message(f.Err))
	}
	if !f.RetryAt.IsZero() && run != nil {
		attrs := append(about(f.RunID, f.Step, f.Asset, f.Partition, f.Attempt), reasonKey.String(f.Reason),
			attribute.String("rivers.retry_at", f.RetryAt.Format("2006-01-02T15:04:05.000Z07:00")))
		run.AddEvent("retry scheduled", trace.WithTimestamp(f.At), trace.WithAttributes(attrs...))
	}
	span.End(trace.WithTimestamp(f.At))
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (t *tracer) materialized(m rivers.Materialized) {
	t.mu.Lock()
	span := t.steps[attempt{m.RunID, m.Step, m.Attempt}]
	t.mu.Unlock()
	if span == nil {
		return
	}
	attrs := []attribute.KeyValue{assetKey.String(m.Asset)}
	if m.Partition != "" {
		attrs = append(attrs, partitionKey.String(m.Partition))
	}
	if rows, ok := m.Metadata.Int("rows"); ok {
		attrs = append(attrs, rowsKey.Int64(rows))
	}
	span.AddEvent("materialized", trace.WithTimestamp(m.At), trace.WithAttributes(attrs...))
}

// evaluated is an event of the attempt: an attempt at many partitions has many. It is one of the
// run if the check did not run in one.
func (t *tracer) evaluated(e rivers.CheckEvaluated) {
	what := []attribute.KeyValue{checkKey.String(e.Check), stateKey.String(e.State.String())}
	if e.Verdict != nil && !e.Verdict.Passed {
		what = append(what, severityKey.String(string(e.Verdict.Severity)))
	}
	t.event(attempt{e.RunID, e.Step, e.Attempt}, "check evaluated", e.At, what, subject(e.Asset, e.Partition, e.Partitions))
}

func (t *tracer) performed(p rivers.ActionPerformed) {
	what := []attribute.KeyValue{actionKey.String(p.Action), effectKey.String(p.Did.String())}
	t.event(attempt{p.RunID, p.Step, p.Attempt}, "action performed", p.At, what, subject(p.Asset, p.Partition, p.Partitions))
}

// subject is what of an asset something is about.
func subject(asset, partition string, n int64) []attribute.KeyValue {
	attrs := []attribute.KeyValue{assetKey.String(asset)}
	if partition != "" {
		attrs = append(attrs, partitionKey.String(partition), countKey.Int64(n))
	}
	return attrs
}

// event adds an event to the span of an attempt, or of the run where there is no attempt.
func (t *tracer) event(of attempt, name string, at time.Time, what, about []attribute.KeyValue) {
	t.mu.Lock()
	span := t.steps[of]
	t.mu.Unlock()
	if span == nil {
		if span = t.run(of.run); span == nil {
			return
		}
		about = append(about, stepKey.String(of.step))
	} else if len(about) == 1 { // of the asset as a whole, so it is the result of the attempt
		span.SetAttributes(what...)
	}
	span.AddEvent(name, trace.WithTimestamp(at), trace.WithAttributes(append(what, about...)...))
}

func (t *tracer) runFinished(r *rivers.RunResult) {
	t.mu.Lock()
	span := t.runs[r.RunID]
	delete(t.runs, r.RunID)
	if span != nil {
		t.ended[r.RunID] = span.SpanContext()
		if t.order = append(t.order, r.RunID); len(t.order) > maxEnded {
			delete(t.ended, t.order[0])
			t.order = t.order[1:]
		}
	}
	t.mu.Unlock()
	if span == nil {
		return
	}
	span.SetAttributes(outcomeKey.String(r.Status.String()))
	if r.Status == storage.Failure {
		span.SetStatus(codes.Error, message(r.Err()))
	}
	span.End()
}

// environ hands the trace to a process.
func environ(ctx context.Context, _ rivers.StepStarted) []string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	env := make([]string, 0, len(carrier))
	for _, key := range carrier.Keys() {
		env = append(env, strings.ToUpper(key)+"="+carrier[key])
	}
	return env
}

// served continues in a step's process the trace that environ handed to it.
func served(ctx context.Context) context.Context {
	carrier := propagation.MapCarrier{}
	for _, key := range (propagation.TraceContext{}).Fields() {
		if v := os.Getenv(strings.ToUpper(key)); v != "" {
			carrier[key] = v
		}
	}
	return propagation.TraceContext{}.Extract(ctx, carrier)
}
