package engine

import (
	"fmt"

	"github.com/rivers-go/rivers/storage"
)

// Reuse is a run that has ended and is retried by a new one of the same plan: what succeeded in it is
// loaded and not run again.
type Reuse struct {
	// RunID is the run's, Events are all of its events.
	RunID  string
	Events []storage.Event
	// Mode says which steps run again.
	Mode storage.RetryMode
}

// reuse records what need not run again. Called with the lock held, at the beginning of a run.
func (r *run) reuse() {
	if r.Reuse == nil || r.Reuse.Mode == storage.RetryAll {
		return
	}
	old := newRun(r.Config)
	if err := old.restore(r.Reuse.Events); err != nil {
		return // it was read once already, when the request was checked
	}
	keep := old.kept()
	at := now()
	instances := make(map[int32]int32, len(old.d.steps)) // of the old run, and what they are in this one
	for s := range int32(len(old.d.steps)) {
		mapped, pos, instance := old.d.Instance(s)
		here := s
		if instance {
			if !keep[mapped] {
				continue // the map unfolds anew
			}
			here = r.d.InstanceOf(mapped, pos)
		}
		instances[s] = here
		switch {
		case keep[s]:
			r.keepStep(old, s, here, at)
		case r.Reuse.Mode == storage.RetryFailed && (old.d.steps[s].status == skipped || old.d.steps[s].status == canceled):
			r.leaveOut(here, at)
		}
	}
}

// kept says which steps of the old run need not run again: those that succeeded, but for those whose
// value is gone and read by one that runs. A map unfolds anew if its list is made anew.
func (r *run) kept() []bool {
	keep := make([]bool, len(r.d.steps))
	blamed := r.blamed()
	for s := range keep {
		keep[s] = r.d.steps[s].status == succeeded && r.madeAll(int32(s)) && !blamed[r.d.planned(int32(s))]
	}
	for s := range r.plan.Steps { // a check judges what is there at the end
		if up, planned := r.plan.Judges(int32(s)); planned && !keep[up] {
			keep[s] = false
		}
	}
	for {
		again := r.lostValues(func(s int32) bool { return !keep[s] && r.runsAgain(s) })
		changed := false
		for _, s := range again {
			changed = changed || keep[s]
			keep[s] = false
		}
		for s := range int32(len(r.plan.Steps)) {
			if keep[s] && r.plan.Steps[s].Mapped && !r.listKept(s, keep) {
				keep[s], changed = false, true
				for i := range r.d.Instances(s) {
					keep[r.d.InstanceOf(s, i)] = false
				}
			}
		}
		if !changed {
			return keep
		}
	}
}

// runsAgain reports whether a step that is not kept runs in the retry: only what failed does where
// nothing else was asked for.
func (r *run) runsAgain(s int32) bool {
	return r.Reuse.Mode != storage.RetryFailed || r.d.steps[s].status == failed || r.d.steps[s].status == succeeded // its value is gone
}

// listKept reports whether the value that a mapped step takes apart is the one it took apart before.
func (r *run) listKept(s int32, keep []bool) bool {
	n := r.plan.Steps[s].Node
	_, from := r.graph.Output(r.graph.From(n)[r.graph.Node(n).Map.Input])
	up, planned := r.plan.StepOf(from)
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

// keepStep records that a step is reused, and what it made.
func (r *run) keepStep(old *run, s, here int32, at storage.Micros) {
	f := storage.Fact{Kind: storage.StepReused, Step: here, At: at}
	d := storage.Detail{}
	mapped, pos, instance := old.d.Instance(s)
	if m := old.maps.get(s); m != nil && !instance {
		f.Cause, d.Instances = int32(len(m.keys)), m.names
	}
	if !instance {
		d.Outputs = r.inherit(old, s)
	}
	r.record(f, d.AppendJSON(nil))
	switch {
	case instance:
		m := r.maps.get(mapped)
		m.order = append(m.order, pos)
	case r.plan.Steps[s].Mapped:
		r.restoreMap(&storage.Event{Fact: f}, &d)
	}
	r.detailOf(here).ended = at
	r.notice(here, StepNotice{Kind: storage.StepReused, At: at.Time()})
}

// inherit takes over the data versions of what a step had made, and returns them by name.
func (r *run) inherit(old *run, s int32) map[string]string {
	versions := map[string]string{}
	n := r.plan.Steps[s].Node
	for o := range r.graph.Node(n).Outputs {
		v := r.graph.OutputAt(n, o)
		if r.versions[v] = old.versions[v]; old.versions[v] != "" {
			versions[r.graph.Node(n).Outputs[o].Name] = old.versions[v]
		}
	}
	return versions
}

// leaveOut records that a step is not run since only what failed is.
func (r *run) leaveOut(step int32, at storage.Micros) {
	err := fmt.Errorf("%w: only what failed in run %s is run again", ErrSkip, r.Reuse.RunID)
	r.detailOf(step).err = err
	d := storage.Detail{Error: err.Error()}
	r.record(storage.Fact{Kind: storage.StepSkipped, Step: step, Cause: step, At: at}, d.AppendJSON(nil))
	r.notice(step, StepNotice{Kind: storage.StepSkipped, At: at.Time(), Err: err})
}
