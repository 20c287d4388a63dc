// Package prometheus counts and times what happens in runs: pass [Listener] in
// RepositoryConfig.Listeners.
//
//	rivers_runs_total{job,status}            runs that have ended
//	rivers_runs_in_progress                  runs of this process
//	rivers_run_duration_seconds{job}
//	rivers_steps_total{outcome}              steps by final outcome, and failed attempts before it
//	rivers_steps_in_progress                 attempts at work
//	rivers_step_duration_seconds{outcome}    of attempts
//	rivers_step_failures_total{reason}       failed attempts
//	rivers_retries_total                     failed attempts that were followed by another
//	rivers_pool_waits_total{pool}            steps that had to wait for slots
//	rivers_materializations_total            assets made, or parts of them
//	rivers_rows_total                        rows made, where functions or IO handlers say "rows"
//	rivers_check_evaluations_total{outcome,severity}
//	                                         check results, of an asset or of partitions
//	                                         checked at once: passed, failed, crashed or
//	                                         skipped; severity error or warn of failed ones
//	rivers_actions_total{effect}             action results, of an asset or of partitions:
//	                                         changes_nothing, may_materialize, …
//	rivers_log_lines_lost_total              lines of logs that were too long to be kept
//	rivers_backfills_in_progress
//	rivers_backfill_partitions_total{outcome}
//
// The labels have few values whatever the definitions are: jobs, pools and fixed words.
// [Options].ByAsset adds the asset, which multiplies the series of steps by the number of assets.
// Partitions, and the names of checks and actions, are never a label: an alert tells that something
// did not pass, and `checks list` what.
package prometheus

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/storage"
)

// Options say what is measured. The zero value is for any number of assets.
type Options struct {
	// ByAsset gives the metrics of steps, retries, materializations, checks and actions the label
	// asset.
	ByAsset bool
	// Buckets are those of durations, in seconds; nil is from 5 ms to about 10 hours.
	Buckets []float64
}

// Listener registers the metrics and returns the listener that keeps them. An error is the
// registerer's: two listeners cannot be registered with one, but one listener may be given to
// several repositories.
func Listener(to prometheus.Registerer, o Options) (rivers.Listener, error) {
	m := newMetrics(o)
	var done []prometheus.Collector
	for _, c := range m.collectors() {
		if err := to.Register(c); err != nil {
			for _, c := range done {
				to.Unregister(c)
			}
			return rivers.Listener{}, err
		}
		done = append(done, c)
	}
	return rivers.Listener{
		RunStarted: m.runStarted, RunFinished: m.runFinished, StepStarted: m.stepStarted, StepFinished: m.stepFinished,
		StepWaiting: m.waiting, Materialized: m.materialized, LogsCut: m.cut, CheckEvaluated: m.evaluated, ActionPerformed: m.performed,
		BackfillStarted: m.backfillStarted, BackfillProgress: m.progress, BackfillFinished: m.backfillFinished,
	}, nil
}

type attempt struct {
	run, step string
	n         int
}

type metrics struct {
	byAsset bool

	runs, steps, failures, retries, waits, made, rows, lost, partitions, checks, actions *prometheus.CounterVec
	runTime, stepTime                                                                    *prometheus.HistogramVec
	runsNow, stepsNow, backfillsNow                                                      prometheus.Gauge

	mu        sync.Mutex
	attempts  map[attempt]bool                   // at work
	jobs      map[string]string                  // of runs in progress
	backfills map[string]rivers.BackfillProgress // what was counted of those in progress
}

func newMetrics(o Options) *metrics {
	buckets := o.Buckets
	if buckets == nil {
		buckets = prometheus.ExponentialBucketsRange(0.005, 36000, 16)
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "rivers", Name: name, Help: help}, labels)
	}
	times := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "rivers", Name: name, Help: help, Buckets: buckets}, labels)
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "rivers", Name: name, Help: help})
	}
	var asset []string
	if o.ByAsset {
		asset = []string{"asset"}
	}
	return &metrics{
		byAsset: o.ByAsset, attempts: map[attempt]bool{}, jobs: map[string]string{}, backfills: map[string]rivers.BackfillProgress{},
		runs:         counter("runs_total", "Runs that have ended.", "job", "status"),
		runTime:      times("run_duration_seconds", "How long runs took.", "job"),
		runsNow:      gauge("runs_in_progress", "Runs in progress in this process."),
		steps:        counter("steps_total", "Outcomes of attempts of steps, and of steps without an attempt.", append(asset, "outcome")...),
		stepTime:     times("step_duration_seconds", "How long attempts of steps took.", append(asset, "outcome")...),
		stepsNow:     gauge("steps_in_progress", "Attempts of steps at work."),
		failures:     counter("step_failures_total", "Failed attempts of steps.", append(asset, "reason")...),
		retries:      counter("retries_total", "Failed attempts that were followed by another.", asset...),
		waits:        counter("pool_waits_total", "Attempts that had to wait for slots of a pool.", "pool"),
		made:         counter("materializations_total", "Assets, or parts of them, that were made.", asset...),
		rows:         counter("rows_total", "Rows of what was made, where they are known.", asset...),
		checks:       counter("check_evaluations_total", "Check results, of an asset or of partitions checked at once.", append(asset, "outcome", "severity")...),
		actions:      counter("actions_total", "What actions did, to an asset or to partitions.", append(asset, "effect")...),
		lost:         counter("log_lines_lost_total", "Lines of logs that were too long to be kept."),
		backfillsNow: gauge("backfills_in_progress", "Backfills in progress in this process."),
		partitions:   counter("backfill_partitions_total", "Partitions that backfills are done with.", "outcome"),
	}
}

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		m.runs, m.runTime, m.runsNow, m.steps, m.stepTime, m.stepsNow, m.failures, m.retries, m.waits, m.made, m.rows, m.checks, m.actions, m.lost,
		m.backfillsNow, m.partitions,
	}
}

