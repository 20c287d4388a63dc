package decidetest

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/storage"
)

func (w *World) checkStart(c decide.Command) {
	m := look(w.work, w.events)
	if u, waits := m.waitsFor(c.Step); waits {
		w.t.Fatalf("step %d starts, its upstream %d is %v", c.Step, u, m.outcome[u])
	}
	if m.blocked(m.planned(c.Step)) {
		w.t.Fatalf("step %d starts, and all of it reads what was not made", c.Step)
	}
	if _, done := m.outcome[c.Step]; done {
		w.t.Fatalf("step %d starts after its outcome", c.Step)
	}
	if c.Attempt != m.attempts[c.Step]+1 {
		w.t.Fatalf("step %d: attempt %d after %d", c.Step, c.Attempt, m.attempts[c.Step])
	}
	granted, asked := m.claims[c.Step]
	if needs := m.needsSlots(c.Step); needs != asked || needs && c.Kind == decide.Start && !granted {
		w.t.Fatalf("step %d starts: it needs slots: %t, asked for them: %t, has them: %t", c.Step, needs, asked, granted)
	}
}

// checkClaim requires that a claim is for a step that could run, and that no more are asked for at
// once than could.
func (w *World) checkClaim(c decide.Command) {
	m := look(w.work, w.events)
	if u, waits := m.waitsFor(c.Step); waits {
		w.t.Fatalf("step %d claims slots, its upstream %d is %v", c.Step, u, m.outcome[u])
	}
	if m.blocked(m.planned(c.Step)) {
		w.t.Fatalf("step %d claims slots, and all of it reads what was not made", c.Step)
	}
	asked := map[[2]int32]int{}
	for s := range m.claims {
		at := s
		if owner, instance := m.owner[s]; instance {
			at = owner
		}
		asked[[2]int32{int32(w.work.Plan.Steps[at].Lane), w.work.Plan.Steps[at].Class}]++
	}
	for k, n := range asked {
		if most := w.work.Plan.Capacity[k[0]]; n > most {
			w.t.Fatalf("%d steps of lane %d and class %d ask for slots, %d could run", n, k[0], k[1], most)
		}
	}
}

// checkCapacity counts what runs in each lane and group.
func (w *World) checkCapacity() {
	m := look(w.work, w.events)
	var lanes [plan.Lanes]int
	groups := map[int32]int32{}
	for s := range m.running {
		at := s
		if owner, ok := m.owner[s]; ok {
			at = owner
			groups[owner]++
		}
		lanes[w.work.Plan.Steps[at].Lane]++
	}
	for l, n := range lanes {
		if n > w.work.Plan.Capacity[l] {
			w.t.Fatalf("running %v, capacity %v", lanes, w.work.Plan.Capacity)
		}
	}
	for s, n := range groups {
		if most := w.work.Plan.Steps[s].MaxConcurrency; most > 0 && n > most {
			w.t.Fatalf("%d instances of step %d run, at most %d may", n, s, most)
		}
	}
}

// checkEnd looks at a run that has ended.
func (w *World) checkEnd() {
	m := look(w.work, w.events)
	counts := storage.StepCounts{}
	canceling, failedStep := false, false
	ends := 0
	for _, f := range w.events {
		canceling = canceling || f.Kind == storage.RunCanceling
		if f.Kind == storage.RunEnded {
			ends++
		}
	}
	for s := range m.steps() {
		switch m.outcome[s] {
		case storage.StepSucceeded:
			counts.Succeeded++
		case storage.StepFailed:
			counts.Failed++
			failedStep = true
		case storage.StepSkipped:
			counts.Skipped++
			w.checkSkip(&m, s)
		case storage.StepCanceled:
			counts.Canceled++
		default:
			w.t.Fatalf("step %d has no outcome: %v", s, w.events)
		}
	}
	if counts != w.d.Counts() {
		w.t.Fatalf("counts %+v, the facts say %+v", w.d.Counts(), counts)
	}
	want := storage.Success
	switch {
	case canceling:
		want = storage.Canceled
	case failedStep:
		want = storage.Failure
	}
	last := w.events[len(w.events)-1]
	if ends != 1 || last.Kind != storage.RunEnded || storage.RunState(last.Status) != want {
		w.t.Fatalf("%d ends, last fact %v %v, want one end in %s", ends, last.Kind, storage.RunState(last.Status), want)
	}
	if more := w.d.Next(w.now, nil); len(more) > 0 {
		w.t.Fatalf("after the end: %v", more)
	}
}

