package storagetest

import (
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// targeting creates a run that is to make partitions.
func (f *fixture) targeting(id string, targets ...storage.Target) storage.Fence {
	f.Helper()
	b := storage.Batch{Lease: long, Runs: []storage.RunRecord{{
		ID: id, State: storage.Running, Token: 1, Owner: "a", CreatedAt: epoch, Targets: targets,
	}}}
	f.commit(&b)
	return storage.Fence{Run: b.Runs[0].Key, Token: 1}
}

// ends ends a run, in a batch with updates of assets.
func (f *fixture) ends(fence storage.Fence, updates ...storage.AssetUpdate) {
	f.Helper()
	f.commit(&storage.Batch{
		Fence: fence, Assets: updates, RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Success, At: epoch.Add(time.Second)}},
	})
}

func checkInFlight(f *fixture) {
	keys := f.assets("a", "b", "whole")
	first := f.targeting("first", storage.Target{Asset: keys[0], Partitions: keysOf(1, 2, 3)}, storage.Target{Asset: keys[1], Partitions: keysOf(3)},
		storage.Target{Asset: keys[2]}, storage.Target{Asset: keys[2], Partitions: partition.Whole()}, storage.Target{Asset: 99, Partitions: keysOf(1)})
	second := f.targeting("second", storage.Target{Asset: keys[0], Partitions: keysOf(3, 4)}, storage.Target{Asset: keys[0], Partitions: keysOf(5)})
	f.sets("two runs", keys[0], nil, nil, []int{1, 2, 3, 4, 5})
	f.sets("one run", keys[1], nil, nil, []int{3})
	f.sets("without partitions", keys[2], nil, nil, nil)
	if rec := must[storage.RunRecord](f)(f.GetRun(f.ctx, "first")); rec.Targets != nil {
		f.Errorf("the targets were read back: %+v", rec.Targets)
	}

	f.commit(&storage.Batch{Fence: first, Assets: []storage.AssetUpdate{
		update(keys[0], storage.Materialized, first, 1, 3), update(keys[0], storage.Failed, first, 2, 1),
	}})
	f.sets("what the other run still has", keys[0], []int{3}, []int{1}, []int{2, 3, 4, 5})
	f.commit(&storage.Batch{Assets: []storage.AssetUpdate{update(keys[0], storage.Materialized, storage.Fence{}, 1, 4)}})
	f.sets("what no run made", keys[0], []int{3, 4}, []int{1}, []int{2, 3, 4, 5})
	f.ends(second, update(keys[0], storage.Materialized, second, 1, 3))
	f.sets("a run ended", keys[0], []int{3, 4}, []int{1}, []int{2})
	f.commit(&storage.Batch{Fence: first, Assets: []storage.AssetUpdate{update(keys[0], storage.Wiped, first, 3, 2, 3)}})
	f.sets("a wipe of what is in flight", keys[0], []int{4}, []int{1}, []int{2})
	f.ends(first)
	f.sets("both ended", keys[0], []int{4}, []int{1}, nil)
	f.sets("of the other asset", keys[1], nil, nil, nil)

	// Of a run that was recorded before it was planned, and of one that is planned anew.
	late := f.run("late")
	plan := func(numbers ...int) {
		f.Helper()
		f.commit(&storage.Batch{Fence: late, RunUpdates: []storage.RunUpdate{{
			Run: late.Run, State: storage.Running, At: epoch, Targets: []storage.Target{{Asset: keys[1], Partitions: keysOf(numbers...)}},
		}}})
	}
	plan(1, 2)
	f.sets("planned", keys[1], nil, nil, []int{1, 2})
	plan(2, 3)
	f.sets("planned anew", keys[1], nil, nil, []int{2, 3})
	f.commit(&storage.Batch{Fence: late, RunUpdates: []storage.RunUpdate{{Run: late.Run, State: storage.Running, At: epoch}}})
	f.sets("nothing said of targets", keys[1], nil, nil, []int{2, 3})
	f.commit(&storage.Batch{Fence: late, RunUpdates: []storage.RunUpdate{{
		Run: late.Run, State: storage.Failure, At: epoch, Targets: []storage.Target{{Asset: keys[1], Partitions: keysOf(7)}},
	}}})
	f.sets("targets of an end", keys[1], nil, nil, nil)

	// What a run settles before it is planned takes nothing of the plan, also in one transaction.
	early := f.run("early")
	if err := f.Append(&storage.Batch{Fence: early, Assets: []storage.AssetUpdate{update(keys[0], storage.Materialized, early, 1, 8)}}); err != nil {
		f.Fatal(err)
	}
	f.commit(&storage.Batch{Fence: early, RunUpdates: []storage.RunUpdate{{
		Run: early.Run, State: storage.Running, At: epoch, Targets: []storage.Target{{Asset: keys[0], Partitions: keysOf(8)}},
	}}})
	f.sets("planned after it was made", keys[0], []int{4, 8}, []int{1}, []int{8})
	f.ends(early)

	// Taking a run over changes nothing: the next owner goes on.
	f.targeting("taken", storage.Target{Asset: keys[1], Partitions: keysOf(8)})
	must[storage.RunRecord](f)(f.ClaimRun(f.ctx, storage.RunClaim{ID: "taken", Owner: "b", Lease: long, Gone: "a"}))
	f.sets("taken over", keys[1], nil, nil, []int{8})
	b := storage.Batch{Runs: []storage.RunRecord{{ID: "ended", State: storage.Failure, Targets: []storage.Target{{Asset: keys[1], Partitions: keysOf(9)}}}}}
	f.commit(&b)
	f.sets("recorded with its end", keys[1], nil, nil, []int{8})
}
