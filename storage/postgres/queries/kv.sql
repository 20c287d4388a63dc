-- name: GetKV :one
SELECT value FROM kv WHERE key = sqlc.arg(key);

-- name: ListKV :many
SELECT key, value FROM kv
WHERE key >= sqlc.arg(first) AND (key < sqlc.arg(past) OR sqlc.arg(to_end)::boolean)
ORDER BY key;
