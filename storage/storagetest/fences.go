package storagetest

import (
	"fmt"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

func checkFences(f *fixture) {
	fence := f.run("r")
	write := func(fence storage.Fence, n int64) error {
		return f.Commit(f.ctx, &storage.Batch{Fence: fence, Events: []storage.Event{event(fence.Run, n)}})
	}
	if err := write(fence, 1); err != nil {
		f.Fatal(err)
	}
	former := storage.Fence{Run: fence.Run, Token: 2}
	f.refused(write(former, 2), storage.ErrFenced)
	f.refused(write(former, 2), storage.ErrFenced)
	f.refused(write(storage.Fence{Run: fence.Run + 1, Token: 1}, 1), storage.ErrFenced)
	if err := write(fence, 2); err != nil {
		f.Fatalf("the owner after a refusal of another: %v", err)
	}

	// The batch that ends a run is its last; what comes behind it in one call is part of it.
	f.commit(&storage.Batch{
		Fence: fence, Events: []storage.Event{event(fence.Run, 3)},
		RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Canceled, At: epoch}},
	})
	f.refused(write(fence, 4), storage.ErrFenced)
	f.refused(f.Append(&storage.Batch{Fence: fence, Events: []storage.Event{event(fence.Run, 4)}}), storage.ErrFenced)
	again := storage.Batch{Fence: fence, RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Success, At: epoch}}}
	f.refused(f.Commit(f.ctx, &again), storage.ErrFenced)
	rec := must[storage.RunRecord](f)(f.GetRun(f.ctx, "r"))
	f.equal("the state of an ended run", rec.State, storage.Canceled)
	f.equal("the events", f.numbers(fence.Run), []int64{1, 2, 3})
}

// checkFenceOfAppend refuses what was appended where nobody waited for the answer.
func checkFenceOfAppend(f *fixture) {
	fence, other := f.run("r"), f.run("other")
	stale := storage.Fence{Run: fence.Run, Token: 9}
	appended := func(fence storage.Fence, n int64) error {
		return f.Append(&storage.Batch{Fence: fence, Events: []storage.Event{event(fence.Run, n)}})
	}
	_ = appended(stale, 1) // may be refused at once or later
	if err := appended(other, 1); err != nil {
		f.Fatal(err)
	}
	err := f.Commit(f.ctx, &storage.Batch{Fence: stale})
	f.refused(err, storage.ErrFenced)
	f.refused(appended(stale, 2), storage.ErrFenced)
	f.refused(f.Commit(f.ctx, &storage.Batch{Fence: stale, KV: []storage.KVPair{{Key: "k", Value: []byte("v")}}}), storage.ErrFenced)
	f.commit(&storage.Batch{Fence: other})
	f.commit(&storage.Batch{Fence: fence, Events: []storage.Event{event(fence.Run, 5)}})
	f.equal("the events of the refused", f.numbers(fence.Run), []int64{5})
	f.equal("the events of the other", f.numbers(other.Run), []int64{1})
	_, err = f.GetKV(f.ctx, "k")
	f.refused(err, storage.ErrNotFound)
}

func checkExpectations(f *fixture) {
	f.run("r")
	b := storage.Batch{
		Expect: []storage.Expectation{{NoRun: "new"}, {NoRun: "r"}},
		Runs:   []storage.RunRecord{{ID: "new"}}, KV: []storage.KVPair{{Key: "k", Value: []byte("v")}},
	}
	f.refused(f.Commit(f.ctx, &b), storage.ErrRunExists)
	if b.Runs[0].Key != 0 {
		f.Errorf("a refused run got the key %d", b.Runs[0].Key)
	}
	_, err := f.GetRun(f.ctx, "new")
	f.refused(err, storage.ErrNotFound)
	_, err = f.GetKV(f.ctx, "k")
	f.refused(err, storage.ErrNotFound)

	b.Expect = b.Expect[:1]
	f.commit(&b)
	f.refused(f.Commit(f.ctx, &b), storage.ErrRunExists)

	// An ID in use is refused also where nobody asked, and the same fence goes on.
	fence := storage.Fence{Run: f.run("owner").Run, Token: 1}
	f.refused(f.Commit(f.ctx, &storage.Batch{Fence: fence, Runs: []storage.RunRecord{{ID: "r"}}}), storage.ErrRunExists)
	twice := []storage.RunRecord{{ID: "twice"}, {ID: "twice"}}
	f.refused(f.Commit(f.ctx, &storage.Batch{Fence: fence, Runs: twice}), storage.ErrRunExists)
	f.commit(&storage.Batch{Fence: fence, Events: []storage.Event{event(fence.Run, 1)}})
}

