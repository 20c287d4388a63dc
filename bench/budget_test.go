//go:build !race

package bench_test

import (
	"runtime"
	"strconv"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/bench"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/storage/memory"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// Allocations are the same on every machine, so here a step that became dearer fails at once. The
// race detector adds some of its own.
func TestAllocationsOfAStep(t *testing.T) {
	const n = 1000
	for _, c := range []struct {
		shape bench.Shape
		most  float64
	}{{bench.Wide, 7.5}, {bench.Chain, 12.5}, {bench.Layers, 13}} {
		conf := config(t, c.shape, n, memory.New())
		run := 0
		got := testing.AllocsPerRun(5, func() {
			run++
			conf.Record.ID = strconv.Itoa(run)
			if _, err := engine.Execute(t.Context(), conf); err != nil {
				t.Fatal(err)
			}
		}) / n
		t.Logf("%s: %.2f allocations a step", c.shape, got)
		if got > c.most {
			t.Errorf("%s: %.2f allocations a step, the budget is %g", c.shape, got, c.most)
		}
	}
}

// What a run writes: three rows a step, in statements of many rows, and in each transaction one of what changed.
func TestRowsOfAStep(t *testing.T) {
	const n = 1000
	store, err := sqlite.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	conf := config(t, bench.Layers, n, store)
	conf.Record.ID = "one"
	before := store.Stats()
	if _, err := engine.Execute(t.Context(), conf); err != nil {
		t.Fatal(err)
	}
	after := store.Stats()
	rows, statements, commits := after.Rows-before.Rows, after.Statements-before.Statements, after.Commits-before.Commits
	t.Logf("%d rows and %d statements in %d transactions", rows, statements, commits)
	const ofRun = 5 + n/256 // the run, its plan, its start, its end as an event and as a state; the era is counted by the 256
	if most := 3*n + ofRun + commits; rows > most || statements > n/4 {
		t.Errorf("%d rows and %d statements for %d steps, the budget is %d and %d", rows, statements, n, most, n/4)
	}
}

// What a definition and its place in a valid repository take: thousands are made at every start.
func TestAllocationsOfAnAsset(t *testing.T) {
	const n = 1000
	for _, c := range []struct {
		shape                       bench.Shape
		define, validate            float64 // allocations
		defineBytes, validatedBytes uint64
	}{{bench.Wide, 8, 3.5, 530, 630}, {bench.Layers, 22, 7.5, 1320, 1160}} {
		var all []rivers.Asset
		define := allocated(func() { all = definitions(c.shape, n) })
		repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Assets: all})
		validate := allocated(func() {
			if err := repo.Validate(); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%s: %.1f allocations and %d bytes to define an asset, %.1f and %d to validate it", c.shape,
			float64(define.Mallocs)/n, define.TotalAlloc/n, float64(validate.Mallocs)/n, validate.TotalAlloc/n)
		if float64(define.Mallocs)/n > c.define || float64(validate.Mallocs)/n > c.validate {
			t.Errorf("%s: the budget is %g and %g allocations", c.shape, c.define, c.validate)
		}
		if define.TotalAlloc/n > c.defineBytes || validate.TotalAlloc/n > c.validatedBytes {
			t.Errorf("%s: the budget is %d and %d bytes", c.shape, c.defineBytes, c.validatedBytes)
		}
	}
}

// What is alive after a run of 10,000 steps: definitions, graph, result, and what the store still holds. The
// collector lets a process grow to about twice that.
func TestLiveAllocationsOfARun(t *testing.T) {
	const n, most = 10_000, 1260
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	store, err := sqlite.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "bench", Assets: definitions(bench.Wide, n)})
	defer func() { _ = repo.Close() }()
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{})
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.GC() // what pools held goes with the second
	runtime.ReadMemStats(&after)
	per := (after.HeapAlloc - before.HeapAlloc) / n
	t.Logf("%d bytes a step", per)
	if per > most {
		t.Errorf("%d bytes a step are alive after a run, the budget is %d", per, most)
	}
	runtime.KeepAlive(res)
}

// allocated is what a function allocates, whoever of the process does it.
func allocated(do func()) runtime.MemStats {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return runtime.MemStats{Mallocs: after.Mallocs - before.Mallocs, TotalAlloc: after.TotalAlloc - before.TotalAlloc}
}

// definitions are the assets of a shape, as people define them.
func definitions(s bench.Shape, n int) []rivers.Asset {
	all := make([]rivers.Asset, n)
	var ups []int
	for i := range all {
		spec := rivers.AssetSpec{Name: s.Name(i)}
		if ups = s.Upstreams(i, ups[:0]); len(ups) < 2 {
			all[i] = rivers.NewAsset(spec, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })
			continue
		}
		spec.Deps = []rivers.Dep{{On: s.Name(ups[0]), Field: "Left"}, {On: s.Name(ups[1]), Field: "Right"}}
		all[i] = rivers.NewAsset(spec, func(_ *rivers.AssetContext, in struct{ Left, Right int }) (int, error) { return in.Left, nil })
	}
	return all
}
