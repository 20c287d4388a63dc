package rivers_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// balances are one for each day, of which each is made of that of the day before.
type balances struct {
	repo *rivers.CodeRepository

	mu     sync.Mutex
	made   []string
	values map[string]int
	fails  string // the day that does
}

func newBalances(t *testing.T, parts partition.Definition) *balances {
	t.Helper()
	b := &balances{values: map[string]int{}}
	balance := rivers.NewAsset(rivers.AssetSpec{Name: "balance", Partitions: parts}, func(ctx *rivers.AssetContext, in struct {
		Before rivers.SelfDependency[int]
	},
	) (int, error) {
		before, _ := in.Before.Get()
		day := ctx.Partition().Key().String()
		b.mu.Lock()
		defer b.mu.Unlock()
		if day == b.fails {
			return 0, errors.New("the books do not balance")
		}
		b.made, b.values[day] = append(b.made, day), before+1
		return before + 1, nil
	})
	b.repo = rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "balances", Assets: []rivers.Asset{balance}, DefaultIOHandler: iohandler.Memory()})
	t.Cleanup(func() { _ = b.repo.Close() })
	if err := b.repo.Resolve(t.Context(), memory.New()); err != nil {
		t.Fatal(err)
	}
	return b
}

var twentyDays = partition.Daily(partition.Date(2026, time.January, 1), partition.Until(partition.Date(2026, time.January, 21)))

// A day is not begun before the day is made that it reads, though runs for four days may be at once; products go on beside
// each other where they do not read each other.
func TestBackfillGoesDayByDayWhereADayReadsTheOneBefore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		parts  partition.Definition
		chains int
	}{
		{"days", twentyDays, 1},
		{"days and regions", partition.Multi(map[string]partition.Definition{"day": twentyDays, "region": partition.Static("north", "south", "west")}), 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBalances(t, c.parts)
			res, err := b.repo.Backfill(t.Context(), rivers.BackfillRequest{MaxConcurrency: 4})
			if err != nil || res.Progress.CompletedCount != int64(20*c.chains) {
				t.Fatalf("%+v, %v", res, err)
			}
			for value := 1; value <= 20; value++ {
				n := 0
				for _, v := range b.values {
					if v == value {
						n++
					}
				}
				if n != c.chains {
					t.Errorf("the balance is %d on %d days, want %d: made in the order %v", value, n, c.chains, b.made)
				}
			}
		})
	}
}

// What reads a day that failed is not made of something older.
func TestBackfillStopsAChainAtTheDayThatFailed(t *testing.T) {
	t.Parallel()
	b := newBalances(t, twentyDays)
	b.fails = "2026-01-06"
	res, err := b.repo.Backfill(t.Context(), rivers.BackfillRequest{MaxConcurrency: 4})
	if err == nil || res.State != storage.BackfillFailed {
		t.Fatalf("%+v, %v", res, err)
	}
	if last := slices.Max(b.made); last != "2026-01-05" {
		t.Errorf("made are %v, want the days before the sixth", b.made)
	}
}
