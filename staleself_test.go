package rivers_test

import (
	"testing"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage/memory"
)

// A balance of each day is made of that of the day before.
func TestADayIsStaleByTheDayBefore(t *testing.T) {
	days := partition.Daily(partition.Date(2026, time.January, 1), partition.Until(partition.Date(2026, time.January, 11)))
	balance := rivers.NewAsset(rivers.AssetSpec{Name: "balance", Partitions: days}, func(_ *rivers.AssetContext, in struct {
		Before rivers.SelfDependency[int]
	},
	) (int, error) {
		before, _ := in.Before.Get()
		return before + 1, nil
	})
	sum := rivers.NewAsset(rivers.AssetSpec{Name: "sum"}, func(_ *rivers.AssetContext, in struct {
		Balance rivers.Partitions[int]
		Before  rivers.SelfDependency[int]
	},
	) (int, error) {
		return in.Balance.Len(), nil
	})
	s := &stale{T: t, store: memory.New(), values: iohandler.Memory()}
	s.repo = rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "self", Assets: []rivers.Asset{balance, sum}, DefaultIOHandler: s.values})
	t.Cleanup(func() { _ = s.repo.Close() })
	if err := s.repo.Resolve(t.Context(), s.store); err != nil {
		t.Fatal(err)
	}
	all := partition.Range("2026-01-01", "2026-01-10")

	s.run(rivers.RunRequest{Range: all})
	s.is("balance", "fresh")
	s.is("sum", "fresh")

	s.run(rivers.RunRequest{Selection: []string{"balance"}, Partition: partition.SingleKey("2026-01-04")})
	s.is("balance", "1 stale, new data of balance (1), 5 upstream stale")
	s.is("sum", "1 stale, new data of balance (1), 1 upstream stale")

	// What is stale in a range is made, and what follows from it within the range.
	s.run(rivers.RunRequest{Selection: []string{"balance"}, Range: partition.Range("2026-01-02", "2026-01-07"), Stale: true})
	s.is("balance", "1 stale, new data of balance (1), 2 upstream stale")

	s.run(rivers.RunRequest{Selection: []string{"balance", "sum"}, Range: all, Stale: true})
	s.is("balance", "fresh")
	s.is("sum", "fresh")

	// A person who marks a day says that it was made elsewhere, of what there is; the next day was not made of it.
	if _, err := s.repo.MarkMaterialized(t.Context(), rivers.StateEdit{Selection: []string{"balance"}, Keys: []partition.Key{partition.SingleKey("2026-01-09")}, By: "ann"}); err != nil {
		t.Fatal(err)
	}
	s.is("balance", "1 stale, new data of balance (1)")
	if _, err := s.repo.Wipe(t.Context(), rivers.StateEdit{Selection: []string{"balance"}, Keys: []partition.Key{partition.SingleKey("2026-01-09")}, By: "ann"}); err != nil {
		t.Fatal(err)
	}
	s.is("balance", "1 missing, 1 upstream stale")
}
