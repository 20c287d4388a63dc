package decidetest

import (
	"slices"

	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// model is the naive view: what the events say about each step, recomputed from the first.
type model struct {
	work     decide.Work
	outcome  map[int32]storage.EventKind
	running  map[int32]int32
	expanded map[int32][2]int32 // mapped step -> first instance, count
	owner    map[int32]int32    // instance -> mapped step
	attempts map[int32]int32
	cause    map[int32]int32
	partial  map[int32]bool // ended, and not all of its partitions are lost
	made     map[int32]partition.Set
	reopened map[int32]bool
	claims   map[int32]bool // steps that asked for pool slots: true when they were granted
}

func look(w decide.Work, events []decide.Event) model {
	m := model{
		work: w, outcome: map[int32]storage.EventKind{}, running: map[int32]int32{}, expanded: map[int32][2]int32{},
		owner: map[int32]int32{}, attempts: map[int32]int32{}, cause: map[int32]int32{}, partial: map[int32]bool{},
		made: map[int32]partition.Set{}, reopened: map[int32]bool{}, claims: map[int32]bool{},
	}
	for i := range events {
		m.fold(&events[i])
	}
	return m
}

func (m *model) fold(e *decide.Event) {
	if e.Kind < decide.StepClaiming && e.Kind != storage.CheckEvaluated && e.Kind != storage.AssetMaterialized {
		delete(m.claims, e.Step)
	}
	switch e.Kind {
	case decide.StepClaiming, decide.StepClaimed:
		m.claims[e.Step] = e.Kind == decide.StepClaimed
	case storage.StepStarted:
		m.running[e.Step], m.attempts[e.Step] = e.Attempt, e.Attempt
	case storage.StepExpanded:
		m.expand(e)
	case storage.StepSucceeded, storage.StepSkipped, storage.StepCanceled:
		delete(m.running, e.Step)
		m.outcome[e.Step], m.cause[e.Step] = e.Kind, e.Cause
		m.partial[e.Step] = e.Kind == storage.StepSkipped && e.Status != 0
	case storage.StepFailed:
		delete(m.running, e.Step)
		m.attempts[e.Step] = e.Attempt // it may have failed before it started
		if e.RetryAt == 0 {
			m.outcome[e.Step], m.partial[e.Step] = e.Kind, e.Cause > 0
		}
	case storage.RunAdopted:
		clear(m.running)
		clear(m.claims)
	case storage.StepReopened:
		delete(m.outcome, e.Step)
		delete(m.made, e.Step)
		m.reopened[e.Step] = true
	}
	made := e.Kind == storage.AssetMaterialized || e.Kind == storage.StepSucceeded
	if e.Kind == storage.CheckEvaluated && !e.Rejected {
		state := storage.CheckState(e.Status)
		made = state == storage.CheckSucceeded || state == storage.CheckFailed
	}
	if made {
		m.made[e.Step] = m.made[e.Step].Union(e.Partitions)
	}
}

func (m *model) expand(e *decide.Event) {
	delete(m.running, e.Step)
	m.outcome[e.Step] = storage.StepSucceeded
	if _, again := m.expanded[e.Step]; again {
		return
	}
	first := m.steps()
	m.expanded[e.Step] = [2]int32{first, e.Cause}
	for i := range e.Cause {
		m.owner[first+i] = e.Step
	}
}

// steps is how many steps there are, with instances.
func (m *model) steps() int32 { return int32(len(m.work.Plan.Steps) + len(m.owner)) }

// upstreams returns the steps a step waits for, instances of a mapped one among them.
func (m *model) upstreams(s int32) []int32 {
	if owner, ok := m.owner[s]; ok {
		return append(m.upstreams(owner), owner)
	}
	var ups []int32
	for u := range int32(len(m.work.Plan.Steps)) {
		if slices.Contains(m.work.Plan.Down(u), s) {
			ups = append(ups, u)
			if e, ok := m.expanded[u]; ok {
				for i := range e[1] {
					ups = append(ups, e[0]+i)
				}
			}
		}
	}
	return ups
}

// waitsFor returns an upstream that a step must still wait for, or that it can never run after.
func (m *model) waitsFor(s int32) (up int32, waits bool) {
	for _, u := range m.upstreams(s) {
		if m.outcome[u] != storage.StepSucceeded && !(m.partial[u] && m.outcome[u] != 0) {
			return u, true
		}
	}
	return 0, false
}

// planned is the step of the plan that a step is, or is an instance of.
func (m *model) planned(s int32) int32 {
	if owner, instance := m.owner[s]; instance {
		return owner
	}
	return s
}

func (m *model) partitioned(s int32) bool {
	return m.work.Assignment != nil && !m.work.Partitions[s].IsEmpty()
}

// lost is what a step that has its outcome has not made.
func (m *model) lost(s int32) partition.Set {
	if !m.partitioned(s) || m.outcome[s] == 0 {
		return partition.Set{}
	}
	return m.work.Partitions[s].Minus(m.made[s])
}

// left are the partitions of a step that read nothing that was lost, without those that were made;
// all reports that a step without partitions reads nothing that was lost.
func (m *model) left(s int32) (left partition.Set, all bool) {
	left, all = m.work.Partitions[s].Minus(m.made[s]), true
	p := m.work.Plan
	n := p.Steps[s].Node
	for k, v := range p.Graph.From(n) {
		_, from := p.Graph.Output(v)
		up, planned := p.StepOf(from)
		if !planned || p.Graph.Node(n).Inputs[k].Parts == nil || m.lost(up).IsEmpty() {
			continue
		}
		blocked, err := m.work.Assignment.Blocked(s, k, m.lost(up))
		if err != nil {
			panic(err)
		}
		left, all = left.Minus(blocked), all && blocked.IsEmpty()
	}
	return left, all
}

// blocked reports whether a step of the plan has nothing to do since all of it reads what was lost.
func (m *model) blocked(s int32) bool {
	if m.work.Assignment == nil {
		return false
	}
	left, all := m.left(s)
	if !m.partitioned(s) {
		return !all
	}
	return !all && left.IsEmpty() && m.made[s].IsEmpty()
}

// needsSlots reports whether a step needs slots of a pool: its plan's do, but not a map that
// unfolds.
func (m *model) needsSlots(s int32) bool {
	steps := m.work.Plan.Steps
	if owner, instance := m.owner[s]; instance {
		return steps[owner].Class >= 0
	}
	return steps[s].Class >= 0 && !steps[s].Mapped
}

// work returns a plan of some assets as the work of a run of all of their partitions.
func work(p *plan.Plan, cut *plan.Assignment) decide.Work {
	w := decide.Work{Plan: p, Assignment: cut}
	if cut != nil {
		w.Partitions = cut.Sets
	}
	return w
}

// isCheck reports whether a step of the plan is a check.
func (m *model) isCheck(s int32) bool {
	return m.work.Plan.Graph.Node(m.work.Plan.Steps[s].Node).Kind == graph.Check
}
