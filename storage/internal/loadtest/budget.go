package loadtest

import (
	"fmt"
	"testing"

	"github.com/rivers-go/rivers/storage"
)

// Budget is what a store may write, and allocate, for a step and for a run. Counts are the same on
// every machine.
type Budget struct {
	// FewSteps and ManySteps are the statements a step may take in a run of 10 steps, and in one of
	// 1,000 or more.
	FewSteps, ManySteps float64
	// RowsPerEra is after how many events the store writes one row more, zero for never.
	RowsPerEra int
	// EmptyCommits is set where the last commit may have nothing to write.
	EmptyCommits bool
	// TripsPerCommit is how often the store may wait for its server a commit, zero where there is
	// none.
	TripsPerCommit int64
	// Run and Refused are what a run of one step writes, and what a second run of its ID does.
	Run, Refused Stats
	// Allocations are those of a step.
	Allocations float64
}

// CountSteps writes runs of 10, 1,000 and 10,000 steps and counts.
func CountSteps(t *testing.T, open func(*testing.T) *Counted, budget Budget) {
	t.Helper()
	for _, run := range []struct {
		steps     int
		perStep   float64 // statements
		perCommit int     // steps that one commit carries at the least, on average
	}{
		{10, budget.FewSteps, 1}, {1000, budget.ManySteps, 30}, {10_000, budget.ManySteps, 60},
	} {
		t.Run(fmt.Sprint(run.steps), func(t *testing.T) {
			c := open(t)
			fence, keys := NewRun(t, c.Storage, "r", run.steps)
			got := c.Since(func() { writeSteps(t, c.Storage, fence, keys) })
			least := int64(3*run.steps) + got.Commits // one entry in the feed of changes each
			most := least
			if budget.EmptyCommits {
				least = int64(3*run.steps) + 1
			}
			if budget.RowsPerEra > 0 {
				most += int64(run.steps / budget.RowsPerEra)
			}
			if got.Rows < least || got.Rows > most {
				t.Errorf("%d rows for %d steps in %d commits, want 3 a step, 1 a commit, together %d to %d", got.Rows, run.steps, got.Commits, least, most)
			}
			if per := float64(got.Statements) / float64(run.steps); per > run.perStep {
				t.Errorf("%.3f statements a step, the budget is %.3f", per, run.perStep)
			}
			if got.Commits*int64(run.perCommit) > int64(run.steps) {
				t.Errorf("%d commits for %d steps, want %d steps a commit", got.Commits, run.steps, run.perCommit)
			}
			if n := budget.TripsPerCommit; got.Trips > n*got.Commits+n { // the last group may have nothing to write
				t.Errorf("%d trips for %d commits, want %d each", got.Trips, got.Commits, n)
			}
		})
	}
}

// writeSteps appends a step an asset, and waits for them.
func writeSteps(t *testing.T, s storage.Storage, fence storage.Fence, keys []storage.AssetKey) {
	t.Helper()
	var b storage.Batch
	for i, key := range keys {
		Step(&b, fence, int32(i), int64(2*i+1), storage.Micros(1_700_000_000_000_000+7*i), key)
		if err := s.Append(&b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Commit(t.Context(), &storage.Batch{Fence: fence}); err != nil {
		t.Fatal(err)
	}
}

// CountRun writes a run of one step, tries to write it again, and counts.
func CountRun(t *testing.T, c *Counted, budget Budget) {
	t.Helper()
	_, keys := NewRun(t, c.Storage, "first", 1)
	var b storage.Batch
	got := c.Since(func() {
		if err := OneStepRun(c.Storage, "r", keys[0], &b); err != nil {
			t.Fatal(err)
		}
	})
	if got != budget.Run {
		t.Errorf("a run of one step: %+v, want %+v", got, budget.Run)
	}
	again := c.Since(func() {
		if err := OneStepRun(c.Storage, "r", keys[0], &b); err == nil {
			t.Fatal("a run ID was used twice")
		}
	})
	if again != budget.Refused {
		t.Errorf("a refused batch: %+v, want %+v", again, budget.Refused)
	}
}

// CountAllocations writes steps and counts what they allocate.
func CountAllocations(t *testing.T, s storage.Storage, budget Budget) {
	t.Helper()
	const steps = 4096
	fence, keys := NewRun(t, s, "r", steps)
	round := func() { writeSteps(t, s, fence, keys) }
	round() // statements and buffers are made once
	if got := testing.AllocsPerRun(2, round) / steps; got > budget.Allocations {
		t.Errorf("%.2f allocations a step, the budget is %v", got, budget.Allocations)
	}
}
