package storagetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/rivers-go/rivers/storage"
)

func checkAppenders(f *fixture) {
	const events = 1500
	fences := make([]storage.Fence, workers)
	for w := range fences {
		fences[w] = f.run(fmt.Sprint(w))
	}
	f.together(func(worker int) error {
		fence := fences[worker]
		for n := int64(1); n <= events; n++ {
			b := storage.Batch{Fence: fence, Events: []storage.Event{event(fence.Run, n)}}
			write := f.Append
			if n%500 == 0 {
				write = func(b *storage.Batch) error { return f.Commit(f.ctx, b) }
			}
			if err := write(&b); err != nil {
				return err
			}
		}
		return nil
	})
	for w := range fences {
		ns := f.numbers(fences[w].Run)
		if len(ns) != events || ns[0] != 1 || ns[events-1] != events {
			f.Errorf("worker %d: %d events, want %d without gaps", w, len(ns), events)
		}
	}
}

// checkCanceled has contexts that ended before the call.
func checkCanceled(f *fixture) {
	fence := f.run("r")
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	f.refused(f.Commit(ctx, &storage.Batch{Fence: fence, Events: []storage.Event{event(fence.Run, 1)}}), context.Canceled)
	_, err := f.GetRun(ctx, "r")
	f.refused(err, context.Canceled)
	_, err = f.ListEvents(ctx, storage.EventQuery{Run: fence.Run})
	f.refused(err, context.Canceled)
	f.commit(&storage.Batch{Fence: fence})
	f.equal("the events", f.numbers(fence.Run), []int64(nil))
}

func checkClose(f *fixture) {
	fence := f.run("r")
	if err := f.Storage.Close(); err != nil {
		f.Fatal(err)
	}
	f.refused(f.Commit(f.ctx, &storage.Batch{Fence: fence}), storage.ErrClosed)
	f.refused(f.Append(&storage.Batch{Fence: fence, Events: []storage.Event{event(fence.Run, 1)}}), storage.ErrClosed)
	f.refused(f.Storage.Close(), storage.ErrClosed)
	for name, read := range map[string]func() error{
		"GetRun":          func() error { _, err := f.GetRun(f.ctx, "r"); return err },
		"ListRuns":        func() error { _, err := f.ListRuns(f.ctx, storage.RunQuery{}); return err },
		"ListEvents":      func() error { _, err := f.ListEvents(f.ctx, storage.EventQuery{}); return err },
		"ListAssetEvents": func() error { _, err := f.ListAssetEvents(f.ctx, storage.AssetEventQuery{}); return err },
		"AssetKeys":       func() error { _, err := f.AssetKeys(f.ctx, []string{"a"}); return err },
		"GetAsset":        func() error { _, err := f.GetAsset(f.ctx, "a"); return err },
		"ListAssets":      func() error { _, err := f.ListAssets(f.ctx, storage.AssetQuery{}); return err },
		"PartitionSets":   func() error { _, err := f.PartitionSets(f.ctx, nil); return err },
		"ListPartitions":  func() error { _, err := f.ListPartitions(f.ctx, storage.PartitionQuery{}); return err },
		"ListGroups":      func() error { _, err := f.ListPartitionGroups(f.ctx, 1, storage.Materialized); return err },
		"GetKeyTable":     func() error { _, err := f.GetKeyTable(f.ctx, "t"); return err },
		"LookUpKeys":      func() error { _, _, err := f.LookUpKeys(f.ctx, storage.KeyQuery{Table: "t"}); return err },
		"ListChanges":     func() error { _, err := f.ListChanges(f.ctx, storage.ChangeQuery{}); return err },
		"ChangeSeq":       func() error { _, err := f.ChangeSeq(f.ctx); return err },
		"GetBackfill":     func() error { _, err := f.GetBackfill(f.ctx, "b"); return err },
		"ListBackfills":   func() error { _, err := f.ListBackfills(f.ctx, storage.BackfillQuery{}); return err },
		"ListLogs":        func() error { _, err := f.ListLogs(f.ctx, storage.LogQuery{}); return err },
		"GetKV":           func() error { _, err := f.GetKV(f.ctx, "k"); return err },
		"ListKV":          func() error { _, err := f.ListKV(f.ctx, ""); return err },
		"GetTopology":     func() error { _, err := f.GetTopology(f.ctx, "l"); return err },
		"ListPools":       func() error { _, err := f.ListPools(f.ctx); return err },
		"ListSlots":       func() error { _, err := f.ListSlots(f.ctx, storage.SlotQuery{}); return err },
		"ClaimRun": func() error {
			_, err := f.ClaimRun(f.ctx, storage.RunClaim{ID: "r", Owner: "a", Lease: long})
			return err
		},
		"ClaimBackfill": func() error {
			_, err := f.ClaimBackfill(f.ctx, storage.RunClaim{ID: "b", Owner: "a", Lease: long})
			return err
		},
		"RenewLeases":    func() error { _, err := f.RenewLeases(f.ctx, storage.Renewal{Lease: long, Slots: long}); return err },
		"ClaimSlots":     func() error { _, err := f.ClaimSlots(f.ctx, slotClaim(fence, 0, "db")); return err },
		"ListTopologies": func() error { _, err := f.ListTopologies(f.ctx); return err },
	} {
		if err := read(); !errors.Is(err, storage.ErrClosed) {
			f.Errorf("%s of a closed store: %v, want %q", name, err, storage.ErrClosed)
		}
	}
}

func checkID(f *fixture) {
	if f.ID() == "" {
		f.Fatal("the store has no ID")
	}
	f.equal("the ID asked again", f.ID(), f.ID())
}

// checkDurable closes the store without a last commit and looks again.
func checkDurable(f *fixture, reopen func(*testing.T, storage.Storage) storage.Storage) {
	id, fence, keys := f.ID(), f.run("r"), f.assets("users")
	var want []storage.Event
	for n := int64(1); n <= 300; n++ {
		want = append(want, event(fence.Run, n))
		b := storage.Batch{Fence: fence, Events: want[n-1:], Assets: []storage.AssetUpdate{{Asset: keys[0], Run: fence.Run, N: n, DataVersion: fmt.Sprint(n)}}}
		if err := f.Append(&b); err != nil {
			f.Fatal(err)
		}
	}
	for i := range 2 {
		f.Storage = reopen(f.T, f.Storage)
		f.equal("the ID", f.ID(), id)
		f.equal("the events", must[[]storage.Event](f)(f.ListEvents(f.ctx, storage.EventQuery{Run: fence.Run})), want)
		rec := must[storage.AssetRecord](f)(f.GetAsset(f.ctx, "users"))
		f.equal("the asset's state", rec.Materialization.DataVersion, "300")
		next := event(fence.Run, int64(301+i)) // the fence is still good
		f.commit(&storage.Batch{Fence: fence, Events: []storage.Event{next}})
		want = append(want, next)
	}
}
