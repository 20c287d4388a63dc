package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/bench"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
	"github.com/rivers-go/rivers/storage/postgres"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// location is the name of the measured repository.
const location = "bench"

// assets defines n assets of a shape; each is one more than its first upstream.
func assets(s bench.Shape, n int) []rivers.Asset {
	all := make([]rivers.Asset, n)
	var ups []int
	for i := range all {
		ups = s.Upstreams(i, ups[:0])
		spec := rivers.AssetSpec{Name: s.Name(i)}
		switch len(ups) {
		case 0:
			all[i] = rivers.NewAsset(spec, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })
		case 1:
			spec.Deps = []rivers.Dep{{On: s.Name(ups[0]), Field: "Up"}}
			all[i] = rivers.NewAsset(spec, func(_ *rivers.AssetContext, in struct{ Up int }) (int, error) { return in.Up + 1, nil })
		default:
			spec.Deps = []rivers.Dep{{On: s.Name(ups[0]), Field: "Left"}, {On: s.Name(ups[1]), Field: "Right"}}
			all[i] = rivers.NewAsset(spec, func(_ *rivers.AssetContext, in struct{ Left, Right int }) (int, error) {
				if in.Left != in.Right {
					return 0, fmt.Errorf("upstreams %d and %d: they are of one layer, so they are equal", in.Left, in.Right)
				}
				return in.Left + 1, nil
			})
		}
	}
	return all
}

// repository keeps values in memory, so that a case measures rivers and not the disk.
func repository(all []rivers.Asset) *rivers.CodeRepository {
	return rivers.NewCodeRepository(rivers.RepositoryConfig{Name: location, Assets: all, DefaultIOHandler: iohandler.Memory()})
}

// withFiles keeps values where a repository without a handler keeps them.
func withFiles(all []rivers.Asset) *rivers.CodeRepository {
	return rivers.NewCodeRepository(rivers.RepositoryConfig{Name: location, Assets: all})
}

// open opens a store of a kind at a place: a directory, or a URL.
func open(ctx context.Context, kind, place string) (storage.Storage, error) {
	switch kind {
	case embedded:
		return sqlite.Open(ctx, place)
	case onServer:
		return postgres.Open(ctx, place)
	case inMemory:
		return memory.New(), nil
	}
	return nil, fmt.Errorf("store %q: want one of %v", kind, storeNames())
}

// work does a case once and returns how long the part that counts took.
func work(ctx context.Context, name string, n int, kind, place string) (took time.Duration, err error) {
	switch name {
	case "resolve":
		return resolve(ctx, n, kind, place)
	case "resume":
		if err := cut(ctx, n, kind, place); err != nil {
			return 0, err
		}
	}
	store, err := open(ctx, kind, place)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	do := map[string]worker{
		"startup": shaped(bench.Wide, nil), "wide": shaped(bench.Wide, check), "history": shaped(bench.Wide, check),
		"chain": shaped(bench.Chain, check), "layers": shaped(bench.Layers, check),
		"wide-files": filed(bench.Wide), "chain-files": filed(bench.Chain),
		"again": resolveAgain, "resume": resume, "plan": plan, "runs": runs, "subprocess": isolated,
		"writer": writersOf(1), "writers": writersOf(8), "list": list(storage.RunQuery{Location: location, Limit: page}), "failures": list(failures()),
		"backfill": backfill(rivers.MultiRun()), "onerun": backfill(rivers.SingleRun()), "planned": planned, "missing": missing,
		"stale": staleAssets, "stale-first": stalePartitions(false), "stale-cold": stalePartitions(false), "stale-warm": stalePartitions(true),
	}[name]
	if do == nil {
		return 0, fmt.Errorf("case %q: want one of %v", name, caseNames())
	}
	return do(ctx, n, store)
}

// worker does n of something in a store and returns how long the part that counts took.
type worker func(ctx context.Context, n int, store storage.Storage) (time.Duration, error)

func shaped(s bench.Shape, check checker) worker {
	return func(ctx context.Context, n int, store storage.Storage) (time.Duration, error) {
		return materialize(ctx, repository(assets(s, n)), s, n, store, check)
	}
}

func filed(s bench.Shape) worker {
	return func(ctx context.Context, n int, store storage.Storage) (time.Duration, error) {
		return materialize(ctx, withFiles(assets(s, n)), s, n, store, check)
	}
}

func writersOf(writers int) worker {
	return func(ctx context.Context, n int, store storage.Storage) (time.Duration, error) {
		return write(ctx, n, writers, store)
	}
}

type checker func(ctx context.Context, repo *rivers.CodeRepository, s bench.Shape, n int, res *rivers.RunResult) error

