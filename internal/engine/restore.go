package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/internal/engine/writes"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/storage"
)

// ErrPlanChanged is returned where a run is to go on whose definitions are not what they were.
var ErrPlanChanged = errors.New("the definitions are not those that the run was planned with")

// samePlan requires a recorded plan to be the one that the definitions give now: events know steps
// by their index alone.
func samePlan(was, is []storage.PlanStep) error {
	for i := range max(len(was), len(is)) {
		switch {
		case i >= len(is):
			return fmt.Errorf("%w: step %q is no longer planned: begin a new run", ErrPlanChanged, was[i].Key)
		case i >= len(was):
			return fmt.Errorf("%w: step %q is new: begin a new run", ErrPlanChanged, is[i].Key)
		case was[i].Key != is[i].Key:
			return fmt.Errorf("%w: step %d is %q and was %q: begin a new run", ErrPlanChanged, i+1, is[i].Key, was[i].Key)
		case !slices.Equal(was[i].After, is[i].After):
			return fmt.Errorf("%w: step %q waits for other steps than it did: begin a new run", ErrPlanChanged, was[i].Key)
		}
	}
	return nil
}

// restore folds what is recorded of a run.
func (r *run) restore(past []storage.Event) error {
	outputs := r.outputsByAsset(past)
	for i := range past {
		e := &past[i]
		d, err := storage.ParseDetail(e.Detail)
		if err != nil {
			return fmt.Errorf("run %s: event %d: %w", r.Record.ID, e.N, err)
		}
		r.d.Apply(r.eventOf(e, &d, outputs))
		r.n = e.N
		if e.Step != storage.NoStep {
			r.restoreStep(e, &d, outputs)
		} else if e.Kind == storage.RunEnded {
			r.end = e.RunState()
		}
	}
	return nil
}

// eventOf is a recorded event as the decider folds it.
func (r *run) eventOf(e *storage.Event, d *storage.Detail, outputs map[storage.AssetKey]int32) decide.Event {
	of := decide.Event{Fact: e.Fact, Partitions: d.Partitions, Rejected: d.Check != nil && d.Check.Blocks()}
	if v, ok := outputs[e.Asset]; ok {
		of.Output = int32(r.graph.OutputPos(v))
	}
	return of
}

// outputsByAsset finds the graph's outputs by the assets that events name.
func (r *run) outputsByAsset(past []storage.Event) map[storage.AssetKey]int32 {
	if len(past) == 0 {
		return nil
	}
	outputs := make(map[storage.AssetKey]int32, len(r.AssetKeys))
	for v, key := range r.AssetKeys {
		if key != 0 {
			outputs[key] = int32(v)
		}
	}
	return outputs
}

// restoreStep keeps the parts of an event that the decider does not fold.
func (r *run) restoreStep(e *storage.Event, d *storage.Detail, outputs map[storage.AssetKey]int32) {
	mapped, pos, instance := r.d.Instance(e.Step)
	detail := r.detailOf(e.Step)
	switch e.Kind {
	case storage.CheckEvaluated:
		r.restoreEvaluation(e, d)
		return
	case storage.StepStarted:
		detail.started, detail.ended, detail.err = e.At, 0, nil
	case storage.StepFailed, storage.StepCanceled:
		detail.ended, detail.err = e.At, &RemoteError{Message: d.Error, HintText: d.Hint, Stack: d.Stack}
		if d.Error == "" {
			detail.err = nil
		}
	case storage.StepSkipped:
		switch {
		case d.Error != "":
			detail.err = &RemoteError{Message: d.Error}
		case e.DueTo() != storage.NoStep:
			detail.err = newUpstreamError(r, e.DueTo())
		}
	case storage.StepExpanded, storage.StepReused:
		detail.ended = e.At
		if e.Kind == storage.StepReused {
			restoreInside(r, e.Step, mapped, instance, d)
		}
		if r.plan.Steps[mapped].Mapped && !instance {
			r.restoreMap(e, d)
		}
	case storage.StepSucceeded:
		detail.ended, detail.err = e.At, nil
		restoreInside(r, e.Step, mapped, instance, d)
		if instance {
			m := r.maps.get(mapped)
			m.order = append(m.order, pos)
		}
	}
	for name, version := range d.Outputs {
		if v, ok := r.graph.Find(name); ok {
			r.versions[v] = version
			r.table.Set(v, d.Writes[name])
		}
	}
	v, made := outputs[e.Asset]
	switch {
	case made && e.Kind != storage.PartitionFailed:
		if d.Partitions.IsEmpty() {
			r.versions[v] = d.Data
			r.table.Set(v, d.Write)
		}
		if e.Kind == storage.AssetMaterialized && r.graph.Node(r.plan.Steps[mapped].Node).Emits {
			detail.emitted = append(detail.emitted, r.graph.OutputPos(v))
		}
	case d.Data != "" && d.Partitions.IsEmpty(): // the value of a task, which is no asset
		v := r.graph.OutputAt(r.plan.Steps[mapped].Node, 0)
		r.versions[v] = d.Data
		r.table.Set(v, d.Write)
	}
}

// restoreInside keeps where the value of a step lies that is no asset. The event of an asset that
// is made beside it names both.
func restoreInside(r *run, step, mapped int32, instance bool, d *storage.Detail) {
	in := writes.Inside(r.graph.Node(r.plan.Steps[mapped].Node), instance)
	if in == nil {
		return
	}
	write, beside := d.Writes[in.Name]
	if !beside {
		write = d.Write
	}
	r.table.SetStep(step, write)
}

// restoreMap keeps the instances that a mapped step has unfolded into. A second unfolding of the
// same step finds them there.
func (r *run) restoreMap(e *storage.Event, d *storage.Detail) {
	if r.maps.get(e.Step) != nil {
		return
	}
	r.maps.put(e.Step, &mapSource{names: d.Instances, keys: instanceKeys(r.stepKey(e.Step), e.Instances(), d.Instances)})
	r.maps.locate(e.Step, r.d.InstanceOf(e.Step, 0))
}

// adopt takes over a run whose process is gone: the steps that it had in progress are nobody's, and
// successes whose values went with it are taken back where what is still to run reads them. Called
// with the lock held.
func (r *run) adopt() {
	at := now()
	r.record(storage.Fact{Kind: storage.RunAdopted, Step: storage.NoStep, At: at}, nil)
	for _, s := range decide.Gone(r.d, r.survives) {
		r.record(storage.Fact{Kind: storage.StepReopened, Step: s, At: at}, nil)
	}
}

// survives reports whether the value that input k of a node reads outlives the process that made
// it.
func (r *run) survives(node int32, k int) bool {
	out, _ := r.graph.Output(r.graph.From(node)[k])
	return iohandler.Outlives(loader(&r.graph.Node(node).Inputs[k], out))
}

// SamePlan returns nil if a plan is the one that is recorded with a run, else an [ErrPlanChanged].
func SamePlan(rec *storage.RunRecord, p *plan.Plan) error {
	if err := samePlan(rec.Plan, p.Record()); err != nil {
		return fmt.Errorf("run %s: %w", rec.ID, err)
	}
	return nil
}
