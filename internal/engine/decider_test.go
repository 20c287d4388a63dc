package engine_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/storage"
)

// world drives a decider through a random run and keeps the facts, from which the naive model
// below answers the same questions by looking at all of them again.
type world struct {
	t     *rapid.T
	plan  *plan.Plan
	d     *engine.Decider
	facts []storage.Fact
	now   storage.Micros
}

func (w *world) record(f storage.Fact) {
	f.At = w.now
	w.facts = append(w.facts, f)
	w.d.Apply(f)
}

// next asks twice, asks a replay, and requires the same answer.
func (w *world) next() []engine.Command {
	got := w.d.Next(w.now, nil)
	if again := w.d.Next(w.now, nil); !slices.Equal(got, again) {
		w.t.Fatalf("asked twice: %v, then %v", got, again)
	}
	if replayed := engine.Replay(w.plan, w.facts).Next(w.now, nil); !slices.Equal(got, replayed) {
		w.t.Fatalf("after %d facts: %v, a replay says %v", len(w.facts), got, replayed)
	}
	return got
}

// model is the naive view: what the facts say about each step, recomputed from the first.
type model struct {
	outcome  map[int32]storage.EventKind
	running  map[int32]int32
	expanded map[int32][2]int32 // mapped step -> first instance, count
	owner    map[int32]int32    // instance -> mapped step
	attempts map[int32]int32
	cause    map[int32]int32
	claims   map[int32]bool // steps that asked for pool slots: true when they were granted
}

func look(p *plan.Plan, facts []storage.Fact) model {
	m := model{
		map[int32]storage.EventKind{},
		map[int32]int32{},
		map[int32][2]int32{},
		map[int32]int32{},
		map[int32]int32{},
		map[int32]int32{},
		map[int32]bool{},
	}
	total := int32(len(p.Steps))
	for _, f := range facts {
		if f.Kind < engine.StepClaiming {
			delete(m.claims, f.Step)
		}
		switch f.Kind {
		case engine.StepClaiming, engine.StepClaimed:
			m.claims[f.Step] = f.Kind == engine.StepClaimed
		case storage.StepStarted:
			m.running[f.Step], m.attempts[f.Step] = f.Attempt, f.Attempt
		case storage.StepExpanded:
			delete(m.running, f.Step)
			m.outcome[f.Step] = storage.StepSucceeded
			if _, again := m.expanded[f.Step]; !again {
				m.expanded[f.Step] = [2]int32{total, f.Cause}
				for i := range f.Cause {
					m.owner[total+i] = f.Step
				}
				total += f.Cause
			}
		case storage.StepSucceeded, storage.StepSkipped, storage.StepCanceled:
			delete(m.running, f.Step)
			m.outcome[f.Step], m.cause[f.Step] = f.Kind, f.Cause
		case storage.StepFailed:
			delete(m.running, f.Step)
			m.attempts[f.Step] = f.Attempt // it may have failed before it started
			if f.RetryAt == 0 {
				m.outcome[f.Step] = f.Kind
			}
		case storage.RunAdopted:
			clear(m.running)
			clear(m.claims)
		case storage.StepReopened:
			delete(m.outcome, f.Step)
		}
	}
	return m
}

