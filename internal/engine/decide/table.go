package decide

import (
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/storage"
)

// stepTable is the state of each step, and which of them are instances of mapped steps.
type stepTable struct {
	plan  *plan.Plan
	steps []stepState
	// groups are the unfolded mapped steps, groupOf finds one by its mapped step.
	groups  []group
	groupOf map[int32]int32
}

type stepState struct {
	status   Status
	attempt  int32
	failures int32
	waits    int32 // upstreams that have not succeeded
	cause    int32
	group    int32 // of an instance, -1 for a step of the plan
	partial  bool  // it failed or was skipped, and some of its partitions may be there
	retryAt  storage.Micros
}

// Len returns how many steps there are, with the instances that have unfolded so far.
func (t *stepTable) Len() int { return len(t.steps) }

// Status returns where a step is.
func (t *stepTable) Status(step int32) Status { return t.steps[step].status }

// Attempt returns the ordinal of a step's latest attempt, zero before the first.
func (t *stepTable) Attempt(step int32) int32 { return t.steps[step].attempt }

// Running reports whether this attempt of the step is in progress.
func (t *stepTable) Running(step, attempt int32) bool {
	return int(step) < len(t.steps) && t.steps[step].status == Running && t.steps[step].attempt == attempt
}

// Claiming reports whether this attempt of the step waits for pool slots.
func (t *stepTable) Claiming(step, attempt int32) bool {
	return int(step) < len(t.steps) && t.steps[step].status == Claiming && t.steps[step].attempt+1 == attempt
}

// Holds reports whether the step has pool slots, or waits for some.
func (t *stepTable) Holds(step int32) bool {
	st := t.steps[step].status
	return st == Claiming || st == Claimed || st == Running && t.classOf(step) >= 0
}

// InProgress appends the steps that are running, in order.
func (t *stepTable) InProgress(buf []int32) []int32 {
	for s := range t.steps {
		if t.steps[s].status == Running {
			buf = append(buf, int32(s))
		}
	}
	return buf
}

// Failures returns how many attempts of the step have failed.
func (t *stepTable) Failures(step int32) int { return int(t.steps[step].failures) }

// Instance returns the mapped step and the position of an instance; ok is false for a step of the
// plan.
func (t *stepTable) Instance(step int32) (mapped int32, pos int, ok bool) {
	at := t.steps[step].group
	if at < 0 {
		return step, 0, false
	}
	return t.groups[at].step, int(step - t.groups[at].first), true
}

// Instances returns how many instances a mapped step has unfolded into.
func (t *stepTable) Instances(mapped int32) int {
	if at, ok := t.groupOf[mapped]; ok {
		return int(t.groups[at].count)
	}
	return 0
}

// InstanceOf returns the step that is instance pos of a mapped step.
func (t *stepTable) InstanceOf(mapped int32, pos int) int32 {
	return t.groups[t.groupOf[mapped]].first + int32(pos)
}

// Planned is the step of the plan that a step is, or is an instance of.
func (t *stepTable) Planned(s int32) int32 {
	if at := t.steps[s].group; at >= 0 {
		return t.groups[at].step
	}
	return s
}

func (t *stepTable) laneOf(s int32) plan.Lane { return t.plan.Steps[t.Planned(s)].Lane }

// classOf is the class of pool slots that a step needs, -1 for none. A mapped step that has not
// unfolded needs none: its instances do.
func (t *stepTable) classOf(s int32) int32 {
	if len(t.plan.Classes) == 0 {
		return -1
	}
	at := t.Planned(s)
	if at == s && t.plan.Steps[s].Mapped {
		return -1
	}
	return t.plan.Steps[at].Class
}

// downOf returns the steps of the plan that wait for s; for an instance, those that wait for its
// map.
func (t *stepTable) downOf(s int32) []int32 { return t.plan.Down(t.Planned(s)) }

// lostUpstream returns what an upstream without a success goes back to: a step reopened behind one
// can never run again.
func (t *stepTable) lostUpstream(s int32) (cause int32, lost bool) {
	if at := t.steps[s].group; at >= 0 {
		s = t.groups[at].step
	}
	for _, node := range t.plan.Graph.Up(t.plan.Steps[s].Node) {
		up, planned := t.plan.StepOf(node)
		if !planned {
			continue
		}
		switch t.steps[up].status {
		case Failed:
			if !t.steps[up].partial {
				return up, true
			}
		case Skipped:
			if !t.steps[up].partial {
				return t.steps[up].cause, true
			}
		}
		if at, unfolded := t.groupOf[up]; unfolded {
			if cause, lost := t.lostInstance(at); lost {
				return cause, true
			}
		}
	}
	return storage.NoStep, false
}

func (t *stepTable) lostInstance(at int32) (cause int32, lost bool) {
	g := t.groups[at]
	for i := g.first; i < g.first+g.count; i++ {
		switch t.steps[i].status {
		case Failed:
			return i, true
		case Skipped:
			return t.steps[i].cause, true
		}
	}
	return storage.NoStep, false
}

// groupHasRoom reports whether a retry may join its group, counting those already chosen.
func (t *stepTable) groupHasRoom(s int32, chosen []Command) bool {
	at := t.steps[s].group
	if at < 0 || t.groups[at].capacity == 0 {
		return true
	}
	taken := t.groups[at].exposed
	for _, c := range chosen {
		if t.steps[c.Step].group == at {
			taken++
		}
	}
	return taken < t.groups[at].capacity
}

// waits reports whether a fact is of the next attempt of a step that waits to be started and needs
// slots.
func (t *stepTable) waits(f *storage.Fact) bool {
	st := &t.steps[f.Step]
	waiting := st.status == Ready || st.status == Claiming || st.status == Claimed || st.status == Retrying
	return waiting && f.Attempt == st.attempt+1 && t.classOf(f.Step) >= 0
}
