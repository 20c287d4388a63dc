package rivers_test

import (
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// A backfill that is not waited for is registered before Backfill returns: Close waits for it.
func TestCloseWaitsForABackfillWithoutBlock(t *testing.T) {
	t.Parallel()
	for range 20 {
		store := memory.New()
		repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "closing", Assets: []rivers.Asset{
			rivers.NewAsset(rivers.AssetSpec{Name: "a", Partitions: partition.Static("x", "y", "z")},
				func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil }),
		}})
		if err := repo.Resolve(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		res, err := repo.Backfill(t.Context(), rivers.BackfillRequest{Selection: []string{"a"}, NoBlock: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := repo.Close(); err != nil {
			t.Fatal(err)
		}
		rec, err := store.GetBackfill(t.Context(), res.ID)
		if err != nil {
			t.Fatal(err)
		}
		if rec.State != storage.BackfillCompleted || rec.Progress.CompletedCount != 3 {
			t.Fatalf("the backfill is %s with %d partitions, want completed with 3", rec.State, rec.Progress.CompletedCount)
		}
	}
}
