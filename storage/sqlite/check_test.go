package sqlite_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// tenants is a set of keys of a dynamic definition.
func tenants(numbers ...int) partition.Set {
	return partition.DynamicSet("tenants", func(yield func(partition.Ordinal) bool) {
		for _, n := range numbers {
			if !yield(partition.Ordinal(n)) {
				return
			}
		}
	})
}

// blob is a set as SQL writes it.
func blob(numbers ...int) string {
	data, _ := tenants(numbers...).AppendBinary(nil)
	return fmt.Sprintf("x'%x'", data)
}

// commit applies a batch that must be accepted.
func commit(t *testing.T, s storage.Storage, b *storage.Batch) {
	t.Helper()
	if err := s.Commit(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// soundStore has something of everything that is kept: asset_00000 was made by run r, asset_00001 has partitions, of which run p
// made 0, 1 and at once 2, 3, 4, and run open is about to make 5 and 6; asset_00002 was wiped.
func soundStore(t *testing.T) *sqlite.Store {
	t.Helper()
	s := open(t, t.TempDir())
	_, keys := newRun(t, s, "first", 3)
	var b storage.Batch
	if err := oneStepRun(s, "r", keys[0], &b); err != nil {
		t.Fatal(err)
	}
	begin := storage.Batch{
		Lease: time.Hour,
		Pools: []storage.PoolUpdate{{Name: "db", Slots: 2}},
		Keys:  []storage.KeyUpdate{{Table: "tenants", Add: []string{"x", "y", "z"}, Remove: []string{"y"}}, {Add: []string{"static"}}},
		Backfills: []storage.BackfillRecord{
			{ID: "done", Token: 1, State: storage.BackfillInProgress, Owner: "a", Partitions: tenants(1, 2, 3), Total: 3},
			{ID: "going", Token: 1, State: storage.BackfillInProgress, Owner: "a", Partitions: tenants(1, 2), Total: 2},
		},
		Runs: []storage.RunRecord{
			{ID: "p", State: storage.Running, Token: 1, Owner: "a", Targets: []storage.Target{{Asset: keys[1], Partitions: tenants(0, 1, 2, 3, 4)}}},
			{ID: "open", State: storage.Running, Token: 1, Owner: "a", Backfill: "going", Targets: []storage.Target{{Asset: keys[1], Partitions: tenants(5, 6)}}},
		},
	}
	commit(t, s, &begin)
	writeParts(t, s, storage.Fence{Run: begin.Runs[0].Key, Token: 1}, keys)
	fence := storage.Fence{Run: begin.Runs[1].Key, Token: 1}
	claim := storage.SlotClaim{Fence: fence, Key: "k", Attempt: 1, Pools: []storage.PoolSlots{{Pool: "db", Slots: 1}}, Hold: time.Hour, Wait: time.Hour}
	if a, err := s.ClaimSlots(t.Context(), claim); err != nil || !a.Granted {
		t.Fatalf("%+v, %v", a, err)
	}
	done := storage.Fence{Backfill: begin.Backfills[0].Key, Token: 1}
	commit(t, s, &storage.Batch{Fence: done, BackfillUpdates: []storage.BackfillUpdate{{
		Backfill: done.Backfill, State: storage.BackfillFailed, At: time.Unix(9, 0),
		Progress: storage.BackfillProgress{
			Submitted: tenants(1, 2), Completed: tenants(1), CompletedCount: 1, Failed: tenants(2), FailedCount: 1, Canceled: tenants(3), CanceledCount: 1,
		},
	}}})
	going := storage.Fence{Backfill: begin.Backfills[1].Key, Token: 1}
	commit(t, s, &storage.Batch{Fence: going, BackfillUpdates: []storage.BackfillUpdate{{
		Backfill: going.Backfill, State: storage.BackfillInProgress, At: time.Unix(9, 0), Progress: storage.BackfillProgress{Submitted: tenants(1), Runs: 1},
	}}})
	return s
}

// writeParts is run p: singles, a group, a failure, a wipe, and a step that was reused.
func writeParts(t *testing.T, s storage.Storage, fence storage.Fence, keys []storage.AssetKey) {
	t.Helper()
	b := storage.Batch{Fence: fence}
	add := func(kind storage.EventKind, asset storage.AssetKey, state storage.StateKind, numbers ...int) {
		n := int64(len(b.Events) + 1)
		e := storage.Event{Run: fence.Run, N: n, Fact: storage.Fact{At: storage.Micros(n), Kind: kind, Step: int32(n), Attempt: 1}, Asset: asset}
		u := storage.AssetUpdate{Asset: asset, Kind: state, Partitions: tenants(numbers...), Run: fence.Run, N: n, At: e.At}
		if len(numbers) == 1 {
			e.Partition = strconv.Itoa(numbers[0])
			u.Partition = e.Partition
		}
		b.Events, b.Assets = append(b.Events, e), append(b.Assets, u)
	}
	add(storage.StepSucceeded, keys[1], storage.Materialized, 0)
	add(storage.AssetMaterialized, keys[1], storage.Materialized, 1)
	add(storage.AssetMaterialized, keys[1], storage.Materialized, 2, 3, 4)
	add(storage.PartitionFailed, keys[1], storage.Failed, 1)
	add(storage.AssetMaterialized, keys[1], storage.Materialized, 7, 8)
	add(storage.AssetWiped, keys[1], storage.Wiped, 7)
	add(storage.AssetMaterialized, keys[2], storage.Materialized)
	add(storage.AssetWiped, keys[2], storage.Wiped)
	n := int64(len(b.Events))
	b.Events = append(b.Events,
		storage.Event{Run: fence.Run, N: n + 1, Fact: storage.Fact{Kind: storage.StepReused, Step: 50}},
		storage.Event{Run: fence.Run, N: n + 2, Fact: storage.Fact{Kind: storage.RunEnded, Status: uint8(storage.Success), Step: storage.NoStep}})
	b.RunUpdates = []storage.RunUpdate{{Run: fence.Run, State: storage.Success, Counts: storage.StepCounts{Succeeded: 2}}}
	commit(t, s, &b)
}

// damages are what a sound store may suffer, and what Check and Repair say of it; no mend is none.
var damages = map[string]struct{ damage, want, mended string }{
	"sound": {"", "", ""},
	"two ends": {
		"INSERT INTO event SELECT run, 4, at, kind, step, attempt, retry_at, cause, status, asset, detail, era, partition FROM event WHERE n = 3 AND run = 2",
		`run "r" is success and has 2 ends among its events, want one`, "",
	},
	"no end":              {"DELETE FROM event WHERE n = 3 AND run = 2", `run "r" is success and has 0 ends among its events, want one`, ""},
	"open with an end":    {"UPDATE run SET state = 2 WHERE id = 'r'", `run "r" is running, but has an end among its events`, ""},
	"other end":           {"UPDATE run SET state = 4 WHERE id = 'r'", `run "r" is recorded as failure, its end says success`, ""},
	"counts":              {"UPDATE run SET failed = 7 WHERE id = 'r'", `run "r" counts 1 succeeded, 7 failed, 0 skipped, 0 canceled steps; its events say 1, 0, 0, 0`, `run "r": its steps were counted again`},
	"reused":              {"UPDATE run SET succeeded = 1 WHERE id = 'p'", `run "p" counts 1 succeeded, 0 failed, 0 skipped, 0 canceled steps; its events say 2, 0, 0, 0`, `run "p": its steps were counted again`},
	"gap":                 {"DELETE FROM event WHERE n = 1 AND run = 2", `run "r" has 2 events numbered from 2 to 3, want 1 to 2`, ""},
	"stray event":         {"UPDATE event SET run = 99 WHERE n = 3 AND run = 2", "1 events belong to run 99, which is not recorded", ""},
	"stray line":          {"INSERT INTO log VALUES (77, 1, 0, 1, 0, 0, 0, '', '')", "1 log lines belong to run 77, which is not recorded", ""},
	"state without asset": {"DELETE FROM asset WHERE key = 1", "the materialized state of asset 1: there is no such asset", ""},
	"state of no run":     {"UPDATE asset_state SET run = 55 WHERE asset = 1", `asset "asset_00000" was last materialized by a run that is not recorded`, ""},
	"state of no event":   {"UPDATE asset_state SET n = 1 WHERE asset = 1", `asset "asset_00000" was last materialized by event 1 of run "r", which`, ""},
	"older state": {
		"INSERT INTO event SELECT run, 4, at + 1, 12, step, attempt, retry_at, cause, status, asset, detail, era, partition FROM event WHERE n = 2 AND run = 2",
		`asset "asset_00000" was last materialized by event 2 of run "r", which has a newer one`, "",
	},
	"no state":       {"DELETE FROM asset_state WHERE asset = 1", `asset "asset_00000" was materialized by 1 events, but has no such state`, ""},
	"failed state":   {"UPDATE asset_state SET n = 2 WHERE asset = 2 AND kind = 2", `asset "asset_00001" was last failed by event 2 of run "p", which says otherwise or is not there`, ""},
	"an ended lease": {"UPDATE run SET lease_until = 5 WHERE id = 'p'", `run "p" is success and still leased to "a"`, `run "p" has ended: its lease was ended too`},
	"a slot of a run that ended": {
		"UPDATE slot SET run = 3", `pool "db": step "k" of run "p" has a place, and the run is success`, `pool "db": the place of step "k" was freed`,
	},
	"a slot of no run":       {"UPDATE slot SET run = 88", `pool "db": step "k" of run 88 has a place, and the run is not recorded`, `pool "db": the place of step "k" was freed`},
	"a slot of nobody's run": {"UPDATE run SET owner = '' WHERE id = 'open'", `pool "db": step "k" of run "open" has a place, and the run is nobody's`, `pool "db": the place of step "k" was freed`},
	"in flight of a run that ended": {
		"UPDATE in_flight SET run = 3", `asset "asset_00001" has partitions in flight of run "p", which is success`, `asset "asset_00001" has nothing in flight of run 3 any more`,
	},
	"in flight of no run": {
		"UPDATE in_flight SET run = 66", `asset "asset_00001" has partitions in flight of run 66, which is not recorded`, `asset "asset_00001" has nothing in flight of run 66 any more`,
	},
	"in flight of no asset": {"UPDATE in_flight SET asset = 66", `run "open" has partitions of asset 66 in flight: there is no such asset`, "has nothing in flight of run 4 any more"},
	"a set with more": {
		"UPDATE partition_set SET labels = " + blob(0, 1, 2, 3, 4, 8, 9) + " WHERE kind = 0",
		`asset "asset_00001": the set of what is materialized has {dynamic tenants [9, 10)}, whose states say otherwise`, `asset "asset_00001": the set of what is materialized was made again from the states`,
	},
	"a set with less": {
		"DELETE FROM partition_set WHERE kind = 2",
		`asset "asset_00001": the set of what is failed lacks {dynamic tenants [1, 2)}, whose states say otherwise`, `asset "asset_00001": the set of what is failed was made again from the states`,
	},
	"a set with others": {
		"UPDATE partition_set SET labels = " + blob(5) + " WHERE kind = 2",
		`the set of what is failed has {dynamic tenants [5, 6)} and lacks {dynamic tenants [1, 2)}`, `the set of what is failed was made again`,
	},
	"a set of nothing":         {"INSERT INTO partition_set VALUES (1, 0, " + blob(1) + ")", `asset "asset_00000": the set of what is materialized has {dynamic tenants [1, 2)}`, `asset "asset_00000": the set of what is materialized was made again`},
	"a set that does not read": {"UPDATE partition_set SET labels = x'07' WHERE kind = 0", `asset "asset_00001": the set of what is materialized: stored set of partitions: is of version 7`, `the set of what is materialized was made again from the states`},
	"groups that overlap": {
		"UPDATE partition_group SET labels = " + blob(2, 3, 4, 8) + " WHERE kind = 0 AND n = 3",
		"has {dynamic tenants [8, 9)}, which a newer one has", "lost what a newer one has",
	},
	"a group that was wiped": {
		"UPDATE partition_group SET labels = " + blob(7, 8) + " WHERE kind = 0 AND n = 5", "has {dynamic tenants [7, 8)}, which a newer one has", "lost what a newer one has",
	},
	"a partition's state of no run":       {"UPDATE partition_state SET run = 44 WHERE partition = '0'", `partition "0" of asset "asset_00001" was last materialized by a run that is not recorded`, ""},
	"a partition's state of no event":     {"UPDATE partition_state SET n = 9 WHERE partition = '0'", `partition "0" of asset "asset_00001" was last materialized by event 9 of run "p", which says otherwise or is not there`, ""},
	"a partition's state of no asset":     {"UPDATE partition_state SET asset = 9 WHERE partition = '0'", `the materialized state of partition "0" of asset 9: there is no such asset`, `asset "asset_00001": the set of what is materialized was made again from the states`},
	"no state of a partition":             {"DELETE FROM partition_state WHERE partition = '0'", `partition "0" of asset "asset_00001" was materialized by 1 events, but has no such state`, "the set of what is materialized was made again"},
	"a feed that lags":                    {"DELETE FROM change WHERE seq = (SELECT max(seq) FROM change); DELETE FROM change WHERE kind = 1; DELETE FROM change WHERE kind = 4", "which the feed of changes has not come to", "the feed of changes tells of asset 2 again"},
	"keys that are not counted":           {"UPDATE key_table SET size = 2 WHERE name = 'tenants'", `key table "tenants" says that it has 2 keys: there are 3, and the highest ordinal is 2`, `key table "tenants" says now that it has 3 keys`},
	"a key that is gone":                  {"DELETE FROM partition_key WHERE key = 'x'", `key table "tenants" says that it has 3 keys: there are 2, and the highest ordinal is 2`, ""},
	"a live key that is none":             {"UPDATE key_table SET live = " + blob(0, 2, 5) + " WHERE name = 'tenants'", `key table "tenants" has {dynamic tenants [5, 6)} registered, which are not in it`, `key table "tenants" has nothing registered any more that is not in it`},
	"stray keys":                          {"DELETE FROM key_table WHERE name = 'tenants'", "3 keys belong to key table 1, which is not there", ""},
	"a backfill that adds up to less":     {"UPDATE backfill SET completed = 0 WHERE id = 'done'", `backfill "done" is failed and counts 0 completed, 1 failed and 1 canceled of 3 partitions`, ""},
	"a backfill with more than there are": {"UPDATE backfill SET completed = 9 WHERE id = 'going'", `backfill "going" is in_progress and counts 9 completed, 0 failed and 0 canceled of 2 partitions`, ""},
	"a backfill that counts nothing":      {"UPDATE backfill SET completed = 1 WHERE id = 'going'", `backfill "going" counts 1 completed partitions, and the set of them is {}`, ""},
	"a backfill whose sets overlap": {
		"UPDATE backfill_set SET labels = " + blob(1, 2) + " WHERE backfill = 1 AND which = 3", `backfill "done" has {dynamic tenants [1, 2)} both completed and failed`, "",
	},
	"a backfill of other partitions": {"UPDATE backfill_set SET labels = " + blob(1, 9) + " WHERE backfill = 2 AND which = 1", `backfill "going" has {dynamic tenants [9, 10)}, which are not among its partitions`, ""},
	"a backfill that says too little": {
		"UPDATE backfill_set SET labels = " + blob(1, 2, 3, 4) + " WHERE backfill = 1 AND which = 0", `backfill "done" is failed and says nothing of {dynamic tenants [4, 5)}`, "",
	},
	"a backfill without an end":     {"UPDATE backfill SET ended_at = 0 WHERE id = 'done'", `backfill "done" is failed, and its end is not recorded`, ""},
	"a backfill with an early end":  {"UPDATE backfill SET ended_at = 1000000 WHERE id = 'going'", `backfill "going" is in_progress, and its end is 1970-01-01T00:00:01Z`, ""},
	"an ended lease of a backfill":  {"UPDATE backfill SET lease_until = 5 WHERE id = 'done'", `backfill "done" is failed and still leased to "a"`, `backfill "done" has ended: its lease was ended too`},
	"a backfill with too many runs": {"UPDATE run SET backfill = 'going' WHERE id = 'r'", `backfill "going" counts 1 runs, 2 are recorded`, ""},
	"a run of no backfill":          {"UPDATE run SET backfill = 'x' WHERE id = 'r'", `run "r" belongs to backfill "x", which is not recorded`, ""},
}

// TestCheckAndRepair damages a sound store in one way after another. What is mended stays so.
func TestCheckAndRepair(t *testing.T) {
	t.Parallel()
	for name, c := range damages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := soundStore(t)
			defer s.Close()
			if c.damage != "" {
				execute(t, s.Path(), c.damage)
			}
			check := func() []string {
				t.Helper()
				found, err := s.Check(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return found
			}
			found := check()
			if all := strings.Join(found, "\n"); c.want == "" && all != "" || !strings.Contains(all, c.want) {
				t.Errorf("found:\n%s\nwant: %s", all, c.want)
			}
			done, err := s.Repair(t.Context())
			if all := strings.Join(done, "\n"); err != nil || c.mended == "" && all != "" || !strings.Contains(all, c.mended) {
				t.Errorf("mended: %v\n%s\nwant: %s", err, all, c.mended)
			}
			if left := len(found) - len(done); len(check()) > left {
				t.Errorf("%d problems, of which %d were mended, leave:\n%s", len(found), len(done), strings.Join(check(), "\n"))
			}
			if again, err := s.Repair(t.Context()); err != nil || len(again) > 0 {
				t.Errorf("mended again: %q, %v", again, err)
			}
		})
	}
}

// TestRepairIsSeen has a handle that goes on after another one has mended what it remembers.
func TestRepairIsSeen(t *testing.T) {
	t.Parallel()
	s := soundStore(t)
	defer s.Close()
	key := []storage.AssetKey{2}
	update := func(n int) {
		t.Helper()
		commit(t, s, &storage.Batch{Assets: []storage.AssetUpdate{{Asset: 2, Partitions: tenants(n), Partition: strconv.Itoa(n), At: 1}}})
	}
	update(10) // the sets are remembered now
	execute(t, s.Path(), "UPDATE partition_set SET labels = "+blob(1)+" WHERE kind = 0")
	other := open(t, s.Path())
	defer other.Close()
	changes := s.Watch(t.Context(), storage.TopicChanges)
	if done, err := other.Repair(t.Context()); err != nil || len(done) != 1 {
		t.Fatalf("%q, %v", done, err)
	}
	update(11)
	sets, err := s.PartitionSets(t.Context(), key)
	if want := tenants(0, 1, 2, 3, 4, 8, 10, 11); err != nil || !sets[0].Materialized.Equal(want) {
		t.Errorf("%v, %v, want %v", sets[0].Materialized, err, want)
	}
	<-changes
}
