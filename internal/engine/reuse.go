package engine

import (
	"fmt"

	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/storage"
)

// Reuse is a run that has ended and is retried by a new one of the same plan: what succeeded in it
// is loaded and not run again.
type Reuse struct {
	// RunID is the run's, Events are all of its events.
	RunID  string
	Events []storage.Event
	// Mode defines which steps run again.
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
	fates := decide.Retry(old.d, r.Reuse.Mode, old.survives)
	at := now()
	for s := range int32(len(fates)) {
		mapped, pos, instance := old.d.Instance(s)
		here := s
		if instance {
			if fates[mapped] != decide.Reuse {
				continue // the map unfolds anew
			}
			here = r.d.InstanceOf(mapped, pos)
		}
		switch fates[s] {
		case decide.Reuse:
			r.reuseStep(old, s, here, at)
		case decide.LeaveOut:
			r.leaveOut(here, at)
		}
	}
}

// reuseStep records that a step is reused, and what it made.
func (r *run) reuseStep(old *run, s, here int32, at storage.Micros) {
	f := storage.Fact{Kind: storage.StepReused, Step: here, At: at}
	d := storage.Detail{}
	mapped, pos, instance := old.d.Instance(s)
	if m := old.maps.get(s); m != nil && !instance {
		f, d.Instances = f.Reused(len(m.keys)), m.names
	}
	if !instance {
		d.Outputs, d.Writes = r.inherit(old, s)
	}
	if write, known := old.table.RecordedStep(s); known {
		d.Write = write
		r.table.SetStep(here, write)
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

// inherit takes over the data versions and the writes of what a step had made, and returns them by
// name.
func (r *run) inherit(old *run, s int32) (versions, writes map[string]string) {
	versions = map[string]string{}
	n := r.plan.Steps[s].Node
	for o := range r.graph.Node(n).Outputs {
		v := r.graph.OutputAt(n, o)
		if r.versions[v] = old.versions[v]; old.versions[v] != "" {
			versions[r.graph.Node(n).Outputs[o].Name] = old.versions[v]
		}
		write, known := old.table.Recorded(v)
		if !known {
			continue
		}
		r.table.Set(v, write)
		if write != "" {
			if writes == nil {
				writes = map[string]string{}
			}
			writes[r.graph.Node(n).Outputs[o].Name] = write
		}
	}
	return versions, writes
}

// leaveOut records that a step is not run since only what failed is.
func (r *run) leaveOut(step int32, at storage.Micros) {
	err := fmt.Errorf("%w: only what failed in run %s is run again", ErrSkip, r.Reuse.RunID)
	r.detailOf(step).err = err
	d := storage.Detail{Error: err.Error()}
	r.record(storage.Fact{Step: step, At: at}.Skipped(step, false), d.AppendJSON(nil))
	r.notice(step, StepNotice{Kind: storage.StepSkipped, At: at.Time(), Err: err})
}
