//go:build !race

package bench_test

import (
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// One partition more costs as many rows and statements whatever the number of partitions, and what is in closed form as
// many allocations.
func TestCountsOfAPartition(t *testing.T) {
	for _, d := range divisions {
		var first [3]float64
		for i, n := range d.sizes {
			if n > 100_000 && d.scattered {
				continue // so many keys take seconds to register
			}
			store := openKind(t, "sqlite").(*sqlite.Store)
			a := divide(t, store, d.define(n), keysOf(d.name, n), d.scattered)
			a.makeOne(t) // from the second on the writer knows the sets
			const times = 20
			before := store.Stats()
			allocations := testing.AllocsPerRun(times-1, func() { a.makeOne(t) }) // which does one more
			after := store.Stats()
			got := [3]float64{float64(after.Rows-before.Rows) / times, float64(after.Statements-before.Statements) / times, allocations}
			t.Logf("%s, %d partitions: %.2f rows, %.2f statements, %.0f allocations", d.name, a.space.Len(), got[0], got[1], got[2])
			if i == 0 {
				first = got
			}
			if got[0] > 5 || got[1] > 6 {
				t.Errorf("%s: %.2f rows and %.2f statements for a partition of %d, the budget is 5 and 6", d.name, got[0], got[1], a.space.Len())
			}
			if !d.scattered && allocations > 1.2*first[2] {
				t.Errorf("%s: %.0f allocations for a partition of %d, and %.0f where they are fewer", d.name, allocations, a.space.Len(), first[2])
			}
			if left := a.countMissing(t); left != a.missing-a.next {
				t.Errorf("%s: %d partitions are missing, want %d", d.name, left, a.missing-a.next)
			}
		}
	}
}

// To plan a backfill costs as much for a million partitions as for ten thousand.
func TestAllocationsOfABackfillPlan(t *testing.T) {
	for _, d := range divisions {
		if d.scattered {
			continue // the registered keys are read
		}
		var first float64
		for i, n := range d.sizes {
			store := memory.New()
			asset := rivers.NewAsset(rivers.AssetSpec{Name: "a", Partitions: d.define(n)},
				func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })
			repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "bench", Assets: []rivers.Asset{asset}})
			if err := repo.Resolve(t.Context(), store); err != nil {
				t.Fatal(err)
			}
			divide(t, store, d.define(n), keysOf(d.name, n), false)
			var res *rivers.BackfillResult
			got := testing.AllocsPerRun(10, func() {
				var err error
				if res, err = repo.Backfill(t.Context(), rivers.BackfillRequest{DryRun: true, Strategy: rivers.MultiRun(), Only: storage.OnlyMissing}); err != nil {
					t.Fatal(err)
				}
			})
			if err := repo.Close(); err != nil {
				t.Error(err)
			}
			t.Logf("%s: %.0f allocations to plan %d runs", d.name, got, res.Runs)
			if res.Runs != res.Total || res.Total == 0 || res.Partitions.IsEmpty() {
				t.Errorf("%s: %d runs for %d partitions", d.name, res.Runs, res.Total)
			}
			if i == 0 {
				first = got
			}
			if got > 1.2*first+10 {
				t.Errorf("%s: %.0f allocations to plan %d runs, and %.0f where they are fewer", d.name, got, res.Runs, first)
			}
		}
	}
}
