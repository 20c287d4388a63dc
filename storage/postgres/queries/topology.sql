-- name: GetTopology :one
SELECT * FROM topology WHERE location = sqlc.arg(location);

-- name: ListTopologies :many
SELECT location, hash, at FROM topology ORDER BY location;
