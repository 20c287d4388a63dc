package loadtest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/rivers-go/rivers/storage"
)

// Stats counts what a store has written. Trips are how often it waited for a server, zero for one
// without.
type Stats struct{ Rows, Statements, Commits, Trips int64 }

// Counted is a store with its counts.
type Counted struct {
	storage.Storage

	Stats func() Stats
}

// Since returns what was written by a function.
func (c *Counted) Since(write func()) Stats {
	before := c.Stats()
	write()
	after := c.Stats()
	return Stats{after.Rows - before.Rows, after.Statements - before.Statements, after.Commits - before.Commits, after.Trips - before.Trips}
}

// BenchmarkSteps appends b.N steps of runs of 10,000 and waits for them. A store without Stats
// reports no rows.
func BenchmarkSteps(b *testing.B, c *Counted) {
	b.Helper()
	if c.Stats == nil {
		appendSteps(b, c.Storage)
		return
	}
	wrote := c.Since(func() { appendSteps(b, c.Storage) })
	b.ReportMetric(float64(wrote.Rows)/float64(b.N), "rows/op")
	b.ReportMetric(float64(wrote.Statements)/float64(b.N), "stmts/op")
}

func appendSteps(b *testing.B, s storage.Storage) {
	b.Helper()
	const width = 10_000
	_, keys := NewRun(b, s, "first", width)
	var batch storage.Batch
	var fence storage.Fence
	b.ReportAllocs()
	b.ResetTimer() // the first store may start a server
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
		Step(&batch, fence, int32(step), int64(2*step+1), storage.Micros(1_700_000_000_000_000+7*i), keys[step])
		if err := s.Append(&batch); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Commit(b.Context(), &storage.Batch{Fence: fence}); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
}

// BenchmarkEvents has committers that each wait for the disk after 100 events.
func BenchmarkEvents(b *testing.B, open func(*testing.B) *Counted) {
	for _, committers := range []int{1, 8} {
		b.Run(fmt.Sprintf("committers=%d", committers), func(b *testing.B) {
			c := open(b)
			var next atomic.Int64
			b.SetParallelism(committers) // times GOMAXPROCS, which -cpu 1 makes 1
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				if err := commitEvents(c.Storage, fmt.Sprint(next.Add(1)), pb.Next); err != nil {
					b.Error(err)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(b.N)/float64(c.Stats().Commits), "events/commit")
		})
	}
}

// commitEvents writes events of a new run, 100 a commit, while there are more.
func commitEvents(s storage.Storage, id string, more func() bool) error {
	const size = 100
	runs := storage.Batch{Runs: []storage.RunRecord{{ID: id, Token: 1}}}
	if err := s.Commit(context.Background(), &runs); err != nil {
		return err
	}
	batch := storage.Batch{Fence: storage.Fence{Run: runs.Runs[0].Key, Token: 1}}
	for n := int64(1); more(); n++ {
		batch.Events = append(batch.Events, storage.Event{
			Run: batch.Fence.Run, N: n, Fact: storage.Fact{At: 1_700_000_000_000_000 + storage.Micros(n), Step: int32(n), Kind: storage.StepStarted},
		})
		if len(batch.Events) == size {
			if err := s.Commit(context.Background(), &batch); err != nil {
				return err
			}
			batch.Events = batch.Events[:0]
		}
	}
	return s.Commit(context.Background(), &batch)
}

// OneStepRun writes a whole run of one step. It waits twice: for the run's start and its end.
func OneStepRun(s storage.Storage, id string, asset storage.AssetKey, b *storage.Batch) error {
	ctx := context.Background()
	start := storage.Batch{
		Expect: []storage.Expectation{{NoRun: id}},
		Runs:   []storage.RunRecord{{ID: id, State: storage.Running, Token: 1, Plan: []storage.PlanStep{{Key: "a", Assets: []string{"a"}}}}},
	}
	if err := s.Commit(ctx, &start); err != nil {
		return err
	}
	fence := storage.Fence{Run: start.Runs[0].Key, Token: 1}
	Step(b, fence, 0, 1, 1_700_000_000_000_000, asset)
	b.Events = append(b.Events, storage.Event{Run: fence.Run, N: 3, Fact: storage.Fact{Kind: storage.RunEnded, Status: uint8(storage.Success), Step: storage.NoStep}})
	b.RunUpdates = append(b.RunUpdates, storage.RunUpdate{Run: fence.Run, State: storage.Success, Counts: storage.StepCounts{Succeeded: 1}})
	return s.Commit(ctx, b)
}

// BenchmarkRuns has committers that each write runs of one step.
func BenchmarkRuns(b *testing.B, open func(*testing.B) *Counted) {
	for _, committers := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("committers=%d", committers), func(b *testing.B) {
			c := open(b)
			_, keys := NewRun(b, c.Storage, "first", 1)
			var next atomic.Int64
			b.SetParallelism(committers)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				var batch storage.Batch
				for pb.Next() {
					if err := OneStepRun(c.Storage, fmt.Sprint(next.Add(1)), keys[0], &batch); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
		})
	}
}
