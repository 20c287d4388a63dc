package main

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// backfillKills is how often a backfill is killed that has a run for each partition.
var backfillKills = flag.Int("backfill-kills", defaultBackfillKills, "how many times the backfills of a store are killed; those of few runs half as often")

// TestKilledBackfillsEndAsIfTheyHadNotBeen kills a backfill of 1,000 partitions again and again, each time after some more of
// them, goes on with it as a user does, and looks at the records when it has ended.
func TestKilledBackfillsEndAsIfTheyHadNotBeen(t *testing.T) {
	t.Parallel()
	for _, p := range places() {
		for _, s := range []struct {
			name, strategy string
			runs           int64
			kills          int
		}{
			{"a run for each", "multi_run", days * shops, *backfillKills},
			{"a run for each shop", "per_dimension(shop;day)", shops, *backfillKills / 2},
			{"one run", "single_run", 1, *backfillKills / 2},
		} {
			t.Run(p.name+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				b := &backfiller{victim: newVictim(t, p, "CRASH_PROGRAM=books", "CRASH_CALLS=3"), kills: s.kills}
				b.backfill("--strategy", s.strategy)
				b.verify(s.runs)
				t.Logf("seed %d: %d kills", b.seed, b.killed)
			})
		}
	}
}

// backfiller kills the program that keeps the books on one store.
type backfiller struct {
	*victim

	// kills is how often it is killed at most: the last kill may come when all has ended.
	kills int
}

// backfill makes a backfill, which is killed and gone on with until it has ended.
func (b *backfiller) backfill(flags ...string) {
	b.Helper()
	said := b.persist(slices.Concat([]string{"backfill"}, flags), []string{"backfill", "resume", "latest"}, func(store checked) bool {
		all, err := store.ListBackfills(b.Context(), storage.BackfillQuery{})
		if err != nil || len(all) > 1 {
			b.Fatalf("seed %d: %d backfills, %v", b.seed, len(all), err)
		}
		return len(all) == 1
	})
	if !strings.Contains(said, "22 failed of 1000 partitions") {
		b.Fatalf("seed %d: after %d kills:\n%s", b.seed, b.killed, said)
	}
}

// persist has the program do something that fails in the end, kills it, and has it go on as soon as it has begun, until it has
// ended. It returns what was said last.
func (b *backfiller) persist(first, again []string, begun func(store checked) bool) string {
	b.Helper()
	args := first
	for {
		p := b.prepared(args...)
		calls := b.telling(p, func(w *os.File) { p.ExtraFiles = []*os.File{w} })
		moment := b.after(calls, '.', 2*days*shops, b.kills)
		if b.killed == b.kills {
			moment = nil // never
		}
		if !b.kill(p, moment) {
			if p.ProcessState.ExitCode() != 1 {
				b.Fatalf("seed %d: after %d kills: %v\n%s", b.seed, b.killed, p.ProcessState, p.said)
			}
			return p.said.String()
		}
		if begun(b.look()) {
			args = again
		}
	}
}

// verify looks at what is recorded of the one backfill.
func (b *backfiller) verify(runs int64) {
	b.Helper()
	store := b.look()
	all, err := store.ListBackfills(b.Context(), storage.BackfillQuery{})
	if err != nil || len(all) != 1 {
		b.Fatalf("seed %d: %d backfills, %v", b.seed, len(all), err)
	}
	rec, err := store.GetBackfill(b.Context(), all[0].ID)
	if err != nil {
		b.Fatal(err)
	}
	space := b.space(store)
	failed, sold := b.bad(space)
	good := space.Complement(failed)
	p := &rec.Progress
	if rec.State != storage.BackfillFailed || rec.Total != days*shops || p.Runs != runs || p.CompletedCount != space.Count(good) ||
		p.FailedCount != space.Count(failed) || p.CanceledCount != 0 || !p.Completed.Equal(good) || !p.Failed.Equal(failed) || !p.Canceled.IsEmpty() {
		b.Errorf("seed %d: the backfill is %s with %d runs, %d of %d completed, %d failed, %d canceled; want failed with %d, %d, %d, 0", b.seed,
			rec.State, p.Runs, p.CompletedCount, rec.Total, p.FailedCount, p.CanceledCount, runs, space.Count(good), space.Count(failed))
	}
	if rec.Request.Action != "" {
		b.verifyDone(store, space, "sales", good.Union(sold))
		b.verifyDone(store, space, "totals", good)
	} else {
		b.verifyAsset(store, space, "sales", good.Union(sold), failed.Minus(sold))
		b.verifyAsset(store, space, "totals", good, sold)
	}
	b.verifyRuns(store, rec.ID, runs)
	b.sound(store)
}

