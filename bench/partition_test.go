package bench_test

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// benchNow is the instant at which partitions are looked at.
var benchNow = time.Date(2026, time.July, 1, 0, 0, 0, 0, time.UTC)

// hoursOf is the definition of n hours that have ended.
func hoursOf(n int) partition.Definition {
	return partition.Hourly(partition.CivilOf(benchNow.Add(-time.Duration(n) * time.Hour)))
}

const hoursSince1990 = 319_848

// divisions are definitions in sizes of ten times the one before. What is made of them is half: in ten stretches, or
// scattered, where a set grows with what is in it.
var divisions = []struct {
	name      string
	sizes     [3]int
	define    func(n int) partition.Definition
	scattered bool
}{
	{"hourly", [3]int{hoursSince1990 / 100, hoursSince1990 / 10, hoursSince1990}, hoursOf, false},
	{"hourly × tenants", [3]int{100, 1000, 10_000}, func(int) partition.Definition {
		return partition.Multi(map[string]partition.Definition{"hour": hoursOf(hoursSince1990), "tenant": partition.Dynamic("tenants")})
	}, false},
	{"5 dimensions", [3]int{100, 1000, 10_000}, func(int) partition.Definition {
		return partition.Multi(map[string]partition.Definition{
			"hour": hoursOf(hoursSince1990), "tenant": partition.Dynamic("tenants"), "region": partition.Static("us", "eu", "asia", "africa"),
			"kind": partition.Static("a", "b", "c"), "as of": partition.Daily(partition.Date(2020, time.January, 1)),
		})
	}, false},
	{"dynamic", [3]int{10_000, 100_000, 1_000_000}, func(int) partition.Definition { return partition.Dynamic("tenants") }, true},
}

// divided is an asset of which half is materialized in a store.
type divided struct {
	store    storage.Storage
	asset    storage.AssetKey
	space    partition.Space
	made     partition.Set
	missing  int64 // at first
	run      storage.RunKey
	next     int64 // the place of the next partition that is to be made, at least
	recorded int64 // the number of the last event
}

// divide makes the asset of a definition, of which so many tenants are registered.
func divide(tb testing.TB, store storage.Storage, d partition.Definition, keys int, scattered bool) *divided {
	tb.Helper()
	tenants := storage.KeyUpdate{Table: "tenants"}
	for i := range keys {
		tenants.Add = append(tenants.Add, "tenant-"+strconv.Itoa(i))
	}
	static := storage.KeyUpdate{Add: []string{"us", "eu", "asia", "africa", "a", "b", "c"}}
	b := storage.Batch{
		Keys: []storage.KeyUpdate{tenants, static}, Topologies: []storage.Topology{{Location: "bench", Assets: []string{"a"}, Doc: []byte("{}")}},
		Runs: []storage.RunRecord{{ID: "r", Location: "bench", State: storage.Running, Token: 1}},
	}
	commit(tb, store, &b)
	assets, err := store.AssetKeys(tb.Context(), []string{"a"})
	if err != nil {
		tb.Fatal(err)
	}
	a := &divided{store: store, asset: assets[0], space: spaceOf(tb, store, d), run: b.Runs[0].Key}
	if scattered {
		a.made = partition.DynamicSet("tenants", func(yield func(partition.Ordinal) bool) {
			for o := range uint32(keys) {
				if o*2_654_435_761>>31 == 0 && !yield(partition.Ordinal(o)) {
					return
				}
			}
		})
	} else {
		for i, size := int64(0), a.space.Len()/10; i < 10; i++ {
			a.made = a.made.Union(a.space.Part(a.space.All(), i*size+size/4, size/2))
		}
	}
	commit(tb, store, &storage.Batch{Assets: []storage.AssetUpdate{{Asset: a.asset, Kind: storage.Materialized, Partitions: a.made, At: 1}}})
	a.missing = a.space.Len() - a.space.Count(a.made)
	return a
}

