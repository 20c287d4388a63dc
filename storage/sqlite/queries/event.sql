-- name: ListEvents :many
SELECT * FROM event
WHERE run = sqlc.arg(run) AND n > sqlc.arg(after)
ORDER BY n
LIMIT sqlc.arg(max);

-- name: ListAssetEvents :many
SELECT * FROM event
WHERE asset = sqlc.arg(asset) AND (run, n) < (sqlc.arg(before_run), sqlc.arg(before_n))
ORDER BY run DESC, n DESC
LIMIT sqlc.arg(max);
