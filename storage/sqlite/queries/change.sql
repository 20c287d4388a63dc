-- name: ListChanges :many
SELECT * FROM change WHERE id > sqlc.arg(after) ORDER BY id LIMIT sqlc.arg(max);

-- name: ListChangesUpTo :many
SELECT * FROM change WHERE id > sqlc.arg(after) AND id <= CAST(sqlc.arg(until) AS INTEGER) ORDER BY id;

-- name: GetLastChange :one
SELECT CAST(coalesce(max(id), 0) AS INTEGER) FROM change;
