package engine_test

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// A decider folds facts by the million.
func TestCountFactIs32Bytes(t *testing.T) {
	if n := unsafe.Sizeof(storage.Fact{}); n != 32 {
		t.Errorf("a fact has %d bytes, want 32", n)
	}
}

func widePlan(tb testing.TB, n, workers int) *plan.Plan {
	tb.Helper()
	nodes := make([]graph.Node, n)
	for i := range nodes {
		name := fmt.Sprintf("a%d", i)
		nodes[i] = graph.Node{Name: name, Definition: name, Outputs: []graph.Output{{Name: name, Asset: true}}}
	}
	g, faults := graph.Build(nodes)
	if len(faults) > 0 {
		tb.Fatalf("faults: %+v", faults)
	}
	return plan.New(g, plan.Options{Workers: workers})
}

// drive runs every step to a success and returns how many facts that took.
func drive(d *engine.Decider, buf []engine.Command, steps []int32) int {
	facts := 0
	for !d.Ended() {
		buf = d.Next(1, buf[:0])
		for _, c := range buf {
			d.Apply(consume(c))
			facts++
		}
		for _, s := range d.InProgress(steps[:0]) {
			d.Apply(storage.Fact{Kind: storage.StepSucceeded, Step: s, Attempt: 1})
			facts++
		}
	}
	return facts
}

// Deciding costs nothing but the state made at its beginning, however many steps there are.
func TestAllocDeciderOfAWideRun(t *testing.T) {
	const n = 10_000
	p := widePlan(t, n, 500)
	buf, steps := make([]engine.Command, 0, 1000), make([]int32, 0, 1000)
	made := testing.AllocsPerRun(3, func() { engine.NewDecider(p) })
	if facts := drive(engine.NewDecider(p), buf, steps); facts != 2*n+1 {
		t.Errorf("%d facts, want %d", facts, 2*n+1)
	}
	whole := testing.AllocsPerRun(3, func() { drive(engine.NewDecider(p), buf, steps) })
	if whole > made {
		t.Errorf("a run of %d steps allocates %v times beyond its decider's %v", n, whole-made, made)
	}
	if made > 40 {
		t.Errorf("a decider of %d steps takes %v allocations: they must not grow with the steps", n, made)
	}
}

// A skip cascade over a chain costs one growing scratch slice, and its commands nothing.
func TestAllocDeciderAsksForNothing(t *testing.T) {
	p := widePlan(t, 1000, 1000)
	d := engine.NewDecider(p)
	buf := d.Next(1, nil)
	if n := testing.AllocsPerRun(100, func() { buf = d.Next(1, buf[:0]) }); n > 0 || len(buf) != 1000 {
		t.Errorf("%v allocations for %d commands, want none for 1000", n, len(buf))
	}
}

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
