// Package loadtest writes what stores are measured with, the same into each: runs with steps, and a
// past. It is for tests and benchmarks.
package loadtest

import (
	"fmt"
	"testing"

	"github.com/rivers-go/rivers/storage"
)

// Detail is what a small materialization leaves.
var Detail = []byte(`{"data_version":"0198f3c2-7c7e-7d30-8000-000000000001","metadata":{"rows":{"int":3}},"inputs":{"raw":"v7"}}`)

// NewRun makes a run, and keys for n assets.
func NewRun(tb testing.TB, s storage.Storage, id string, n int) (storage.Fence, []storage.AssetKey) {
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

// Step makes of b what the driver of a run appends for a step with one output: 3 rows.
func Step(b *storage.Batch, fence storage.Fence, step int32, n int64, at storage.Micros, asset storage.AssetKey) {
	b.Reset()
	b.Fence = fence
	b.Events = append(b.Events,
		storage.Event{Run: fence.Run, N: n, Fact: storage.Fact{At: at, Step: step, Attempt: 1, Kind: storage.StepStarted}},
		storage.Event{Run: fence.Run, N: n + 1, Fact: storage.Fact{At: at + 5, Step: step, Attempt: 1, Kind: storage.StepSucceeded}, Asset: asset, Detail: Detail})
	b.Assets = append(b.Assets, storage.AssetUpdate{
		Asset: asset, Run: fence.Run, N: n + 1, At: at + 5, DataVersion: "0198f3c2-7c7e-7d30-8000-000000000001", CodeVersion: "v1", Detail: Detail,
	})
}

// end adds to b the end of its run.
func end(b *storage.Batch, at storage.Micros) {
	run := b.Fence.Run
	b.Events = append(b.Events, storage.Event{Run: run, N: int64(len(b.Events)) + 1, Fact: storage.Fact{Kind: storage.RunEnded, Status: uint8(storage.Success), Step: storage.NoStep}})
	b.RunUpdates = []storage.RunUpdate{{Run: run, State: storage.Success, At: at.Time(), Counts: storage.StepCounts{Succeeded: len(b.Assets)}}}
}