// materialize runs n assets of a shape.
func materialize(ctx context.Context, repo *rivers.CodeRepository, s bench.Shape, n int, store storage.Storage, check checker) (took time.Duration, err error) {
	defer func() { err = errors.Join(err, repo.Close()) }()
	if err := repo.Resolve(ctx, store); err != nil {
		return 0, err
	}
	start := time.Now()
	res, err := repo.Materialize(ctx, rivers.RunRequest{})
	took = time.Since(start)
	if err != nil || check == nil {
		return took, err
	}
	return took, check(ctx, repo, s, n, res)
}

// check proves that a run of n assets did its work: its events are recorded, and the last value is
// what all steps before it make it.
func check(ctx context.Context, repo *rivers.CodeRepository, s bench.Shape, n int, res *rivers.RunResult) error {
	if err := recorded(ctx, repo.Storage(), res.RunID, n); err != nil {
		return err
	}
	for _, i := range []int{0, n / 2, n - 1} {
		var got int
		if err := repo.LoadNode(ctx, s.Name(i), &got, rivers.LoadOptions{}); err != nil {
			return err
		}
		if want := s.Value(i); got != want {
			return fmt.Errorf("asset %s is %d, want %d", s.Name(i), got, want)
		}
	}
	return nil
}

// recorded proves that a store has a run of n successful steps.
func recorded(ctx context.Context, store storage.Reader, id string, n int) error {
	run, err := store.GetRun(ctx, id)
	if err != nil {
		return err
	}
	if run.State != storage.Success || run.Counts.Succeeded != n {
		return fmt.Errorf("run %s ended in state %s with %d successes, want %s with %d", id, run.State, run.Counts.Succeeded, storage.Success, n)
	}
	got, err := succeeded(ctx, store, run.Key)
	if err == nil && got != n {
		err = fmt.Errorf("run %s recorded %d materializations, want %d", id, got, n)
	}
	return err
}

// succeeded counts the materializations of a run.
func succeeded(ctx context.Context, store storage.Reader, run storage.RunKey) (int, error) {
	events, err := store.ListEvents(ctx, storage.EventQuery{Run: run})
	n := 0
	for i := range events {
		if events[i].Kind == storage.StepSucceeded && events[i].Asset != 0 {
			n++
		}
	}
	return n, err
}

// resolve validates and resolves n assets in a store that does not know them; opening it counts.
func resolve(ctx context.Context, n int, kind, place string) (took time.Duration, err error) {
	all := assets(bench.Layers, n)
	start := time.Now()
	store, err := open(ctx, kind, place)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	err = resolveIn(ctx, all, store, start, &took)
	return took, err
}

// resolveIn resolves and reports when that was done; then it checks.
func resolveIn(ctx context.Context, all []rivers.Asset, store storage.Storage, start time.Time, took *time.Duration) (err error) {
	repo := repository(all)
	defer func() { err = errors.Join(err, repo.Close()) }()
	if err := repo.Validate(); err != nil {
		return err
	}
	if err := repo.Resolve(ctx, store); err != nil {
		return err
	}
	*took = time.Since(start)
	records, err := store.ListAssets(ctx, storage.AssetQuery{})
	if err == nil && len(records) != len(all) {
		err = fmt.Errorf("the store knows %d assets, want %d", len(records), len(all))
	}
	return err
}

// resolveAgain does what the next start of an unchanged program does.
func resolveAgain(ctx context.Context, n int, store storage.Storage) (took time.Duration, err error) {
	if err := resolveIn(ctx, assets(bench.Layers, n), store, time.Now(), &took); err != nil {
		return 0, err
	}
	all := assets(bench.Layers, n)
	err = resolveIn(ctx, all, store, time.Now(), &took)
	return took, err
}

func plan(ctx context.Context, n int, store storage.Storage) (took time.Duration, err error) {
	repo := repository(assets(bench.Layers, n))
	defer func() { err = errors.Join(err, repo.Close()) }()
	if err := repo.Resolve(ctx, store); err != nil {
		return 0, err
	}
	start := time.Now()
	p, err := repo.Plan(rivers.RunRequest{})
	took = time.Since(start)
	if err == nil && len(p.Steps) != n {
		err = fmt.Errorf("the plan has %d steps, want %d", len(p.Steps), n)
	}
	return took, err
}

// runs are n runs, each durable before the next one begins.
func runs(ctx context.Context, n int, store storage.Storage) (took time.Duration, err error) {
	repo := repository(assets(bench.Wide, 1))
	defer func() { err = errors.Join(err, repo.Close()) }()
	if err := repo.Resolve(ctx, store); err != nil {
		return 0, err
	}
	start := time.Now()
	var last *rivers.RunResult
	for range n {
		if last, err = repo.Materialize(ctx, rivers.RunRequest{}); err != nil {
			return 0, err
		}
	}
	took = time.Since(start)
	all, err := store.ListRuns(ctx, storage.RunQuery{Location: location, Limit: n + 1})
	if err == nil && len(all) != n {
		err = fmt.Errorf("the store has %d runs, want %d", len(all), n)
	}
	return took, errors.Join(err, recorded(ctx, store, last.RunID, 1))
}
