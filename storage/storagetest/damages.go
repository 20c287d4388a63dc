package storagetest

// damage is what a store suffers, what Check finds then and what Repair reports; an empty text is
// nothing.
type damage struct{ damage, found, mended string }

var damages = map[string]damage{
	"sound": {
		"",
		"", "",
	},
	"two ends": {
		"INSERT INTO event (run, n, at, kind, step, attempt, retry_at, cause, status, asset, detail, partition) SELECT run, 4, at, kind, step, attempt, retry_at, cause, status, asset, detail, partition FROM event WHERE n = 3 AND run = (SELECT key FROM run WHERE id = 'r')",
		`run "r" is success and has 2 ends among its events, want one`, "",
	},
	"no end": {
		"DELETE FROM event WHERE n = 3 AND run = (SELECT key FROM run WHERE id = 'r')",
		`run "r" is success and has 0 ends among its events, want one`, "",
	},
	"open with an end": {
		"UPDATE run SET state = 2 WHERE id = 'r'",
		`run "r" is running, but has an end among its events`, "",
	},
	"other end": {
		"UPDATE run SET state = 4 WHERE id = 'r'",
		`run "r" is recorded as failure, its end as success`, "",
	},
	"counts": {
		"UPDATE run SET failed = 7 WHERE id = 'r'",
		`run "r" counts 1 succeeded, 7 failed, 0 skipped, 0 canceled steps; its events say 1, 0, 0, 0`, `run "r": its steps were counted again`,
	},
	"counts of a reused step": {
		"UPDATE run SET succeeded = 1 WHERE id = 'p'",
		`run "p" counts 1 succeeded, 0 failed, 0 skipped, 0 canceled steps; its events say 2, 0, 0, 0`, `run "p": its steps were counted again`,
	},
	"gap": {
		"DELETE FROM event WHERE n = 1 AND run = (SELECT key FROM run WHERE id = 'r')",
		`run "r" has 2 events numbered from 2 to 3, want 1 to 2`, "",
	},
	"counts beside a gap": {
		"UPDATE run SET failed = 7 WHERE id = 'r'; DELETE FROM event WHERE n = 1 AND run = (SELECT key FROM run WHERE id = 'r')",
		`run "r" counts 1 succeeded, 7 failed`, "",
	},
	"stray event": {
		"UPDATE event SET run = 99 WHERE n = 3 AND run = (SELECT key FROM run WHERE id = 'r')",
		"1 events belong to run 99, which is not recorded", "",
	},
	"stray line": {
		"UPDATE log SET run = 77",
		"1 log lines belong to run 77, which is not recorded", "",
	},
	"state without asset": {
		"DELETE FROM asset WHERE name = 'a'",
		"the materialized state of asset 1: there is no such asset", "",
	},
	"state of no run": {
		"UPDATE asset_state SET run = 55 WHERE asset = (SELECT key FROM asset WHERE name = 'a')",
		`asset "a" was last materialized by a run that is not recorded`, "",
	},
	"state of no event": {
		"UPDATE asset_state SET n = 3 WHERE asset = (SELECT key FROM asset WHERE name = 'a')",
		`asset "a" was last materialized by event 3 of run "r", which differs or is missing`, "",
	},
	"older state": {
		"UPDATE asset_state SET n = 3, at = (SELECT at FROM event WHERE run = (SELECT key FROM run WHERE id = 'p') AND n = 3) WHERE asset = (SELECT key FROM asset WHERE name = 'parted') AND kind = 0",
		`asset "parted" was last materialized by event 3 of run "p", which has a newer one`, "",
	},
	"no state": {
		"DELETE FROM asset_state WHERE asset = (SELECT key FROM asset WHERE name = 'a')",
		`asset "a" was materialized by 1 events, but has no such state`, "",
	},
	"failure of another event": {
		"UPDATE asset_state SET n = 2 WHERE asset = (SELECT key FROM asset WHERE name = 'parted') AND kind = 2",
		`asset "parted" was last failed by event 2 of run "p", which differs or is missing`, "",
	},
	"lease of a run that ended": {
		"UPDATE run SET lease_until = 5 WHERE id = 'p'",
		`run "p" is success and still leased to "a"`, `run "p" has ended: its lease was ended too`,
	},
	"slot of a run that ended": {
		"UPDATE slot SET run = (SELECT key FROM run WHERE id = 'p')",
		`pool "db": step "step_0" of run "p" has a place, and the run is success`, `pool "db": the place of step "step_0" was freed`,
	},
	"slot of no run": {
		"UPDATE slot SET run = 88",
		`pool "db": step "step_0" of run 88 has a place, and the run is not recorded`, `pool "db": the place of step "step_0" was freed`,
	},
	"slot of nobody's run": {
		"UPDATE run SET owner = '' WHERE id = 'open'",
		`pool "db": step "step_0" of run "open" has a place, and the run is nobody's`, `pool "db": the place of step "step_0" was freed`,
	},
	"in flight of a run that ended": {
		"UPDATE in_flight SET run = (SELECT key FROM run WHERE id = 'p')",
		`asset "parted" has partitions in flight of run "p", which is success`, `asset "parted" no longer has partitions in flight of an ended run`,
	},
	"in flight of no run": {
		"UPDATE in_flight SET run = 66",
		`asset "parted" has partitions in flight of run 66, which is not recorded`, `asset "parted" no longer has partitions in flight of an ended run`,
	},
	"in flight of no asset": {
		"UPDATE in_flight SET asset = 66",
		`run "open" has partitions of asset 66 in flight: there is no such asset`, `run "open" no longer has partitions in flight of an unknown asset`,
	},
	"set with more": {
		"UPDATE partition_set SET labels = {0 1 2 3 4 8 9} WHERE kind = 0",
		`asset "parted": the set of what is materialized has {dynamic tenants [9, 10)}, whose states say otherwise`, `asset "parted": the set of what is materialized was made again from the states`,
	},
	"set with less": {
		"DELETE FROM partition_set WHERE kind = 2",
		`asset "parted": the set of what is failed lacks {dynamic tenants [1, 2)}, whose states say otherwise`, `asset "parted": the set of what is failed was made again from the states`,
	},
	"set with others": {
		"UPDATE partition_set SET labels = {5} WHERE kind = 2",
		"the set of what is failed has {dynamic tenants [5, 6)} and lacks {dynamic tenants [1, 2)}", "the set of what is failed was made again",
	},
	"set of nothing": {
		"INSERT INTO partition_set (asset, kind, labels) VALUES ((SELECT key FROM asset WHERE name = 'a'), 0, {1})",
		`asset "a": the set of what is materialized has {dynamic tenants [1, 2)}`, `asset "a": the set of what is materialized was made again`,
	},
	"set that does not read": {
		"UPDATE partition_set SET labels = {} WHERE kind = 0; UPDATE partition_set SET labels = substr(labels, 2) WHERE kind = 0",
		`asset "parted": the set of what is materialized: stored set of partitions`, "the set of what is materialized was made again from the states",
	},
	"groups that overlap": {
		"UPDATE partition_group SET labels = {2 3 4 8} WHERE kind = 0 AND n = 3",
		"has {dynamic tenants [8, 9)}, which a newer one has", "lost what a newer one has",
	},
	"group that was wiped": {
		"UPDATE partition_group SET labels = {7 8} WHERE kind = 0 AND n = 5",
		"has {dynamic tenants [7, 8)}, which a newer one has", "lost what a newer one has",
	},
	"group that is emptied": {
		"UPDATE partition_group SET labels = {7} WHERE kind = 0 AND n = 5",
		"has {dynamic tenants [7, 8)}, which a newer one has", "lost what a newer one has",
	},
	"group that does not read": {
		"UPDATE partition_group SET labels = {}; UPDATE partition_group SET labels = substr(labels, 2)",
		`asset "parted": a group of partitions that were materialized at once: stored set of partitions`, "",
	},
	"partition's state of no run": {
		"UPDATE partition_state SET run = 44 WHERE partition = '0'",
		`partition "0" of asset "parted" was last materialized by a run that is not recorded`, "",
	},
	"partition's state of no event": {
		"UPDATE partition_state SET n = 9 WHERE partition = '0'",
		`partition "0" of asset "parted" was last materialized by event 9 of run "p", which differs or is missing`, "",
	},
	"partition's state of no asset": {
		"UPDATE partition_state SET asset = 9 WHERE partition = '0'",
		`the materialized state of partition "0" of asset 9: there is no such asset`, `asset "parted": the set of what is materialized was made again from the states`,
	},
	"no state of a partition": {
		"DELETE FROM partition_state WHERE partition = '0'",
		`partition "0" of asset "parted" was materialized by 1 events, but has no such state`, "the set of what is materialized was made again",
	},
	"keys that are not counted": {
		"UPDATE key_table SET size = 2 WHERE name = 'tenants'",
		`key table "tenants" records 2 keys: there are 3, and the highest ordinal is 2`, `key table "tenants" now records 3 keys`,
	},
	"key that is gone": {
		"DELETE FROM partition_key WHERE key = 'x'",
		`key table "tenants" records 3 keys: there are 2, and the highest ordinal is 2`, "",
	},
	"live key that is none": {
		"UPDATE key_table SET live = {0 2 5} WHERE name = 'tenants'",
		`key table "tenants" has {dynamic tenants [5, 6)} registered, which are not in it`, `key table "tenants" has only keys registered that are in it`,
	},
	"stray keys": {
		"DELETE FROM key_table WHERE name = 'tenants'",
		"3 keys belong to key table", "",
	},
	"backfill that adds up to less": {
		"UPDATE backfill SET completed = 0 WHERE id = 'done'",
		`backfill "done" counts 1 skipped partitions, and the set of them is {}`, "",
	},
	"backfill of more than there are": {
		"UPDATE backfill SET completed = 9 WHERE id = 'going'",
		`backfill "going" is in_progress and counts 9 completed, 0 failed and 0 canceled of 2 partitions`, "",
	},
	"backfill that counts nothing": {
		"UPDATE backfill SET completed = 1 WHERE id = 'going'",
		`backfill "going" counts 1 completed partitions, and the set of them is {}`, "",
	},
	"backfill whose sets overlap": {
		"UPDATE backfill_set SET labels = {1 2} WHERE backfill = (SELECT key FROM backfill WHERE id = 'done') AND which = 3",
		`backfill "done" has {dynamic tenants [1, 2)} both completed and failed`, "",
	},
	"backfill of other partitions": {
		"UPDATE backfill_set SET labels = {1 9} WHERE backfill = (SELECT key FROM backfill WHERE id = 'going') AND which = 1",
		`backfill "going" has {dynamic tenants [9, 10)}, which are not among its partitions`, "",
	},
	"backfill that accounts for too little": {
		"UPDATE backfill_set SET labels = {1 2 3 4} WHERE backfill = (SELECT key FROM backfill WHERE id = 'done') AND which = 0",
		`backfill "done" counts 0 skipped partitions, and the set of them is {dynamic tenants [4, 5)}`, "",
	},
	"backfill without an end": {
		"UPDATE backfill SET ended_at = 0 WHERE id = 'done'",
		`backfill "done" is failed, and its end is not recorded`, "",
	},
	"backfill with an early end": {
		"UPDATE backfill SET ended_at = 1000000 WHERE id = 'going'",
		`backfill "going" is in_progress, and its end is 1970-01-01T00:00:01Z`, "",
	},
	"lease of a backfill that ended": {
		"UPDATE backfill SET lease_until = 5 WHERE id = 'done'",
		`backfill "done" is failed and still leased to "a"`, `backfill "done" has ended: its lease was ended too`,
	},
	"backfill with too many runs": {
		"UPDATE run SET backfill = 'going' WHERE id = 'r'",
		`backfill "going" counts 1 runs, 2 are recorded`, "",
	},
	"run of no backfill": {
		"UPDATE run SET backfill = 'x' WHERE id = 'r'",
		`run "r" belongs to backfill "x", which is not recorded`, "",
	},
}
