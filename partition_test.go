package rivers_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

var january = partition.Date(2026, 1, 1)

func TestMaterializeOnePartition(t *testing.T) {
	daily := partition.Daily(january)
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: daily},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (string, error) {
			return ctx.Partition().Key().String() + " until " + ctx.Partition().Window().End.Format("2006-01-02"), nil
		})
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "p", Assets: []rivers.Asset{days}})
	store := memory.New()
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{Partition: partition.SingleKey("2026-01-03")})
	if err != nil || !res.Success() {
		t.Fatal(err)
	}
	got, err := days.Load(t.Context(), repo, rivers.LoadOptions{Partition: partition.SingleKey("2026-01-03")})
	if err != nil || got != "2026-01-03 until 2026-01-04" {
		t.Errorf("%q, %v", got, err)
	}
	res, err = repo.Materialize(t.Context(), rivers.RunRequest{Range: partition.Range("2026-01-01", "2026-01-05")})
	if err != nil || !res.Success() {
		t.Fatal(err)
	}
	keys, _ := store.AssetKeys(t.Context(), []string{"days"})
	sets, err := store.PartitionSets(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	space, err := partition.NewSpace(daily, time.Now(), partition.Tables{})
	if err != nil || space.Count(sets[0].Materialized) != 5 {
		t.Errorf("%d partitions, %v", space.Count(sets[0].Materialized), err)
	}
}

func TestBackfillOfDays(t *testing.T) {
	daily := partition.Daily(january, partition.Until(partition.Date(2026, 2, 1)))
	var mu sync.Mutex
	var order []string
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: daily},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) { return 1, nil })
	total := rivers.NewAsset(rivers.AssetSpec{Name: "total", Partitions: daily},
		func(ctx *rivers.AssetContext, in struct {
			Days  int
			Total rivers.SelfDependency[int]
		}) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, ctx.Partition().Key().String())
			before, _ := in.Total.Get()
			return before + in.Days, nil
		})
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "p", Assets: []rivers.Asset{days, total}})
	if err := repo.Resolve(t.Context(), memory.New()); err != nil {
		t.Fatal(err)
	}
	res, err := repo.Backfill(t.Context(), rivers.BackfillRequest{})
	if err != nil || res.Completed != 31 || res.State != storage.BackfillCompleted || res.Runs != 31 {
		t.Fatalf("%+v, %v", res, err)
	}
	if n, err := total.Load(context.Background(), repo, rivers.LoadOptions{Partition: partition.SingleKey("2026-01-31")}); err != nil || n != 31 {
		t.Errorf("total %d, %v; order %v", n, err, order)
	}
	fmt.Println(order[:3])
}
