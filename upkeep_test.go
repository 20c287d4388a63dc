package rivers_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// asked is a store that says when it is asked to prune, and does what a test wants then.
type asked struct {
	storage.Storage

	prune func(ctx context.Context, r storage.PruneRequest) (storage.PruneReport, error)
}

func (a *asked) Prune(ctx context.Context, r storage.PruneRequest) (storage.PruneReport, error) {
	return a.prune(ctx, r)
}

// upkept is a repository of one asset on a store.
func upkept(t *testing.T, name string, store storage.Storage, keep storage.Retention) *rivers.CodeRepository {
	t.Helper()
	one := rivers.NewAsset(rivers.AssetSpec{Name: "one"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: name, Assets: []rivers.Asset{one}, Retention: keep})
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	return repo
}

func runAs(t *testing.T, repo *rivers.CodeRepository, id string) {
	t.Helper()
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{RunID: id}); err != nil {
		t.Fatal(err)
	}
}

// TestUpkeep runs an asset, and a year later again: what the first run left is gone by then, and nothing else. Who keeps longer, or
// prunes by hand, or shares the store with one who does, loses nothing.
func TestUpkeep(t *testing.T) {
	t.Parallel()
	day := storage.Retention{Logs: 24 * time.Hour, Steps: 24 * time.Hour, AssetEvents: 24 * time.Hour, NewestAssetEvents: -1, Runs: 24 * time.Hour}
	byHand := day
	byHand.ByHand = true
	for name, c := range map[string]struct {
		keep, others storage.Retention
		stays        bool
	}{
		"a day":                      {day, day, false},
		"by default the newest stay": {storage.Retention{}, storage.Retention{}, true},
		"forever":                    {storage.All(storage.Forever), day, true},
		"by hand":                    {byHand, day, true},
		"another keeps for ever":     {day, storage.All(storage.Forever), true},
		"another keeps an hour":      {day, storage.Retention{Logs: time.Hour, Steps: time.Hour, AssetEvents: time.Hour, NewestAssetEvents: -1, Runs: time.Hour}, false},
		"another prunes by hand":     {day, byHand, true},
		"another says nothing of it": {day, storage.Retention{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := memory.New()
				other := upkept(t, "other", store, c.others)
				defer other.Close()
				repo := upkept(t, "shop", store, c.keep)
				defer repo.Close()
				runAs(t, repo, "old")
				time.Sleep(366 * 24 * time.Hour)
				runAs(t, repo, "newest")
				synctest.Wait()
				if _, err := store.GetRun(t.Context(), "old"); (err == nil) != c.stays {
					t.Errorf("the old run: %v", err)
				}
				if rec, err := store.GetAsset(t.Context(), "one"); err != nil || rec.Materialization.RunID != "newest" {
					t.Errorf("%+v, %v", rec, err)
				}
			})
		})
	}
}

// TestUpkeepIsAskedForSeldom asks the store once a minute at most, in whatever many runs, and as long as one is in progress.
func TestUpkeepIsAskedForSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var calls []storage.PruneRequest
		store := &asked{Storage: memory.New(), prune: func(_ context.Context, r storage.PruneRequest) (storage.PruneReport, error) {
			mu.Lock()
			defer mu.Unlock()
			calls = append(calls, r)
			return storage.PruneReport{}, errors.New("the disk is on fire") // which is said, and no run's concern
		}}
		long := rivers.NewAsset(rivers.AssetSpec{Name: "long"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) {
			time.Sleep(5*time.Minute + time.Second)
			return 1, nil
		})
		one := rivers.NewAsset(rivers.AssetSpec{Name: "one"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })
		repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Assets: []rivers.Asset{one, long}, Logger: slog.New(slog.DiscardHandler)})
		defer repo.Close()
		if err := repo.Resolve(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		run := func(name string, want int) {
			t.Helper()
			if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{name}}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if len(calls) != want {
				t.Errorf("the store was asked %d times, want %d", len(calls), want)
			}
		}
		run("one", 0) // a new store is left alone
		time.Sleep(time.Hour)
		for range 5 {
			run("one", 1)
		}
		time.Sleep(time.Minute)
		run("one", 2)
		run("long", 7)
		if r := calls[0]; r.Every != time.Hour || r.Limit == 0 || r.Chunk == 0 || r.Chunk > 1000 {
			t.Errorf("it was asked for %+v: want one bounded slice an hour", r)
		}
	})
}

// TestUpkeepKeepsNobody: a run ends while history is pruned, and the end of the repository ends that.
func TestUpkeepKeepsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Bool
		store := &asked{Storage: memory.New(), prune: func(ctx context.Context, _ storage.PruneRequest) (storage.PruneReport, error) {
			<-ctx.Done()
			ended.Store(true)
			return storage.PruneReport{}, ctx.Err()
		}}
		repo := upkept(t, "shop", store, storage.Retention{})
		time.Sleep(time.Hour)
		began := time.Now()
		runAs(t, repo, "r")
		if ended.Load() {
			t.Error("pruning ended with the run")
		}
		if err := repo.Close(); err != nil || !ended.Load() {
			t.Errorf("closed with %v, pruning ended: %t", err, ended.Load())
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the run and the end took %s in a world in which nothing takes time", took)
		}
	})
}
