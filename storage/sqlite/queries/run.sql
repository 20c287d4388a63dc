-- name: GetRun :one
SELECT run.*, long_plan.doc AS long_plan
FROM run LEFT JOIN long_plan ON long_plan.run = run.key
WHERE run.id = sqlc.arg(id);

-- name: ListRuns :many
SELECT key, id, location, job, backfill, partition, state, token, created_at, started_at, ended_at,
    succeeded, failed, skipped, canceled, error, request, tags, owner, lease_until, cancel, lost
FROM run
WHERE key < sqlc.arg(before)
    AND (location = sqlc.arg(location) OR CAST(sqlc.arg(any_location) AS BOOLEAN))
    AND (job = sqlc.arg(job) OR CAST(sqlc.arg(any_job) AS BOOLEAN))
    AND (CAST(sqlc.arg(states) AS INTEGER) >> state) & 1 = 1
ORDER BY key DESC
LIMIT sqlc.arg(max);

-- name: ListOwnedRuns :many
SELECT key, id, location, job, backfill, partition, state, token, created_at, started_at, ended_at,
    succeeded, failed, skipped, canceled, error, request, tags, owner, lease_until, cancel, lost
FROM run
WHERE lease_until > 0 AND lease_until <= CAST(sqlc.arg(until) AS INTEGER)
    AND key < sqlc.arg(before)
    AND (location = sqlc.arg(location) OR CAST(sqlc.arg(any_location) AS BOOLEAN))
    AND (job = sqlc.arg(job) OR CAST(sqlc.arg(any_job) AS BOOLEAN))
    AND (CAST(sqlc.arg(states) AS INTEGER) >> state) & 1 = 1
ORDER BY key DESC
LIMIT sqlc.arg(max);

-- name: ListBackfillRuns :many
SELECT key, id, location, job, backfill, partition, state, token, created_at, started_at, ended_at,
    succeeded, failed, skipped, canceled, error, request, tags, owner, lease_until, cancel, lost
FROM run
WHERE backfill = sqlc.arg(backfill) AND backfill <> ''
    AND key < sqlc.arg(before)
    AND (location = sqlc.arg(location) OR CAST(sqlc.arg(any_location) AS BOOLEAN))
    AND (job = sqlc.arg(job) OR CAST(sqlc.arg(any_job) AS BOOLEAN))
    AND (CAST(sqlc.arg(states) AS INTEGER) >> state) & 1 = 1
    AND lease_until >= CAST(sqlc.arg(from_lease) AS INTEGER) AND lease_until <= CAST(sqlc.arg(until) AS INTEGER)
ORDER BY key DESC
LIMIT sqlc.arg(max);
