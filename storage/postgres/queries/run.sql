-- name: GetRun :one
SELECT * FROM run WHERE id = sqlc.arg(id);

-- name: ListRuns :many
SELECT key, id, location, job, backfill, partition, state, token, created_at, started_at, ended_at,
    succeeded, failed, skipped, canceled, error, request, tags, owner, lease_until, cancel, lost
FROM run
WHERE key < sqlc.arg(before)
    AND (location = sqlc.arg(location) OR sqlc.arg(any_location)::boolean)
    AND (job = sqlc.arg(job) OR sqlc.arg(any_job)::boolean)
    AND (sqlc.arg(states)::bigint >> state) & 1 = 1
ORDER BY key DESC
LIMIT sqlc.arg(max)::bigint;

-- name: ListOpenRuns :many
SELECT key, id, location, job, backfill, partition, state, token, created_at, started_at, ended_at,
    succeeded, failed, skipped, canceled, error, request, tags, owner, lease_until, cancel, lost
FROM run
WHERE state < 3 -- in these words, or the index of the open runs is not used
    AND key < sqlc.arg(before)
    AND (location = sqlc.arg(location) OR sqlc.arg(any_location)::boolean)
    AND (job = sqlc.arg(job) OR sqlc.arg(any_job)::boolean)
    AND (sqlc.arg(states)::bigint >> state) & 1 = 1
    AND (lease_until > 0 OR NOT sqlc.arg(owned)::boolean)
    AND (lease_until <= (extract(epoch FROM clock_timestamp()) * 1000000)::bigint OR NOT sqlc.arg(abandoned)::boolean)
ORDER BY key DESC
LIMIT sqlc.arg(max)::bigint;

-- name: ListBackfillRuns :many
SELECT key, id, location, job, backfill, partition, state, token, created_at, started_at, ended_at,
    succeeded, failed, skipped, canceled, error, request, tags, owner, lease_until, cancel, lost
FROM run
WHERE backfill = sqlc.arg(backfill) AND backfill <> ''
    AND key < sqlc.arg(before)
    AND (location = sqlc.arg(location) OR sqlc.arg(any_location)::boolean)
    AND (job = sqlc.arg(job) OR sqlc.arg(any_job)::boolean)
    AND (sqlc.arg(states)::bigint >> state) & 1 = 1
    AND (lease_until > 0 OR NOT sqlc.arg(owned)::boolean)
    AND (lease_until <= (extract(epoch FROM clock_timestamp()) * 1000000)::bigint OR NOT sqlc.arg(abandoned)::boolean)
ORDER BY key DESC
LIMIT sqlc.arg(max)::bigint;
