package decide

import (
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Decider is the state of one run. It is not safe for concurrent use.
type Decider struct {
	queues

	// parts is nil for a run in which no step has partitions.
	parts    *Partitions
	rejected Rejections
	// unrecorded are skips that follow from a recorded failure but are not recorded themselves.
	unrecorded indexSet
	counts     storage.StepCounts
	open       int // steps without an outcome
	canceling  bool
	ended      bool
	scratch    []int32
}

// Work is what a run is to do.
type Work struct {
	Plan *plan.Plan
	// Partitions are those that each step is to make; nil, or empty sets, for steps without.
	Partitions []partition.Set
	// Assignment defines which partitions read which; nil where the definitions are not known, so that
	// none is blocked.
	Assignment *plan.Assignment
}

// New returns the state of a run before its first event.
func New(w Work) *Decider {
	p := w.Plan
	d := &Decider{open: len(p.Steps)}
	d.plan, d.steps = p, make([]stepState, len(p.Steps))
	d.parts = newPartitions(p, w.Assignment, w.Partitions)
	for l := range d.lanes {
		d.lanes[l].capacity = max(p.Capacity[l], 1)
	}
	d.classes = make([]class, len(p.Classes))
	d.grow()
	d.unrecorded.grow(len(d.steps))
	for s := range d.steps {
		d.steps[s] = stepState{waits: p.Waits(int32(s)), group: -1, cause: storage.NoStep}
		d.makeReady(int32(s))
	}
	return d
}

// Next appends to buf what should happen at the instant now. It changes nothing.
func (d *Decider) Next(now storage.Micros, buf []Command) []Command {
	if d.ended {
		return buf
	}
	for s := d.unrecorded.next(0); s >= 0; s = d.unrecorded.next(s + 1) {
		buf = append(buf, Command{Kind: Skip, Step: s, Cause: d.steps[s].cause})
	}
	switch {
	case d.open == 0 && d.unrecorded.count == 0:
		return append(buf, Command{Kind: End, Step: storage.NoStep, State: d.endState()})
	case d.open == d.running:
		return buf
	case d.canceling:
		return d.cancels(buf)
	}
	return d.starts(now, buf)
}

func (d *Decider) endState() storage.RunState {
	switch {
	case d.canceling:
		return storage.Canceled
	case d.counts.Failed > 0:
		return storage.Failure
	}
	return storage.Success
}

// cancels stops every step that has no outcome and is not running.
func (d *Decider) cancels(buf []Command) []Command {
	for s := range d.steps {
		if st := d.steps[s].status; !st.IsOutcome() && st != Running {
			buf = append(buf, Command{Kind: Cancel, Step: int32(s), Attempt: d.steps[s].attempt})
		}
	}
	return buf
}

// starts fills the free places of the lanes: first with steps that have their pool slots, then with
// retries that are due, then by index. While a lane has a free place, slots are asked for too.
func (d *Decider) starts(now storage.Micros, buf []Command) []Command {
	var free [plan.Lanes]int
	for l := range d.lanes {
		free[l] = d.lanes[l].capacity - d.lanes[l].running
		claimed := &d.lanes[l].claimed
		for s := claimed.next(0); s >= 0 && free[l] > 0; s = claimed.next(s + 1) {
			free[l]--
			buf = append(buf, d.start(s))
		}
	}
	first := len(buf)
	for _, s := range d.retries.due(now) {
		l := d.laneOf(s)
		if d.classOf(s) < 0 && free[l] > 0 && d.groupHasRoom(s, buf[first:]) {
			free[l]--
			buf = append(buf, d.start(s))
		}
	}
	if len(d.classes) > 0 { // before others take the places, else slots would be asked for last of all
		buf = d.claims(now, free, first, buf)
	}
	for l := range d.lanes {
		ready := &d.lanes[l].ready
		for s := ready.next(0); s >= 0 && free[l] > 0; s = ready.next(s + 1) {
			free[l]--
			buf = append(buf, d.start(s))
		}
	}
	return buf
}

func (d *Decider) start(s int32) Command { return d.attempt(Start, s) }

// attempt asks for the next attempt of a step, or for its skip where all that it would make is
// blocked.
func (d *Decider) attempt(kind CommandKind, s int32) Command {
	if d.parts != nil {
		at := d.Planned(s)
		if cause, nothing := d.parts.nothingLeft(at); nothing {
			return Command{Kind: Skip, Step: s, Cause: cause, Partial: d.parts.Has(at)}
		}
	}
	return Command{Kind: kind, Step: s, Attempt: d.steps[s].attempt + 1}
}

// claims asks for slots in the lanes that have room, retries that are due first. The commands since
// first have chosen retries already.
func (d *Decider) claims(now storage.Micros, free [plan.Lanes]int, first int, buf []Command) []Command {
	asked := make([][plan.Lanes]int, len(d.classes))
	claim := func(s int32) {
		l, c := d.laneOf(s), d.classOf(s)
		if d.classes[c].asked[l]+asked[c][l] < free[l] {
			asked[c][l]++
			buf = append(buf, d.attempt(Claim, s))
		}
	}
	for _, s := range d.retries.due(now) {
		if d.classOf(s) >= 0 && d.groupHasRoom(s, buf[first:]) {
			claim(s)
		}
	}
	for c := range d.classes {
		ready := &d.classes[c].ready
		for s := ready.next(0); s >= 0 && d.mayAsk(c, free, asked[c]); s = ready.next(s + 1) {
			claim(s)
		}
	}
	return buf
}

// Wake returns the instant of the earliest retry that is still to come after now, zero for none.
func (d *Decider) Wake(now storage.Micros) storage.Micros {
	if d.canceling || d.ended {
		return 0
	}
	return d.retries.after(now)
}

// Partitions returns what is known of the steps' partitions; nil where no step has any.
func (d *Decider) Partitions() *Partitions { return d.parts }

// Rejected returns what did not pass the blocking checks.
func (d *Decider) Rejected() *Rejections { return &d.rejected }

// Open returns how many steps have no outcome.
func (d *Decider) Open() int { return d.open }

// Counts returns the outcomes so far.
func (d *Decider) Counts() storage.StepCounts { return d.counts }

// Canceling reports whether the run was asked to stop.
func (d *Decider) Canceling() bool { return d.canceling }

// Ended reports whether the run has its end.
func (d *Decider) Ended() bool { return d.ended }

// settle gives a withdrawn step its outcome.
func (d *Decider) settle(s int32, outcome Status) {
	d.steps[s].status = outcome
	d.open--
	if d.parts != nil && int(s) < len(d.plan.Steps) {
		d.parts.close(s)
	}
	*d.tally(outcome)++
}

func (d *Decider) tally(outcome Status) *int {
	switch outcome {
	case Succeeded:
		return &d.counts.Succeeded
	case Failed:
		return &d.counts.Failed
	case Skipped:
		return &d.counts.Skipped
	default:
		return &d.counts.Canceled
	}
}

// skipDownstream skips everything that waits for s, directly or not.
func (d *Decider) skipDownstream(s, cause int32) {
	stack := d.scratch[:0]
	stack = append(stack, s)
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, down := range d.downOf(at) {
			if d.skip(down, cause) {
				stack = append(stack, down)
			}
			if at, ok := d.groupOf[down]; ok { // unfolded before s was reopened
				stack = d.skipInstances(at, cause, stack)
			}
		}
	}
	d.scratch = stack[:0]
}

func (d *Decider) skipInstances(at, cause int32, stack []int32) []int32 {
	g := d.groups[at]
	for i := g.first; i < g.first+g.count; i++ {
		if d.skip(i, cause) {
			stack = append(stack, i)
		}
	}
	return stack
}

// skip skips one step, unless it has an outcome or runs; it reports whether it did.
func (d *Decider) skip(s, cause int32) bool {
	st := &d.steps[s]
	if st.status.IsOutcome() || st.status == Running {
		return false
	}
	d.withdraw(s)
	d.settle(s, Skipped)
	st.cause = cause
	d.unrecorded.add(s)
	return true
}
