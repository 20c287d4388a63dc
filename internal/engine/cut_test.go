package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// randomPipeline is a run with failures, retries, bodies that skip, and mapped steps.
func randomPipeline(t *rapid.T) *pipeline {
	p := newPipeline()
	p.workers = rapid.IntRange(1, 3).Draw(t, "workers")
	p.retry = retry.Policy{Max: 2} // without a wait
	for i := range rapid.IntRange(1, 6).Draw(t, "steps") {
		var ups []string
		for u := range i {
			if rapid.IntRange(0, 2).Draw(t, "edge") == 0 {
				ups = append(ups, p.nodes[u].Name)
			}
		}
		n := p.asset(fmt.Sprintf("a%d", i), trouble(
			rapid.SliceOfN(rapid.SampledFrom([]string{"", "", "", "", "fail", "fail", "skip"}), 8, 8).Draw(t, "trouble")), ups...)
		for k := range n.Inputs {
			if p.nodes[nodeNamed(p.nodes, n.Inputs[k].From)].Map != nil {
				n.Inputs[k].Mode = graph.Collect
				n.Inputs[k].Gather = func(values []any) (any, error) { return len(values), nil }
			}
		}
		if len(ups) > 0 && rapid.IntRange(0, 2).Draw(t, "mapped") == 0 {
			count := rapid.IntRange(0, 4).Draw(t, "instances")
			n.Map = &graph.Map{
				MaxConcurrency: rapid.IntRange(0, 2).Draw(t, "cap"),
				Elements:       func(any) ([]any, []string, error) { return make([]any, count), nil, nil },
			}
		}
	}
	return p
}

func nodeNamed(nodes []graph.Node, name string) int {
	return slices.IndexFunc(nodes, func(n graph.Node) bool { return n.Name == name })
}

// trouble is a body whose calls, counted over all instances, go wrong as listed.
func trouble(calls []string) func(*graph.Invocation, []any) (any, error) {
	var mu sync.Mutex
	at := 0
	return func(*graph.Invocation, []any) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		at++
		switch calls[at%len(calls)] {
		case "fail":
			return nil, errors.New("trouble")
		case "skip":
			return nil, fmt.Errorf("%w: not today", engine.ErrSkip)
		}
		return at, nil
	}
}

// recorded runs a pipeline and returns its plan and the facts that the store has of it.
func recorded(tb testing.TB, t *rapid.T, p *pipeline) (*plan.Plan, []storage.Fact) {
	tb.Helper()
	store := memory.New()
	c := p.config(tb, store)
	res, err := engine.Execute(tb.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	events, err := store.ListEvents(tb.Context(), storage.EventQuery{Run: res.Record.Key})
	if err != nil {
		t.Fatal(err)
	}
	facts := make([]storage.Fact, len(events))
	for i := range events {
		facts[i] = events[i].Fact
		if events[i].N != int64(i+1) {
			t.Fatalf("event %d has the number %d", i+1, events[i].N)
		}
	}
	return c.Plan, facts
}

// The process may die between any two events. What is recorded is folded anew, and with what died
// the run ends right: one outcome each, nothing run again that need not be, one end.
func TestCutAnywhere(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p, facts := recorded(t, rt, randomPipeline(rt))
		whole := engine.NewDecider(p)
		for cut := range facts {
			checkDecided(rt, p, whole, facts, cut)
			whole.Apply(facts[cut])
			if cut > 0 && cut < len(facts)-1 {
				resume(rt, p, facts[:cut+1])
			}
		}
		if !whole.Ended() || facts[len(facts)-1].Kind != storage.RunEnded {
			rt.Fatalf("the run does not end in its end: %v", facts[len(facts)-1])
		}
	})
}

// checkDecided requires that a replay of what stands before the cut says the same as the decider
// that was asked as the run went on, and that what the driver did next had been said by it.
func checkDecided(t *rapid.T, p *plan.Plan, whole *engine.Decider, facts []storage.Fact, cut int) {
	f := facts[cut]
	cmds := engine.Replay(p, facts[:cut]).Next(f.At, nil)
	if asked := whole.Next(f.At, nil); !slices.Equal(cmds, asked) {
		t.Fatalf("after %d facts: a replay says %v, the run %v", cut, cmds, asked)
	}
	said := slices.ContainsFunc(cmds, func(c engine.Command) bool {
		want := consume(c)
		want.At = f.At
		return want == f
	})
	byBody := f.Kind == storage.StepSkipped && f.Cause == f.Step
	switch f.Kind {
	case storage.StepStarted, storage.StepSkipped, storage.RunEnded:
		if !said && !byBody {
			t.Fatalf("fact %d, %v of step %d: the decider said %v", cut, f.Kind, f.Step, cmds)
		}
	}
}

// resume goes on from a prefix as another process would.
func resume(t *rapid.T, p *plan.Plan, prefix []storage.Fact) {
	w := &world{t: t, plan: p, d: engine.Replay(p, prefix), facts: slices.Clone(prefix), now: prefix[len(prefix)-1].At}
	w.crash()
	for turn := 0; !w.d.Ended(); turn++ {
		if turn > 500 {
			t.Fatalf("the run does not end: next %v, facts %v", w.d.Next(w.now, nil), w.facts)
		}
		cmds := w.next()
		for _, c := range cmds {
			w.obey(c)
		}
		if len(cmds) > 0 {
			continue
		}
		if claims := len(look(p, w.facts).claims); claims > 0 && turn%2 == 0 {
			w.grant()
		} else if running := w.d.InProgress(nil); len(running) > 0 {
			s := running[turn%len(running)]
			w.finish(s, look(p, w.facts).attempts[s])
		} else if at := w.d.Wake(w.now); at > 0 {
			w.now = at
		}
	}
	w.checkEnd()
	checkOnce(t, w.facts, len(prefix))
}

// checkOnce counts: a step has one outcome more than it was reopened, and one that had succeeded
// before the cut is not started after it unless it was.
func checkOnce(t *rapid.T, facts []storage.Fact, cut int) {
	outcomes, succeeded, ends := map[int32]int{}, map[int32]bool{}, 0
	for i, f := range facts {
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