func spaceOf(tb testing.TB, store storage.Partitions, d partition.Definition) partition.Space {
	tb.Helper()
	tables, err := storage.NewKeyCache(store, 0).Tables(tb.Context(), d)
	if err != nil {
		tb.Fatal(err)
	}
	space, err := partition.NewSpace(d, benchNow, tables)
	if err != nil {
		tb.Fatal(err)
	}
	return space
}

func commit(tb testing.TB, store storage.Writer, b *storage.Batch) {
	tb.Helper()
	if err := store.Commit(context.Background(), b); err != nil {
		tb.Fatal(err)
	}
}

// makeOne materializes the next partition that is missing, as a run does.
func (a *divided) makeOne(tb testing.TB) {
	tb.Helper()
	set := a.space.Part(a.space.Complement(a.made), a.next, 1)
	keys, err := a.space.First(set, 1)
	if err != nil || len(keys) != 1 {
		tb.Fatalf("the partition after %d that are missing: %v, %v", a.next, keys, err)
	}
	a.next++
	a.recorded++
	text := keys[0].String()
	commit(tb, a.store, &storage.Batch{
		Fence:  storage.Fence{Run: a.run, Token: 1},
		Events: []storage.Event{{Run: a.run, N: a.recorded, Fact: storage.Fact{At: 1, Attempt: 1, Kind: storage.AssetMaterialized}, Asset: a.asset, Partition: text}},
		Assets: []storage.AssetUpdate{{Asset: a.asset, Kind: storage.Materialized, Partitions: set, Partition: text, Run: a.run, N: a.recorded, At: 1}},
	})
}

// countMissing reads what is missing, as a tick of conditions and a page do.
func (a *divided) countMissing(tb testing.TB) int64 {
	tb.Helper()
	sets, err := a.store.PartitionSets(context.Background(), []storage.AssetKey{a.asset})
	if err != nil {
		tb.Fatal(err)
	}
	return a.space.Count(a.space.Complement(sets[0].Materialized))
}

// eachDivision measures an operation in all sizes, with every store of the process, and reports by which power its time grows
// with the number of partitions.
func eachDivision(b *testing.B, do func(b *testing.B, a *divided)) {
	b.Helper()
	for _, d := range divisions {
		for _, kind := range []string{"memory", "sqlite"} {
			var first float64
			for i, n := range d.sizes {
				store := openKind(b, kind)
				a := divide(b, store, d.define(n), keysOf(d.name, n), d.scattered)
				b.Run(fmt.Sprintf("%s/%s/%d", d.name, kind, a.space.Len()), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						do(b, a)
					}
					took := float64(b.Elapsed()) / float64(b.N)
					switch {
					case i == 0:
						first = took
					case i == len(d.sizes)-1 && first > 0:
						b.ReportMetric(math.Log(took/first)/math.Log(100), "exponent")
					}
				})
				if got := a.countMissing(b); got != a.missing-a.next {
					b.Fatalf("%d partitions of %s are missing, want %d", got, d.name, a.missing-a.next)
				}
			}
		}
	}
}

// keysOf is how many tenants a division of a size has.
func keysOf(division string, n int) int {
	if division == "hourly" {
		return 0
	}
	return n
}

func openKind(tb testing.TB, kind string) storage.Storage {
	tb.Helper()
	if kind == "memory" {
		return memory.New()
	}
	store, err := sqlite.Open(tb.Context(), tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := store.Close(); err != nil {
			tb.Error(err)
		}
	})
	return store
}

// BenchmarkOnePartition materializes a partition more: the set of the asset is read, changed and written.
func BenchmarkOnePartition(b *testing.B) {
	eachDivision(b, func(b *testing.B, a *divided) { b.Helper(); a.makeOne(b) })
}

// BenchmarkMissing reads what is missing.
func BenchmarkMissing(b *testing.B) {
	eachDivision(b, func(b *testing.B, a *divided) {
		b.Helper()
		if a.countMissing(b) != a.missing {
			b.Fatal("another number than there are")
		}
	})
}
