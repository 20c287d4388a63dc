-- name: GetBackfill :one
SELECT key, token, lease_until, created_at, started_at, ended_at, total, runs, completed,
    failed, canceled, state, id, location, owner,
    rerun_of, error, cancel, assets, request
FROM backfill JOIN backfill_request ON backfill_request.backfill = backfill.key
WHERE backfill.id = sqlc.arg(id);

-- name: ListBackfillSets :many
SELECT which, labels FROM backfill_set WHERE backfill = sqlc.arg(backfill);

-- name: ListBackfills :many
SELECT key, token, lease_until, created_at, started_at, ended_at, total, runs, completed,
    failed, canceled, state, id, location, owner,
    rerun_of, error, cancel, assets, request
FROM backfill JOIN backfill_request ON backfill_request.backfill = backfill.key
WHERE backfill.key < sqlc.arg(before)
    AND (location = sqlc.arg(location) OR CAST(sqlc.arg(any_location) AS BOOLEAN))
    AND (CAST(sqlc.arg(states) AS INTEGER) >> state) & 1 = 1
ORDER BY backfill.key DESC
LIMIT sqlc.arg(max);

-- name: ListAbandonedBackfills :many
SELECT key, token, lease_until, created_at, started_at, ended_at, total, runs, completed,
    failed, canceled, state, id, location, owner,
    rerun_of, error, cancel, assets, request
FROM backfill JOIN backfill_request ON backfill_request.backfill = backfill.key
WHERE backfill.key < sqlc.arg(before) AND state < 3 AND lease_until <= CAST(sqlc.arg(now) AS INTEGER)
    AND (location = sqlc.arg(location) OR CAST(sqlc.arg(any_location) AS BOOLEAN))
    AND (CAST(sqlc.arg(states) AS INTEGER) >> state) & 1 = 1
ORDER BY backfill.key DESC
LIMIT sqlc.arg(max);
