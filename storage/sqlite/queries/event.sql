-- name: ListEvents :many
SELECT run, n, at, retry_at, step, attempt, cause, kind, status, CAST(coalesce(asset, 0) AS INTEGER) AS asset, partition, detail FROM event
WHERE run = sqlc.arg(run) AND n > sqlc.arg(after)
ORDER BY n
LIMIT sqlc.arg(max);

-- name: GetEraBefore :one
SELECT CAST(coalesce((SELECT era FROM run WHERE key <= sqlc.arg(run) ORDER BY key DESC LIMIT 1), 0) AS INTEGER);

-- name: GetEraWith :one
WITH RECURSIVE down AS (SELECT CAST(sqlc.arg(era) AS INTEGER) AS era UNION ALL SELECT down.era - 1 FROM down WHERE down.era > 0)
SELECT down.era FROM down WHERE EXISTS (SELECT 1 FROM event WHERE event.era = down.era AND event.asset = CAST(sqlc.arg(asset) AS INTEGER)) LIMIT 1;

-- name: ListAssetEvents :many
SELECT run, n, at, retry_at, step, attempt, cause, kind, status, CAST(coalesce(asset, 0) AS INTEGER) AS asset, partition, detail FROM event
WHERE era = sqlc.arg(era) AND asset = CAST(sqlc.arg(asset) AS INTEGER) AND (run, n) < (sqlc.arg(before_run), sqlc.arg(before_n))
    AND (partition = sqlc.arg(partition) OR CAST(sqlc.arg(any_partition) AS BOOLEAN))
ORDER BY run DESC, n DESC
LIMIT sqlc.arg(max);