// upstreams returns the steps a step waits for, instances for a mapped one among them.
func (m model) upstreams(p *plan.Plan, s int32) []int32 {
	if owner, ok := m.owner[s]; ok {
		return append(m.upstreams(p, owner), owner)
	}
	var ups []int32
	for u := range int32(len(p.Steps)) {
		if slices.Contains(p.Down(u), s) {
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

func (w *world) checkStart(c engine.Command) {
	m := look(w.plan, w.facts)
	for _, u := range m.upstreams(w.plan, c.Step) {
		if m.outcome[u] != storage.StepSucceeded {
			w.t.Fatalf("step %d starts, its upstream %d is %v", c.Step, u, m.outcome[u])
		}
	}
	if _, done := m.outcome[c.Step]; done {
		w.t.Fatalf("step %d starts after its outcome", c.Step)
	}
	if c.Attempt != m.attempts[c.Step]+1 {
		w.t.Fatalf("step %d: attempt %d after %d", c.Step, c.Attempt, m.attempts[c.Step])
	}
	granted, asked := m.claims[c.Step]
	if needs := w.needsSlots(m, c.Step); needs != asked || needs && c.Kind == engine.Start && !granted {
		w.t.Fatalf("step %d starts: it needs slots: %t, asked for them: %t, has them: %t", c.Step, needs, asked, granted)
	}
}

// needsSlots reports whether a step needs slots of a pool: its plan's do, but not a map that unfolds.
func (w *world) needsSlots(m model, s int32) bool {
	if owner, instance := m.owner[s]; instance {
		return w.plan.Steps[owner].Class >= 0
	}
	return w.plan.Steps[s].Class >= 0 && !w.plan.Steps[s].Mapped
}

// checkClaim requires that a claim is for a step that could run, and that no more are asked for at once
// than could.
func (w *world) checkClaim(c engine.Command) {
	m := look(w.plan, w.facts)
	for _, u := range m.upstreams(w.plan, c.Step) {
		if m.outcome[u] != storage.StepSucceeded {
			w.t.Fatalf("step %d claims slots, its upstream %d is %v", c.Step, u, m.outcome[u])
		}
	}
	asked := map[[2]int32]int{}
	for s := range m.claims {
		at := s
		if owner, instance := m.owner[s]; instance {
			at = owner
		}
		asked[[2]int32{int32(w.plan.Steps[at].Lane), w.plan.Steps[at].Class}]++
	}
	for k, n := range asked {
		if most := w.plan.Capacity[k[0]]; n > most {
			w.t.Fatalf("%d steps of lane %d and class %d ask for slots, %d could run", n, k[0], k[1], most)
		}
	}
}

// checkCapacity counts what runs in each lane and group.
func (w *world) checkCapacity() {
	m := look(w.plan, w.facts)
	var lanes [plan.Lanes]int
	groups := map[int32]int32{}
	for s := range m.running {
		at := s
		if owner, ok := m.owner[s]; ok {
			at = owner
			groups[owner]++
		}
		lanes[w.plan.Steps[at].Lane]++
	}
	for l, n := range lanes {
		if n > w.plan.Capacity[l] {
			w.t.Fatalf("running %v, capacity %v", lanes, w.plan.Capacity)
		}
	}
	for s, n := range groups {
		if most := w.plan.Steps[s].MaxConcurrency; most > 0 && n > most {
			w.t.Fatalf("%d instances of step %d run, at most %d may", n, s, most)
		}
	}
}

func (w *world) obey(c engine.Command) {
	switch c.Kind {
	case engine.Start:
		w.checkStart(c)
		w.record(storage.Fact{Kind: storage.StepStarted, Step: c.Step, Attempt: c.Attempt})
		w.checkCapacity()
	case engine.Claim:
		w.record(storage.Fact{Kind: engine.StepClaiming, Step: c.Step, Attempt: c.Attempt})
		w.checkClaim(c)
	case engine.Skip:
		w.record(storage.Fact{Kind: storage.StepSkipped, Step: c.Step, Cause: c.Cause})
	case engine.Cancel:
		w.record(storage.Fact{Kind: storage.StepCanceled, Step: c.Step, Attempt: c.Attempt})
	case engine.End:
		w.record(storage.Fact{Kind: storage.RunEnded, Step: storage.NoStep, Status: uint8(c.State)})
	}
}

// finish gives a running step a random outcome.
func (w *world) finish(s, attempt int32) {
	mapped := int(s) < len(w.plan.Steps) && w.plan.Steps[s].Mapped
	f := storage.Fact{Step: s, Attempt: attempt}
	switch roll := rapid.IntRange(0, 9).Draw(w.t, "outcome"); {
	case roll < 6 && mapped:
		f.Kind, f.Cause = storage.StepExpanded, int32(rapid.IntRange(0, 5).Draw(w.t, "instances"))
		if e, again := look(w.plan, w.facts).expanded[s]; again {
			f.Cause = e[1]
		}
	case roll < 6:
		f.Kind = storage.StepSucceeded
	case roll == 6:
		f.Kind = storage.StepFailed
	case roll == 7:
		f.Kind, f.Cause = storage.StepSkipped, s
	default:
		f.Kind, f.RetryAt = storage.StepFailed, w.now+storage.Micros(rapid.IntRange(1, 30).Draw(w.t, "delay"))
	}
	w.record(f)
}

// grant answers one of the claims: slots, or none in time.
func (w *world) grant() {
	m := look(w.plan, w.facts)
	var waiting []int32
	for s, granted := range m.claims {
		if !granted {
			waiting = append(waiting, s)
		}
	}
	if len(waiting) == 0 {
		return
	}
	slices.Sort(waiting)
	s := rapid.SampledFrom(waiting).Draw(w.t, "who claims")
	f := storage.Fact{Kind: engine.StepClaimed, Step: s, Attempt: m.attempts[s] + 1}
	if rapid.IntRange(0, 7).Draw(w.t, "in time") == 0 {
		f.Kind = storage.StepFailed
		if rapid.Bool().Draw(w.t, "again") {
			f.RetryAt = w.now + 5
		}
	}
	w.record(f)
}

// stored are the facts without those of slots, which a crash loses.
func stored(facts []storage.Fact) []storage.Fact {
	return slices.DeleteFunc(slices.Clone(facts), func(f storage.Fact) bool { return f.Kind >= engine.StepClaiming })
}

// crash loses the process: nothing runs, and some values died with it.
func (w *world) crash() {
	defer func() {
		got, want := w.d.Next(w.now, nil), engine.Replay(w.plan, stored(w.facts)).Next(w.now, nil)
		if !slices.Equal(got, want) {
			w.t.Fatalf("after a crash: %v, what is stored says %v", got, want)
		}
	}()
	w.record(storage.Fact{Kind: storage.RunAdopted, Step: storage.NoStep})
	m := look(w.plan, w.facts)
	for s := range int32(len(w.plan.Steps) + len(m.owner)) {
		if m.outcome[s] == storage.StepSucceeded && rapid.IntRange(0, 4).Draw(w.t, "lost") == 0 {
			if _, unfolded := m.expanded[s]; !unfolded {
				w.record(storage.Fact{Kind: storage.StepReopened, Step: s})
			}
		}
	}
}

func randomPlan(t *rapid.T) *plan.Plan {
	n := rapid.IntRange(0, 12).Draw(t, "steps")
	nodes := make([]graph.Node, n)
	for i := range nodes {
		name := fmt.Sprintf("a%d", i)
		nodes[i] = graph.Node{Name: name, Definition: name, Outputs: []graph.Output{{Name: name, Asset: true}}}
		for u := range i {
			if rapid.IntRange(0, 3).Draw(t, "edge") == 0 {
				nodes[i].Inputs = append(nodes[i].Inputs, graph.Input{From: fmt.Sprintf("a%d", u)})
			}
		}
		if pool := rapid.SampledFrom([]string{"", "", "db", "api"}).Draw(t, "pool"); pool != "" {
			nodes[i].Settings = &graph.Settings{Pools: []storage.PoolSlots{{Pool: pool, Slots: 1}}}
		}
		if len(nodes[i].Inputs) > 0 && rapid.IntRange(0, 3).Draw(t, "mapped") == 0 {
			nodes[i].Map = &graph.Map{MaxConcurrency: rapid.IntRange(0, 3).Draw(t, "cap")}
		}
	}
	g, faults := graph.Build(nodes)
	if len(faults) > 0 {
		t.Fatalf("faults: %v", faults)
	}
	p := plan.New(g, plan.Options{Workers: rapid.IntRange(1, 4).Draw(t, "workers")})
	for s := range p.Steps {
		p.Steps[s].Lane = rapid.SampledFrom([]plan.Lane{plan.Parallel, plan.Parallel, plan.InProcess, plan.Subprocess}).Draw(t, "lane")
	}
	return p
}

func TestRandomRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := randomPlan(t)
		w := &world{t: t, plan: p, d: engine.NewDecider(p), now: 1}
		for turn := 0; !w.d.Ended(); turn++ {
			if turn > 5000 {
				t.Fatalf("the run does not end: next %v, wake %d, facts %v", w.d.Next(w.now, nil), w.d.Wake(w.now), w.facts)
			}
			w.turn(turn)
		}
		w.checkEnd()
	})
}

