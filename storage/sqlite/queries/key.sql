-- name: GetKeyTable :one
SELECT key, size, live FROM key_table WHERE name = sqlc.arg(name);

-- name: ListOrdinals :many
SELECT id, key FROM partition_key WHERE key_table = sqlc.arg(key_table) AND key IN (sqlc.slice(keys));

-- name: ListKeys :many
SELECT id, key FROM partition_key WHERE id IN (sqlc.slice(ids));
