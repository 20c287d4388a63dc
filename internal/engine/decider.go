package engine

import (
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/storage"
)

// CommandKind says what the driver is asked to do.
type CommandKind uint8

// The commands. Each is consumed by applying the fact that it leads to.
const (
	// Start an attempt of a step; consumed by StepStarted.
	Start CommandKind = iota
	// Claim the pool slots that an attempt of a step needs; consumed by StepClaiming.
	Claim
	// Skip records that a step is not run; consumed by StepSkipped.
	Skip
	// Cancel records that a step is stopped with its run; consumed by StepCanceled.
	Cancel
	// End closes the run; consumed by RunEnded.
	End
)

// Command is one thing to do now.
type Command struct {
	Kind CommandKind
	// Step is the step, NoStep for End. Attempt is the ordinal to start or to claim for.
	Step, Attempt int32
	// Cause is the step that a skip goes back to.
	Cause int32
	// State is the state in which the run ends.
	State storage.RunState
}

// The facts of pool slots are folded and not stored: a crash frees the slots, and who adopts the run
// claims them anew. Their kinds are none of storage's.
const (
	// StepClaiming says that slots were asked for on behalf of an attempt.
	StepClaiming storage.EventKind = 0xf0 + iota
	// StepClaimed says that they were granted.
	StepClaimed
)

type status uint8

const (
	pending status = iota
	ready
	claiming // it waits for pool slots, and takes no place in its lane
	claimed  // it has them, and waits for a place
	running
	retrying
	succeeded
	failed
	skipped
	canceled
)

func (s status) outcome() bool { return s >= succeeded }

// Decider is the state of one run. It is not safe for concurrent use.
type Decider struct {
	plan  *plan.Plan
	steps []stepState
	// groups are the unfolded mapped steps, groupOf finds one by its mapped step.
	groups  []group
	groupOf map[int32]int32
	lanes   [plan.Lanes]lane
	classes []class
	retries retryQueue
	// unrecorded are skips that follow from a recorded failure but are not recorded themselves.
	unrecorded indexSet
	counts     storage.StepCounts
	open       int // steps without an outcome
	running    int
	canceling  bool
	ended      bool
	scratch    []int32
}

type stepState struct {
	status   status
	attempt  int32
	failures int32
	waits    int32 // upstreams that have not succeeded
	cause    int32
	group    int32 // of an instance, -1 for a step of the plan
	partial  bool  // it failed or was skipped, and some of its partitions may be there
	retryAt  storage.Micros
}

// lane bounds how many of its steps run at once. Its ready steps hold no pool slots.
type lane struct {
	capacity, running int
	ready             indexSet
	claimed           indexSet // steps that have their slots and go first
}

// class has the ready steps that need the same pool slots. No more of them ask for slots at once than
// could run: a run of thousands of steps does not fill the line before another run's.
type class struct {
	ready indexSet
	asked [plan.Lanes]int // steps that wait for slots, or have them and wait for a place
}

// NewDecider returns the state of a run of p before its first fact.
func NewDecider(p *plan.Plan) *Decider {
	d := &Decider{plan: p, steps: make([]stepState, len(p.Steps)), open: len(p.Steps)}
	for l := range d.lanes {
		d.lanes[l].capacity = max(p.Capacity[l], 1)
	}
	d.classes = make([]class, len(p.Classes))
	d.grow()
	for s := range d.steps {
		d.steps[s] = stepState{waits: p.Waits(int32(s)), group: -1, cause: storage.NoStep}
		d.makeReady(int32(s))
	}
	return d
}

