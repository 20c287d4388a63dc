-- name: CheckEnds :many
-- Of runs that have lost events to pruning (the bits 70) those that are left say nothing.
SELECT run.id, run.state, count(event.n) AS ends, coalesce(max(event.status), 0)::smallint AS status
FROM run LEFT JOIN event ON event.run = run.key AND event.kind = sqlc.arg(run_ended)::smallint
WHERE run.lost & 70 = 0
GROUP BY run.key
HAVING count(event.n) <> (run.state >= 3)::integer OR (count(event.n) = 1 AND max(event.status) <> run.state)
ORDER BY run.key;

-- name: CheckNumbers :many
SELECT run.id, min(event.n)::bigint AS lowest, max(event.n)::bigint AS highest, count(*) AS events
FROM event JOIN run ON run.key = event.run
WHERE run.lost & 70 = 0
GROUP BY run.key
HAVING min(event.n) <> 1 OR max(event.n) <> count(*)
ORDER BY run.key;

-- name: CheckStrayEvents :many
SELECT run, count(*) AS events FROM event
WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.key = event.run)
GROUP BY run ORDER BY run;

-- name: CheckStrayLogs :many
SELECT run, count(*) AS lines FROM log
WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.key = log.run)
GROUP BY run ORDER BY run;

-- name: CheckCounts :many
WITH outcome AS (
    SELECT DISTINCT ON (run, step) run, kind FROM event
    WHERE kind IN (sqlc.arg(succeeded)::smallint, sqlc.arg(expanded)::smallint, sqlc.arg(reused)::smallint, sqlc.arg(skipped)::smallint, sqlc.arg(canceled)::smallint)
        OR (kind = sqlc.arg(failed)::smallint AND retry_at = 0)
    ORDER BY run, step, n DESC
), counted AS (
    SELECT run,
        count(*) FILTER (WHERE kind IN (sqlc.arg(succeeded)::smallint, sqlc.arg(expanded)::smallint, sqlc.arg(reused)::smallint)) AS succeeded,
        count(*) FILTER (WHERE kind = sqlc.arg(failed)::smallint) AS failed,
        count(*) FILTER (WHERE kind = sqlc.arg(skipped)::smallint) AS skipped,
        count(*) FILTER (WHERE kind = sqlc.arg(canceled)::smallint) AS canceled
    FROM outcome GROUP BY run
), whole AS (
    SELECT run, (min(n) = 1 AND max(n) = count(*))::boolean AS whole FROM event GROUP BY run
)
SELECT run.key, run.id, run.succeeded, run.failed, run.skipped, run.canceled,
    coalesce(counted.succeeded, 0)::integer AS events_succeeded, coalesce(counted.failed, 0)::integer AS events_failed,
    coalesce(counted.skipped, 0)::integer AS events_skipped, coalesce(counted.canceled, 0)::integer AS events_canceled, whole.whole
FROM run JOIN whole ON whole.run = run.key LEFT JOIN counted ON counted.run = run.key
WHERE run.state >= 3 AND run.lost & 70 = 0 AND (run.succeeded, run.failed, run.skipped, run.canceled) <>
    (coalesce(counted.succeeded, 0), coalesce(counted.failed, 0), coalesce(counted.skipped, 0), coalesce(counted.canceled, 0))
ORDER BY run.key;

-- name: MendCounts :exec
UPDATE run SET succeeded = sqlc.arg(succeeded), failed = sqlc.arg(failed), skipped = sqlc.arg(skipped), canceled = sqlc.arg(canceled)
WHERE key = sqlc.arg(key);

-- name: CheckLeases :many
SELECT key, id, state, owner FROM run WHERE state >= 3 AND lease_until <> 0 ORDER BY key;

-- name: MendLease :exec
UPDATE run SET lease_until = 0 WHERE key = sqlc.arg(key);

-- name: CheckSlots :many
SELECT slot.ticket, slot.pool, slot.step_key, slot.run, run.id AS run_id, run.state
FROM slot LEFT JOIN run ON run.key = slot.run
WHERE slot.until > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AND (run.key IS NULL OR run.state >= 3 OR run.owner = '')
ORDER BY slot.ticket, slot.pool;

-- name: MendSlot :exec
DELETE FROM slot WHERE ticket = sqlc.arg(ticket) AND pool = sqlc.arg(pool);

-- name: CheckRunBackfills :many
SELECT run.id, run.backfill FROM run
WHERE run.backfill <> '' AND NOT EXISTS (SELECT 1 FROM backfill WHERE backfill.id = run.backfill)
ORDER BY run.key;

