package engine

import (
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/storage"
)

// Apply folds one recorded fact. A fact that the state has already, or that comes from an
// attempt that is over, changes nothing.
func (d *Decider) Apply(f storage.Fact) {
	if d.ended {
		return
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
		if !d.steps[f.Step].status.outcome() {
			d.withdraw(f.Step)
			d.settle(f.Step, canceled)
		}
	case storage.StepReopened:
		d.reopen(f.Step)
	case storage.StepReused:
		d.applyReused(f)
	case StepClaiming:
		d.applyClaiming(f)
	case StepClaimed:
		if d.Claiming(f.Step, f.Attempt) {
			d.steps[f.Step].status = claimed
			d.lanes[d.laneOf(f.Step)].claimed.add(f.Step)
		}
	}
}

// applyClaiming notes that slots were asked for: for a step that is ready, or whose retry is due.
func (d *Decider) applyClaiming(f storage.Fact) {
	st := &d.steps[f.Step]
	c := d.classOf(f.Step)
	if c < 0 || f.Attempt != st.attempt+1 || !d.unready(f.Step) {
		return
	}
	st.status = claiming
	d.classes[c].asked[d.laneOf(f.Step)]++
}

// unready takes a step out of where it waits to be started, and reports whether it was there.
func (d *Decider) unready(s int32) bool {
	st := &d.steps[s]
	switch st.status {
	case ready:
		d.readySet(s).remove(s)
	case retrying:
		d.retries.remove(s)
		if st.group >= 0 {
			d.groups[st.group].exposed++
		}
	default:
		return false
	}
	return true
}

func (d *Decider) applyStarted(f storage.Fact) {
	st := &d.steps[f.Step]
	switch {
	case st.status == claiming, st.status == claimed:
		d.unask(f.Step)
	case !d.unready(f.Step):
		return
	}
	st.status, st.attempt, st.retryAt = running, f.Attempt, 0
	d.running++
	d.lanes[d.laneOf(f.Step)].running++
}

// finish takes a running attempt off its lane; it reports false when the fact is of another attempt. An
// attempt may also fail before it starts, for want of its pool slots.
func (d *Decider) finish(f storage.Fact) bool {
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

// waits reports whether a fact is of the next attempt of a step that waits to be started and needs slots.
func (d *Decider) waits(f storage.Fact) bool {
	st := &d.steps[f.Step]
	waiting := st.status == ready || st.status == claiming || st.status == claimed || st.status == retrying
	return waiting && f.Attempt == st.attempt+1 && d.classOf(f.Step) >= 0
}

func (d *Decider) applySucceeded(f storage.Fact) {
	if !d.finish(f) {
		return
	}
	d.settle(f.Step, succeeded)
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
// instances, each of which is reused or runs.
func (d *Decider) applyReused(f storage.Fact) {
	if st := d.steps[f.Step].status; st != pending && st != ready {
		return
	}
	d.withdraw(f.Step)
	d.settle(f.Step, succeeded)
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
func (d *Decider) applyExpanded(f storage.Fact) {
	if !d.finish(f) {
		return
	}
	d.settle(f.Step, succeeded)
	if at, again := d.groupOf[f.Step]; again {
		d.instanceLeft(at)
		return
	}
	d.expand(f)
}

// expand adds the instances of a mapped step.
func (d *Decider) expand(f storage.Fact) {
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

func (d *Decider) applyFailed(f storage.Fact) {
	if !d.finish(f) {
		return
	}
	st := &d.steps[f.Step]
	st.failures++
	if f.RetryAt != 0 {
		d.retry(f.Step, f.RetryAt)
		return
	}
	d.settle(f.Step, failed)
	if st.partial = f.Cause > 0; st.partial { // what waits for it goes on with what there is
		for _, down := range d.plan.Down(f.Step) {
			d.release(down)
		}
		return
	}
	d.skipDownstream(f.Step, f.Step)
}

// retry has a step wait for its next attempt.
func (d *Decider) retry(s int32, at storage.Micros) {
	d.steps[s].status, d.steps[s].retryAt = retrying, at
	d.retries.add(s, at)
}

func (d *Decider) applySkipped(f storage.Fact) {
	st := &d.steps[f.Step]
	if !st.status.outcome() {
		d.withdraw(f.Step)
		d.settle(f.Step, skipped)
		if st.cause, st.partial = f.Cause, f.Status != 0; st.partial {
			for _, down := range d.plan.Down(f.Step) {
				d.release(down)
			}
		} else {
			d.skipDownstream(f.Step, f.Cause)
		}
	}
	if st.status == skipped {
		d.unrecorded.remove(f.Step)
	}
}

// adopt gives back the steps in progress: nobody runs them any more. Their attempts count as
// attempts but not as failures.
func (d *Decider) adopt() {
	for s := range d.steps {
		switch d.steps[s].status {
		case running:
			d.withdraw(int32(s))
		case claiming, claimed:
			d.unclaim(int32(s))
		}
	}
	for s := range d.steps {
		d.makeReady(int32(s))
	}
}

// unclaim puts a step back to where it was before its slots were asked for.
func (d *Decider) unclaim(s int32) {
	st := &d.steps[s]
	if st.retryAt != 0 {
		d.withdraw(s)
		d.retry(s, st.retryAt)
		return
	}
	d.unask(s)
	st.status = ready // it keeps its place among the instances of its map
	d.readySet(s).add(s)
}

// reopen takes back a success whose value is gone. What had succeeded from it stays.
func (d *Decider) reopen(s int32) {
	st := &d.steps[s]
	if st.status != succeeded {
		return
	}
	if _, unfolded := d.groupOf[s]; unfolded { // its instances have the values, not the mapped step
		return
	}
	d.counts.Succeeded--
	d.open++
	st.status = pending
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

// lostUpstream returns what an upstream without a success goes back to: a step reopened behind one
// can never run again.
func (d *Decider) lostUpstream(s int32) (cause int32, lost bool) {
	if at := d.steps[s].group; at >= 0 {
		s = d.groups[at].step
	}
	for _, node := range d.plan.Graph.Up(d.plan.Steps[s].Node) {
		up, planned := d.plan.StepOf(node)
		if !planned {
			continue
		}
		switch d.steps[up].status {
		case failed:
			if !d.steps[up].partial {
				return up, true
			}
		case skipped:
			if !d.steps[up].partial {
				return d.steps[up].cause, true
			}
		}
		if at, unfolded := d.groupOf[up]; unfolded {
			if cause, lost := d.lostInstance(at); lost {
				return cause, true
			}
		}
	}
	return storage.NoStep, false
}

func (d *Decider) lostInstance(at int32) (cause int32, lost bool) {
	g := d.groups[at]
	for i := g.first; i < g.first+g.count; i++ {
		switch d.steps[i].status {
		case failed:
			return i, true
		case skipped:
			return d.steps[i].cause, true
		}
	}
	return storage.NoStep, false
}

// blockDownstream makes what waits for s wait again.
func (d *Decider) blockDownstream(s int32) {
	for _, down := range d.plan.Down(s) {
		d.steps[down].waits++
		if st := d.steps[down].status; st != pending && st != running && !st.outcome() {
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
		if st := d.steps[i].status; st != running && !st.outcome() {
			d.withdraw(i)
		}
	}
}

// Replay returns the state of a run of p after the given facts.
func Replay(p *plan.Plan, facts []storage.Fact) *Decider {
	d := NewDecider(p)
	for _, f := range facts {
		d.Apply(f)
	}
	return d
}
