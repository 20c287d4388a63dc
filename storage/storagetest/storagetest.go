// Package storagetest is the contract of a store as tests: every backend passes [Run], and
// what a comment in package storage promises is one of its sub-tests. Each sub-test gets a store of
// its own and runs beside the others.
//
// Beside the tables there is a model: random batches go to the backend and to the memory store,
// and all answers must agree. Known difference: integer keys mean nothing outside their store, so
// the suite compares names.
package storagetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// Option tells Run what else a backend can do.
type Option func(*options)

type options struct {
	reopen func(*testing.T, storage.Storage) storage.Storage
	url    func(storage.Storage) string
	damage func(*testing.T, storage.Storage, string)
	blob   func([]byte) string
}

// Reopen is for backends that outlive their handle: the function closes the store and returns a
// new handle on the same records. Without it the sub-test of durability does not exist.
func Reopen(reopen func(*testing.T, storage.Storage) storage.Storage) Option {
	return func(o *options) { o.reopen = reopen }
}

// Run checks the backend. The function opens an empty store that is not shared, and leaves
// closing it to the suite; it may be called from several tests at once.
func Run(t *testing.T, open func(*testing.T) storage.Storage, opts ...Option) {
	t.Helper()
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.check(newFixture(t, open))
		})
	}
	runCrowds(t, open, &o)
	t.Run("Model", func(t *testing.T) {
		t.Parallel()
		checkModel(t, open)
	})
	t.Run("PruneModel", func(t *testing.T) {
		t.Parallel()
		checkPruneModel(t, open)
	})
	if o.damage != nil {
		t.Run("Damages", func(t *testing.T) {
			t.Parallel()
			checkDamages(t, open, &o)
		})
	}
	if o.reopen != nil {
		t.Run("Durable", func(t *testing.T) {
			t.Parallel()
			checkDurable(newFixture(t, open), o.reopen)
		})
	}
}

var checks = []struct {
	name  string
	check func(*fixture)
}{
	{"Runs", checkRuns},
	{"RunFilters", checkRunFilters},
	{"RunStates", checkRunStates},
	{"RunPages", checkRunPages},
	{"RunUpdates", checkRunUpdates},
	{"LongPlan", checkLongPlan},
	{"PlanLater", checkPlanLater},
	{"Events", checkEvents},
	{"EventPages", checkEventPages},
	{"EventTwice", checkEventTwice},
	{"AssetEvents", checkAssetEvents},
	{"MetadataHistory", checkMetadataHistory},
	{"MetadataOfPartitions", checkMetadataOfPartitions},
	{"MetadataHistoryCounts", checkMetadataHistoryCounts},
	{"MetadataHistoryPruned", checkMetadataHistoryPruned},
	{"Assets", checkAssets},
	{"AssetLists", checkAssetLists},
	{"ManyAssets", checkManyAssets},
	{"PartitionSets", checkPartitionSets},
	{"WholeSets", checkWholeSets},
	{"PartitionStates", checkPartitionStates},
	{"PartitionsOfTwoDefinitions", checkTwoDefinitions},
	{"PartitionGroups", checkPartitionGroups},
	{"Wiped", checkWiped},
	{"PartitionShapes", checkPartitionShapes},
	{"InFlight", checkInFlight},
	{"Changes", checkChanges},
	{"ChangePages", checkChangePages},
	{"WatchChanges", checkWatchChanges},
	{"Keys", checkKeys},
	{"ManyKeys", checkManyKeys},
	{"Backfills", checkBackfills},
	{"BackfillFilters", checkBackfillFilters},
	{"BackfillUpdates", checkBackfillUpdates},
	{"BackfillRuns", checkBackfillRuns},
	{"ClaimBackfill", checkClaimBackfill},
	{"LargeBackfill", checkLargeBackfill},
	{"Logs", checkLogs},
	{"KV", checkKV},
	{"Topologies", checkTopologies},
	{"Fences", checkFences},
	{"FenceOfAppend", checkFenceOfAppend},
	{"Expectations", checkExpectations},
	{"AllOrNothing", checkAllOrNothing},
	{"Invalid", checkInvalid},
	{"AppendThenCommit", checkAppendThenCommit},
	{"AppendAlone", checkAppendAlone},
	{"AppendedStart", checkAppendedStart},
	{"CallerReuses", checkCallerReuses},
	{"LargeBatch", checkLargeBatch},
	{"ClaimRun", checkClaimRun},
	{"LeaseEnds", checkLeaseEnds},
	{"CancelRequests", checkCancelRequests},
	{"Pools", checkPools},
	{"Slots", checkSlots},
	{"SlotRefusals", checkSlotRefusals},
	{"SlotsEnd", checkSlotsEnd},
	{"Watch", checkWatch},
	{"WatchClosed", checkWatchClosed},
	{"Appenders", checkAppenders},
	{"Prune", checkPrune},
	{"PruneSpares", checkPruneSpares},
	{"PruneNewest", checkPruneNewest},
	{"PruneEvaluations", checkPruneEvaluations},
	{"PruneNames", checkPruneNames},
	{"PruneFeed", checkPruneFeed},
	{"PruneLimit", checkPruneLimit},
	{"PruneCanceled", checkPruneCanceled},
	{"PruneRequests", checkPruneRequests},
	{"PruneTogether", checkPruneTogether},
	{"PruneTurns", checkPruneTurns},
	{"PruneTurnPlace", checkPruneTurnPlace},
	{"PruneTurnKeeps", checkPruneTurnKeeps},
	{"Text", checkText},
	{"Times", checkTimes},
	{"Canceled", checkCanceled},
	{"Close", checkClose},
	{"ID", checkID},
}

