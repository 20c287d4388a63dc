package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"testing"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/loadtest"
)

// TestCountsOfCheck checks stores of n and of 4n assets, runs and backfills: four times as many pages are looked at, and a
// few more because indexes are deeper.
func TestCountsOfCheck(t *testing.T) {
	t.Parallel()
	const n = 100 // counting pages is slow under the race detector
	few, many := checkedPages(t, n), checkedPages(t, 4*n)
	if most := 5 * few; many > most {
		t.Errorf("a check looks at %d pages for %d assets and at %d for %d, want at the most %d", few, n, many, 4*n, most)
	}
}

// checkedPages returns how many pages a check looks at. Two runs have made all assets, one as a whole and one a partition of each;
// each asset has a run and a backfill of its own besides.
func checkedPages(t *testing.T, n int) int {
	t.Helper()
	s, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	whole, keys := loadtest.NewRun(t, s, "whole", n)
	single, _ := loadtest.NewRun(t, s, "single", n)
	wholes, singles := storage.Batch{Fence: whole}, storage.Batch{Fence: single}
	owned := storage.Batch{Keys: []storage.KeyUpdate{{Table: "keys", Add: []string{"a"}}}}
	var one storage.Batch
	for i, key := range keys {
		loadtest.Step(&one, whole, int32(i), int64(2*i+1), 1, key)
		wholes.Events, wholes.Assets = append(wholes.Events, one.Events...), append(wholes.Assets, one.Assets...)
		loadtest.Step(&one, single, int32(i), int64(2*i+1), 1, key)
		one.Events[1].Partition, one.Assets[0].Partition = "a", "a"
		one.Assets[0].Partitions = partition.DynamicSet("keys", func(yield func(partition.Ordinal) bool) { yield(0) })
		singles.Events, singles.Assets = append(singles.Events, one.Events...), append(singles.Assets, one.Assets...)
		id := fmt.Sprint("owned", i)
		owned.Backfills = append(owned.Backfills, storage.BackfillRecord{ID: id, Total: 1, Progress: storage.BackfillProgress{Runs: 1}})
		owned.Runs = append(owned.Runs, storage.RunRecord{ID: id, Backfill: id, Token: 1})
	}
	for _, b := range []*storage.Batch{&owned, &wholes, &singles} {
		if err := s.Commit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	reads := countReads(t, s)
	s.pool = reads.pool
	return reads.pages(t, func() {
		if found, err := s.Check(t.Context()); err != nil || len(found) != 0 {
			t.Errorf("%q, %v", found, err)
		}
	})
}

// BeginTx begins a transaction whose queries are counted.
func (c *countedConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}
