-- name: ListLogs :many
SELECT run, n, step, attempt, at, level, stream, message, attrs FROM log
WHERE run = sqlc.arg(run) AND n > sqlc.arg(after)
    AND (step = sqlc.arg(step) OR CAST(sqlc.arg(any_step) AS BOOLEAN))
ORDER BY n
LIMIT sqlc.arg(max);
