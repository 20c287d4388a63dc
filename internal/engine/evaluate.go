package engine

import (
	"fmt"

	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// CheckError is the failure of the step of a blocking check: the check did its work, and the asset
// did not pass. The step is not tried again.
type CheckError struct {
	// Check is the step's key, Asset what was judged.
	Check, Asset string
	// Verdict is what the check said, of the first partition where there are several.
	Verdict storage.Verdict
	// Metadata is what the check attached.
	Metadata metadata.Map
	// Failed is how many partitions did not pass, First the first of them; zero for an asset without.
	Failed int64
	First  string
}

// Error reports what did not pass, and why.
func (e *CheckError) Error() string {
	what := fmt.Sprintf("asset %q did not pass", e.Asset)
	switch {
	case e.Failed == 1:
		what = fmt.Sprintf("partition %s of %s", e.First, what)
	case e.Failed > 1:
		what = fmt.Sprintf("%d partitions of %s, first %s", e.Failed, what, e.First)
	}
	if e.Verdict.Description != "" {
		return what + ": " + e.Verdict.Description
	}
	return what
}

// Hint explains how to go on.
func (e *CheckError) Hint() string {
	return "make the asset anew once its data is right; what reads it is not run until then"
}

// FailureReason is [storage.ReasonCheck].
func (e *CheckError) FailureReason() storage.FailureReason { return storage.ReasonCheck }

// CheckReport is the result of a check in a run.
type CheckReport struct {
	// State is that of the check, the worst of its partitions'.
	State storage.CheckState
	// Verdict and Metadata are what it said, of the partition with the worst state; nil where it said
	// nothing.
	Verdict  *storage.Verdict
	Metadata metadata.Map
	// Judged is how many partitions it judged, Failed how many of them did not pass; zero where there
	// are none.
	Judged, Failed int64

	first string // of the partitions that a blocking check rejected
}

// evaluation is the result of a check, encoded for storage: of the asset, or of some of its
// partitions.
type evaluation struct {
	check  storage.AssetKey
	part   partition.Slice // zero also where the definitions are not known
	set    partition.Set   // the same, empty for an asset without partitions
	state  storage.CheckState
	said   *storage.Verdict
	noted  metadata.Map
	detail []byte
}

// isCheck reports whether a step of the plan is a check.
func (r *run) isCheck(s int32) bool {
	return int(s) < len(r.plan.Steps) && r.graph.Node(r.plan.Steps[s].Node).Kind == graph.Check
}

// evaluate encodes what a check said, in the goroutine of its step.
func (r *run) evaluate(s int32, facts []graph.Facts, part partition.Slice) *evaluation {
	node := r.graph.Node(r.plan.Steps[s].Node)
	e := r.newEvaluation(s, part, storage.CheckSucceeded)
	d := storage.Detail{Code: node.Outputs[0].Attrs.CodeVersion, ReadSeq: r.readSeq(s), Check: &storage.Verdict{}}
	d.Inputs = r.inputVersions(s, part, d.ReadSeq)
	if len(facts) > 0 && facts[0].Verdict != nil {
		*d.Check = *facts[0].Verdict
		d.Tags = facts[0].Tags
		d.Metadata, d.Error = normalized(facts[0].Metadata)
	}
	if node.Check != nil {
		d.Check.Blocking = node.Check.Blocking
		d.Check.Run = r.madeIn(s)
	}
	if !d.Check.Passed {
		e.state = storage.CheckFailed
	}
	d.Partitions = e.set
	e.said, e.noted, e.detail = d.Check, d.Metadata, d.AppendJSON(nil)
	return e
}

// failedEvaluation is the evaluation of a check that failed before it could say anything, or that
// was not run, of some partitions.
func (r *run) failedEvaluation(s int32, state storage.CheckState, part partition.Slice, d storage.Detail) *evaluation {
	e := r.newEvaluation(s, part, state)
	d.Partitions = e.set
	e.detail = d.AppendJSON(nil)
	return e
}

// openEvaluation is what a check has not judged in this run and is not going to, in the form of
// failedEvaluation. It is nil where nothing is left. Called with the lock held.
func (r *run) openEvaluation(s int32, state storage.CheckState, d storage.Detail) *evaluation {
	left := r.unmade(s)
	if r.partitioned(s) == left.IsEmpty() {
		return nil
	}
	part, err := r.cutSlice(s, left)
	if err != nil {
		return nil
	}
	e := r.newEvaluation(s, part, state)
	e.set, d.Partitions = left, left
	e.detail = d.AppendJSON(nil)
	return e
}

func (r *run) newEvaluation(s int32, part partition.Slice, state storage.CheckState) *evaluation {
	e := &evaluation{check: r.assetKey(r.graph.OutputAt(r.plan.Steps[s].Node, 0)), part: part, state: state}
	if !part.IsZero() {
		e.set = part.Set()
	}
	return e
}

// madeIn is the run that made what a check judges; empty where it is not known.
func (r *run) madeIn(s int32) string {
	if _, planned := r.plan.CheckedStep(s); planned {
		return r.runID
	}
	v, ok := r.graph.Find(r.graph.Node(r.plan.Steps[s].Node).Check.Asset)
	if !ok {
		return ""
	}
	return r.makers[v]
}

// evaluation is the result for the asset of an attempt of a check; nil for other steps, for a check
// whose partitions were recorded one by one, and for one that is tried again. An asset that did not
// pass a blocking check is the failure of its step.
func (r *run) evaluation(j job, o *outcome) *evaluation {
	s := j.step // a check has no instances
	if !r.isCheck(s) || o.apart {
		return nil
	}
	switch {
	case o.kind == storage.StepSucceeded:
		e := r.evaluate(s, o.facts, o.part)
		if e.said.Blocks() {
			r.fail(s, o, e)
		}
		return e
	case o.kind == storage.StepFailed && o.retryAt == 0:
		d, err := storage.ParseDetail(o.detail)
		if err != nil {
			d = storage.Detail{Error: o.err.Error()}
		}
		return r.failedEvaluation(s, storage.CheckExecutionFailed, o.part, d)
	}
	return nil
}

// fail turns the outcome of a check into a failure of its step.
func (r *run) fail(s int32, o *outcome, e *evaluation) {
	err := &CheckError{Check: r.plan.Key(s), Asset: r.graph.Node(r.plan.Steps[s].Node).Check.Asset, Verdict: *e.said, Metadata: e.noted}
	if !e.part.IsZero() {
		err.Failed, err.First = e.part.Len(), e.part.Key().String()
	}
	o.kind, o.err, o.reason, o.retryAt = storage.StepFailed, err, storage.ReasonCheck, 0
	o.detail = failureDetail(err)
}

// rejects turns the success of a check whose partitions were recorded one by one into a failure, if
// some did not pass and it is blocking. Called with the lock held.
func (r *run) rejects(s int32, o *outcome) {
	if !o.apart || o.kind != storage.StepSucceeded || !r.d.Rejected().Has(s) {
		return
	}
	of, err := r.assignment.Slice(s, r.d.Rejected().Partitions(s))
	if err != nil || of.Len() == 0 {
		return
	}
	why := &CheckError{Check: r.plan.Key(s), Asset: r.graph.Node(r.plan.Steps[s].Node).Check.Asset, Failed: of.Len(), First: r.checks[s].first}
	if report := r.checks[s]; report.Verdict != nil {
		why.Verdict, why.Metadata = *report.Verdict, report.Metadata
	}
	o.kind, o.err, o.reason, o.detail = storage.StepFailed, why, storage.ReasonCheck, failureDetail(why)
}

// recordEvaluation writes the result of a check, and makes it the check's present state. Called
// with the lock held.
func (r *run) recordEvaluation(s int32, f storage.Fact, e *evaluation) {
	r.report(s, e)
	r.noticeEvaluated(f, e)
	f = f.Evaluated(e.state)
	of := decide.Event{Fact: f, Partitions: e.set, Rejected: e.said != nil && e.said.Blocks()}
	if e.check == 0 { // the store does not know it
		r.d.Apply(of)
		return
	}
	n := r.recordEvent(storage.Event{Fact: f, Asset: e.check, Partition: e.part.Key().String(), Detail: e.detail}, of)
	u := storage.AssetUpdate{Asset: e.check, Kind: stateOf(e.state), Run: r.key, N: n, At: f.At, Detail: e.detail}
	u.Partition, u.Partitions = e.part.Key().String(), e.set
	r.batch.Assets = append(r.batch.Assets, u)
}

// stateOf is under which state of its entry in the store a check's is kept; see
// [storage.CheckName].
func stateOf(s storage.CheckState) storage.StateKind {
	switch s {
	case storage.CheckSucceeded:
		return storage.Materialized
	case storage.CheckSkipped:
		return storage.Observed
	default:
		return storage.Failed
	}
}

// report keeps the result of a check for the result of the run. Called with the lock held.
func (r *run) report(s int32, e *evaluation) {
	if r.checks == nil {
		r.checks = map[int32]*CheckReport{}
	}
	report := r.checks[s]
	if report == nil {
		report = &CheckReport{}
		r.checks[s] = report
	}
	failed := e.state == storage.CheckFailed || e.state == storage.CheckExecutionFailed
	if !e.part.IsZero() {
		report.Judged += e.part.Len()
		if failed {
			report.Failed += e.part.Len()
		}
	}
	if worse(e, report) {
		report.State, report.Verdict, report.Metadata = e.state, e.said, e.noted
	}
	if e.said != nil && e.said.Blocks() && !e.part.IsZero() && report.first == "" {
		report.first = e.part.Key().String()
	}
}

// worse reports whether an evaluation is worse than what a report has, or the first.
func worse(e *evaluation, than *CheckReport) bool {
	if e.state != than.State {
		return rank(e.state) > rank(than.State)
	}
	return e.said != nil && than.Verdict != nil && e.said.Bad() && !than.Verdict.Bad()
}

// rank orders the states of a check in a run, the worst last.
func rank(s storage.CheckState) int {
	switch s {
	case storage.CheckSkipped:
		return 1
	case storage.CheckSucceeded:
		return 2
	case storage.CheckFailed:
		return 3
	case storage.CheckExecutionFailed:
		return 4
	default:
		return 0
	}
}

// skipCheck records that a run skips a check, for all that it has not judged yet. Called with the
// lock held.
func (r *run) skipCheck(step int32, at storage.Micros, why error) {
	if r.d.Planned(step) != step || !r.isCheck(step) {
		return
	}
	var d storage.Detail
	if why != nil {
		d.Error = why.Error()
	}
	if e := r.openEvaluation(step, storage.CheckSkipped, d); e != nil {
		r.recordEvaluation(step, storage.Fact{Step: step, At: at}, e)
	}
}

// restoreEvaluation keeps the recorded result of a check.
func (r *run) restoreEvaluation(e *storage.Event, d *storage.Detail) {
	s := r.d.Planned(e.Step)
	ev := &evaluation{state: e.CheckState(), said: d.Check, noted: d.Metadata}
	if !d.Partitions.IsEmpty() {
		ev.part, _ = r.cutSlice(s, d.Partitions)
	}
	r.report(s, ev)
}

// cutSlice is some partitions of a step as people see them; the zero Slice where the definitions
// are not known.
func (r *run) cutSlice(s int32, set partition.Set) (partition.Slice, error) {
	if r.assignment == nil || set.IsEmpty() {
		return partition.Slice{}, nil
	}
	return r.assignment.Slice(s, set)
}
