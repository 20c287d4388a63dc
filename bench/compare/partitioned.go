package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/bench"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// partitioned is a repository of one asset that has partitions.
func partitioned(d partition.Definition) *rivers.CodeRepository {
	return repository([]rivers.Asset{rivers.NewAsset(rivers.AssetSpec{Name: bench.Wide.Name(0), Partitions: d},
		func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })})
}

// backfill makes n partitions, which peers know as static keys too.
func backfill(strategy rivers.BackfillStrategy) worker {
	return func(ctx context.Context, n int, store storage.Storage) (took time.Duration, err error) {
		keys := make([]string, n)
		for i := range keys {
			keys[i] = "k" + strconv.Itoa(i)
		}
		repo := partitioned(partition.Static(keys...))
		defer func() { err = errors.Join(err, repo.Close()) }()
		if err := repo.Resolve(ctx, store); err != nil {
			return 0, err
		}
		start := time.Now()
		res, err := repo.Backfill(ctx, rivers.BackfillRequest{Strategy: strategy})
		took = time.Since(start)
		if err != nil {
			return took, err
		}
		return took, backfilled(ctx, store, res, n, strategy.IsSingleRun())
	}
}

// backfilled proves that a backfill made n partitions, by as many runs as it should.
func backfilled(ctx context.Context, store storage.Reader, res *rivers.BackfillResult, n int, together bool) error {
	want := n
	if together {
		want = 1
	}
	runs, err := store.ListRuns(ctx, storage.RunQuery{Backfill: res.ID, States: []storage.RunState{storage.Success}, Limit: n + 1})
	if err != nil {
		return err
	}
	if res.Completed != int64(n) || len(runs) != want {
		return fmt.Errorf("%d partitions are made by %d runs, want %d by %d", res.Completed, len(runs), n, want)
	}
	keys, err := store.AssetKeys(ctx, []string{bench.Wide.Name(0)})
	if err != nil {
		return err
	}
	sets, err := store.PartitionSets(ctx, keys)
	if err != nil {
		return err
	}
	if !sets[0].Materialized.Equal(res.Partitions) || !sets[0].InFlight.IsEmpty() {
		return fmt.Errorf("materialized are %s, and in flight %s: want all %d and none", sets[0].Materialized, sets[0].InFlight, n)
	}
	return nil
}

// planned plans a backfill of n hours.
func planned(ctx context.Context, n int, store storage.Storage) (took time.Duration, err error) {
	end := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	repo := partitioned(partition.Hourly(partition.CivilOf(end.Add(-time.Duration(n)*time.Hour)), partition.Until(partition.CivilOf(end))))
	defer func() { err = errors.Join(err, repo.Close()) }()
	if err := repo.Resolve(ctx, store); err != nil {
		return 0, err
	}
	return answer(func() error {
		res, err := repo.Backfill(ctx, rivers.BackfillRequest{Strategy: rivers.MultiRun(), DryRun: true})
		if err == nil && (res.Total != int64(n) || res.Runs != int64(n)) {
			err = fmt.Errorf("%d partitions are planned in %d runs, want %d", res.Total, res.Runs, n)
		}
		return err
	})
}

// tenants is the dynamic definition whose partitions are half there.
const tenants = "tenants"

// made reports whether a partition of those is there: about every other, with no order in it.
func made(o partition.Ordinal) bool { return uint32(o)*2_654_435_761>>31 == 0 }

// scattered is which of n partitions are there, and how many.
func scattered(n int) (set partition.Set, count int64) {
	set = partition.DynamicSet(tenants, func(yield func(partition.Ordinal) bool) {
		for o := range partition.Ordinal(n) {
			if !made(o) {
				continue
			}
			count++
			if !yield(o) {
				return
			}
		}
	})
	return set, count
}

// writeScattered makes a store with an asset of n partitions, half of them materialized.
func writeScattered(ctx context.Context, kind, place string, n int) (err error) {
	store, err := open(ctx, kind, place)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	keys := storage.KeyUpdate{Table: tenants}
	for i := range n {
		if keys.Add = append(keys.Add, fmt.Sprintf("tenant_%07d", i)); len(keys.Add) < 100_000 && i+1 < n {
			continue
		}
		if err := store.Commit(ctx, &storage.Batch{Keys: []storage.KeyUpdate{keys}}); err != nil {
			return err
		}
		keys.Add = keys.Add[:0]
	}
	name := bench.Wide.Name(0)
	if err := store.Commit(ctx, &storage.Batch{Topologies: []storage.Topology{{Location: "past", Hash: "1", Assets: []string{name}, Doc: []byte("{}")}}}); err != nil {
		return err
	}
	assets, err := store.AssetKeys(ctx, []string{name})
	if err != nil {
		return err
	}
	set, _ := scattered(n)
	return store.Commit(ctx, &storage.Batch{Assets: []storage.AssetUpdate{{Asset: assets[0], Kind: storage.Materialized, Partitions: set, At: 1}}})
}

// missing asks what a tick of conditions asks: which partitions are registered, which of them are
// not there.
func missing(ctx context.Context, n int, store storage.Storage) (time.Duration, error) {
	def := partition.Dynamic(tenants)
	_, there := scattered(n)
	cache := storage.NewKeyCache(store, 0)
	assets, err := store.AssetKeys(ctx, []string{bench.Wide.Name(0)})
	if err != nil {
		return 0, err
	}
	return answer(func() error {
		tables, err := cache.Tables(ctx, def)
		if err != nil {
			return err
		}
		space, err := partition.NewSpace(def, time.Now(), tables)
		if err != nil {
			return err
		}
		sets, err := store.PartitionSets(ctx, assets)
		if err != nil {
			return err
		}
		absent := space.Complement(sets[0].Materialized)
		if got, want := space.Count(absent), int64(n)-there; got != want {
			return fmt.Errorf("%d partitions are missing, want %d", got, want)
		}
		return nil
	})
}
