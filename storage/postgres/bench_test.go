package postgres_test

import (
	"context"
	"fmt"
	"github.com/rivers-go/rivers/storage"
	"testing"
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
