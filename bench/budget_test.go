//go:build !race

package bench_test

import (
	"strconv"
	"testing"

	"github.com/rivers-go/rivers/bench"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/storage/memory"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// Allocations are the same on every machine, so here a step that became dearer fails at once. The
// race detector adds some of its own.
func TestAllocationsOfAStep(t *testing.T) {
	const n = 1000
	for _, c := range []struct {
		shape bench.Shape
		most  float64
	}{{bench.Wide, 7.5}, {bench.Chain, 12.5}, {bench.Layers, 13}} {
		conf := config(t, c.shape, n, memory.New())
		run := 0
		got := testing.AllocsPerRun(5, func() {
			run++
			conf.Record.ID = strconv.Itoa(run)
			if _, err := engine.Execute(t.Context(), conf); err != nil {
				t.Fatal(err)
			}
		}) / n
		t.Logf("%s: %.2f allocations a step", c.shape, got)
		if got > c.most {
			t.Errorf("%s: %.2f allocations a step, the budget is %g", c.shape, got, c.most)
		}
	}
}

// What a run writes: three rows a step, in statements of many rows.
func TestRowsOfAStep(t *testing.T) {
	const n = 1000
	store, err := sqlite.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	conf := config(t, bench.Layers, n, store)
	conf.Record.ID = "one"
	before := store.Stats()
	if _, err := engine.Execute(t.Context(), conf); err != nil {
		t.Fatal(err)
	}
	rows, statements := store.Stats().Rows-before.Rows, store.Stats().Statements-before.Statements
	t.Logf("%d rows, %d statements", rows, statements)
	const ofRun = 5 // the run, its plan, its start, its end as an event and as a state
	if rows > 3*n+ofRun || statements > n/4 {
		t.Errorf("%d rows and %d statements for %d steps, the budget is %d and %d", rows, statements, n, 3*n+ofRun, n/4)
	}
}
