-- name: ListEndedRuns :many
SELECT run.key, run.ended_at, run.lost, (200 + coalesce(octet_length(request), 0) + coalesce(octet_length(tags), 0) + coalesce(octet_length(plan), 0) + octet_length(error))::bigint AS bytes
FROM run
WHERE run.key > sqlc.arg(after)::bigint AND run.state >= 3 AND run.ended_at < sqlc.arg(before)::bigint
    AND run.key < (SELECT max(newest.key) FROM run AS newest)
    AND NOT EXISTS (SELECT 1 FROM slot WHERE slot.run = run.key)
    AND NOT EXISTS (SELECT 1 FROM run AS retry WHERE retry.retry_of = run.id AND retry.state < 3)
    AND NOT (run.backfill <> '' AND EXISTS (SELECT 1 FROM backfill AS whole WHERE whole.id = run.backfill AND whole.state < 3))
ORDER BY run.key
LIMIT sqlc.arg(max)::bigint;

-- name: ListEventRows :many
SELECT run, n, coalesce(asset, 0)::bigint AS asset, (CASE WHEN asset IS NULL THEN 1 WHEN kind = 17 THEN 4 ELSE 2 END)::integer AS class,
    (60 + coalesce(octet_length(detail), 0) + octet_length(partition))::bigint AS bytes
FROM event
WHERE (run, n) > (sqlc.arg(run)::bigint, sqlc.arg(n)::bigint) AND run <= sqlc.arg(last)::bigint
    AND (CASE WHEN asset IS NULL THEN 1 WHEN kind = 17 THEN 4 ELSE 2 END) & sqlc.arg(classes)::integer <> 0
ORDER BY run, n LIMIT sqlc.arg(max)::bigint;

-- name: ListLogRows :many
SELECT run, n, (40 + octet_length(message) + octet_length(attrs))::bigint AS bytes FROM log
WHERE (run, n) > (sqlc.arg(run)::bigint, sqlc.arg(n)::bigint) AND run <= sqlc.arg(last)::bigint
ORDER BY run, n LIMIT sqlc.arg(max)::bigint;

-- name: ListEndedBackfills :many
SELECT backfill.key, (200 + coalesce((SELECT sum(octet_length(labels)) FROM backfill_set WHERE backfill_set.backfill = backfill.key), 0) + coalesce(octet_length(assets), 0) + coalesce(octet_length(request), 0))::bigint AS bytes
FROM backfill
WHERE backfill.key > sqlc.arg(after)::bigint AND backfill.state >= 3 AND backfill.ended_at < sqlc.arg(before)::bigint
    AND backfill.key < (SELECT max(newest.key) FROM backfill AS newest)
    AND NOT EXISTS (SELECT 1 FROM run WHERE run.backfill = backfill.id AND run.backfill <> '')
ORDER BY backfill.key
LIMIT sqlc.arg(max)::bigint;

-- name: ListOldChanges :many
SELECT change.seq, change.at, (30 + coalesce(octet_length(labels), 0) + coalesce(octet_length(assets), 0) + octet_length(keys))::bigint AS bytes FROM change
WHERE change.seq > sqlc.arg(after) AND change.seq < (SELECT max(newest.seq) FROM change AS newest)
ORDER BY change.seq, change.i LIMIT sqlc.arg(max)::bigint;

-- name: ListReferredRuns :many
SELECT run FROM asset_state
UNION SELECT run FROM partition_state
UNION SELECT run FROM partition_group;

-- name: ListPrunedRuns :many
SELECT key FROM pruned_run WHERE key > sqlc.arg(after)::bigint ORDER BY key LIMIT sqlc.arg(max)::bigint;
