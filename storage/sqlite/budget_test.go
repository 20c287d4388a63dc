package sqlite_test

import (
	"fmt"
	"testing"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// since returns what was written by a function.
func since(s *sqlite.Store, write func()) sqlite.Stats {
	before := s.Stats()
	write()
	after := s.Stats()
	return sqlite.Stats{
		Rows: after.Rows - before.Rows, Statements: after.Statements - before.Statements, Commits: after.Commits - before.Commits,
	}
}

func TestRowsAndStatementsOfSteps(t *testing.T) {
	for _, c := range []struct {
		steps     int
		perStep   float64 // statements
		perCommit int     // steps that one commit carries at the least, on average
	}{
		{10, 0.8, 1}, {1000, 0.06, 30}, {10_000, 0.06, 60},
	} {
		t.Run(fmt.Sprint(c.steps), func(t *testing.T) {
			s := open(t, t.TempDir())
			defer s.Close()
			fence, keys := loadtest.NewRun(t, s, "r", c.steps)
			got := since(s, func() {
				var b storage.Batch
				for i := range c.steps {
					loadtest.Step(&b, fence, int32(i), int64(2*i+1), 1, keys[i])
					if err := s.Append(&b); err != nil {
						t.Fatal(err)
					}
				}
				if err := s.Commit(t.Context(), &storage.Batch{Fence: fence}); err != nil {
					t.Fatal(err)
				}
			})
			least := int64(3*c.steps) + got.Commits // one entry in the feed of changes each
			if eras := int64(c.steps / 256); got.Rows < least || got.Rows > least+eras {
				t.Errorf("%d rows for %d steps in %d commits, want 3 a step, 1 a commit, and at the most %d for counting an era", got.Rows, c.steps, got.Commits, eras)
			}
			if per := float64(got.Statements) / float64(c.steps); per > c.perStep {
				t.Errorf("%.3f statements a step, the budget is %.3f", per, c.perStep)
			}
			if got.Commits*int64(c.perCommit) > int64(c.steps) {
				t.Errorf("%d commits for %d steps, want %d steps a commit", got.Commits, c.steps, c.perCommit)
			}
		})
	}
}

func TestRowsAndStatementsOfARun(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	_, keys := loadtest.NewRun(t, s, "first", 1)
	var b storage.Batch
	got := since(s, func() {
		if err := oneStepRun(s, "r", keys[0], &b); err != nil {
			t.Fatal(err)
		}
	})
	// The run, three events, the asset's state, the change of it, the run's end; asked: is the ID new, does the fence hold.
	if want := (sqlite.Stats{Rows: 7, Statements: 7, Commits: 2}); got != want {
		t.Errorf("a run of one step: %+v, want %+v", got, want)
	}
	again := since(s, func() {
		if err := oneStepRun(s, "r", keys[0], &b); err == nil {
			t.Fatal("a run ID was used twice")
		}
	})
	if again.Rows != 0 {
		t.Errorf("a refused batch wrote %d rows", again.Rows)
	}
}

func TestAllocationsOfAStep(t *testing.T) {
	if testing.CoverMode() != "" || raceEnabled {
		t.Skip("the race detector and coverage allocate themselves: the second pass of CI counts")
	}
	s := open(t, t.TempDir())
	defer s.Close()
	const steps = 4096
	fence, keys := loadtest.NewRun(t, s, "r", steps)
	var b storage.Batch
	round := func() {
		for i := range steps {
			loadtest.Step(&b, fence, int32(i), int64(2*i+1), storage.Micros(1_700_000_000_000_000+7*i), keys[i])
			if err := s.Append(&b); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Commit(t.Context(), &storage.Batch{Fence: fence}); err != nil {
			t.Fatal(err)
		}
	}
	round() // statements and buffers are made once
	if got := testing.AllocsPerRun(2, round) / steps; got > 15 {
		t.Errorf("%.1f allocations a step, the budget is 15", got)
	}
}