func (w *world) turn(turn int) {
	cmds := w.next()
	running := w.d.InProgress(nil)
	choices := []string{"obey", "obey", "obey", "finish", "finish", "grant"}
	if turn < 60 { // later no more accidents, so that every run ends
		choices = append(choices, "crash", "cancel", "late")
	}
	switch rapid.SampledFrom(choices).Draw(w.t, "turn") {
	case "obey":
		for _, c := range cmds {
			w.obey(c)
			if rapid.Bool().Draw(w.t, "stop here") {
				return
			}
		}
	case "finish":
		if len(running) > 0 {
			s := rapid.SampledFrom(running).Draw(w.t, "which")
			w.finish(s, look(w.plan, w.facts).attempts[s])
		} else if at := w.d.Wake(w.now); len(cmds) == 0 && at > 0 {
			w.now = at
		}
	case "grant":
		w.grant()
	case "crash":
		if rapid.IntRange(0, 3).Draw(w.t, "really") == 0 {
			w.crash()
		}
	case "cancel":
		if rapid.IntRange(0, 9).Draw(w.t, "really") == 0 {
			w.record(storage.Fact{Kind: storage.RunCanceling, Step: storage.NoStep})
		}
	case "late": // a former attempt reports: it must change nothing
		if len(w.plan.Steps) > 0 {
			s := int32(rapid.IntRange(0, len(w.plan.Steps)-1).Draw(w.t, "which"))
			w.d.Apply(storage.Fact{Kind: storage.StepSucceeded, Step: s, Attempt: 99})
		}
	}
}

