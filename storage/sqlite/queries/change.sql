-- name: ListChanges :many
SELECT * FROM change WHERE seq > sqlc.arg(after) ORDER BY seq, i LIMIT sqlc.arg(max);

-- name: ListChangesOf :many
SELECT * FROM change WHERE seq = sqlc.arg(seq) AND i > sqlc.arg(after) ORDER BY i;

-- name: GetLastSeq :one
SELECT CAST(coalesce(max(seq), 0) AS INTEGER) FROM change;
