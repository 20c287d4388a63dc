-- name: GetRun :one
SELECT key, id, location, job, backfill, partition, state, token, created_at, started_at, ended_at,
    succeeded, failed, skipped, canceled, error, request, tags, owner, lease_until, cancel, lost, plan
FROM run WHERE id = sqlc.arg(id);

-- name: ListRuns :many
SELECT key, id, location, job, backfill, partition, state, token, created_at, started_at, ended_at,
    succeeded, failed, skipped, canceled, error, request, tags, owner, lease_until, cancel, lost, NULL::bytea AS plan
FROM run
WHERE key < sqlc.arg(before)
    AND (location = sqlc.arg(location) OR sqlc.arg(any_location)::boolean)
    AND (job = sqlc.arg(job) OR sqlc.arg(any_job)::boolean)
    AND state = ANY(sqlc.arg(states)::smallint[])
ORDER BY key DESC
LIMIT sqlc.arg(max)::bigint;

-- name: ListJobRuns :many
SELECT key, id, location, job, backfill, partition, state, token, created_at, started_at, ended_at,
    succeeded, failed, skipped, canceled, error, request, tags, owner, lease_until, cancel, lost, NULL::bytea AS plan
FROM run
WHERE job = sqlc.arg(job) AND job <> ''
    AND key < sqlc.arg(before)
    AND (location = sqlc.arg(location) OR sqlc.arg(any_location)::boolean)
    AND state = ANY(sqlc.arg(states)::smallint[])
ORDER BY key DESC
LIMIT sqlc.arg(max)::bigint;

-- name: ListUncommonRuns :many
-- Runs in any state but success. Each branch has an index that gives it newest first, if its condition is in the words of the
-- index; one whose states are not asked for is not entered.
SELECT run.key, id, location, job, backfill, partition, state, token, created_at, started_at, ended_at,
    succeeded, failed, skipped, canceled, error, request, tags, owner, lease_until, cancel, lost, NULL::bytea AS plan
FROM (
        (
        SELECT r.key FROM run AS r
        WHERE 3 > ANY(sqlc.arg(states)::smallint[]) AND r.state < 3 AND r.key < sqlc.arg(before)
            AND (r.location = sqlc.arg(location) OR sqlc.arg(any_location)::boolean)
            AND (r.job = sqlc.arg(job) OR sqlc.arg(any_job)::boolean)
            AND r.state = ANY(sqlc.arg(states)::smallint[])
        ORDER BY r.key DESC LIMIT sqlc.arg(max)::bigint
        )
        UNION ALL
        (
        SELECT r.key FROM run AS r
        WHERE 4 = ANY(sqlc.arg(states)::smallint[]) AND r.state > 3 AND r.state = 4 AND r.key < sqlc.arg(before)
            AND (r.location = sqlc.arg(location) OR sqlc.arg(any_location)::boolean)
            AND (r.job = sqlc.arg(job) OR sqlc.arg(any_job)::boolean)
        ORDER BY r.key DESC LIMIT sqlc.arg(max)::bigint
        )
        UNION ALL
        (
        SELECT r.key FROM run AS r
        WHERE 5 = ANY(sqlc.arg(states)::smallint[]) AND r.state > 3 AND r.state = 5 AND r.key < sqlc.arg(before)
            AND (r.location = sqlc.arg(location) OR sqlc.arg(any_location)::boolean)
            AND (r.job = sqlc.arg(job) OR sqlc.arg(any_job)::boolean)
        ORDER BY r.key DESC LIMIT sqlc.arg(max)::bigint
        )
        ORDER BY 1 DESC
        LIMIT sqlc.arg(max)::bigint) AS found
    JOIN run ON run.key = found.key
ORDER BY found.key DESC;

-- name: ListOpenRuns :many
SELECT key, id, location, job, backfill, partition, state, token, created_at, started_at, ended_at,
    succeeded, failed, skipped, canceled, error, request, tags, owner, lease_until, cancel, lost, NULL::bytea AS plan
FROM run
WHERE state < 3 -- in these words, or the index of the open runs is not used
    AND key < sqlc.arg(before)
    AND (location = sqlc.arg(location) OR sqlc.arg(any_location)::boolean)
    AND (job = sqlc.arg(job) OR sqlc.arg(any_job)::boolean)
    AND state = ANY(sqlc.arg(states)::smallint[])
    AND (lease_until > 0 OR NOT sqlc.arg(owned)::boolean)
    AND (lease_until <= (extract(epoch FROM clock_timestamp()) * 1000000)::bigint OR NOT sqlc.arg(abandoned)::boolean)
ORDER BY key DESC
LIMIT sqlc.arg(max)::bigint;

-- name: ListBackfillRuns :many
SELECT key, id, location, job, backfill, partition, state, token, created_at, started_at, ended_at,
    succeeded, failed, skipped, canceled, error, request, tags, owner, lease_until, cancel, lost, NULL::bytea AS plan
FROM run
WHERE backfill = sqlc.arg(backfill) AND backfill <> ''
    AND key < sqlc.arg(before)
    AND (location = sqlc.arg(location) OR sqlc.arg(any_location)::boolean)
    AND (job = sqlc.arg(job) OR sqlc.arg(any_job)::boolean)
    AND state = ANY(sqlc.arg(states)::smallint[])
    AND (lease_until > 0 OR NOT sqlc.arg(owned)::boolean)
    AND (lease_until <= (extract(epoch FROM clock_timestamp()) * 1000000)::bigint OR NOT sqlc.arg(abandoned)::boolean)
ORDER BY key DESC
LIMIT sqlc.arg(max)::bigint;
