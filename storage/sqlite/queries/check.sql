-- name: CheckEnds :many
-- Of runs that have lost events to pruning (the bits 70) those that are left say nothing.
SELECT run.id, run.state, CAST(count(event.n) AS INTEGER) AS ends, CAST(coalesce(max(event.status), 0) AS INTEGER) AS status
FROM run LEFT JOIN event ON event.run = run.key AND event.kind = CAST(sqlc.arg(run_ended) AS INTEGER)
WHERE run.lost & 70 = 0
GROUP BY run.key
HAVING ends <> (run.state >= 3) OR (ends = 1 AND max(event.status) <> run.state)
ORDER BY run.key;

-- name: CheckNumbers :many
SELECT run.id, CAST(min(event.n) AS INTEGER) AS lowest, CAST(max(event.n) AS INTEGER) AS highest, count(*) AS events
FROM event JOIN run ON run.key = event.run
WHERE run.lost & 70 = 0
GROUP BY event.run
HAVING lowest <> 1 OR highest <> events
ORDER BY event.run;

-- name: CheckStrayEvents :many
SELECT run, count(*) AS events FROM event
WHERE run NOT IN (SELECT key FROM run)
GROUP BY run ORDER BY run;

-- name: CheckStrayLogs :many
SELECT run, count(*) AS lines FROM log
WHERE run NOT IN (SELECT key FROM run)
GROUP BY run ORDER BY run;

-- name: CheckCounts :many
WITH outcome AS (
    SELECT run, step, max(n) AS n FROM event
    WHERE kind IN (CAST(sqlc.arg(succeeded) AS INTEGER), CAST(sqlc.arg(expanded) AS INTEGER), CAST(sqlc.arg(reused) AS INTEGER), CAST(sqlc.arg(skipped) AS INTEGER), CAST(sqlc.arg(canceled) AS INTEGER)) OR (kind = CAST(sqlc.arg(failed) AS INTEGER) AND retry_at = 0)
    GROUP BY run, step
), counted AS (
    SELECT outcome.run,
        sum(event.kind IN (CAST(sqlc.arg(succeeded) AS INTEGER), CAST(sqlc.arg(expanded) AS INTEGER), CAST(sqlc.arg(reused) AS INTEGER))) AS succeeded, sum(event.kind = CAST(sqlc.arg(failed) AS INTEGER)) AS failed,
        sum(event.kind = CAST(sqlc.arg(skipped) AS INTEGER)) AS skipped, sum(event.kind = CAST(sqlc.arg(canceled) AS INTEGER)) AS canceled
    FROM outcome JOIN event ON event.run = outcome.run AND event.n = outcome.n
    GROUP BY outcome.run
), whole AS (
    SELECT run, min(n) = 1 AND max(n) = count(*) AS whole FROM event GROUP BY run
)
SELECT run.key, run.id, run.succeeded, run.failed, run.skipped, run.canceled,
    CAST(coalesce(counted.succeeded, 0) AS INTEGER) AS events_succeeded, CAST(coalesce(counted.failed, 0) AS INTEGER) AS events_failed,
    CAST(coalesce(counted.skipped, 0) AS INTEGER) AS events_skipped, CAST(coalesce(counted.canceled, 0) AS INTEGER) AS events_canceled,
    CAST(whole.whole AS BOOLEAN) AS whole
FROM run JOIN whole ON whole.run = run.key LEFT JOIN counted ON counted.run = run.key
WHERE run.state >= 3 AND run.lost & 70 = 0 AND (run.succeeded <> events_succeeded OR run.failed <> events_failed
    OR run.skipped <> events_skipped OR run.canceled <> events_canceled)
ORDER BY run.key;

-- name: MendCounts :exec
UPDATE run SET succeeded = sqlc.arg(succeeded), failed = sqlc.arg(failed), skipped = sqlc.arg(skipped), canceled = sqlc.arg(canceled)
WHERE key = sqlc.arg(key);

-- name: CheckLeases :many
SELECT key, id, state, owner FROM run WHERE state >= 3 AND lease_until <> 0 ORDER BY key;

-- name: MendLease :exec
UPDATE run SET lease_until = 0 WHERE key = sqlc.arg(key);

-- name: CheckSlots :many
SELECT slot.ticket, slot.pool, slot.step_key, slot.run, run.id AS run_id, run.state, run.owner
FROM slot LEFT JOIN run ON run.key = slot.run
WHERE slot.until > CAST(sqlc.arg(now) AS INTEGER) AND (run.key IS NULL OR run.state >= 3 OR run.owner = '')
ORDER BY slot.ticket, slot.pool;

-- name: MendSlot :exec
DELETE FROM slot WHERE ticket = sqlc.arg(ticket) AND pool = sqlc.arg(pool);