// checkEnd looks at a run that has ended.
func (w *world) checkEnd() {
	m := look(w.plan, w.facts)
	counts := storage.StepCounts{}
	canceling, failedStep := false, false
	ends := 0
	for _, f := range w.facts {
		canceling = canceling || f.Kind == storage.RunCanceling
		if f.Kind == storage.RunEnded {
			ends++
		}
	}
	for s := range int32(len(w.plan.Steps) + len(m.owner)) {
		switch m.outcome[s] {
		case storage.StepSucceeded:
			counts.Succeeded++
		case storage.StepFailed:
			counts.Failed++
			failedStep = true
		case storage.StepSkipped:
			counts.Skipped++
			w.checkSkip(m, s)
		case storage.StepCanceled:
			counts.Canceled++
		default:
			w.t.Fatalf("step %d has no outcome: %v", s, w.facts)
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
	last := w.facts[len(w.facts)-1]
	if ends != 1 || last.Kind != storage.RunEnded || storage.RunState(last.Status) != want {
		w.t.Fatalf("%d ends, last fact %v %v, want one end in %s", ends, last.Kind, storage.RunState(last.Status), want)
	}
	if more := w.d.Next(w.now, nil); len(more) > 0 {
		w.t.Fatalf("after the end: %v", more)
	}
}

// checkSkip requires that a skip goes back to a step that failed or was skipped by its body, upstream of it.
func (w *world) checkSkip(m model, s int32) {
	cause := m.cause[s]
	if cause != s && m.outcome[cause] != storage.StepFailed && m.outcome[cause] != storage.StepSkipped {
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
		return slices.ContainsFunc(m.upstreams(w.plan, at), reach)
	}
	if cause != s && !reach(s) {
		w.t.Fatalf("step %d is skipped for step %d, which is not upstream of it", s, cause)
	}
}
