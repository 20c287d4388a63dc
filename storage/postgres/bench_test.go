package postgres_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/postgres"
	"github.com/rivers-go/rivers/storage/postgres/postgrestest"
)

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
	_, keys := loadtest.NewRun(b, s, "first", width)
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
		loadtest.Step(&batch, fence, int32(step), int64(2*step+1), storage.Micros(1_700_000_000_000_000+7*i), keys[step])
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
	loadtest.Step(b, fence, 0, 1, 1_700_000_000_000_000, asset)
	b.Events = append(b.Events, storage.Event{Run: fence.Run, N: 3, Fact: storage.Fact{Kind: storage.RunEnded, Status: uint8(storage.Success), Step: storage.NoStep}})
	b.RunUpdates = append(b.RunUpdates, storage.RunUpdate{Run: fence.Run, State: storage.Success, Counts: storage.StepCounts{Succeeded: 1}})
	return s.Commit(ctx, b)
}

func BenchmarkRuns(b *testing.B) {
	for _, committers := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("committers=%d", committers), func(b *testing.B) {
			s := openBench(b)
			_, keys := loadtest.NewRun(b, s, "first", 1)
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