-- name: MendSignal :exec
INSERT INTO signal (topic, n) VALUES (sqlc.arg(topic), 1) ON CONFLICT (topic) DO UPDATE SET n = n + 1;

-- name: CheckRunBackfills :many
SELECT run.id, run.backfill FROM run
WHERE run.backfill <> '' AND NOT EXISTS (SELECT 1 FROM backfill WHERE backfill.id = run.backfill)
ORDER BY run.key;

-- name: CheckStates :many
-- What is stored of an asset as a whole must have an event that says so, and none that is newer, as far as the events of its run
-- are kept.
SELECT asset_state.asset, asset.name, asset_state.kind, run.id AS run_id, asset_state.n,
    CAST(EXISTS (SELECT 1 FROM event WHERE event.run = asset_state.run AND event.n = asset_state.n AND event.at = asset_state.at
        AND ((event.asset = asset_state.asset AND asset_state.kind = CASE event.kind WHEN CAST(sqlc.arg(observed_kind) AS INTEGER) THEN 1
            WHEN CAST(sqlc.arg(partition_failed_kind) AS INTEGER) THEN 2 WHEN CAST(sqlc.arg(wiped_kind) AS INTEGER) THEN 3
            WHEN CAST(sqlc.arg(evaluated_kind) AS INTEGER) THEN CASE event.status WHEN 2 THEN 0 WHEN 5 THEN 1 ELSE 2 END WHEN CAST(sqlc.arg(acted_kind) AS INTEGER) THEN -1 ELSE 0 END)
            OR (asset_state.kind = 2 AND event.kind = CAST(sqlc.arg(failed_kind) AS INTEGER)))) AS BOOLEAN) AS has_event,
    CAST(EXISTS (SELECT 1 FROM event WHERE event.era = run.era AND event.asset = asset_state.asset AND event.run = asset_state.run AND event.n > asset_state.n
        AND asset_state.kind = CASE event.kind WHEN CAST(sqlc.arg(observed_kind) AS INTEGER) THEN 1
            WHEN CAST(sqlc.arg(partition_failed_kind) AS INTEGER) THEN 2 WHEN CAST(sqlc.arg(wiped_kind) AS INTEGER) THEN 3
            WHEN CAST(sqlc.arg(evaluated_kind) AS INTEGER) THEN CASE event.status WHEN 2 THEN 0 WHEN 5 THEN 1 ELSE 2 END WHEN CAST(sqlc.arg(acted_kind) AS INTEGER) THEN -1 ELSE 0 END
        AND asset_state.kind < 2) AS BOOLEAN) AS has_newer
FROM asset_state
    LEFT JOIN asset ON asset.key = asset_state.asset
    LEFT JOIN run ON run.key = asset_state.run
    LEFT JOIN pruned_run ON pruned_run.key = asset_state.run
WHERE asset.key IS NULL OR (asset_state.run <> 0 AND (run.key IS NULL AND pruned_run.key IS NULL
    OR run.lost & 70 = 0 AND EXISTS (SELECT 1 FROM event WHERE event.run = asset_state.run) AND (NOT has_event OR has_newer)))
ORDER BY asset_state.asset, asset_state.kind;

-- name: CheckMissingStates :many
SELECT asset.name, CAST(event.kind = CAST(sqlc.arg(observed_kind) AS INTEGER) AS INTEGER) AS kind, count(*) AS events
FROM event JOIN asset ON asset.key = event.asset
WHERE event.kind NOT IN (CAST(sqlc.arg(partition_failed_kind) AS INTEGER), CAST(sqlc.arg(wiped_kind) AS INTEGER), CAST(sqlc.arg(evaluated_kind) AS INTEGER), CAST(sqlc.arg(acted_kind) AS INTEGER))
    AND NOT EXISTS (SELECT 1 FROM asset_state
    WHERE asset_state.asset = event.asset AND asset_state.kind IN (event.kind = CAST(sqlc.arg(observed_kind) AS INTEGER), 3))
GROUP BY asset.key, 2
ORDER BY asset.name;

-- name: CheckPartitionStates :many
SELECT partition_state.asset, asset.name, partition_state.kind, partition_state.partition, partition_state.n, run.id AS run_id
FROM partition_state
    LEFT JOIN asset ON asset.key = partition_state.asset
    LEFT JOIN run ON run.key = partition_state.run
    LEFT JOIN pruned_run ON pruned_run.key = partition_state.run
