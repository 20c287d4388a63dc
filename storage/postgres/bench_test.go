package postgres_test

import (
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
