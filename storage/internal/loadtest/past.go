package loadtest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// AgedRuns writes runs of 500 steps that ended long ago, in all so many events, and one that is the
// newest. It returns the keys of their assets.
func AgedRuns(tb testing.TB, s storage.Storage, events int) []storage.AssetKey {
	tb.Helper()
	const steps = 500
	_, keys := NewRun(tb, s, "first", steps)
	at := time.Unix(1_700_000_000, 0)
	var one, b storage.Batch
	for run := 0; events > 0; run++ {
		runs := storage.Batch{Runs: []storage.RunRecord{{ID: fmt.Sprint("aged", run), Token: 1, CreatedAt: at}}}
		if err := s.Commit(tb.Context(), &runs); err != nil {
			tb.Fatal(err)
		}
		b.Reset()
		b.Fence = storage.Fence{Run: runs.Runs[0].Key, Token: 1}
		for step := 0; step < steps && events > 0; step++ {
			Step(&one, b.Fence, int32(step), int64(2*step+1), storage.MicrosOf(at), keys[step])
			one.Assets[0].Detail = nil
			b.Events, b.Assets = append(b.Events, one.Events...), append(b.Assets, one.Assets...)
			events -= 2
		}
		end(&b, storage.MicrosOf(at))
		if err := s.Commit(tb.Context(), &b); err != nil {
			tb.Fatal(err)
		}
	}
	if err := s.Commit(tb.Context(), &storage.Batch{Runs: []storage.RunRecord{{ID: "newest", Token: 1}}}); err != nil {
		tb.Fatal(err)
	}
	return keys
}

// RecordRuns records runs of one step, one after another, until told to stop; it returns how many
// and how long the slowest took.
func RecordRuns(tb testing.TB, s storage.Storage, name string, asset storage.AssetKey, stop func(n int) bool) (n int, slowest time.Duration) {
	tb.Helper()
	var b storage.Batch
	for ; !stop(n); n++ {
		began := time.Now()
		runs := storage.Batch{Runs: []storage.RunRecord{{ID: fmt.Sprint(name, n), Token: 1, CreatedAt: began, State: storage.Running}}}
		if err := s.Commit(context.Background(), &runs); err != nil {
			tb.Error(err)
			return n, slowest
		}
		at := storage.MicrosOf(began)
		Step(&b, storage.Fence{Run: runs.Runs[0].Key, Token: 1}, 0, 1, at, asset)
		end(&b, at)
		if err := s.Commit(context.Background(), &b); err != nil {
			tb.Error(err)
			return n, slowest
		}
		slowest = max(slowest, time.Since(began))
	}
	return n, slowest
}

// Everything asks for all to go that ended before the tests.
var Everything = storage.PruneRequest{Retention: storage.Retention{
	Logs: time.Hour, Steps: time.Hour, AssetEvents: time.Hour, NewestAssetEvents: -1, Evaluations: time.Hour, NewestEvaluations: -1, Runs: time.Hour, Backfills: time.Hour, Changes: time.Hour,
}}

// PruneBeside deletes a history of so many events beside a writer and describes what that costs it:
// the rate at which it writes beside is divided by the rate alone, before and after (beside/alone),
// the size of the store afterwards by the one before (grown), and the rows by the transactions in
// which they went (rows/tx), where the store counts those: commits is nil where it does not.
func PruneBeside(b *testing.B, s storage.Storage, events int, size, commits func() int64) {
	b.Helper()
	keys := AgedRuns(b, s, events)
	lasting := func(d time.Duration) func(int) bool {
		until := time.Now().Add(d)
		return func(int) bool { return time.Now().After(until) }
	}
	const alone = 3 * time.Second
	before, slowBefore := RecordRuns(b, s, "alone", keys[0], lasting(alone))
	if commits == nil {
		commits = func() int64 { return 0 }
	}
	was, did := size(), commits()
	var done atomic.Bool
	var beside int
	var slow time.Duration
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		beside, slow = RecordRuns(b, s, "beside", keys[0], func(int) bool { return done.Load() })
	}()
	b.StartTimer()
	began := time.Now()
	report, err := s.Prune(b.Context(), Everything)
	took := time.Since(began)
	b.StopTimer()
	done.Store(true)
	<-stopped
	pruned, grown := commits()-did-2*int64(beside), float64(size())/float64(was)
	after, _ := RecordRuns(b, s, "after", keys[0], lasting(alone))
	if err != nil || report.Rows() < int64(events) {
		b.Fatalf("%d rows, %v", report.Rows(), err)
	}
	b.ReportMetric(float64(report.Rows())/took.Seconds(), "rows/s")
	if pruned > 0 {
		b.ReportMetric(float64(report.Rows())/float64(pruned), "rows/tx")
	}
	b.ReportMetric(float64(beside)/took.Seconds()/(float64(before+after)/2/alone.Seconds()), "beside/alone")
	b.ReportMetric(grown, "grown")
	b.ReportMetric(float64(slow)/float64(slowBefore), "slowest/alone")
	b.ReportMetric(float64(slow.Milliseconds()), "slowest-ms")
}
