package decide

import (
	"github.com/rivers-go/rivers/storage"
)

// Apply folds one event. An event that the state has already, or that is of an attempt that is
// over, changes nothing.
func (d *Decider) Apply(e Event) {
	if d.ended {
		return
	}
	f := &e.Fact
	if d.parts != nil && f.Step >= 0 {
		d.applyPartitions(&e)
	}
	switch f.Kind {
	case storage.RunCanceling:
		d.canceling = true
	case storage.RunAdopted:
		d.adopt()
	case storage.RunEnded:
		d.ended = true
	case storage.StepStarted:
		d.applyStarted(f)
	case storage.StepExpanded:
		d.applyExpanded(f)
	case storage.StepSucceeded:
		d.applySucceeded(f)
	case storage.StepFailed:
		d.applyFailed(f)
	case storage.StepSkipped:
		d.applySkipped(f)
	case storage.StepCanceled:
		if !d.steps[f.Step].status.IsOutcome() {
			d.withdraw(f.Step)
			d.settle(f.Step, Canceled)
		}
	case storage.StepReopened:
		d.reopen(f.Step)
	case storage.StepReused:
		d.applyReused(f)
	case storage.CheckEvaluated:
		d.rejected.fold(&e)
	case StepClaiming:
		d.applyClaiming(f)
	case StepClaimed:
		if d.Claiming(f.Step, f.Attempt) {
			d.steps[f.Step].status = Claimed
			d.lanes[d.laneOf(f.Step)].claimed.add(f.Step)
		}
	}
}

// applyPartitions notes the partitions of an event for its step, before the step may get its
// outcome by it.
func (d *Decider) applyPartitions(e *Event) {
	s := d.Planned(e.Step)
	if !d.parts.Has(s) {
		return
	}
	switch e.Kind {
	case storage.StepSucceeded, storage.StepExpanded:
		if e.Step != s || !d.Running(e.Step, e.Attempt) { // an instance makes no partition, a late report none either
			return
		}
	case storage.StepReused:
		if e.Step != s {
			return
		}
	}
	d.parts.fold(s, e)
}

func (d *Decider) applyStarted(f *storage.Fact) {
	st := &d.steps[f.Step]
	switch {
	case st.status == Claiming, st.status == Claimed:
		d.unask(f.Step)
	case !d.unready(f.Step):
		return
	}
	st.status, st.attempt, st.retryAt = Running, f.Attempt, 0
	d.running++
	d.lanes[d.laneOf(f.Step)].running++
}

// finish takes a running attempt off its lane; it reports false when the fact is of another
// attempt. An attempt may also fail before it starts, for want of its pool slots.
func (d *Decider) finish(f *storage.Fact) bool {
	if st := &d.steps[f.Step]; f.Kind == storage.StepFailed && d.waits(f) {
		d.withdraw(f.Step)
		st.attempt = f.Attempt
		return true
	}
	if !d.Running(f.Step, f.Attempt) {
		return false
	}
	d.withdraw(f.Step)
	return true
}

func (d *Decider) applySucceeded(f *storage.Fact) {
	if !d.finish(f) {
		return
	}
	d.settle(f.Step, Succeeded)
	if at := d.steps[f.Step].group; at >= 0 {
		d.instanceDone(at)
		return
	}
	for _, down := range d.plan.Down(f.Step) {
		d.release(down)
	}
}

// release counts down what a step waits for.
func (d *Decider) release(s int32) {
	d.steps[s].waits--
	d.makeReady(s)
	if at, ok := d.groupOf[s]; ok && d.steps[s].waits == 0 {
		for i := range d.groups[at].count { // its value was made again, so its instances may go on
			d.makeReady(d.groups[at].first + i)
		}
	}
}

func (d *Decider) instanceDone(at int32) {
	g := &d.groups[at]
	if g.left--; g.left == 0 {
		for _, down := range d.plan.Down(g.step) {
			d.release(down)
		}
	}
}

// applyReused is the success of a step in the run that this one retries. A mapped one has its
// instances; each is reused or runs.
func (d *Decider) applyReused(f *storage.Fact) {
	if st := d.steps[f.Step].status; st != Pending && st != Ready {
		return
	}
	d.withdraw(f.Step)
	d.settle(f.Step, Succeeded)
	if at := d.steps[f.Step].group; at >= 0 {
		d.instanceDone(at)
		return
	}
	if d.plan.Steps[f.Step].Mapped {
		d.expand(f)
		return
	}
	for _, down := range d.plan.Down(f.Step) {
		d.release(down)
	}
}

