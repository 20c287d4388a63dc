-- name: GetStore :one
SELECT id, schema_version, min_reader FROM store;
