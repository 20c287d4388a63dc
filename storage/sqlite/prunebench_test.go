package sqlite_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite"
)

var pruneEvents = flag.Int("prune-events", 1_000_000, "how many events BenchmarkPrune deletes")

// agedRuns writes runs of 500 steps that ended long ago, in all so many events, and one that is the newest.
func agedRuns(tb testing.TB, s storage.Storage, events int) []storage.AssetKey {
	tb.Helper()
	const steps = 500
	_, keys := newRun(tb, s, "first", steps)
	at := time.Unix(1_700_000_000, 0)
	var one, b storage.Batch
	for run := 0; events > 0; run++ {
		runs := storage.Batch{Runs: []storage.RunRecord{{ID: fmt.Sprint("aged", run), Token: 1, CreatedAt: at}}}
		if err := s.Commit(tb.Context(), &runs); err != nil {
			tb.Fatal(err)
		}
		fence := storage.Fence{Run: runs.Runs[0].Key, Token: 1}
		b.Reset()
		b.Fence = fence
		for step := 0; step < steps && events > 0; step++ {
			stepBatch(&one, fence, int32(step), int64(2*step+1), storage.MicrosOf(at), keys[step])
			one.Assets[0].Detail = nil
			b.Events, b.Assets = append(b.Events, one.Events...), append(b.Assets, one.Assets...)
			events -= 2
		}
		b.Events = append(b.Events, storage.Event{Run: fence.Run, N: int64(len(b.Events)) + 1, Fact: storage.Fact{Kind: storage.RunEnded, Status: uint8(storage.Success), Step: storage.NoStep}})
		b.RunUpdates = []storage.RunUpdate{{Run: fence.Run, State: storage.Success, At: at, Counts: storage.StepCounts{Succeeded: len(b.Assets)}}}
		if err := s.Commit(tb.Context(), &b); err != nil {
			tb.Fatal(err)
		}
	}
	if err := s.Commit(tb.Context(), &storage.Batch{Runs: []storage.RunRecord{{ID: "newest", Token: 1}}}); err != nil {
		tb.Fatal(err)
	}
	return keys
}

// recordRuns records runs of one step, one after another, until told to stop; it returns how many and how long the slowest took.
func recordRuns(tb testing.TB, s storage.Storage, name string, asset storage.AssetKey, stop func(n int) bool) (n int, slowest time.Duration) {
	tb.Helper()
	var b storage.Batch
	for ; !stop(n); n++ {
		began := time.Now()
		runs := storage.Batch{Runs: []storage.RunRecord{{ID: fmt.Sprint(name, n), Token: 1, CreatedAt: began, State: storage.Running}}}
		if err := s.Commit(context.Background(), &runs); err != nil {
			tb.Error(err)
			return n, slowest
		}
		fence := storage.Fence{Run: runs.Runs[0].Key, Token: 1}
		stepBatch(&b, fence, 0, 1, storage.MicrosOf(began), asset)
		b.Events = append(b.Events, storage.Event{Run: fence.Run, N: 3, Fact: storage.Fact{Kind: storage.RunEnded, Status: uint8(storage.Success), Step: storage.NoStep}})
		b.RunUpdates = []storage.RunUpdate{{Run: fence.Run, State: storage.Success, At: began, Counts: storage.StepCounts{Succeeded: 1}}}
		if err := s.Commit(context.Background(), &b); err != nil {
			tb.Error(err)
			return n, slowest
		}
		slowest = max(slowest, time.Since(began))
	}
	return n, slowest
}

// pages are how many pages the file of a store has, those included that are in its log as yet.
func pages(tb testing.TB, s *sqlite.Store) (n int64) {
	tb.Helper()
	db, err := sql.Open("sqlite", s.Path())
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(tb.Context(), "PRAGMA page_count").Scan(&n); err != nil {
		tb.Fatal(err)
	}
	return n
}

// aged is a retention that keeps nothing which ended before the tests.
var aged = storage.PruneRequest{Retention: storage.Retention{
	Logs: time.Hour, Steps: time.Hour, AssetEvents: time.Hour, NewestAssetEvents: -1, Evaluations: time.Hour, NewestEvaluations: -1, Runs: time.Hour, Backfills: time.Hour, Changes: time.Hour,
}}

// BenchmarkPrune deletes a history beside a writer and says what that costs it: the rate at which it writes beside is divided by the
// rate alone, before and after (beside/alone), and the file's size afterwards by the one before (grown).
//
//	go test ./storage/sqlite -run '^$' -bench Prune -benchtime 1x -prune-events 10000000
func BenchmarkPrune(b *testing.B) {
	for range b.N {
		b.StopTimer()
		s, err := sqlite.Open(b.Context(), b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		keys := agedRuns(b, s, *pruneEvents)
		lasting := func(d time.Duration) func(int) bool {
			until := time.Now().Add(d)
			return func(int) bool { return time.Now().After(until) }
		}
		const alone = 3 * time.Second
		before, slowBefore := recordRuns(b, s, "alone", keys[0], lasting(alone))
		size := pages(b, s)
		done := make(chan struct{})
		var beside int
		var slow time.Duration
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			beside, slow = recordRuns(b, s, "beside", keys[0], func(int) bool {
				select {
				case <-done:
					return true
				default:
					return false
				}
			})
		}()
		b.StartTimer()
		began := time.Now()
		report, err := s.Prune(b.Context(), aged)
		took := time.Since(began)
		b.StopTimer()
		close(done)
		<-stopped
		after, _ := recordRuns(b, s, "after", keys[0], lasting(alone))
		if err != nil || report.Rows() < int64(*pruneEvents) {
			b.Fatalf("%d rows, %v", report.Rows(), err)
		}
		b.ReportMetric(float64(report.Rows())/took.Seconds(), "rows/s")
		b.ReportMetric(float64(beside)/took.Seconds()/(float64(before+after)/2/alone.Seconds()), "beside/alone")
		b.ReportMetric(float64(pages(b, s))/float64(size), "grown")
		b.ReportMetric(float64(slow)/float64(slowBefore), "slowest/alone")
		b.ReportMetric(float64(slow.Milliseconds()), "slowest-ms")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
