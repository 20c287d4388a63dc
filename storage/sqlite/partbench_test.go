package sqlite_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// scattered is half of n keys, so irregular that no intervals say it shorter.
func scattered(n int) partition.Set {
	return partition.DynamicSet("tenants", func(yield func(partition.Ordinal) bool) {
		for o := range uint32(n) {
			if o*2_654_435_761>>31 == 0 && !yield(partition.Ordinal(o)) {
				return
			}
		}
	})
}

// filler is a backfill as its driver writes it: runs are made in batches, and each is carried out by one of four.
type filler struct {
	s     *sqlite.Store
	fence storage.Fence
	asset storage.AssetKey
	space partition.Space
	runs  chan filled
}

// filled is a run that was made, and what it is to make.
type filled struct {
	fence storage.Fence
	text  string
	set   partition.Set
}

const runsAtOnce = 100

// create makes runs of one partition each, in one transaction with the progress of the backfill.
func (f *filler) create(first, n int) error {
	b := storage.Batch{Fence: f.fence, Lease: time.Hour}
	for i := first; i < first+n; i++ {
		key, err := f.space.Key(int64(i))
		if err != nil {
			return err
		}
		set, err := f.space.Set(key)
		if err != nil {
			return err
		}
		b.Runs = append(b.Runs, storage.RunRecord{
			ID: fmt.Sprint("0198f3c2-7c7e-7d30-8000-", i), Location: "bench", Backfill: "fill", Partition: key.String(), State: storage.NotStarted,
			Token: 1, Owner: "bench", Request: storage.RunRequest{Selection: []string{"daily"}, Partitions: set},
			Plan: []storage.PlanStep{{Key: "daily", Assets: []string{"daily"}, Partitions: set}}, Targets: []storage.Target{{Asset: f.asset, Partitions: set}},
		})
	}
	b.BackfillUpdates = []storage.BackfillUpdate{{
		Backfill: f.fence.Backfill, State: storage.BackfillInProgress, At: time.Unix(1, 0),
		Progress: storage.BackfillProgress{Runs: int64(first + n), Submitted: f.space.Part(f.space.All(), 0, int64(first+n))},
	}}
	if err := f.s.Commit(context.Background(), &b); err != nil {
		return err
	}
	for i := range b.Runs {
		r := &b.Runs[i]
		f.runs <- filled{storage.Fence{Run: r.Key, Token: 1}, r.Partition, r.Targets[0].Partitions}
	}
	return nil
}

// carryOut is a run: one commit of its events, the state of its partition and its end.
func (f *filler) carryOut(r filled, b *storage.Batch) error {
	b.Reset()
	b.Fence = r.fence
	run := r.fence.Run
	at := storage.Micros(1_700_000_000_000_000)
	b.RunUpdates = append(b.RunUpdates,
		storage.RunUpdate{Run: run, State: storage.Running, At: at.Time()},
		storage.RunUpdate{Run: run, State: storage.Success, At: at.Time(), Counts: storage.StepCounts{Succeeded: 1}})
	b.Events = append(b.Events,
		storage.Event{Run: run, N: 1, Fact: storage.Fact{At: at, Kind: storage.RunStarted, Step: storage.NoStep}},
		storage.Event{Run: run, N: 2, Fact: storage.Fact{At: at, Attempt: 1, Kind: storage.StepStarted}},
		storage.Event{Run: run, N: 3, Fact: storage.Fact{At: at, Attempt: 1, Kind: storage.AssetMaterialized}, Asset: f.asset, Partition: r.text, Detail: loadtest.Detail},
		storage.Event{Run: run, N: 4, Fact: storage.Fact{At: at, Attempt: 1, Kind: storage.StepSucceeded}},
		storage.Event{Run: run, N: 5, Fact: storage.Fact{At: at, Kind: storage.RunEnded, Status: uint8(storage.Success), Step: storage.NoStep}})
	b.Assets = append(b.Assets, storage.AssetUpdate{
		Asset: f.asset, Partition: r.text, Partitions: r.set, Run: run, N: 3, At: at, DataVersion: "0198f3c2-7c7e-7d30-8000-000000000001", CodeVersion: "v1", Detail: loadtest.Detail,
	})
	return f.s.Commit(context.Background(), b)
}

