package postgres_test

import (
	"fmt"
	"testing"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/postgres"
)

// since returns what was written by a function.
func since(s *postgres.Store, write func()) postgres.Stats {
	before := s.Stats()
	write()
	after := s.Stats()
	return postgres.Stats{
		Rows: after.Rows - before.Rows, Statements: after.Statements - before.Statements, Commits: after.Commits - before.Commits,
		Trips: after.Trips - before.Trips,
	}
}

func TestCountsOfSteps(t *testing.T) {
	for _, c := range []struct {
		steps     int
		perStep   float64 // statements
		perCommit int     // steps that one commit carries at the least, on average
	}{
		{10, 1, 1}, {1000, 0.06, 30}, {10_000, 0.06, 60},
	} {
		t.Run(fmt.Sprint(c.steps), func(t *testing.T) {
			s := open(t, postgres.Server.URL(t))
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
			if want := int64(3*c.steps) + got.Commits; got.Rows > want || got.Rows <= int64(3*c.steps) {
				t.Errorf("%d rows for %d steps, want 3 a step and an entry in the feed of changes a commit, %d", got.Rows, c.steps, want)
			}
			if per := float64(got.Statements) / float64(c.steps); per > c.perStep {
				t.Errorf("%.3f statements a step, the budget is %.3f", per, c.perStep)
			}
			if got.Commits*int64(c.perCommit) > int64(c.steps) {
				t.Errorf("%d commits for %d steps, want %d steps a commit", got.Commits, c.steps, c.perCommit)
			}
			if got.Trips > 2*got.Commits+2 { // the last group may have nothing to write
				t.Errorf("%d trips for %d commits, want two each", got.Trips, got.Commits)
			}
		})
	}
}

func TestCountsOfARun(t *testing.T) {
	s := open(t, postgres.Server.URL(t))
	defer s.Close()
	_, keys := loadtest.NewRun(t, s, "first", 1)
	var b storage.Batch
	got := since(s, func() {
		if err := oneStepRun(s, "r", keys[0], &b); err != nil {
			t.Fatal(err)
		}
	})
	// The run, three events, the asset's state and the change of it, the run's end. Asked: is the ID new; the run's row, and what
	// else there is. Said besides, as it is at most some times in a second: the feed of changes has grown.
	if want := (postgres.Stats{Rows: 7, Statements: 9, Commits: 2, Trips: 4}); got != want {
		t.Errorf("a run of one step: %+v, want %+v", got, want)
	}
	again := since(s, func() {
		if err := oneStepRun(s, "r", keys[0], &b); err == nil {
			t.Fatal("a run ID was used twice")
		}
	})
	if want := (postgres.Stats{Statements: 1, Trips: 2}); again != want {
		t.Errorf("a refused batch: %+v, want %+v", again, want)
	}
}

func TestCountsOfSlots(t *testing.T) {
	s := open(t, postgres.Server.URL(t))
	defer s.Close()
	fence, _ := loadtest.NewRun(t, s, "r", 1)
	if err := s.Commit(t.Context(), &storage.Batch{Pools: []storage.PoolUpdate{{Name: "a", Slots: 1}, {Name: "b", Slots: 1}}}); err != nil {
		t.Fatal(err)
	}
	claim := storage.SlotClaim{Fence: fence, Key: "k", Attempt: 1, Pools: []storage.PoolSlots{{Pool: "a", Slots: 1}, {Pool: "b", Slots: 1}}, Hold: 1 << 40, Wait: 1 << 40}
	got := since(s, func() {
		if a, err := s.ClaimSlots(t.Context(), claim); err != nil || !a.Granted {
			t.Fatalf("%+v, %v", a, err)
		}
	})
	// A row a pool. Asked: the run, the pools, who has slots, a ticket, the clock.
	if want := (postgres.Stats{Rows: 2, Statements: 6, Commits: 1, Trips: 2}); got != want {
		t.Errorf("a claim of two pools: %+v, want %+v", got, want)
	}
	got = since(s, func() {
		if err := s.Commit(t.Context(), &storage.Batch{Fence: fence, Releases: []storage.SlotRelease{{Run: fence.Run}}}); err != nil {
			t.Fatal(err)
		}
	})
	// Said besides: those who wait are told.
	if want := (postgres.Stats{Rows: 2, Statements: 5, Commits: 1, Trips: 2}); got != want {
		t.Errorf("a release: %+v, want %+v", got, want)
	}
}

func TestAllocationsOfAStep(t *testing.T) {
	if testing.CoverMode() != "" || raceEnabled {
		t.Skip("the race detector and coverage allocate themselves: the second pass of CI counts")
	}
	s := open(t, postgres.Server.URL(t))
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
	if got := testing.AllocsPerRun(2, round) / steps; got > 1 {
		t.Errorf("%.2f allocations a step, the budget is 1", got)
	}
}
