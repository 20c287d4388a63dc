package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/bench"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// outdated reports whether asset i of layers is in one of the layers that are stale after
// writeLayers: every second one, from the second on.
func outdated(i int) bool { return i/bench.Layer%2 == 1 }

// claimed keeps values in memory and claims that they outlive it. What is asked here is about
// records: no other process loads a value, and a new value has a new version.
type claimed struct{ iohandler.MemoryHandler }

// CrossesProcesses reports true.
func (*claimed) CrossesProcesses() bool { return true }

func ofRecords(all []rivers.Asset) *rivers.CodeRepository {
	return rivers.NewCodeRepository(rivers.RepositoryConfig{Name: location, Assets: all, DefaultIOHandler: &claimed{}})
}

// writeLayers makes a store of n assets that were made, and then every second layer of them again,
// so that the layers between are stale.
func writeLayers(ctx context.Context, kind, place string, n int) (err error) {
	store, err := open(ctx, kind, place)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	repo := ofRecords(assets(bench.Layers, n))
	defer func() { err = errors.Join(err, repo.Close()) }()
	if err := repo.Resolve(ctx, store); err != nil {
		return err
	}
	if _, err := repo.Materialize(ctx, rivers.RunRequest{}); err != nil {
		return err
	}
	var again []string
	for i := range n {
		if !outdated(i) {
			again = append(again, bench.Layers.Name(i))
		}
	}
	_, err = repo.Materialize(ctx, rivers.RunRequest{Selection: again})
	return err
}

// staleAssets asks which of n assets are stale, and proves that it is every second layer, and that
// all below know of it.
func staleAssets(ctx context.Context, n int, store storage.Storage) (took time.Duration, err error) {
	repo := ofRecords(assets(bench.Layers, n))
	defer func() { err = errors.Join(err, repo.Close()) }()
	if err := repo.Resolve(ctx, store); err != nil {
		return 0, err
	}
	start := time.Now()
	list, err := repo.Status(ctx, rivers.StatusRequest{})
	took = time.Since(start)
	if err != nil {
		return took, err
	}
	if len(list) != n {
		return took, fmt.Errorf("%d assets have a status, want %d", len(list), n)
	}
	status := map[string]*rivers.AssetStatus{}
	for i := range list {
		status[list[i].Asset] = &list[i]
	}
	for i := range n {
		s := status[bench.Layers.Name(i)]
		if stale, below := outdated(i), i >= 2*bench.Layer; (s.Stale.Count > 0) != stale || (s.UpstreamStale.Count > 0) != below {
			return took, fmt.Errorf("asset %d is stale: %t, below such: %t, want %t and %t", i, s.Stale.Count > 0, s.UpstreamStale.Count > 0, stale, below)
		}
	}
	return took, nil
}

type readsSource struct{ Source int }

// partitionedPair are two assets with n partitions each: one reads the other's of the same key, and
// what exists of these.
func partitionedPair(n int) (*rivers.CodeRepository, partition.Space, error) {
	hours := partition.Hourly(partition.Date(1900, time.January, 1), partition.Until(partition.CivilOf(time.Date(1900, time.January, 1, n, 0, 0, 0, time.UTC))))
	source := rivers.NewAsset(rivers.AssetSpec{Name: "source", Partitions: hours}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })
	made := rivers.NewAsset(rivers.AssetSpec{Name: "made", Partitions: hours}, func(_ *rivers.AssetContext, in readsSource) (int, error) { return in.Source, nil })
	space, err := partition.NewSpace(hours, time.Now(), partition.Tables{})
	return ofRecords([]rivers.Asset{source, made}), space, err
}

// everySecond is every second partition, from the first on.
func everySecond(space partition.Space) partition.Set {
	var second partition.Gather
	all := space.All()
	for i := range space.Len() / 2 {
		second.Add(space.Part(all, 2*i, 1))
	}
	return second.Set()
}

// withPair opens a store and does something with a pair that is resolved in it.
func withPair(ctx context.Context, kind, place string, n int, do func(store storage.Storage, repo *rivers.CodeRepository, space partition.Space) error) (err error) {
	store, err := open(ctx, kind, place)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	repo, space, err := partitionedPair(n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	if err := repo.Resolve(ctx, store); err != nil {
		return err
	}
	return do(store, repo, space)
}

// writeHalf makes a store of two assets of n partitions, a step for each, and then every second one
// of the upstream again.
func writeHalf(ctx context.Context, kind, place string, n int) error {
	return withPair(ctx, kind, place, n, func(_ storage.Storage, repo *rivers.CodeRepository, space partition.Space) error {
		if _, err := repo.Materialize(ctx, rivers.RunRequest{Partitions: space.All()}); err != nil {
			return err
		}
		_, err := repo.Materialize(ctx, rivers.RunRequest{Selection: []string{"source"}, Partitions: everySecond(space)})
		return err
	})
}

// writeSets makes the same at once, as storage is told it by a run, and asks what is stale, which
// is kept.
func writeSets(ctx context.Context, kind, place string, n int) error {
	return withPair(ctx, kind, place, n, func(store storage.Storage, repo *rivers.CodeRepository, space partition.Space) error {
		if err := commitSets(ctx, store, space); err != nil {
			return err
		}
		_, err := repo.Status(ctx, rivers.StatusRequest{})
		return err
	})
}

// commitSets records two assets as made, and then every second partition of the upstream one again.
func commitSets(ctx context.Context, store storage.Storage, space partition.Space) error {
	keys, err := store.AssetKeys(ctx, []string{"source", "made"})
	if err != nil {
		return err
	}
	run := storage.Batch{Runs: []storage.RunRecord{{ID: "setup", Location: location, State: storage.Running, Token: 1}}}
	if err := store.Commit(ctx, &run); err != nil {
		return err
	}
	all, fence := space.All(), storage.Fence{Run: run.Runs[0].Key, Token: 1}
	for i, u := range []storage.AssetUpdate{{Asset: keys[0], Partitions: all}, {Asset: keys[1], Partitions: all}, {Asset: keys[0], Partitions: everySecond(space)}} {
		d := storage.Detail{Data: strconv.Itoa(i), Partitions: u.Partitions}
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

// stalePartitions asks which of n partitions are stale; warm, for the second time, after the first
// hundred were made meanwhile.
func stalePartitions(warm bool) worker {
	return func(ctx context.Context, n int, store storage.Storage) (took time.Duration, err error) {
		repo, space, err := partitionedPair(n)
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, repo.Close()) }()
		if err := repo.Resolve(ctx, store); err != nil {
			return 0, err
		}
		want := everySecond(space)
		if !warm {
			return askPartitions(ctx, repo, want)
		}
		if _, err := askPartitions(ctx, repo, want); err != nil {
			return 0, err
		}
		first := space.Part(space.All(), 0, 100)
		if _, err := repo.Materialize(ctx, rivers.RunRequest{Partitions: first}); err != nil {
			return 0, err
		}
		return askPartitions(ctx, repo, want.Minus(first))
	}
}

// askPartitions asks which partitions of the lower of two assets are stale.
func askPartitions(ctx context.Context, repo *rivers.CodeRepository, want partition.Set) (time.Duration, error) {
	start := time.Now()
	list, err := repo.Status(ctx, rivers.StatusRequest{})
	took := time.Since(start)
	if err != nil {
		return took, err
	}
	if made := list[1]; !made.Stale.Partitions.Equal(want) {
		err = fmt.Errorf("%d of %d partitions are stale, want %d others", made.Stale.Count, made.Total, made.Space.Count(want))
	}
	return took, err
}
