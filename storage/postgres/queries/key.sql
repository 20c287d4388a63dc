-- name: GetKeyTable :one
SELECT key, size, live FROM key_table WHERE name = sqlc.arg(name);

-- name: ListOrdinals :many
SELECT ordinal, key FROM partition_key WHERE key_table = sqlc.arg(key_table) AND key = ANY(sqlc.arg(keys)::text[]);

-- name: ListKeys :many
SELECT ordinal, key FROM partition_key WHERE key_table = sqlc.arg(key_table) AND ordinal = ANY(sqlc.arg(ordinals)::bigint[]);
