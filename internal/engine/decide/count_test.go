package decide_test

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/storage"
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
func drive(d *decide.Decider, buf []decide.Command, steps []int32) int {
	facts := 0
	for !d.Ended() {
		buf = d.Next(1, buf[:0])
		for _, c := range buf {
			d.Apply(c.Consume())
			facts++
		}
		for _, s := range d.InProgress(steps[:0]) {
			d.Apply(decide.Event{Fact: storage.Fact{Kind: storage.StepSucceeded, Step: s, Attempt: 1}})
			facts++
		}
	}
	return facts
}

// Deciding costs nothing but the state made at its beginning, however many steps there are.
func TestAllocDeciderOfAWideRun(t *testing.T) {
	const n = 10_000
	p := widePlan(t, n, 500)
	buf, steps := make([]decide.Command, 0, 1000), make([]int32, 0, 1000)
	made := testing.AllocsPerRun(3, func() { decide.New(decide.Work{Plan: p}) })
	if facts := drive(decide.New(decide.Work{Plan: p}), buf, steps); facts != 2*n+1 {
		t.Errorf("%d facts, want %d", facts, 2*n+1)
	}
	whole := testing.AllocsPerRun(3, func() { drive(decide.New(decide.Work{Plan: p}), buf, steps) })
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
	d := decide.New(decide.Work{Plan: p})
	buf := d.Next(1, nil)
	if n := testing.AllocsPerRun(100, func() { buf = d.Next(1, buf[:0]) }); n > 0 || len(buf) != 1000 {
		t.Errorf("%v allocations for %d commands, want none for 1000", n, len(buf))
	}
}