func checkAllOrNothing(f *fixture) {
	fence, keys := f.run("r"), f.assets("users")
	full := func(fence storage.Fence) *storage.Batch {
		return &storage.Batch{
			Fence:      fence,
			Runs:       []storage.RunRecord{{ID: "child"}},
			RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Running, At: epoch}},
			Events:     []storage.Event{event(fence.Run, 1)},
			Assets:     []storage.AssetUpdate{{Asset: keys[0], Run: fence.Run, N: 1, DataVersion: "v"}},
			Logs:       []storage.LogLine{{Run: fence.Run, N: 1, Message: "m"}},
			KV:         []storage.KVPair{{Key: "k", Value: []byte("v")}},
			Topologies: []storage.Topology{{Location: "shop", Assets: []string{"orders"}}},
		}
	}
	written := func() string {
		_, child := f.GetRun(f.ctx, "child")
		run := must[storage.RunRecord](f)(f.GetRun(f.ctx, "r"))
		users := must[storage.AssetRecord](f)(f.GetAsset(f.ctx, "users"))
		logs := must[[]storage.LogLine](f)(f.ListLogs(f.ctx, storage.LogQuery{Run: fence.Run}))
		_, kv := f.GetKV(f.ctx, "k")
		_, topology := f.GetTopology(f.ctx, "shop")
		_, orders := f.GetAsset(f.ctx, "orders")
		return fmt.Sprint(child == nil, run.State, len(f.numbers(fence.Run)), users.Materialization != nil, len(logs), kv == nil, topology == nil, orders == nil)
	}
	f.refused(f.Commit(f.ctx, full(storage.Fence{Run: fence.Run, Token: 2})), storage.ErrFenced)
	f.equal("written by a refused batch", written(), "false queued 0 false 0 false false false")
	expecting := full(fence)
	expecting.Expect = []storage.Expectation{{NoRun: "r"}}
	f.refused(f.Commit(f.ctx, expecting), storage.ErrRunExists)
	f.equal("written by a batch whose expectation failed", written(), "false queued 0 false 0 false false false")
	f.commit(full(fence))
	f.equal("written by the accepted batch", written(), "true running 1 true 1 true true true")
}

// checkInvalid has batches that are wrong whatever the store holds.
func checkInvalid(f *fixture) {
	fence := f.run("r")
	for name, b := range map[string]storage.Batch{
		"event of another run":      {Fence: fence, Events: []storage.Event{event(fence.Run+1, 1)}},
		"event without a number":    {Fence: fence, Events: []storage.Event{event(fence.Run, 0)}},
		"log of another run":        {Fence: fence, Logs: []storage.LogLine{{Run: fence.Run + 1, N: 1}}},
		"update without a fence":    {RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Success}}},
		"update of another run":     {Fence: fence, RunUpdates: []storage.RunUpdate{{Run: fence.Run + 1, State: storage.Running}}},
		"update after the end":      {Fence: fence, RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Success}, {Run: fence.Run, State: storage.Failure}}},
		"run without an id":         {Runs: []storage.RunRecord{{}}},
		"asset state of no kind":    {Fence: fence, Assets: []storage.AssetUpdate{{Asset: 1, Kind: 99}}},
		"partition without a set":   {Fence: fence, Assets: []storage.AssetUpdate{{Asset: 1, Partition: "x"}}},
		"partition of the whole":    {Fence: fence, Assets: []storage.AssetUpdate{{Asset: 1, Partition: "x", Partitions: partition.Whole()}}},
		"asset state without asset": {Fence: fence, Assets: []storage.AssetUpdate{{Run: fence.Run, N: 1}}},
	} {
		if err := f.Commit(f.ctx, &b); err == nil {
			f.Errorf("%s: committed", name)
		}
	}
	for name, b := range map[string]storage.Batch{
		"run":         {Runs: []storage.RunRecord{{ID: "x"}}},
		"run update":  {Fence: fence, RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Success}}},
		"backfill":    {Backfills: []storage.BackfillRecord{{ID: "x"}}},
		"update":      {Fence: storage.Fence{Backfill: 1}, BackfillUpdates: []storage.BackfillUpdate{{Backfill: 1}}},
		"keys":        {Keys: []storage.KeyUpdate{{Table: "t", Add: []string{"x"}}}},
		"value":       {KV: []storage.KVPair{{Key: "k"}}},
		"topology":    {Topologies: []storage.Topology{{Location: "x"}}},
		"expectation": {Expect: []storage.Expectation{{NoRun: "x"}}},
	} {
		if err := f.Append(&b); err == nil {
			f.Errorf("%s: appended", name)
		}
	}
	f.commit(&storage.Batch{Fence: fence, Events: []storage.Event{event(fence.Run, 1)}})
	f.equal("the events", f.numbers(fence.Run), []int64{1})
}
