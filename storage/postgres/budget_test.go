package postgres_test

import (
	"testing"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/postgres"
)

// budget is what a store writes. Of a run of one step: the run, three events, the asset's state and the change of it, the run's
// end. Asked: is the ID new; the run's row, and what else there is. Each commit moves the number in the row of its store, by a
// statement whose own answer is no row of its count. Said besides, as it is at most some times in a second: the feed
// of changes has grown.
var budget = loadtest.Budget{
	FewSteps: 1, ManySteps: 0.06, EmptyCommits: true, TripsPerCommit: 2, Allocations: 1,
	Run:     loadtest.Stats{Rows: 7, Statements: 11, Commits: 2, Trips: 4},
	Refused: loadtest.Stats{Statements: 1, Trips: 2},
}

func counted(s *postgres.Store) *loadtest.Counted {
	return &loadtest.Counted{Storage: s, Stats: func() loadtest.Stats { return loadtest.Stats(s.Stats()) }}
}

func openCounted(t *testing.T) *loadtest.Counted {
	t.Helper()
	s := open(t, postgres.Server.URL(t))
	t.Cleanup(func() { _ = s.Close() })
	return counted(s)
}

func TestCountsOfSteps(t *testing.T) { loadtest.CountSteps(t, openCounted, budget) }

func TestCountsOfARun(t *testing.T) { loadtest.CountRun(t, openCounted(t), budget) }

func TestAllocationsOfAStep(t *testing.T) {
	if testing.CoverMode() != "" || raceEnabled {
		t.Skip("the race detector and coverage allocate themselves: the second pass of CI counts")
	}
	loadtest.CountAllocations(t, openCounted(t).Storage, budget)
}

func TestCountsOfSlots(t *testing.T) {
	s := openCounted(t)
	fence, _ := loadtest.NewRun(t, s, "r", 1)
	if err := s.Commit(t.Context(), &storage.Batch{Pools: []storage.PoolUpdate{{Name: "a", Slots: 1}, {Name: "b", Slots: 1}}}); err != nil {
		t.Fatal(err)
	}
	claim := storage.SlotClaim{Fence: fence, Key: "k", Attempt: 1, Pools: []storage.PoolSlots{{Pool: "a", Slots: 1}, {Pool: "b", Slots: 1}}, Hold: 1 << 40, Wait: 1 << 40}
	got := s.Since(func() {
		if a, err := s.ClaimSlots(t.Context(), claim); err != nil || !a.Granted {
			t.Fatalf("%+v, %v", a, err)
		}
	})
	// A row a pool, and the number of the commit. Asked: the run, the pools, who has slots, a ticket, the clock.
	if want := (loadtest.Stats{Rows: 2, Statements: 7, Commits: 1, Trips: 2}); got != want {
		t.Errorf("a claim of two pools: %+v, want %+v", got, want)
	}
	got = s.Since(func() {
		if err := s.Commit(t.Context(), &storage.Batch{Fence: fence, Releases: []storage.SlotRelease{{Run: fence.Run}}}); err != nil {
			t.Fatal(err)
		}
	})
	// Said besides: those who wait are told.
	if want := (loadtest.Stats{Rows: 2, Statements: 6, Commits: 1, Trips: 2}); got != want {
		t.Errorf("a release: %+v, want %+v", got, want)
	}
}
