-- name: ListEvents :many
SELECT run, n, at, retry_at, step, attempt, cause, kind, status, coalesce(asset, 0)::bigint AS asset, partition, detail FROM event
WHERE run = sqlc.arg(run) AND n > sqlc.arg(after)
ORDER BY n
LIMIT sqlc.arg(max)::bigint;

-- name: ListAssetEvents :many
SELECT run, n, at, retry_at, step, attempt, cause, kind, status, coalesce(asset, 0)::bigint AS asset, partition, detail FROM event
WHERE asset = sqlc.arg(asset)::bigint AND (run, n) < (sqlc.arg(before_run)::bigint, sqlc.arg(before_n)::bigint)
    AND (partition = sqlc.arg(partition) OR sqlc.arg(any_partition)::boolean)
ORDER BY run DESC, n DESC
LIMIT sqlc.arg(max)::bigint;
