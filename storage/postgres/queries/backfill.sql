-- name: GetBackfill :one
SELECT sqlc.embed(backfill),
    (SELECT labels FROM backfill_set WHERE backfill = backfill.key AND which = 0) AS all_set,
    (SELECT labels FROM backfill_set WHERE backfill = backfill.key AND which = 1) AS submitted_set,
    (SELECT labels FROM backfill_set WHERE backfill = backfill.key AND which = 2) AS completed_set,
    (SELECT labels FROM backfill_set WHERE backfill = backfill.key AND which = 3) AS failed_set,
    (SELECT labels FROM backfill_set WHERE backfill = backfill.key AND which = 4) AS canceled_set
FROM backfill WHERE id = sqlc.arg(id);

-- name: ListBackfills :many
SELECT * FROM backfill
WHERE key < sqlc.arg(before)
    AND (location = sqlc.arg(location) OR sqlc.arg(any_location)::boolean)
    AND (sqlc.arg(states)::bigint >> state) & 1 = 1
ORDER BY key DESC
LIMIT sqlc.arg(max)::bigint;

-- name: ListAbandonedBackfills :many
SELECT * FROM backfill
WHERE state < 3 AND lease_until <= (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
    AND key < sqlc.arg(before)
    AND (location = sqlc.arg(location) OR sqlc.arg(any_location)::boolean)
    AND (sqlc.arg(states)::bigint >> state) & 1 = 1
ORDER BY key DESC
LIMIT sqlc.arg(max)::bigint;
