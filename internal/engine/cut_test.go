package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/internal/engine/decide/decidetest"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
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

// recorded runs a pipeline and returns its work and the events that the store has of it.
func recorded(tb testing.TB, t *rapid.T, c engine.Config, store storage.Storage) (decide.Work, []decide.Event) {
	tb.Helper()
	res, err := engine.Execute(tb.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := store.ListEvents(tb.Context(), storage.EventQuery{Run: res.Record.Key})
	if err != nil {
		t.Fatal(err)
	}
	for i := range stored {
		if stored[i].N != int64(i+1) {
			t.Fatalf("event %d has the number %d", i+1, stored[i].N)
		}
	}
	work, events, err := engine.Folded(c, stored)
	if err != nil {
		t.Fatal(err)
	}
	return work, events
}

// The process may die between any two events. What is recorded is folded anew, and with what died
// the run ends right: one outcome each, nothing run again that need not be, one end.
func TestCutAnywhere(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		store := memory.New()
		cutAnywhere(t, rt, randomPipeline(rt).config(t, store), store)
	})
}

// So it is for runs with partitions and checks, by what their events say of them.
func TestCutAnywhereOfPartitions(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, store := drawPartitioned(rt), memory.New()
		d.calls, d.checks = map[string]int{}, true
		cutAnywhere(t, rt, d.config(t, rt, store, lasting{iohandler.Memory()}), store)
	})
}

func cutAnywhere(tb testing.TB, t *rapid.T, c engine.Config, store storage.Storage) {
	tb.Helper()
	work, events := recorded(tb, t, c, store)
	whole := decide.New(work)
	for cut := range events {
		decidetest.CheckDecided(t, work, whole, events, cut)
		whole.Apply(events[cut])
		if cut > 0 && cut < len(events)-1 {
			decidetest.Resume(t, work, events[:cut+1])
		}
	}
	if !whole.Ended() || events[len(events)-1].Kind != storage.RunEnded {
		t.Fatalf("the run does not end in its end: %v", events[len(events)-1])
	}
}
