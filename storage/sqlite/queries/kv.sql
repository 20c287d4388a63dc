-- name: GetKV :one
SELECT value FROM kv WHERE key = sqlc.arg(key);

-- name: ListKV :many
SELECT key, value FROM kv
WHERE key >= sqlc.arg(first) AND (key < sqlc.arg(past) OR CAST(sqlc.arg(to_end) AS BOOLEAN))
ORDER BY key;
