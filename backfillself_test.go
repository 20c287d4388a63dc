package rivers_test

import (
	"errors"
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

// What reads a day that failed is not made of something older; what does not is made.
func TestBackfillStopsAChainAtTheDayThatFailed(t *testing.T) {
	t.Parallel()
	regions := partition.Multi(map[string]partition.Definition{"day": twentyDays, "region": partition.Static("north", "south", "west")})
	for _, c := range []struct {
		name     string
		parts    partition.Definition
		strategy rivers.BackfillStrategy
		fails    string
		made     int
		failed   int64 // the rest of the chain is given up, whatever the strategy
	}{
		{"days", twentyDays, rivers.MultiRun(), "2026-01-06", 5, 1},
		{"days and regions", regions, rivers.MultiRun(), "day=2026-01-06|region=north", 45, 1},
		{"a run for each day", regions, rivers.PerDimension([]string{"day"}, []string{"region"}), "day=2026-01-06|region=north", 45, 1},
		{"a run for each region", regions, rivers.PerDimension([]string{"region"}, []string{"day"}), "day=2026-01-06|region=north", 45, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBalances(t, c.parts)
			b.fails = c.fails
			res, err := b.repo.Backfill(t.Context(), rivers.BackfillRequest{MaxConcurrency: 4, Strategy: c.strategy})
			if err == nil || res.State != storage.BackfillFailed || res.Progress.FailedCount != c.failed {
				t.Fatalf("%+v, %v", res, err)
			}
			if len(b.made) != c.made {
				t.Errorf("made are %d, %v: want %d", len(b.made), b.made, c.made)
			}
		})
	}
}

// A backfill of what is stale also takes the days that it makes stale itself, and nothing before or beyond what is asked for.
func TestBackfillOfStaleDaysTakesWhatFollows(t *testing.T) {
	t.Parallel()
	b := newBalances(t, twentyDays)
	if _, err := b.repo.Backfill(t.Context(), rivers.BackfillRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.repo.Materialize(t.Context(), rivers.RunRequest{Partition: partition.SingleKey("2026-01-04")}); err != nil {
		t.Fatal(err)
	}
	res, err := b.repo.Backfill(t.Context(), rivers.BackfillRequest{Only: storage.OnlyStale, Range: partition.Range("2026-01-02", "2026-01-12"), DryRun: true})
	if err != nil || len(res.Texts) == 0 || res.Total != 8 {
		t.Fatalf("%+v, %v: want the eight days from the fifth to the twelfth", res, err)
	}
	if _, err := b.repo.Backfill(t.Context(), rivers.BackfillRequest{Only: storage.OnlyStale}); err != nil {
		t.Fatal(err)
	}
	list, err := b.repo.Status(t.Context(), rivers.StatusRequest{})
	if err != nil || list[0].Stale.Count != 0 || list[0].UpstreamStale.Count != 0 {
		t.Errorf("%+v, %v: want nothing stale", list, err)
	}
}
