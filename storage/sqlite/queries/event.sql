-- name: ListEvents :many
SELECT * FROM event
WHERE run = sqlc.arg(run) AND n > sqlc.arg(after)
ORDER BY n
LIMIT sqlc.arg(max);

-- name: GetEraBefore :one
SELECT CAST(coalesce((SELECT era FROM run WHERE key <= sqlc.arg(run) ORDER BY key DESC LIMIT 1), 0) AS INTEGER);

-- name: ListAssetEvents :many
SELECT * FROM event
WHERE era = sqlc.arg(era) AND asset = sqlc.arg(asset) AND (run, n) < (sqlc.arg(before_run), sqlc.arg(before_n))
ORDER BY run DESC, n DESC
LIMIT sqlc.arg(max);
