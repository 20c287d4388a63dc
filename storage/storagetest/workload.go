package storagetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// workload is what several writers do at once, goroutines of one process or processes of their own.
type workload struct {
	storage.Storage
	ctx    context.Context //nolint:containedctx // it lives as long as one test
	worker int
	// won is called with what only one of all writers may get.
	won func(what string)
}

// workloads by the name under which a child process is told to do one.
var workloads = map[string]func(workload) error{
	"runs": workload.writeRuns, "create": workload.createSame, "claim": workload.claimSame, "slots": workload.takeSlots,
	"parts": workload.makeParts, "register": workload.registerSame, "backfills": workload.claimBackfills,
}

const (
	runsEach   = 12 // runs that each writer writes
	runsShared = 20 // runs that all writers fight for
	slotRounds = 15
	slotLimit  = 3
)

// writeRuns writes whole runs and reads each back.
func (w workload) writeRuns() error {
	for i := range runsEach {
		id := fmt.Sprintf("%d-%d", w.worker, i)
		b := storage.Batch{Expect: []storage.Expectation{{NoRun: id}}, Runs: []storage.RunRecord{{ID: id, Token: 1}}}
		if err := w.Commit(w.ctx, &b); err != nil {
			return err
		}
		fence := storage.Fence{Run: b.Runs[0].Key, Token: 1}
		for n := int64(1); n <= 3; n++ {
			if err := w.Commit(w.ctx, &storage.Batch{Fence: fence, Events: []storage.Event{event(fence.Run, n)}}); err != nil {
				return err
			}
		}
		end := storage.Batch{Fence: fence, RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Success}}}
		if err := w.Commit(w.ctx, &end); err != nil {
			return err
		}
		rec, err := w.GetRun(w.ctx, id)
		if err != nil || rec.State != storage.Success || rec.Key != fence.Run {
			return fmt.Errorf("run %s reads as %+v, %w", id, rec, err)
		}
	}
	return nil
}

// createSame creates runs of the same IDs as the other writers.
func (w workload) createSame() error {
	for i := range runsShared {
		id := fmt.Sprint(i)
		b := storage.Batch{
			Expect: []storage.Expectation{{NoRun: id}}, Runs: []storage.RunRecord{{ID: id, Job: fmt.Sprint(w.worker)}},
			KV: []storage.KVPair{{Key: id, Value: []byte(fmt.Sprint(w.worker))}},
		}
		switch err := w.Commit(w.ctx, &b); {
		case err == nil:
			w.won(id)
		case !errors.Is(err, storage.ErrRunExists):
			return err
		}
	}
	return nil
}

// claimSame claims runs of an owner that is gone, and writes as the new owner.
func (w workload) claimSame() error {
	for i := range runsShared {
		rec, err := w.ClaimRun(w.ctx, storage.RunClaim{ID: fmt.Sprint(i), Owner: fmt.Sprint(w.worker), Lease: long, Gone: "dead"})
		switch {
		case errors.Is(err, storage.ErrOwned):
			continue
		case err != nil:
			return err
		}
		w.won(rec.ID)
		e := event(rec.Key, 1)
		e.Attempt = int32(w.worker)
		if err := w.Commit(w.ctx, &storage.Batch{Fence: storage.Fence{Run: rec.Key, Token: rec.Token}, Events: []storage.Event{e}}); err != nil {
			return err
		}
	}
	return nil
}

// takeSlots takes and gives back slots of pools that have fewer than all writers want.
func (w workload) takeSlots() error {
	b := storage.Batch{Lease: long, Runs: []storage.RunRecord{{ID: fmt.Sprint(w.worker), State: storage.Running, Token: 1, Owner: fmt.Sprint(w.worker)}}}
	if err := w.Commit(w.ctx, &b); err != nil {
		return err
	}
	fence := storage.Fence{Run: b.Runs[0].Key, Token: 1}
	wake := w.Watch(w.ctx, storage.TopicSlots)
	for round := range slotRounds {
		c := slotClaim(fence, int32(round), []string{"db", "db 2", "db, api"}[(w.worker+round)%3])
		if err := w.wait(c, wake); err != nil {
			return err
		}
		pools, err := w.ListPools(w.ctx)
		if err != nil || len(pools) != 2 || pools[0].InUse > 1 || pools[1].InUse > slotLimit {
			return fmt.Errorf("the pools stand at %+v, %w", pools, err)
		}
		held, err := w.ListSlots(w.ctx, storage.SlotQuery{Run: fence.Run})
		if err != nil || len(held) != len(c.Pools) || !held[0].Holding {
			return fmt.Errorf("a granted claim of %+v reads as %+v, %w", c.Pools, held, err)
		}
		w.won(fmt.Sprintf("%d/%d", w.worker, round))
		err = w.Commit(w.ctx, &storage.Batch{Fence: fence, Releases: []storage.SlotRelease{{Run: fence.Run, Step: c.Step}}})
		if err != nil {
			return err
		}
	}
	return nil
}

// wait asks for slots until it has them.
func (w workload) wait(c storage.SlotClaim, wake <-chan struct{}) error {
	for {
		a, err := w.ClaimSlots(w.ctx, c)
		if err != nil || a.Granted {
			return err
		}
		select {
		case <-wake:
		case <-time.After(50 * time.Millisecond): // woken too early: whose turn it was has not come for it yet
		}
	}
}