// applyExpanded is the success of a mapped step: its body is to unfold. What waits for it goes on
// waiting for the instances.
func (d *Decider) applyExpanded(f *storage.Fact) {
	if !d.finish(f) {
		return
	}
	d.settle(f.Step, Succeeded)
	if at, again := d.groupOf[f.Step]; again {
		d.instanceLeft(at)
		return
	}
	d.expand(f)
}

// expand adds the instances of a mapped step.
func (d *Decider) expand(f *storage.Fact) {
	if d.groupOf == nil {
		d.groupOf = map[int32]int32{}
	}
	at, first := int32(len(d.groups)), int32(len(d.steps))
	d.groupOf[f.Step] = at
	d.groups = append(d.groups, group{
		step: f.Step, first: first, count: f.Cause, left: f.Cause,
		capacity: d.plan.Steps[f.Step].MaxConcurrency,
	})
	d.groups[at].held.grow(int(f.Cause))
	for range f.Cause {
		d.steps = append(d.steps, stepState{group: at, cause: storage.NoStep})
	}
	d.open += int(f.Cause)
	d.grow()
	d.unrecorded.grow(len(d.steps))
	for i := range f.Cause {
		d.makeReady(first + i)
	}
	d.instanceLeft(at)
}

// instanceLeft releases what waits for a group in which nothing is left to do.
func (d *Decider) instanceLeft(at int32) {
	if d.groups[at].left == 0 {
		for _, down := range d.plan.Down(d.groups[at].step) {
			d.release(down)
		}
	}
}

func (d *Decider) applyFailed(f *storage.Fact) {
	if !d.finish(f) {
		return
	}
	st := &d.steps[f.Step]
	st.failures++
	if f.RetryAt != 0 {
		d.retry(f.Step, f.RetryAt)
		return
	}
	d.settle(f.Step, Failed)
	if st.partial = f.Cause > 0; st.partial { // what waits for it continues with what there is
		for _, down := range d.plan.Down(f.Step) {
			d.release(down)
		}
		return
	}
	d.skipDownstream(f.Step, f.Step)
}

func (d *Decider) applySkipped(f *storage.Fact) {
	st := &d.steps[f.Step]
	if !st.status.IsOutcome() {
		d.withdraw(f.Step)
		d.settle(f.Step, Skipped)
		if st.cause, st.partial = f.Cause, f.Status != 0; st.partial {
			for _, down := range d.plan.Down(f.Step) {
				d.release(down)
			}
		} else {
			d.skipDownstream(f.Step, f.Cause)
		}
	}
	if st.status == Skipped {
		d.unrecorded.remove(f.Step)
	}
}

// adopt gives back the steps in progress: nobody runs them now. Their attempts count as
// attempts but not as failures.
func (d *Decider) adopt() {
	for s := range d.steps {
		switch d.steps[s].status {
		case Running:
			d.withdraw(int32(s))
		case Claiming, Claimed:
			d.unclaim(int32(s))
		}
	}
	for s := range d.steps {
		d.makeReady(int32(s))
	}
}

// reopen takes back a success whose value is gone. What had succeeded from it stays.
func (d *Decider) reopen(s int32) {
	st := &d.steps[s]
	if st.status != Succeeded {
		return
	}
	if _, unfolded := d.groupOf[s]; unfolded { // its instances have the values, not the mapped step
		return
	}
	d.counts.Succeeded--
	d.open++
	st.status = Pending
	if st.group < 0 && d.parts.Has(s) {
		d.parts.reopen(s)
	}
	if st.group >= 0 {
		if g := &d.groups[st.group]; g.left == 0 {
			g.left++
			d.blockDownstream(g.step)
		} else {
			g.left++
		}
	} else {
		d.blockDownstream(s)
	}
	if cause, lost := d.lostUpstream(s); lost {
		d.skip(s, cause)
		d.skipDownstream(s, cause)
		return
	}
	d.makeReady(s)
}

// blockDownstream makes what waits for s wait again.
func (d *Decider) blockDownstream(s int32) {
	for _, down := range d.plan.Down(s) {
		d.steps[down].waits++
		if st := d.steps[down].status; st != Pending && st != Running && !st.IsOutcome() {
			d.withdraw(down)
		}
		if at, ok := d.groupOf[down]; ok {
			d.blockInstances(at)
		}
	}
}

func (d *Decider) blockInstances(at int32) {
	g := d.groups[at]
	for i := g.first; i < g.first+g.count; i++ {
		if st := d.steps[i].status; st != Running && !st.IsOutcome() {
			d.withdraw(i)
		}
	}
}

// Replay returns the state of a run after the given events.
func Replay(w Work, events []Event) *Decider {
	d := New(w)
	for i := range events {
		d.Apply(events[i])
	}
	return d
}