// fixture is a store in a test: calls that must succeed do or end the test.
type fixture struct {
	*testing.T
	storage.Storage
	ctx context.Context
}

func newFixture(t *testing.T, open func(*testing.T) storage.Storage) *fixture {
	t.Helper()
	f := &fixture{T: t, Storage: open(t), ctx: t.Context()}
	t.Cleanup(func() {
		if err := f.Storage.Close(); err != nil && !errors.Is(err, storage.ErrClosed) {
			t.Errorf("close: %v", err)
		}
	})
	return f
}

var epoch = time.Date(2026, 3, 1, 12, 30, 0, 123456000, time.UTC)

// commit applies a batch that must be accepted.
func (f *fixture) commit(b *storage.Batch) {
	f.Helper()
	if err := f.Commit(f.ctx, b); err != nil {
		f.Fatalf("commit: %v", err)
	}
}

// run creates a run of the given id and returns its fence.
func (f *fixture) run(id string) storage.Fence {
	f.Helper()
	b := storage.Batch{Runs: []storage.RunRecord{{ID: id, Location: "repo", Token: 1, CreatedAt: epoch}}}
	f.commit(&b)
	if b.Runs[0].Key <= 0 {
		f.Fatalf("run %q got the key %d", id, b.Runs[0].Key)
	}
	return storage.Fence{Run: b.Runs[0].Key, Token: 1}
}

// assets gives the names keys and returns them.
func (f *fixture) assets(names ...string) []storage.AssetKey {
	f.Helper()
	f.commit(&storage.Batch{Topologies: []storage.Topology{{Location: "assets", Hash: fmt.Sprint(names), Assets: names}}})
	keys, err := f.AssetKeys(f.ctx, names)
	if err != nil {
		f.Fatal(err)
	}
	for i, key := range keys {
		if key <= 0 {
			f.Fatalf("asset %q got the key %d", names[i], key)
		}
	}
	return keys
}

// event is the n-th event of a run, a start of step n.
func event(run storage.RunKey, n int64) storage.Event {
	return storage.Event{Run: run, N: n, Fact: storage.Fact{
		At: storage.MicrosOf(epoch) + storage.Micros(n), Step: int32(n), Attempt: 1, Kind: storage.StepStarted,
	}}
}

// numbers returns the N of the run's events.
func (f *fixture) numbers(run storage.RunKey) []int64 {
	f.Helper()
	events, err := f.ListEvents(f.ctx, storage.EventQuery{Run: run})
	if err != nil {
		f.Fatal(err)
	}
	var ns []int64
	for i := range events {
		ns = append(ns, events[i].N)
	}
	return ns
}

// refused asserts the kind of a refusal.
func (f *fixture) refused(err, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Fatalf("got error %v, want one that is %q", err, want)
	}
}

// equal asserts that two values are the same, nil and empty told apart.
func (f *fixture) equal(what string, got, want any) {
	f.Helper()
	if !reflect.DeepEqual(got, want) {
		f.Fatalf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// must ends the test on an error and returns the value.
func must[T any](f *fixture) func(T, error) T {
	return func(v T, err error) T {
		f.Helper()
		if err != nil {
			f.Fatal(err)
		}
		return v
	}
}
