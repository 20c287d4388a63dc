-- name: ListEndedRuns :many
SELECT run.key, run.ended_at, run.lost, CAST(200 + coalesce(length(request), 0) + coalesce(length(tags), 0) + coalesce(length(plan), 0) + length(error)
    + coalesce((SELECT length(doc) FROM long_plan WHERE long_plan.run = run.key), 0) AS INTEGER) AS bytes
FROM run
WHERE run.key > sqlc.arg(after) AND run.state >= 3 AND run.ended_at < CAST(sqlc.arg(before) AS INTEGER)
    AND run.key < (SELECT max(newest.key) FROM run AS newest)
    AND NOT EXISTS (SELECT 1 FROM slot WHERE slot.run = run.key)
    AND NOT EXISTS (SELECT 1 FROM run AS retry WHERE retry.retry_of = run.id AND retry.retry_of <> '' AND retry.state < 3)
    AND NOT (run.backfill <> '' AND EXISTS (SELECT 1 FROM backfill AS of WHERE of.id = run.backfill AND of.state < 3))
ORDER BY run.key
LIMIT sqlc.arg(max);

-- name: ListEventRows :many
SELECT run, n, CAST(coalesce(asset, 0) AS INTEGER) AS asset, CAST(CASE WHEN asset IS NULL THEN 1 WHEN kind = 17 THEN 4 ELSE 2 END AS INTEGER) AS class,
    CAST(60 + coalesce(length(detail), 0) + length(partition) AS INTEGER) AS bytes
FROM event
WHERE (run, n) > (sqlc.arg(run), sqlc.arg(n)) AND run <= sqlc.arg(last)
    AND (CASE WHEN asset IS NULL THEN 1 WHEN kind = 17 THEN 4 ELSE 2 END) & CAST(sqlc.arg(classes) AS INTEGER) <> 0
ORDER BY run, n LIMIT sqlc.arg(max);

-- name: ListLogRows :many
SELECT run, n, CAST(40 + length(message) + length(attrs) AS INTEGER) AS bytes FROM log
WHERE (run, n) > (sqlc.arg(run), sqlc.arg(n)) AND run <= sqlc.arg(last)
ORDER BY run, n LIMIT sqlc.arg(max);

-- name: ListEndedBackfills :many
SELECT backfill.key, CAST(200 + coalesce((SELECT sum(length(labels)) FROM backfill_set WHERE backfill_set.backfill = backfill.key), 0)
    + coalesce((SELECT coalesce(length(assets), 0) + coalesce(length(request), 0) FROM backfill_request WHERE backfill_request.backfill = backfill.key), 0) AS INTEGER) AS bytes
FROM backfill
WHERE backfill.key > sqlc.arg(after) AND backfill.state >= 3 AND backfill.ended_at < CAST(sqlc.arg(before) AS INTEGER)
    AND backfill.key < (SELECT max(newest.key) FROM backfill AS newest)
    AND NOT EXISTS (SELECT 1 FROM run WHERE run.backfill = backfill.id AND run.backfill <> '')
ORDER BY backfill.key
LIMIT sqlc.arg(max);

-- name: ListOldChanges :many
SELECT id, at, CAST(30 + coalesce(length(labels), 0) + coalesce(length(subject), 0) AS INTEGER) AS bytes FROM change
WHERE id > sqlc.arg(after) AND id < CAST(sqlc.arg(below) AS INTEGER)
ORDER BY id LIMIT sqlc.arg(max);

-- name: ListReferredRuns :many
SELECT run FROM asset_state
UNION SELECT run FROM partition_state
UNION SELECT run FROM partition_group;

-- name: ListPrunedRuns :many
SELECT key FROM pruned_run WHERE key > sqlc.arg(after) ORDER BY key LIMIT sqlc.arg(max);
