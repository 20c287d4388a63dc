package decide

import (
	"fmt"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Partitions is what a run knows of the partitions of its steps, by step of the plan. It answers
// what is left to make of a step, and what cannot be made since it reads something that was not. A
// nil Partitions is that of a run in which no step has any.
type Partitions struct {
	plan *plan.Plan
	// assignment is nil where the definitions are not known: nothing is blocked then.
	assignment *plan.Assignment
	// assigned are those that each step is to make.
	assigned []partition.Set
	// made are those that it has made in this run; outputs has them by output for steps with several
	// assets.
	made    []partition.Gather
	outputs map[int32][]partition.Gather
	// failed and skipped are those that failed, or were skipped, one by one. A retry may have made
	// what had failed.
	failed, skipped map[int32]*partition.Gather
	// lost are those that a step with an outcome has not made.
	lost []partition.Set
}

// newPartitions returns nil where no set has anything in it.
func newPartitions(p *plan.Plan, cut *plan.Assignment, assigned []partition.Set) *Partitions {
	for s := range assigned {
		if !assigned[s].IsEmpty() {
			return &Partitions{
				plan: p, assignment: cut, assigned: assigned,
				made: make([]partition.Gather, len(assigned)), lost: make([]partition.Set, len(assigned)),
			}
		}
	}
	return nil
}

// Has reports whether a step of the plan has partitions.
func (p *Partitions) Has(s int32) bool { return p != nil && !p.assigned[s].IsEmpty() }

// Assigned returns the partitions that a step is to make; empty for a step without.
func (p *Partitions) Assigned(s int32) partition.Set {
	if p == nil {
		return partition.Set{}
	}
	return p.assigned[s]
}

// Made returns the partitions that a step has made in this run.
func (p *Partitions) Made(s int32) partition.Set {
	if p == nil {
		return partition.Set{}
	}
	made := p.made[s].Set()
	if of := p.outputs[s]; of != nil {
		made = made.Union(p.madeOfAll(s, of))
	}
	return made
}

// madeOfAll returns the partitions that all wanted assets of a step have: those that the step has
// made.
func (p *Partitions) madeOfAll(s int32, of []partition.Gather) partition.Set {
	var all *partition.Set
	for o := range of {
		if !p.makesAsset(s, o) {
			continue
		}
		made := of[o].Set()
		if all != nil {
			made = made.Intersect(*all)
		}
		all = &made
	}
	return *all
}

// makesAsset reports whether output o of a step is an asset, and wanted.
func (p *Partitions) makesAsset(s int32, o int) bool {
	return p.plan.Graph.Node(p.plan.Steps[s].Node).Outputs[o].Asset && p.plan.Wanted(s, o)
}

// Unmade returns the assigned partitions that a step has not made.
func (p *Partitions) Unmade(s int32) partition.Set {
	if !p.Has(s) {
		return partition.Set{}
	}
	return p.assigned[s].Minus(p.Made(s))
}

// Lost returns what a step that has its outcome has not made; empty for any other.
func (p *Partitions) Lost(s int32) partition.Set {
	if p == nil {
		return partition.Set{}
	}
	return p.lost[s]
}

// Left returns the partitions of a step that are to be made now: without those that were made, and
// without the blocked ones, which read what an upstream did not make.
func (p *Partitions) Left(s int32) (left, blocked partition.Set, err error) {
	if !p.Has(s) {
		return left, blocked, nil
	}
	blocked, _, err = p.blocked(s)
	blocked = blocked.Intersect(p.assigned[s])
	return p.Unmade(s).Minus(blocked).Minus(p.skippedOf(s)), blocked, err
}

// skippedOf are the partitions for which the body of a step had nothing to do.
func (p *Partitions) skippedOf(s int32) partition.Set {
	if of := p.skipped[s]; of != nil {
		return of.Set()
	}
	return partition.Set{}
}

// failedOf are the partitions that failed one by one, whatever a retry has made of them.
func (p *Partitions) failedOf(s int32) partition.Set {
	if of := p.failed[s]; of != nil {
		return of.Set()
	}
	return partition.Set{}
}

// addTo adds to the partitions of a step.
func addTo(to map[int32]*partition.Gather, s int32, set partition.Set) map[int32]*partition.Gather {
	if to == nil {
		to = map[int32]*partition.Gather{}
	}
	if to[s] == nil {
		to[s] = &partition.Gather{}
	}
	to[s].Add(set)
	return to
}

// blocked returns the partitions of a step that read what an upstream did not make, and the last
// such upstream. For a step without partitions it is all or nothing.
func (p *Partitions) blocked(s int32) (blocked partition.Set, cause int32, err error) {
	cause = storage.NoStep
	if p.assignment == nil {
		return blocked, cause, nil
	}
	n := p.plan.Steps[s].Node
	inputs := p.plan.Graph.Node(n).Inputs
	for k, v := range p.plan.Graph.From(n) {
		if v < 0 || inputs[k].Mode == graph.Self || inputs[k].Parts == nil {
			continue
		}
		_, from := p.plan.Graph.Output(v)
		up, planned := p.plan.StepOf(from)
		if !planned || p.lost[up].IsEmpty() {
			continue
		}
		set, err := p.assignment.Blocked(s, k, p.lost[up])
		if err != nil {
			return partition.Set{}, up, fmt.Errorf("which partitions read what step %q did not make: %w", p.plan.Key(up), err)
		}
		if !set.IsEmpty() {
			blocked, cause = blocked.Union(set), up
		}
	}
	return blocked, cause, nil
}

// nothingLeft reports whether all that a step would make is blocked, and the upstream to blame. A
// step that has made some of it is started, to say so.
func (p *Partitions) nothingLeft(s int32) (cause int32, nothing bool) {
	if p == nil {
		return storage.NoStep, false
	}
	blocked, cause, err := p.blocked(s)
	if err != nil || blocked.IsEmpty() {
		return storage.NoStep, false // the attempt meets the error too
	}
	if !p.Has(s) {
		return cause, true
	}
	return cause, p.assigned[s].Minus(blocked).IsEmpty() && p.Made(s).IsEmpty()
}

// fold notes the partitions that an event records as made. The event is of a step with partitions.
func (p *Partitions) fold(s int32, e *Event) {
	node := p.plan.Graph.Node(p.plan.Steps[s].Node)
	switch e.Kind {
	case storage.StepExpanded: // a mapped step is of one partition, and so are its instances
		p.made[s].Add(p.assigned[s])
	case storage.StepReused: // a step is reused if nothing of it is left
		p.made[s].Add(p.assigned[s])
	case storage.StepSucceeded:
		p.made[s].Add(e.Partitions)
		if e.Partitions.IsEmpty() && p.MakesNoAsset(s) { // older runs do not say it: all that was left
			if left, _, err := p.Left(s); err == nil {
				p.made[s].Add(left)
			}
		}
	case StepMade, storage.AssetWiped, storage.AssetObserved, storage.ActionPerformed:
		p.made[s].Add(e.Partitions)
	case storage.AssetMaterialized:
		p.foldMade(s, node, e)
	case storage.PartitionFailed:
		p.failed = addTo(p.failed, s, e.Partitions)
	case storage.PartitionSkipped:
		p.skipped = addTo(p.skipped, s, e.Partitions)
	case storage.CheckEvaluated:
		if state := storage.CheckState(e.Status); !e.Rejected && (state == storage.CheckSucceeded || state == storage.CheckFailed) {
			p.made[s].Add(e.Partitions)
		}
	}
}

// foldMade notes that an asset has partitions: its step has made them once all its assets have
// them.
func (p *Partitions) foldMade(s int32, node *graph.Node, e *Event) {
	kept := 0
	for o := range node.Outputs {
		if p.makesAsset(s, o) {
			kept++
		}
	}
	if kept < 2 || node.Kind == graph.Action {
		p.made[s].Add(e.Partitions)
		return
	}
	if p.outputs == nil {
		p.outputs = map[int32][]partition.Gather{}
	}
	if p.outputs[s] == nil {
		p.outputs[s] = make([]partition.Gather, len(node.Outputs))
	}
	p.outputs[s][e.Output].Add(e.Partitions)
}

// MakesNoAsset reports whether none of the outputs of a step is an asset: nothing but its success
// describes what it made.
func (p *Partitions) MakesNoAsset(s int32) bool {
	if int(s) >= len(p.plan.Steps) {
		return false
	}
	node := p.plan.Graph.Node(p.plan.Steps[s].Node)
	if node.Kind == graph.Check || node.Kind == graph.Action {
		return false
	}
	for o := range node.Outputs {
		if p.makesAsset(s, o) {
			return false
		}
	}
	return true
}

// close notes what a step that got its outcome has not made.
func (p *Partitions) close(s int32) {
	if p.Has(s) {
		p.lost[s] = p.Unmade(s)
	}
}

// reopen forgets what a step has made: its values are gone.
func (p *Partitions) reopen(s int32) {
	p.made[s], p.lost[s] = partition.Gather{}, partition.Set{}
	delete(p.outputs, s)
	delete(p.failed, s)
	delete(p.skipped, s)
}
