package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/bench"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// staleAssets makes n assets, and then the first layer again, and asks as a new process which are stale.
func staleAssets(ctx context.Context, n int, store storage.Storage) (took time.Duration, err error) {
	repo := repository(assets(bench.Layers, n))
	defer func() { err = errors.Join(err, repo.Close()) }()
	if err := repo.Resolve(ctx, store); err != nil {
		return 0, err
	}
	if _, err := repo.Materialize(ctx, rivers.RunRequest{}); err != nil {
		return 0, err
	}
	if _, err := repo.Status(ctx, rivers.StatusRequest{}); err != nil { // which is kept
		return 0, err
	}
	if _, err := repo.Materialize(ctx, rivers.RunRequest{Selection: []string{bench.Layers.Name(0)}}); err != nil {
		return 0, err
	}
	cold := repository(assets(bench.Layers, n))
	defer func() { err = errors.Join(err, cold.Close()) }()
	if err := cold.Resolve(ctx, store); err != nil {
		return 0, err
	}
	start := time.Now()
	list, err := cold.Status(ctx, rivers.StatusRequest{})
	took = time.Since(start)
	if err != nil {
		return took, err
	}
	stale, below := int64(0), int64(0)
	for i := range list {
		stale += list[i].Stale.Count
		below += list[i].UpstreamStale.Count
	}
	if len(list) != n || stale == 0 || below == 0 {
		err = fmt.Errorf("%d assets, %d of them stale and %d below such: want %d and some", len(list), stale, below, n)
	}
	return took, err
}

type readsSource struct{ Source int }

// dividedPair are two assets with n partitions each, of which one reads the other's of the same key.
func dividedPair(n int) *rivers.CodeRepository {
	hours := partition.Hourly(partition.Date(1900, time.January, 1), partition.Until(partition.CivilOf(time.Date(1900, time.January, 1, n, 0, 0, 0, time.UTC))))
	source := rivers.NewAsset(rivers.AssetSpec{Name: "source", Partitions: hours}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })
	made := rivers.NewAsset(rivers.AssetSpec{Name: "made", Partitions: hours}, func(_ *rivers.AssetContext, in readsSource) (int, error) { return in.Source, nil })
	return repository([]rivers.Asset{source, made})
}

// half makes n partitions of two assets, and then every second of the upstream one again, as storage is told it by a run.
func half(ctx context.Context, n int, store storage.Storage, space partition.Space) error {
	keys, err := store.AssetKeys(ctx, []string{"source", "made"})
	if err != nil {
		return err
	}
	run := storage.Batch{Runs: []storage.RunRecord{{ID: "setup", Location: location, State: storage.Running, Token: 1}}}
	if err := store.Commit(ctx, &run); err != nil {
		return err
	}
	var second partition.Gather
	all := space.All()
	for i := range int64(n / 2) {
		second.Add(space.Part(all, 2*i, 1))
	}
	fence := storage.Fence{Run: run.Runs[0].Key, Token: 1}
	for i, u := range []storage.AssetUpdate{{Asset: keys[0], Partitions: all}, {Asset: keys[1], Partitions: all}, {Asset: keys[0], Partitions: second.Set()}} {
		d := storage.Detail{Data: fmt.Sprint(i), Partitions: u.Partitions}
		if u.Asset == keys[1] {
			d.Inputs = map[string]string{"source": "several"}
		}
		u.Run, u.N, u.At, u.DataVersion, u.Detail = fence.Run, int64(i+1), storage.Micros(i+1), d.Data, d.AppendJSON(nil)
		if err := store.Commit(ctx, &storage.Batch{Fence: fence, Assets: []storage.AssetUpdate{u}}); err != nil {
			return err
		}
	}
	return nil
}

// stalePartitions asks as a new process which of n partitions are stale, every second of which is; or, changed, as a process
// that had asked before a hundred partitions were made again.
func stalePartitions(ctx context.Context, n int, store storage.Storage, changed bool) (took time.Duration, err error) {
	repo := dividedPair(n)
	defer func() { err = errors.Join(err, repo.Close()) }()
	if err := repo.Resolve(ctx, store); err != nil {
		return 0, err
	}
	list, err := repo.Status(ctx, rivers.StatusRequest{})
	if err != nil {
		return 0, err
	}
	space := list[0].Space
	if err := half(ctx, n, store, space); err != nil {
		return 0, err
	}
	if _, err := repo.Status(ctx, rivers.StatusRequest{}); err != nil { // which is kept
		return 0, err
	}
	asking, want := repo, int64(n/2)
	if made := min(n, 100); changed {
		first, err := space.Key(0)
		if err != nil {
			return 0, err
		}
		last, err := space.Key(int64(made - 1))
		if err != nil {
			return 0, err
		}
		if _, err := repo.Materialize(ctx, rivers.RunRequest{Range: partition.Range(first.String(), last.String())}); err != nil {
			return 0, err
		}
		want -= int64(made / 2)
	} else {
		asking = dividedPair(n)
		defer func() { err = errors.Join(err, asking.Close()) }()
		if err := asking.Resolve(ctx, store); err != nil {
			return 0, err
		}
	}
	start := time.Now()
	list, err = asking.Status(ctx, rivers.StatusRequest{})
	took = time.Since(start)
	if err == nil && list[1].Stale.Count != want {
		err = fmt.Errorf("%d of %d partitions are stale: want %d", list[1].Stale.Count, n, want)
	}
	return took, err
}
