package decide

import (
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/storage"
)

// queues are where steps wait to be started: ready ones in their lane or with those that need the
// same pool slots, others for their retry. It keeps the bounds on what runs at once.
type queues struct {
	stepTable

	lanes   [plan.Lanes]lane
	classes []class
	retries retryQueue
	running int
}

// lane bounds how many of its steps run at once. Its ready steps hold no pool slots.
type lane struct {
	capacity, running int
	ready             indexSet
	claimed           indexSet // steps that have their slots and go first
}

// class has the ready steps that need the same pool slots. No more of them ask for slots at once
// than could run: a run of thousands of steps does not fill the line before another run's.
type class struct {
	ready indexSet
	asked [plan.Lanes]int // steps that wait for slots, or have them and wait for a place
}

// grow makes room for all steps.
func (q *queues) grow() {
	for l := range q.lanes {
		q.lanes[l].ready.grow(len(q.steps))
		if len(q.classes) > 0 {
			q.lanes[l].claimed.grow(len(q.steps))
		}
	}
	for c := range q.classes {
		q.classes[c].ready.grow(len(q.steps))
	}
}

// makeReady moves a pending step whose upstreams have all succeeded to where it can be started.
func (q *queues) makeReady(s int32) {
	st := &q.steps[s]
	if st.status != Pending || st.waits > 0 {
		return
	}
	if st.group >= 0 {
		g := &q.groups[st.group]
		if q.steps[g.step].waits > 0 { // what it takes its element from is being made again
			return
		}
		if g.capacity > 0 && g.exposed >= g.capacity {
			g.held.add(s - g.first)
			return
		}
		g.exposed++
	}
	st.status = Ready
	q.readySet(s).add(s)
}

// readySet is where a ready step waits: with those of its lane, or with those that need the same
// slots.
func (q *queues) readySet(s int32) *indexSet {
	if c := q.classOf(s); c >= 0 {
		return &q.classes[c].ready
	}
	return &q.lanes[q.laneOf(s)].ready
}

// withdraw takes a step that has no outcome out of wherever it waits; it is pending afterwards.
func (q *queues) withdraw(s int32) {
	st := &q.steps[s]
	was := st.status
	st.status, st.retryAt = Pending, 0
	switch was {
	case Pending:
		if st.group >= 0 {
			q.groups[st.group].held.remove(s - q.groups[st.group].first)
		}
	case Ready:
		q.readySet(s).remove(s)
		q.conceal(s)
	case Claiming, Claimed:
		q.unask(s)
		q.conceal(s)
	case Running:
		q.running--
		q.lanes[q.laneOf(s)].running--
		q.conceal(s)
	case Retrying:
		q.retries.remove(s)
	default:
		panic("decide: withdraw of a step with an outcome")
	}
}

// unask takes a step out of those that wait for slots or have some.
func (q *queues) unask(s int32) {
	l := q.laneOf(s)
	q.lanes[l].claimed.remove(s)
	q.classes[q.classOf(s)].asked[l]--
}

// unready takes a step out of where it waits to be started, and reports whether it was there.
func (q *queues) unready(s int32) bool {
	st := &q.steps[s]
	switch st.status {
	case Ready:
		q.readySet(s).remove(s)
	case Retrying:
		q.retries.remove(s)
		if st.group >= 0 {
			q.groups[st.group].exposed++
		}
	default:
		return false
	}
	return true
}

// conceal gives back an instance's place in its group to the next one that is held.
func (q *queues) conceal(s int32) {
	at := q.steps[s].group
	if at < 0 {
		return
	}
	g := &q.groups[at]
	g.exposed--
	if next := g.held.next(0); next >= 0 && (g.capacity == 0 || g.exposed < g.capacity) {
		g.held.remove(next)
		q.makeReady(g.first + next)
	}
}

// retry has a step wait for its next attempt.
func (q *queues) retry(s int32, at storage.Micros) {
	q.steps[s].status, q.steps[s].retryAt = Retrying, at
	q.retries.add(s, at)
}

// unclaim puts a step back to where it was before its slots were asked for.
func (q *queues) unclaim(s int32) {
	st := &q.steps[s]
	if at := st.retryAt; at != 0 {
		q.withdraw(s)
		q.retry(s, at)
		return
	}
	q.unask(s)
	st.status = Ready // it keeps its place among the instances of its map
	q.readySet(s).add(s)
}

// mayAsk reports whether any lane has room for another step of the class to ask for slots.
func (q *queues) mayAsk(c int, free, asked [plan.Lanes]int) bool {
	for l := range q.lanes {
		if q.classes[c].asked[l]+asked[l] < free[l] {
			return true
		}
	}
	return false
}

// applyClaiming notes that slots were asked for: for a step that is ready, or whose retry is due.
func (q *queues) applyClaiming(f *storage.Fact) {
	st := &q.steps[f.Step]
	c := q.classOf(f.Step)
	if c < 0 || f.Attempt != st.attempt+1 || !q.unready(f.Step) {
		return
	}
	st.status = Claiming
	q.classes[c].asked[q.laneOf(f.Step)]++
}