// BenchmarkBackfill does the writes of a backfill of one run a partition, four at once.
func BenchmarkBackfill(b *testing.B) {
	s := openBench(b)
	commitBench(b, s, &storage.Batch{Topologies: []storage.Topology{{Location: "bench", Assets: []string{"daily"}}}})
	keys, err := s.AssetKeys(b.Context(), []string{"daily"})
	if err != nil {
		b.Fatal(err)
	}
	hours := time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(b.N+1) * time.Hour)
	space, err := partition.NewSpace(partition.Hourly(partition.Date(1990, 1, 1)), hours, partition.Tables{})
	if err != nil {
		b.Fatal(err)
	}
	begin := storage.Batch{Lease: time.Hour, Backfills: []storage.BackfillRecord{{ID: "fill", Token: 1, Owner: "bench", Partitions: space.All(), Total: space.Len()}}}
	commitBench(b, s, &begin)
	f := &filler{s: s, fence: storage.Fence{Backfill: begin.Backfills[0].Key, Token: 1}, asset: keys[0], space: space, runs: make(chan filled, 2*runsAtOnce)}
	before := s.Stats()
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var batch storage.Batch
			for r := range f.runs {
				if err := f.carryOut(r, &batch); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for first := 0; first < b.N; first += runsAtOnce {
		if err := f.create(first, min(runsAtOnce, b.N-first)); err != nil {
			b.Fatal(err)
		}
	}
	close(f.runs)
	wg.Wait()
	b.StopTimer()
	report(b, s, before)
	sets, err := s.PartitionSets(b.Context(), keys)
	if err != nil || space.Count(sets[0].Materialized) != int64(b.N) || !sets[0].InFlight.IsEmpty() {
		b.Fatalf("%d partitions are materialized and %s in flight, %v, want %d and none", space.Count(sets[0].Materialized), sets[0].InFlight, err, b.N)
	}
}

func commitBench(b *testing.B, s *sqlite.Store, batch *storage.Batch) {
	b.Helper()
	if err := s.Commit(b.Context(), batch); err != nil {
		b.Fatal(err)
	}
}

// report adds what each operation wrote.
func report(b *testing.B, s *sqlite.Store, before sqlite.Stats) {
	b.Helper()
	after := s.Stats()
	n := float64(b.N)
	b.ReportMetric(n/b.Elapsed().Seconds(), "runs/s")
	b.ReportMetric(float64(after.Rows-before.Rows)/n, "rows/op")
	b.ReportMetric(float64(after.Statements-before.Statements)/n, "stmts/op")
	b.ReportMetric(float64(after.Commits-before.Commits)/n, "commits/op")
}

// BenchmarkOneMore materializes a partition of an asset that has very many, scattered.
func BenchmarkOneMore(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := openBench(b)
			_, keys := loadtest.NewRun(b, s, "r", 1)
			commitBench(b, s, &storage.Batch{Assets: []storage.AssetUpdate{{Asset: keys[0], Partitions: scattered(n), At: 1}}})
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				commitBench(b, s, &storage.Batch{Assets: []storage.AssetUpdate{single(keys[0], n+2*i)}})
			}
		})
	}
}

// BenchmarkPartitionSets reads the sets of such an asset.
func BenchmarkPartitionSets(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := openBench(b)
			_, keys := loadtest.NewRun(b, s, "r", 1)
			want := scattered(n)
			commitBench(b, s, &storage.Batch{Assets: []storage.AssetUpdate{{Asset: keys[0], Partitions: want, At: 1}}})
			b.ReportAllocs()
			for b.Loop() {
				sets, err := s.PartitionSets(b.Context(), keys)
				if err != nil || !sets[0].Materialized.Equal(want) {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkKeys adds one key to a table, after as many as there are were added at once.
func BenchmarkKeys(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := openBench(b)
			u := storage.KeyUpdate{Table: "tenants"}
			for i := range n {
				u.Add = append(u.Add, fmt.Sprintf("tenant_%09d", i*7919%n))
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begun := time.Now()
			commitBench(b, s, &storage.Batch{Keys: []storage.KeyUpdate{u}})
			took := time.Since(begun)
			runtime.ReadMemStats(&after)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				commitBench(b, s, &storage.Batch{Keys: []storage.KeyUpdate{{Table: "tenants", Add: []string{fmt.Sprint("new ", i)}}}})
			}
			b.ReportMetric(float64(n)/took.Seconds(), "at-once-keys/s")
			b.ReportMetric(float64(after.Sys-before.Sys)/(1<<20), "at-once-MiB")
		})
	}
}