func (d *Decider) grow() {
	for l := range d.lanes {
		d.lanes[l].ready.grow(len(d.steps))
		if len(d.classes) > 0 {
			d.lanes[l].claimed.grow(len(d.steps))
		}
	}
	for c := range d.classes {
		d.classes[c].ready.grow(len(d.steps))
	}
	d.unrecorded.grow(len(d.steps))
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
		if st := d.steps[s].status; !st.outcome() && st != running {
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

func (d *Decider) start(s int32) Command {
	return Command{Kind: Start, Step: s, Attempt: d.steps[s].attempt + 1}
}

// claims asks for slots in the lanes that have room, retries that are due first. The commands since first
// have chosen retries already.
func (d *Decider) claims(now storage.Micros, free [plan.Lanes]int, first int, buf []Command) []Command {
	asked := make([][plan.Lanes]int, len(d.classes))
	claim := func(s int32) {
		l, c := d.laneOf(s), d.classOf(s)
		if d.classes[c].asked[l]+asked[c][l] < free[l] {
			asked[c][l]++
			buf = append(buf, Command{Kind: Claim, Step: s, Attempt: d.steps[s].attempt + 1})
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

// mayAsk reports whether any lane has room for another step of the class to ask for slots.
func (d *Decider) mayAsk(c int, free, asked [plan.Lanes]int) bool {
	for l := range d.lanes {
		if d.classes[c].asked[l]+asked[l] < free[l] {
			return true
		}
	}
	return false
}

// Wake returns the instant of the earliest retry that is still to come after now, zero for none.
func (d *Decider) Wake(now storage.Micros) storage.Micros {
	if d.canceling || d.ended {
		return 0
	}
	return d.retries.after(now)
}

// Running reports whether this attempt of the step is in progress.
func (d *Decider) Running(step, attempt int32) bool {
	return int(step) < len(d.steps) && d.steps[step].status == running && d.steps[step].attempt == attempt
}

// Claiming reports whether this attempt of the step waits for pool slots.
func (d *Decider) Claiming(step, attempt int32) bool {
	return int(step) < len(d.steps) && d.steps[step].status == claiming && d.steps[step].attempt+1 == attempt
}

// Holds reports whether the step has pool slots, or waits for some.
func (d *Decider) Holds(step int32) bool {
	st := d.steps[step].status
	return st == claiming || st == claimed || st == running && d.classOf(step) >= 0
}

// InProgress appends the steps that are running, in order.
func (d *Decider) InProgress(buf []int32) []int32 {
	for s := range d.steps {
		if d.steps[s].status == running {
			buf = append(buf, int32(s))
		}
	}
	return buf
}

// Failures returns how many attempts of the step have failed.
func (d *Decider) Failures(step int32) int { return int(d.steps[step].failures) }

// Counts returns the outcomes so far.
func (d *Decider) Counts() storage.StepCounts { return d.counts }

// Canceling reports whether the run was asked to stop.
func (d *Decider) Canceling() bool { return d.canceling }

// Ended reports whether the run has its end.
func (d *Decider) Ended() bool { return d.ended }

func (d *Decider) laneOf(s int32) plan.Lane { return d.plan.Steps[d.planned(s)].Lane }

// classOf is the class of pool slots that a step needs, -1 for none. A mapped step that has not unfolded
// needs none: its instances do.
func (d *Decider) classOf(s int32) int32 {
	if len(d.classes) == 0 {
		return -1
	}
	at := d.planned(s)
	if at == s && d.plan.Steps[s].Mapped {
		return -1
	}
	return d.plan.Steps[at].Class
}

// makeReady moves a pending step whose upstreams have all succeeded to where it can be started.
func (d *Decider) makeReady(s int32) {
	st := &d.steps[s]
	if st.status != pending || st.waits > 0 {
		return
	}
	if st.group >= 0 {
		g := &d.groups[st.group]
		if d.steps[g.step].waits > 0 { // what it takes its element from is being made again
			return
		}
		if g.capacity > 0 && g.exposed >= g.capacity {
			g.held.add(s - g.first)
			return
		}
		g.exposed++
	}
	st.status = ready
	d.readySet(s).add(s)
}

// readySet is where a ready step waits: with those of its lane, or with those that need the same slots.
func (d *Decider) readySet(s int32) *indexSet {
	if c := d.classOf(s); c >= 0 {
		return &d.classes[c].ready
	}
	return &d.lanes[d.laneOf(s)].ready
}

// withdraw takes a step that has no outcome out of wherever it waits; it is pending afterwards.
func (d *Decider) withdraw(s int32) {
	st := &d.steps[s]
	was := st.status
	st.status = pending
	switch was {
	case pending:
		if st.group >= 0 {
			d.groups[st.group].held.remove(s - d.groups[st.group].first)
		}
	case ready:
		d.readySet(s).remove(s)
		d.conceal(s)
	case claiming, claimed:
		d.unask(s)
		d.conceal(s)
	case running:
		d.running--
		d.lanes[d.laneOf(s)].running--
		d.conceal(s)
	case retrying:
		d.retries.remove(s)
	default:
		panic("engine: withdraw of a step with an outcome")
	}
}

// unask takes a step out of those that wait for slots or have some.
func (d *Decider) unask(s int32) {
	l := d.laneOf(s)
	d.lanes[l].claimed.remove(s)
	d.classes[d.classOf(s)].asked[l]--
}

// settle gives a withdrawn step its outcome.
func (d *Decider) settle(s int32, outcome status) {
	d.steps[s].status = outcome
	d.open--
	*d.tally(outcome)++
}

func (d *Decider) tally(outcome status) *int {
	switch outcome {
	case succeeded:
		return &d.counts.Succeeded
	case failed:
		return &d.counts.Failed
	case skipped:
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
	if st.status.outcome() || st.status == running {
		return false
	}
	d.withdraw(s)
	d.settle(s, skipped)
	st.cause = cause
	d.unrecorded.add(s)
	return true
}

// downOf returns the steps of the plan that wait for s; for an instance, those that wait for its map.
func (d *Decider) downOf(s int32) []int32 { return d.plan.Down(d.planned(s)) }
