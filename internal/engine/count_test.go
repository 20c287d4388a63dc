package engine_test

import (
	"fmt"
	"testing"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// A step with one output is two events and one asset state; a run is two events more.
func TestCountEventsOfARun(t *testing.T) {
	for _, n := range []int{0, 1, 10} {
		p, store := newPipeline(), &counting{Store: memory.New()}
		for i := range n {
			p.asset(fmt.Sprintf("a%d", i), one)
		}
		res, err := p.run(t.Context(), t, store)
		if err != nil || res.Counts.Succeeded != n {
			t.Fatalf("%d steps: %v, %v", n, outcomes(res), err)
		}
		if store.events != 2*n+2 || store.assets != n || store.runs != 1 || store.updates != 1 || store.logs != 0 {
			t.Errorf("%d steps: %d events, %d asset states, %d runs, %d run updates, %d log lines; want %d, %d, 1, 1, 0",
				n, store.events, store.assets, store.runs, store.updates, store.logs, 2*n+2, n)
		}
		if store.commits != 3 { // the topology, which the test writes, the run, its end
			t.Errorf("%d steps: %d commits, want 3: a step waits for none", n, store.commits)
		}
	}
}

// Several outputs have an event each, before the success.
func TestCountEventsOfAMultiAsset(t *testing.T) {
	p, store := newPipeline(), &counting{Store: memory.New()}
	p.multi("split", func(*graph.Invocation, []any) (graph.Result, error) {
		return graph.Result{Values: []any{1, 2, 3}}, nil
	}, "x", "y", "z")
	res, err := p.run(t.Context(), t, store)
	expect(t, res, err, storage.Success, "split:succeeded/1")
	if store.events != 2+1+3+1 || store.assets != 3 {
		t.Errorf("%d events, %d asset states; want 7 and 3", store.events, store.assets)
	}
}