// labels returns label values, the asset first if it is a label.
func (m *metrics) labels(asset string, more ...string) []string {
	if !m.byAsset {
		return more
	}
	return append([]string{asset}, more...)
}

func (m *metrics) runStarted(r rivers.RunStarted) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.jobs[r.RunID] = r.Job
	m.runsNow.Inc()
}

func (m *metrics) runFinished(r *rivers.RunResult) {
	m.mu.Lock()
	job := m.jobs[r.RunID]
	delete(m.jobs, r.RunID)
	m.mu.Unlock()
	m.runsNow.Dec()
	m.runs.WithLabelValues(job, r.Status.String()).Inc()
	m.runTime.WithLabelValues(job).Observe(r.Duration.Seconds())
}

func (m *metrics) stepStarted(s rivers.StepStarted) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.attempts[attempt{s.RunID, s.Step, s.Attempt}] = true
	m.stepsNow.Inc()
}

// ended reports whether it was an attempt that ended: a step that was skipped, or did not get its
// slots, never began.
func (m *metrics) ended(a attempt) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	began := m.attempts[a]
	delete(m.attempts, a)
	return began
}

func (m *metrics) stepFinished(f rivers.StepFinished) {
	labels := m.labels(f.Asset, f.Outcome)
	m.steps.WithLabelValues(labels...).Inc()
	if f.Outcome == "failed" {
		m.failures.WithLabelValues(m.labels(f.Asset, f.Reason)...).Inc()
	}
	if !f.RetryAt.IsZero() {
		m.retries.WithLabelValues(m.labels(f.Asset)...).Inc()
	}
	if m.ended(attempt{f.RunID, f.Step, f.Attempt}) {
		m.stepsNow.Dec()
		m.stepTime.WithLabelValues(labels...).Observe(f.Duration.Seconds())
	}
}

func (m *metrics) waiting(w rivers.StepWaiting) { m.waits.WithLabelValues(w.Pool).Inc() }

func (m *metrics) materialized(made rivers.Materialized) {
	m.made.WithLabelValues(m.labels(made.Asset)...).Inc()
	if rows, ok := made.Metadata.Int("rows"); ok && rows > 0 {
		m.rows.WithLabelValues(m.labels(made.Asset)...).Add(float64(rows))
	}
}

func (m *metrics) evaluated(e rivers.CheckEvaluated) {
	outcome, severity := "crashed", ""
	switch e.State {
	case storage.CheckSucceeded:
		outcome = "passed"
	case storage.CheckSkipped:
		outcome = "skipped"
	case storage.CheckFailed:
		if outcome = "failed"; e.Verdict != nil {
			severity = string(e.Verdict.Severity)
		}
	}
	m.checks.WithLabelValues(m.labels(e.Asset, outcome, severity)...).Inc()
}

func (m *metrics) performed(p rivers.ActionPerformed) {
	m.actions.WithLabelValues(m.labels(p.Asset, p.Did.String())...).Inc()
}

func (m *metrics) cut(c rivers.LogsCut) { m.lost.WithLabelValues().Add(float64(c.Lines)) }

func (m *metrics) backfillStarted(rivers.BackfillStarted) { m.backfillsNow.Inc() }

// progress counts what has come since it was last told.
func (m *metrics) progress(p rivers.BackfillProgress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := m.backfills[p.BackfillID]
	m.backfills[p.BackfillID] = p
	for _, of := range []struct {
		outcome   string
		now, last int64
	}{{"completed", p.Completed, last.Completed}, {"failed", p.Failed, last.Failed}, {"skipped", p.Skipped, last.Skipped}, {"canceled", p.Canceled, last.Canceled}} {
		m.partitions.WithLabelValues(of.outcome).Add(float64(max(of.now-of.last, 0)))
	}
}

func (m *metrics) backfillFinished(b *rivers.BackfillResult) {
	m.progress(rivers.BackfillProgress{BackfillID: b.ID, Completed: b.Completed, Failed: b.Failed, Skipped: b.Skipped, Canceled: b.Canceled})
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.backfills, b.ID)
	m.backfillsNow.Dec()
}
