package sqlite_test

import (
	"testing"

	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// budget is what a store writes. Of a run of one step: the run, three events, the asset's state, the change of it, the run's end;
// asked: is the ID new, does the fence hold.
var budget = loadtest.Budget{
	FewSteps: 0.8, ManySteps: 0.06, RowsPerEra: 256, Allocations: 15,
	Run:     loadtest.Stats{Rows: 7, Statements: 7, Commits: 2},
	Refused: loadtest.Stats{Statements: 1, Commits: 1},
}

func counted(s *sqlite.Store) *loadtest.Counted {
	return &loadtest.Counted{Storage: s, Stats: func() loadtest.Stats {
		n := s.Stats()
		return loadtest.Stats{Rows: n.Rows, Statements: n.Statements, Commits: n.Commits}
	}}
}

func openCounted(t *testing.T) *loadtest.Counted {
	t.Helper()
	s := open(t, t.TempDir())
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
