package main

import (
	"errors"
	"testing"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// TestKilledActionsEndAsIfTheyHadNotBeen kills what closes 1,000 partitions of two assets, one after the other: a backfill with a
// run for each shop, one with one run, and a plain run. Each goes on as a user has it go on, and has recorded each effect
// once in the end.
func TestKilledActionsEndAsIfTheyHadNotBeen(t *testing.T) {
	t.Parallel()
	for _, p := range places() {
		for _, s := range []struct {
			name, strategy string
			runs           int64
		}{
			{"a run for each shop", "per_dimension(shop;day)", shops},
			{"one run", "single_run", 1},
		} {
			t.Run(p.name+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				b := newCloser(t, p)
				b.backfill("sales", "totals", "--action", "close", "--strategy", s.strategy)
				b.verify(s.runs)
				t.Logf("seed %d: %d kills", b.seed, b.killed)
			})
		}
		t.Run(p.name+"/a plain run", func(t *testing.T) {
			t.Parallel()
			b := newCloser(t, p)
			b.persist([]string{"actions", "run", "close", "sales", "totals", "--partition", "day=2026-01-01..2026-04-10|shop=s0..s9", "--run-id", "r"}, []string{"materialize", "--resume", "r"}, func(store checked) bool {
				_, err := store.GetRun(b.Context(), "r")
				if err != nil && !errors.Is(err, storage.ErrNotFound) {
					b.Fatal(err)
				}
				return err == nil
			})
			b.verifyRun("r")
			t.Logf("seed %d: %d kills", b.seed, b.killed)
		})
	}
}

func newCloser(t *testing.T, p place) *backfiller {
	t.Helper()
	return &backfiller{victim: newVictim(t, p, "CRASH_PROGRAM=books", "CRASH_CALLS=3"), kills: *backfillKills / 2}
}

// verifyRun looks at the one run that closed all that can be closed.
func (b *backfiller) verifyRun(id string) {
	b.Helper()
	store := b.look()
	run, err := store.GetRun(b.Context(), id)
	if err != nil || run.State != storage.Failure || run.Request.Action != "close" || run.Counts != (storage.StepCounts{Failed: 2}) {
		b.Errorf("seed %d: %+v, %v", b.seed, run, err)
	}
	events, err := store.ListEvents(b.Context(), storage.EventQuery{Run: run.Key})
	if err != nil {
		b.Fatal(err)
	}
	ends := 0
	for i := range events {
		if events[i].Kind == storage.RunEnded {
			ends++
		}
	}
	if ends != 1 {
		b.Errorf("seed %d: the run has %d ends", b.seed, ends)
	}
	space := b.space(store)
	failed, sold := b.bad(space)
	good := space.Complement(failed)
	b.verifyDone(store, space, "sales", good.Union(sold))
	b.verifyDone(store, space, "totals", good)
	b.sound(store)
}

// verifyDone looks at the partitions to which the action was done: each has one record of it, and none has failed to be made.
func (b *backfiller) verifyDone(store checked, space partition.Space, name string, want partition.Set) {
	b.Helper()
	keys, err := store.AssetKeys(b.Context(), []string{name})
	if err != nil {
		b.Fatal(err)
	}
	if done := b.recorded(store, space, keys[0], storage.AssetObserved); !done.Equal(want) {
		b.Errorf("seed %d: %d partitions of %s are closed, want %d", b.seed, space.Count(done), name, space.Count(want))
	}
	sets, err := store.PartitionSets(b.Context(), keys)
	if err != nil {
		b.Fatal(err)
	}
	if s := &sets[0]; !s.Materialized.IsEmpty() || !s.Failed.IsEmpty() || !s.InFlight.IsEmpty() {
		b.Errorf("seed %d: of %s %d are materialized, %d failed, %d in flight; nothing was made", b.seed, name,
			space.Count(s.Materialized), space.Count(s.Failed), space.Count(s.InFlight))
	}
}