WHERE asset.key IS NULL OR (partition_state.run <> 0 AND (run.key IS NULL AND pruned_run.key IS NULL OR partition_state.kind < 2
    AND run.lost & 70 = 0 AND EXISTS (SELECT 1 FROM event WHERE event.run = partition_state.run)
    AND NOT EXISTS (SELECT 1 FROM event WHERE event.run = partition_state.run AND event.n = partition_state.n
        AND event.asset = partition_state.asset AND event.kind <> CAST(sqlc.arg(partition_failed_kind) AS INTEGER))))
ORDER BY partition_state.asset, partition_state.kind, partition_state.partition
LIMIT 100;

-- name: CheckMissingPartitions :many
SELECT asset.name, event.partition, count(*) AS events
FROM event JOIN asset ON asset.key = event.asset
WHERE event.partition <> '' AND event.kind IN (CAST(sqlc.arg(succeeded) AS INTEGER), CAST(sqlc.arg(materialized) AS INTEGER))
    AND NOT EXISTS (SELECT 1 FROM partition_state
        WHERE partition_state.asset = event.asset AND partition_state.kind = 0 AND partition_state.partition = event.partition)
GROUP BY asset.key, event.partition
ORDER BY asset.name, event.partition
LIMIT 100;

-- name: CheckInFlight :many
SELECT in_flight.asset, in_flight.run, asset.name, run.id AS run_id, run.state
FROM in_flight
    LEFT JOIN asset ON asset.key = in_flight.asset
    LEFT JOIN run ON run.key = in_flight.run
WHERE asset.key IS NULL OR run.key IS NULL OR run.state >= 3
ORDER BY in_flight.asset, in_flight.run;

-- name: MendInFlight :exec
DELETE FROM in_flight WHERE asset = sqlc.arg(asset) AND run = sqlc.arg(run);

-- name: ListParted :many
-- The assets of whose partitions anything is kept.
SELECT parted.asset, asset.name
FROM (SELECT asset FROM partition_state UNION SELECT asset FROM partition_group UNION SELECT asset FROM partition_set) AS parted
    JOIN asset ON asset.key = parted.asset
ORDER BY parted.asset;

-- name: ListAssetGroups :many
SELECT kind, seq, labels FROM partition_group WHERE asset = sqlc.arg(asset) ORDER BY seq;

-- name: MendGroup :exec
UPDATE partition_group SET labels = sqlc.arg(labels) WHERE asset = sqlc.arg(asset) AND kind = sqlc.arg(kind) AND seq = sqlc.arg(seq);

-- name: MendEmptyGroup :exec
DELETE FROM partition_group WHERE asset = sqlc.arg(asset) AND kind = sqlc.arg(kind) AND seq = sqlc.arg(seq);

-- name: MendSet :exec
INSERT OR REPLACE INTO partition_set (asset, kind, labels) VALUES (sqlc.arg(asset), sqlc.arg(kind), sqlc.arg(labels));

-- name: MendEmptySet :exec
DELETE FROM partition_set WHERE asset = sqlc.arg(asset) AND kind = sqlc.arg(kind);

-- name: CheckKeyTables :many
SELECT key_table.key, key_table.name, key_table.size, key_table.live,
    (SELECT count(*) FROM partition_key WHERE partition_key.key_table = key_table.key) AS keys,
    CAST(coalesce((SELECT max(partition_key.id) FROM partition_key WHERE partition_key.key_table = key_table.key), -1) AS INTEGER) AS highest
FROM key_table ORDER BY key_table.name;

-- name: CheckStrayKeys :many
SELECT key_table, count(*) AS keys FROM partition_key
WHERE key_table NOT IN (SELECT key FROM key_table) OR id >> 32 <> key_table
GROUP BY key_table ORDER BY key_table;

-- name: MendKeyTable :exec
UPDATE key_table SET size = sqlc.arg(size), live = sqlc.arg(live) WHERE key = sqlc.arg(key);

-- name: CheckSeqs :many
-- The states that are newer than the feed of changes tells.
SELECT asset, CAST(max(seq) AS INTEGER) AS seq FROM
    (SELECT asset, seq FROM asset_state UNION ALL SELECT asset, seq FROM partition_state UNION ALL SELECT asset, seq FROM partition_group)
WHERE seq > (SELECT coalesce(max(change.id), 0) >> 20 FROM change)
GROUP BY asset ORDER BY asset;

-- name: MendFeed :exec
INSERT INTO change (id, at, kind, run, labels, subject)
VALUES (sqlc.arg(id), sqlc.arg(at), sqlc.arg(kind), 0, sqlc.arg(labels), sqlc.arg(subject));

-- name: ListBackfillIDs :many
SELECT backfill.id, (SELECT count(*) FROM run WHERE run.backfill = backfill.id AND run.backfill <> '') AS runs
FROM backfill ORDER BY backfill.key;

-- name: MendBackfillLease :exec
UPDATE backfill SET lease_until = 0 WHERE key = sqlc.arg(key);
