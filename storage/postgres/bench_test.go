package postgres_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/postgres"
	"github.com/rivers-go/rivers/storage/postgres/postgrestest"
)

// detail is what a small materialization leaves.
var detail = []byte(`{"data_version":"0198f3c2-7c7e-7d30-8000-000000000001","metadata":{"rows":{"int":3}},"inputs":{"raw":"v7"}}`)

// newRun makes a run with keys for n assets.
func newRun(tb testing.TB, s storage.Storage, id string, n int) (storage.Fence, []storage.AssetKey) {
	tb.Helper()
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("asset_%05d", i)
	}
	b := storage.Batch{
		Runs:       []storage.RunRecord{{ID: id, Token: 1}},
		Topologies: []storage.Topology{{Location: "bench", Assets: names}},
	}
	if err := s.Commit(tb.Context(), &b); err != nil {
		tb.Fatal(err)
	}
	keys, err := s.AssetKeys(tb.Context(), names)
	if err != nil {
		tb.Fatal(err)
	}
	return storage.Fence{Run: b.Runs[0].Key, Token: 1}, keys
}

// stepBatch is what the driver of a run appends for a step with one output: 3 rows.
func stepBatch(b *storage.Batch, fence storage.Fence, step int32, n int64, at storage.Micros, asset storage.AssetKey) {
	b.Reset()
	b.Fence = fence
	b.Events = append(b.Events,
		storage.Event{Run: fence.Run, N: n, Fact: storage.Fact{At: at, Step: step, Attempt: 1, Kind: storage.StepStarted}},
		storage.Event{Run: fence.Run, N: n + 1, Fact: storage.Fact{At: at + 5, Step: step, Attempt: 1, Kind: storage.StepSucceeded}, Asset: asset, Detail: detail})
	b.Assets = append(b.Assets, storage.AssetUpdate{
		Asset: asset, Run: fence.Run, N: n + 1, At: at + 5, DataVersion: "0198f3c2-7c7e-7d30-8000-000000000001", CodeVersion: "v1", Detail: detail,
	})
}

// durable is a server that waits for the disk, as one that keeps real data does.
var durable = postgrestest.Shared{Options: postgrestest.Options{Fsync: true}}

func openBench(b *testing.B) *postgres.Store {
	b.Helper()
	s := open(b, durable.URL(b))
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// appendSteps appends b.N steps of runs of 10,000 and waits for them.
func appendSteps(b *testing.B, s storage.Storage) {
	b.Helper()
	const width = 10_000
	_, keys := newRun(b, s, "first", width)
	var batch storage.Batch
	var fence storage.Fence
	b.ReportAllocs()
	b.ResetTimer() // the first store starts the server
	for i := range b.N {
		step := i % width
		if step == 0 {
			if err := s.Commit(b.Context(), &storage.Batch{Fence: fence}); err != nil {
				b.Fatal(err)
			}
			runs := storage.Batch{Runs: []storage.RunRecord{{ID: fmt.Sprint(i), Token: 1}}}
			if err := s.Commit(b.Context(), &runs); err != nil {
				b.Fatal(err)
			}
			fence = storage.Fence{Run: runs.Runs[0].Key, Token: 1}
		}
		stepBatch(&batch, fence, int32(step), int64(2*step+1), storage.Micros(1_700_000_000_000_000+7*i), keys[step])
		if err := s.Append(&batch); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Commit(b.Context(), &storage.Batch{Fence: fence}); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
}

func BenchmarkSteps(b *testing.B) {
	s := openBench(b)
	before := s.Stats()
	appendSteps(b, s)
	after := s.Stats()
	b.ReportMetric(float64(after.Rows-before.Rows)/float64(b.N), "rows/op")
	b.ReportMetric(float64(after.Statements-before.Statements)/float64(b.N), "stmts/op")
}

// BenchmarkEvents has committers that each wait for the disk after 100 events.
func BenchmarkEvents(b *testing.B) {
	for _, committers := range []int{1, 8} {
		b.Run(fmt.Sprintf("committers=%d", committers), func(b *testing.B) {
			s := openBench(b)
			const size = 100
			var next atomic.Int64
			b.SetParallelism(committers) // times GOMAXPROCS, which -cpu 1 makes 1
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				runs := storage.Batch{Runs: []storage.RunRecord{{ID: fmt.Sprint(next.Add(1)), Token: 1}}}
				if err := s.Commit(context.Background(), &runs); err != nil {
					b.Error(err)
					return
				}
				batch := storage.Batch{Fence: storage.Fence{Run: runs.Runs[0].Key, Token: 1}}
				n := int64(0)
				flush := func() {
					if err := s.Commit(context.Background(), &batch); err != nil {
						b.Error(err)
					}
					batch.Events = batch.Events[:0]
				}
				for pb.Next() {
					n++
					batch.Events = append(batch.Events, storage.Event{Run: batch.Fence.Run, N: n, Fact: storage.Fact{At: 1_700_000_000_000_000 + storage.Micros(n), Step: int32(n), Kind: storage.StepStarted}})
					if len(batch.Events) == size {
						flush()
					}
				}
				flush()
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			st := s.Stats()
			b.ReportMetric(float64(b.N)/float64(st.Commits), "events/commit")
		})
	}
}

// oneStepRun is a whole run of one step, which waits twice: for its start and its end.
func oneStepRun(s storage.Storage, id string, asset storage.AssetKey, b *storage.Batch) error {
	ctx := context.Background()
	start := storage.Batch{
		Expect: []storage.Expectation{{NoRun: id}},
		Runs:   []storage.RunRecord{{ID: id, State: storage.Running, Token: 1, Plan: []storage.PlanStep{{Key: "a", Assets: []string{"a"}}}}},
	}
	if err := s.Commit(ctx, &start); err != nil {
		return err
	}
	fence := storage.Fence{Run: start.Runs[0].Key, Token: 1}
	stepBatch(b, fence, 0, 1, 1_700_000_000_000_000, asset)
	b.Events = append(b.Events, storage.Event{Run: fence.Run, N: 3, Fact: storage.Fact{Kind: storage.RunEnded, Status: uint8(storage.Success), Step: storage.NoStep}})
	b.RunUpdates = append(b.RunUpdates, storage.RunUpdate{Run: fence.Run, State: storage.Success, Counts: storage.StepCounts{Succeeded: 1}})
	return s.Commit(ctx, b)
}

func BenchmarkRuns(b *testing.B) {
	for _, committers := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("committers=%d", committers), func(b *testing.B) {
			s := openBench(b)
			_, keys := newRun(b, s, "first", 1)
			var next atomic.Int64
			b.SetParallelism(committers)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				var batch storage.Batch
				for pb.Next() {
					if err := oneStepRun(s, fmt.Sprint(next.Add(1)), keys[0], &batch); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	open := func(b *testing.B, url string) {
		b.Helper()
		s, err := postgres.Open(b.Context(), url)
		if err == nil {
			err = s.Close()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("new", func(b *testing.B) {
		for range b.N {
			open(b, durable.URL(b))
		}
	})
	b.Run("existing", func(b *testing.B) {
		url := durable.URL(b)
		for range b.N {
			open(b, url)
		}
	})
}