// bad returns the partitions that fail, and of these those whose sales do not.
func (b *backfiller) bad(space partition.Space) (failed, sold partition.Set) {
	b.Helper()
	var all, some []partition.Key
	for key, err := range space.Keys(space.All()) {
		if err != nil {
			b.Fatal(err)
		}
		if salesFail(key) || totalsFail(key) {
			all = append(all, key)
		}
		if totalsFail(key) {
			some = append(some, key)
		}
	}
	failed, err := space.Set(all...)
	if err != nil {
		b.Fatal(err)
	}
	if sold, err = space.Set(some...); err != nil {
		b.Fatal(err)
	}
	return failed, sold
}

func (b *backfiller) space(store storage.Partitions) partition.Space {
	b.Helper()
	tables, err := storage.NewKeyCache(store, 0).Tables(b.Context(), bookKeys())
	if err != nil {
		b.Fatal(err)
	}
	space, err := partition.NewSpace(bookKeys(), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), tables)
	if err != nil {
		b.Fatal(err)
	}
	return space
}

// verifyAsset looks at the partitions of an asset: what was made was recorded once, what failed was not.
func (b *backfiller) verifyAsset(store checked, space partition.Space, name string, made, failed partition.Set) {
	b.Helper()
	keys, err := store.AssetKeys(b.Context(), []string{name})
	if err != nil {
		b.Fatal(err)
	}
	sets, err := store.PartitionSets(b.Context(), keys)
	if err != nil {
		b.Fatal(err)
	}
	if s := &sets[0]; !s.Materialized.Equal(made) || !s.Failed.Equal(failed) || !s.InFlight.IsEmpty() {
		b.Errorf("seed %d: of %s %d are materialized, %d failed, %d in flight; want %d, %d, 0", b.seed, name,
			space.Count(s.Materialized), space.Count(s.Failed), space.Count(s.InFlight), space.Count(made), space.Count(failed))
	}
	if recorded := b.recorded(store, space, keys[0], storage.StepSucceeded, storage.AssetMaterialized); !recorded.Equal(made) {
		b.Errorf("seed %d: %s has events of %d materialized partitions, want %d", b.seed, name, space.Count(recorded), space.Count(made))
	}
}

// recorded returns the partitions that events of some kinds are about, each of which is about others.
func (b *backfiller) recorded(store checked, space partition.Space, asset storage.AssetKey, kinds ...storage.EventKind) partition.Set {
	b.Helper()
	var recorded partition.Set
	q := storage.AssetEventQuery{Asset: asset, Limit: 10 * days * shops}
	events, err := store.ListAssetEvents(b.Context(), q)
	if err != nil || len(events) == q.Limit {
		b.Fatalf("%d events, %v", len(events), err)
	}
	for i := range events {
		if e := &events[i]; slices.Contains(kinds, e.Kind) {
			set := b.about(space, e)
			if twice := set.Intersect(recorded); !twice.IsEmpty() {
				b.Errorf("seed %d: %s is recorded again for %d partitions", b.seed, e.Kind, space.Count(twice))
			}
			recorded = recorded.Union(set)
		}
	}
	return recorded
}

// about returns the partitions that an event is about.
func (b *backfiller) about(space partition.Space, e *storage.Event) partition.Set {
	b.Helper()
	if e.Partition == "" {
		detail, err := storage.ParseDetail(e.Detail)
		if err != nil {
			b.Fatal(err)
		}
		return detail.Partitions
	}
	set, err := space.Select(e.Partition)
	if err != nil {
		b.Fatal(err)
	}
	return set
}

// verifyRuns looks at the runs of a backfill, each of which has one end.
func (b *backfiller) verifyRuns(store checked, id string, want int64) {
	b.Helper()
	runs, err := store.ListRuns(b.Context(), storage.RunQuery{Backfill: id, Limit: 2 * days * shops})
	if err != nil || int64(len(runs)) != want {
		b.Errorf("seed %d: the backfill has %d runs, want %d, %v", b.seed, len(runs), want, err)
	}
	for i := range runs {
		events, err := store.ListEvents(b.Context(), storage.EventQuery{Run: runs[i].Key})
		if err != nil {
			b.Fatal(err)
		}
		ends := 0
		for k := range events {
			if events[k].Kind == storage.RunEnded {
				ends++
			}
		}
		if ends != 1 || !runs[i].State.Terminal() {
			b.Errorf("seed %d: run %s is %s and has %d ends", b.seed, runs[i].ID, runs[i].State, ends)
		}
	}
}