// checkSkip requires that a skip goes back to a step that failed or was skipped by its body,
// upstream of it.
func (w *World) checkSkip(m *model, s int32) {
	cause := m.cause[s]
	if cause != s && m.outcome[cause] != storage.StepFailed && m.outcome[cause] != storage.StepSkipped && m.lost(cause).IsEmpty() && !m.reopened[cause] {
		w.t.Fatalf("step %d is skipped for step %d, which is %v", s, cause, m.outcome[cause])
	}
	seen := map[int32]bool{}
	var reach func(int32) bool
	reach = func(at int32) bool {
		if at == cause {
			return true
		}
		if seen[at] {
			return false
		}
		seen[at] = true
		return slices.ContainsFunc(m.upstreams(at), reach)
	}
	if cause != s && !reach(s) {
		w.t.Fatalf("step %d is skipped for step %d, which is not upstream of it", s, cause)
	}
}

// checkBlocked requires a skip for partitions to be of a step that could start, with all that it
// reads lost.
func (w *World) checkBlocked(c decide.Command) {
	m := look(w.work, w.events)
	if _, waits := m.waitsFor(c.Step); waits {
		return // it follows from an upstream without a success
	}
	s := m.planned(c.Step)
	if !m.blocked(s) || m.lost(c.Cause).IsEmpty() || c.Partial != m.partitioned(s) {
		w.t.Fatalf("%+v: blocked: %t, its cause lost something: %t, it has partitions: %t", c, m.blocked(s), !m.lost(c.Cause).IsEmpty(), m.partitioned(s))
	}
}

// CheckDecided requires that a replay of the events before one answers what the decider of the
// whole run answers, and that the answer had that event in it if a driver decides it by no other
// means.
func CheckDecided(t *rapid.T, w decide.Work, whole *decide.Decider, events []decide.Event, at int) {
	e := events[at]
	cmds := decide.Replay(w, events[:at]).Next(e.At, nil)
	if asked := whole.Next(e.At, nil); !slices.Equal(cmds, asked) {
		t.Fatalf("after %d events: a replay answers %v, the run %v", at, cmds, asked)
	}
	said := slices.ContainsFunc(cmds, func(c decide.Command) bool {
		want := c.Consume().Fact
		want.At = e.At
		return want == e.Fact
	})
	byBody := e.Kind == storage.StepSkipped && e.Cause == e.Step
	switch e.Kind {
	case storage.StepStarted, storage.StepSkipped, storage.RunEnded:
		if !said && !byBody {
			t.Fatalf("event %d, %v of step %d: the decider said %v", at, e.Kind, e.Step, cmds)
		}
	}
}

// CheckOnce counts: a step has one outcome more than it was reopened, and one that had succeeded
// before the cut is not started after it unless it was.
func CheckOnce(t *rapid.T, events []decide.Event, cut int) {
	outcomes, succeeded, ends := map[int32]int{}, map[int32]bool{}, 0
	for i, f := range events {
		switch f.Kind {
		case storage.StepSucceeded, storage.StepExpanded:
			outcomes[f.Step]++
			succeeded[f.Step] = i < cut
		case storage.StepSkipped, storage.StepCanceled:
			outcomes[f.Step]++
		case storage.StepFailed:
			if f.RetryAt == 0 {
				outcomes[f.Step]++
			}
		case storage.StepReopened:
			outcomes[f.Step]--
			delete(succeeded, f.Step)
		case storage.StepStarted:
			if succeeded[f.Step] {
				t.Fatalf("fact %d: step %d had succeeded before the cut at %d, and starts again", i, f.Step, cut)
			}
		case storage.RunEnded:
			ends++
		}
	}
	for s, n := range outcomes {
		if n != 1 {
			t.Fatalf("step %d has %d outcomes", s, n)
		}
	}
	if ends != 1 {
		t.Fatalf("%d ends", ends)
	}
}