-- name: CheckStates :many
-- What is stored of an asset as a whole must have an event that says so, and none that is newer, as far as the events of its run
-- are kept.
WITH judged AS (
    SELECT asset_state.asset, asset.name, asset_state.kind, run.id AS run_id, asset_state.n,
        asset.key IS NULL AS stray, asset_state.run <> 0 AND run.key IS NULL AND pruned_run.key IS NULL AS runless, asset_state.run <> 0 AS has_run,
        run.lost & 70 = 0 AND EXISTS (SELECT 1 FROM event WHERE event.run = asset_state.run) AS has_events,
        EXISTS (SELECT 1 FROM event WHERE event.run = asset_state.run AND event.n = asset_state.n AND event.at = asset_state.at
            AND ((event.asset = asset_state.asset AND asset_state.kind = CASE event.kind WHEN sqlc.arg(observed_kind)::smallint THEN 1
                WHEN sqlc.arg(partition_failed_kind)::smallint THEN 2 WHEN sqlc.arg(wiped_kind)::smallint THEN 3
            WHEN sqlc.arg(evaluated_kind)::smallint THEN CASE event.status WHEN 2 THEN 0 WHEN 5 THEN 1 ELSE 2 END WHEN sqlc.arg(acted_kind)::smallint THEN -1 ELSE 0 END)
                OR (asset_state.kind = 2 AND event.kind = sqlc.arg(failed_kind)::smallint))) AS has_event,
        EXISTS (SELECT 1 FROM event WHERE event.asset = asset_state.asset AND event.run = asset_state.run AND event.n > asset_state.n
            AND asset_state.kind < 2 AND asset_state.kind = CASE event.kind WHEN sqlc.arg(observed_kind)::smallint THEN 1
                WHEN sqlc.arg(partition_failed_kind)::smallint THEN 2 WHEN sqlc.arg(wiped_kind)::smallint THEN 3
            WHEN sqlc.arg(evaluated_kind)::smallint THEN CASE event.status WHEN 2 THEN 0 WHEN 5 THEN 1 ELSE 2 END WHEN sqlc.arg(acted_kind)::smallint THEN -1 ELSE 0 END) AS has_newer
    FROM asset_state
        LEFT JOIN asset ON asset.key = asset_state.asset
        LEFT JOIN run ON run.key = asset_state.run
        LEFT JOIN pruned_run ON pruned_run.key = asset_state.run
)
SELECT asset, name, kind, run_id, n, has_newer FROM judged
WHERE stray OR runless OR (has_run AND has_events AND (NOT has_event OR has_newer))
ORDER BY asset, kind;

-- name: CheckMissingStates :many
SELECT asset.name, (event.kind = sqlc.arg(observed_kind)::smallint)::integer AS kind, count(*) AS events
FROM event JOIN asset ON asset.key = event.asset
WHERE event.kind NOT IN (sqlc.arg(partition_failed_kind)::smallint, sqlc.arg(wiped_kind)::smallint, sqlc.arg(evaluated_kind)::smallint, sqlc.arg(acted_kind)::smallint)
    AND NOT EXISTS (SELECT 1 FROM asset_state
    WHERE asset_state.asset = event.asset AND asset_state.kind IN ((event.kind = sqlc.arg(observed_kind)::smallint)::integer, 3))
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
        AND event.asset = partition_state.asset AND event.kind <> sqlc.arg(partition_failed_kind)::smallint)))
ORDER BY partition_state.asset, partition_state.kind, partition_state.partition
LIMIT 100;

-- name: CheckMissingPartitions :many
SELECT asset.name, event.partition, count(*) AS events
FROM event JOIN asset ON asset.key = event.asset
WHERE event.partition <> '' AND event.kind IN (sqlc.arg(succeeded)::smallint, sqlc.arg(materialized)::smallint)
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

-- name: ListAssetSets :many
SELECT kind, labels FROM partition_set WHERE asset = sqlc.arg(asset);

-- name: ListAssetGroups :many
SELECT kind, seq, labels FROM partition_group WHERE asset = sqlc.arg(asset) ORDER BY seq;

-- name: MendGroup :exec
UPDATE partition_group SET labels = sqlc.arg(labels) WHERE asset = sqlc.arg(asset) AND kind = sqlc.arg(kind) AND seq = sqlc.arg(seq);

-- name: MendEmptyGroup :exec
DELETE FROM partition_group WHERE asset = sqlc.arg(asset) AND kind = sqlc.arg(kind) AND seq = sqlc.arg(seq);

-- name: MendSet :exec
INSERT INTO partition_set (asset, kind, labels) VALUES (sqlc.arg(asset), sqlc.arg(kind), sqlc.arg(labels))
ON CONFLICT (asset, kind) DO UPDATE SET labels = excluded.labels;

-- name: MendEmptySet :exec
DELETE FROM partition_set WHERE asset = sqlc.arg(asset) AND kind = sqlc.arg(kind);

-- name: CheckKeyTables :many
SELECT key_table.key, key_table.name, key_table.size, key_table.live,
    (SELECT count(*) FROM partition_key WHERE partition_key.key_table = key_table.key) AS keys,
    coalesce((SELECT max(partition_key.ordinal) FROM partition_key WHERE partition_key.key_table = key_table.key), -1)::bigint AS highest
FROM key_table ORDER BY key_table.name;

-- name: CheckStrayKeys :many
SELECT key_table, count(*) AS keys FROM partition_key
WHERE NOT EXISTS (SELECT 1 FROM key_table WHERE key_table.key = partition_key.key_table)
GROUP BY key_table ORDER BY key_table;

-- name: MendKeyTable :exec
UPDATE key_table SET size = sqlc.arg(size), live = sqlc.arg(live) WHERE key = sqlc.arg(key);

-- name: MendFeed :exec
INSERT INTO change (seq, i, at, kind, run, labels, assets, keys)
VALUES (((pg_current_xact_id()::text::bigint + (SELECT seq_offset FROM store)) << 20) + 1, sqlc.arg(i),
    (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, sqlc.arg(kind), 0, sqlc.arg(labels), sqlc.arg(assets), '');

-- name: ListBackfillIDs :many
SELECT backfill.id, (SELECT count(*) FROM run WHERE run.backfill = backfill.id AND run.backfill <> '') AS runs
FROM backfill ORDER BY backfill.key;

-- name: MendBackfillLease :exec
UPDATE backfill SET lease_until = 0 WHERE key = sqlc.arg(key);
