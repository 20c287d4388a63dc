package decide

import (
	"slices"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Survives reports whether the value that input k of a node reads outlives the process that made
// it.
type Survives func(node int32, k int) bool

// Fate is what a retry of a run does with one of its steps.
type Fate uint8

// The fates of steps.
const (
	// RunAgain: the step runs in the retry.
	RunAgain Fate = iota
	// Reuse: its success counts for the retry.
	Reuse
	// LeaveOut: the retry is of what failed alone, and skips it.
	LeaveOut
)

// Retry returns the fate of each step of a run that has ended, instances after the steps of the
// plan.
func Retry(d *Decider, mode storage.RetryMode, survives Survives) []Fate {
	r := retry{d, mode, survives}
	keep := r.reused()
	fates := make([]Fate, len(keep))
	for s := range fates {
		switch st := d.steps[s].status; {
		case keep[s]:
			fates[s] = Reuse
		case mode == storage.RetryFailed && (st == Skipped || st == Canceled):
			fates[s] = LeaveOut
		}
	}
	return fates
}

// Undone returns the partitions of each step that are left to make after a run has ended: those
// that it did not make, and those that a blocking check rejected. It is nil for a run without
// partitions.
func Undone(d *Decider) []partition.Set {
	if d.parts == nil {
		return nil
	}
	left := slices.Clone(d.parts.assigned)
	for s := range left {
		left[s] = d.parts.Unmade(int32(s))
	}
	for s := range d.rejected.Steps {
		if up, planned := d.plan.CheckedStep(s); planned {
			left[up] = left[up].Union(d.rejected.Partitions(s))
		}
	}
	return left
}

// Gone returns the succeeded steps, in order, that must run again after the process of the run is
// gone: their values died with it, and a step without an outcome reads them.
func Gone(d *Decider, survives Survives) []int32 {
	r := retry{d: d, survives: survives}
	return r.lostValues(func(s int32) bool { return !d.steps[s].status.IsOutcome() })
}

// retry decides what of a run stands.
type retry struct {
	d        *Decider
	mode     storage.RetryMode
	survives Survives
}

// reused reports which steps need not run again: those that succeeded, but for those whose value is
// gone and read by one that runs. A map unfolds anew if its list is made anew.
func (r *retry) reused() []bool {
	d := r.d
	keep := make([]bool, len(d.steps))
	rejected := r.rejected()
	for s := range keep {
		keep[s] = d.steps[s].status == Succeeded && r.madeAll(int32(s)) && !rejected[d.Planned(int32(s))]
	}
	for s := range d.plan.Steps { // a check evaluates what is there at the end
		if up, planned := d.plan.CheckedStep(int32(s)); planned && !keep[up] {
			keep[s] = false
		}
	}
	for {
		again := r.lostValues(func(s int32) bool { return !keep[s] && r.runs(s) })
		changed := false
		for _, s := range again {
			changed = changed || keep[s]
			keep[s] = false
		}
		for s := range int32(len(d.plan.Steps)) {
			if keep[s] && d.plan.Steps[s].Mapped && !r.listReused(s, keep) {
				keep[s], changed = false, true
				for i := range d.Instances(s) {
					keep[d.InstanceOf(s, i)] = false
				}
			}
		}
		if !changed {
			return keep
		}
	}
}

// madeAll reports whether a step has made all its partitions, or has none.
func (r *retry) madeAll(s int32) bool {
	return int(s) >= len(r.d.plan.Steps) || !r.d.parts.Has(s) || r.d.parts.lost[s].IsEmpty()
}

// rejected reports for each step of the plan whether its output failed a blocking check: the retry
// makes it again.
func (r *retry) rejected() []bool {
	rejected := make([]bool, len(r.d.plan.Steps))
	for s := range r.d.rejected.Steps {
		if up, planned := r.d.plan.CheckedStep(s); planned {
			rejected[up] = true
		}
	}
	return rejected
}

// runs reports whether a step that is not kept runs in the retry: a retry of failures runs what
// failed, and what succeeded and lost its value.
func (r *retry) runs(s int32) bool {
	st := r.d.steps[s].status
	return r.mode != storage.RetryFailed || st == Failed || st == Succeeded
}

// listReused reports whether the value that a mapped step takes apart is the one it took apart
// before.
func (r *retry) listReused(s int32, keep []bool) bool {
	g := r.d.plan.Graph
	n := r.d.plan.Steps[s].Node
	_, from := g.Output(g.From(n)[g.Node(n).Map.Input])
	up, planned := r.d.plan.StepOf(from)
	if !planned || !keep[up] {
		return !planned
	}
	for i := range r.d.Instances(up) { // it maps over what was collected
		if !keep[r.d.InstanceOf(up, i)] {
			return false
		}
	}
	return true
}

// lostValues returns the steps, in order, that succeeded and must run again since a step that is to
// run reads a value of theirs that is gone. pending reports which steps are to run.
func (r *retry) lostValues(pending func(s int32) bool) []int32 {
	var again, stack []int32
	seen := make([]bool, len(r.d.steps))
	for s := range int32(len(r.d.steps)) {
		if pending(s) {
			seen[s] = true
			stack = append(stack, s)
		}
	}
	for len(stack) > 0 {
		s := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, up := range r.goneFor(s) {
			if !seen[up] {
				seen[up] = true
				again = append(again, up)
				stack = append(stack, up)
			}
		}
	}
	slices.Sort(again)
	return again
}

// goneFor returns the succeeded steps that made the values that a step reads and that are gone.
func (r *retry) goneFor(s int32) []int32 {
	p := r.d.plan
	node := p.Steps[r.d.Planned(s)].Node
	var gone []int32
	for k, v := range p.Graph.From(node) {
		in := &p.Graph.Node(node).Inputs[k]
		if v < 0 || in.Mode.Waits() || in.Mode == graph.Self {
			continue
		}
		_, from := p.Graph.Output(v)
		up, planned := p.StepOf(from)
		switch {
		case !planned || r.survives(node, k):
		case p.Steps[up].Mapped:
			for i := range r.d.Instances(up) {
				gone = append(gone, r.d.InstanceOf(up, i))
			}
		default:
			gone = append(gone, up)
		}
	}
	return slices.DeleteFunc(gone, func(up int32) bool { return r.d.steps[up].status != Succeeded })
}
