-- name: ListChanges :many
SELECT change.*, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS settled, (SELECT store.seq_offset FROM store) AS seq_offset
FROM change WHERE seq > sqlc.arg(after) AND seq < sqlc.arg(below)
ORDER BY seq, i LIMIT sqlc.arg(max)::bigint;

-- name: ListChangesOf :many
SELECT * FROM change WHERE seq = sqlc.arg(seq) AND i > sqlc.arg(after) ORDER BY i;

-- name: GetLastChange :one
SELECT coalesce(max(change.seq), 0)::bigint AS seq, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS settled,
	coalesce((SELECT store.seq_offset FROM store), 0)::bigint AS seq_offset
FROM change WHERE seq < sqlc.arg(below);
