-- name: GetRun :one
SELECT key, id, location, job, backfill, partition, state, token, created_at, started_at, ended_at,
    succeeded, failed, skipped, canceled, error, request, tags, owner, lease_until, cancel, lost, CAST(CASE WHEN length(plan) > 0 THEN plan ELSE long_plan.doc END AS BLOB) AS "plan"
FROM run LEFT JOIN long_plan ON long_plan.run = run.key
WHERE run.id = sqlc.arg(id);

-- name: ListRuns :many
SELECT key, id, location, job, backfill, partition, state, token, created_at, started_at, ended_at,
    succeeded, failed, skipped, canceled, error, request, tags, owner, lease_until, cancel, lost, CAST(NULL AS BLOB) AS "plan"
FROM run
WHERE key < sqlc.arg(before)
    AND (location = sqlc.arg(location) OR CAST(sqlc.arg(any_location) AS BOOLEAN))
    AND (job = sqlc.arg(job) OR CAST(sqlc.arg(any_job) AS BOOLEAN))
    AND (CAST(sqlc.arg(states) AS INTEGER) >> state) & 1 = 1
ORDER BY key DESC
LIMIT sqlc.arg(max);

-- name: ListJobRuns :many
SELECT key, id, location, job, backfill, partition, state, token, created_at, started_at, ended_at,
    succeeded, failed, skipped, canceled, error, request, tags, owner, lease_until, cancel, lost, CAST(NULL AS BLOB) AS "plan"
FROM run
WHERE job = sqlc.arg(job) AND job <> ''
    AND key < sqlc.arg(before)
    AND (location = sqlc.arg(location) OR CAST(sqlc.arg(any_location) AS BOOLEAN))
    AND (CAST(sqlc.arg(states) AS INTEGER) >> state) & 1 = 1
ORDER BY key DESC
LIMIT sqlc.arg(max);

-- name: ListOwnedRuns :many
SELECT key, id, location, job, backfill, partition, state, token, created_at, started_at, ended_at,
    succeeded, failed, skipped, canceled, error, request, tags, owner, lease_until, cancel, lost, CAST(NULL AS BLOB) AS "plan"
FROM run
WHERE state < 3 AND lease_until > 0 AND lease_until <= CAST(sqlc.arg(until) AS INTEGER)
    AND key < sqlc.arg(before)
    AND (location = sqlc.arg(location) OR CAST(sqlc.arg(any_location) AS BOOLEAN))
    AND (job = sqlc.arg(job) OR CAST(sqlc.arg(any_job) AS BOOLEAN))
    AND (CAST(sqlc.arg(states) AS INTEGER) >> state) & 1 = 1
ORDER BY key DESC
LIMIT sqlc.arg(max);

-- name: ListUncommonRuns :many
-- Runs in any state but success. Each branch has an index that gives it newest first, but for the runs that have an owner, which
-- are as few as what runs at once; the words of its condition are those of the index, or it is not used. Its first condition is of
-- no row: a branch whose states are not asked for is not entered.
SELECT run.key, id, location, job, backfill, partition, state, token, created_at, started_at, ended_at,
    succeeded, failed, skipped, canceled, error, request, tags, owner, lease_until, cancel, lost, CAST(NULL AS BLOB) AS "plan"
FROM (
        SELECT r.key FROM run AS r
        WHERE (CAST(sqlc.arg(states) AS INTEGER) & 7) <> 0 AND r.state < 3 AND r.lease_until = 0 AND r.key < sqlc.arg(before)
            AND (r.location = sqlc.arg(location) OR CAST(sqlc.arg(any_location) AS BOOLEAN))
            AND (r.job = sqlc.arg(job) OR CAST(sqlc.arg(any_job) AS BOOLEAN))
            AND (CAST(sqlc.arg(states) AS INTEGER) >> r.state) & 1 = 1
        UNION ALL
        SELECT r.key FROM run AS r
        WHERE (CAST(sqlc.arg(states) AS INTEGER) & 7) <> 0 AND r.state < 3 AND r.lease_until BETWEEN 1 AND 9223372036854775807 AND r.key < sqlc.arg(before)
            AND (r.location = sqlc.arg(location) OR CAST(sqlc.arg(any_location) AS BOOLEAN))
            AND (r.job = sqlc.arg(job) OR CAST(sqlc.arg(any_job) AS BOOLEAN))
            AND (CAST(sqlc.arg(states) AS INTEGER) >> r.state) & 1 = 1
        UNION ALL
        SELECT r.key FROM run AS r
        WHERE (CAST(sqlc.arg(states) AS INTEGER) & 16) <> 0 AND r.state > 3 AND r.state = 4 AND r.key < sqlc.arg(before)
            AND (r.location = sqlc.arg(location) OR CAST(sqlc.arg(any_location) AS BOOLEAN))
            AND (r.job = sqlc.arg(job) OR CAST(sqlc.arg(any_job) AS BOOLEAN))
        UNION ALL
        SELECT r.key FROM run AS r
        WHERE (CAST(sqlc.arg(states) AS INTEGER) & 32) <> 0 AND r.state > 3 AND r.state = 5 AND r.key < sqlc.arg(before)
            AND (r.location = sqlc.arg(location) OR CAST(sqlc.arg(any_location) AS BOOLEAN))
            AND (r.job = sqlc.arg(job) OR CAST(sqlc.arg(any_job) AS BOOLEAN))
        ORDER BY 1 DESC
        LIMIT sqlc.arg(max)) AS found
    JOIN run ON run.key = found.key
ORDER BY found.key DESC;

-- name: ListBackfillRuns :many
SELECT key, id, location, job, backfill, partition, state, token, created_at, started_at, ended_at,
    succeeded, failed, skipped, canceled, error, request, tags, owner, lease_until, cancel, lost, CAST(NULL AS BLOB) AS "plan"
FROM run
WHERE backfill = sqlc.arg(backfill) AND backfill <> ''
    AND key < sqlc.arg(before)
    AND (location = sqlc.arg(location) OR CAST(sqlc.arg(any_location) AS BOOLEAN))
    AND (job = sqlc.arg(job) OR CAST(sqlc.arg(any_job) AS BOOLEAN))
    AND (CAST(sqlc.arg(states) AS INTEGER) >> state) & 1 = 1
    AND lease_until >= CAST(sqlc.arg(from_lease) AS INTEGER) AND lease_until <= CAST(sqlc.arg(until) AS INTEGER)
ORDER BY key DESC
LIMIT sqlc.arg(max);
