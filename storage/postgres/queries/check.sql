-- name: CheckEnds :many
SELECT run.id, run.state, count(event.n) AS ends, coalesce(max(event.status), 0)::smallint AS status
FROM run LEFT JOIN event ON event.run = run.key AND event.kind = sqlc.arg(run_ended)::smallint
GROUP BY run.key
HAVING count(event.n) <> (run.state >= 3)::integer OR (count(event.n) = 1 AND max(event.status) <> run.state)
ORDER BY run.key;

-- name: CheckNumbers :many
SELECT run.id, min(event.n)::bigint AS lowest, max(event.n)::bigint AS highest, count(*) AS events
FROM event JOIN run ON run.key = event.run
GROUP BY run.key
HAVING min(event.n) <> 1 OR max(event.n) <> count(*)
ORDER BY run.key;

-- name: CheckStrayEvents :many
SELECT run, count(*) AS events FROM event
WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.key = event.run)
GROUP BY run ORDER BY run;

-- name: CheckStrayLogs :many
SELECT run, count(*) AS lines FROM log
WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.key = log.run)
GROUP BY run ORDER BY run;

-- name: CheckCounts :many
WITH outcome AS (
    SELECT DISTINCT ON (run, step) run, kind FROM event
    WHERE kind IN (sqlc.arg(succeeded)::smallint, sqlc.arg(expanded)::smallint, sqlc.arg(skipped)::smallint, sqlc.arg(canceled)::smallint)
        OR (kind = sqlc.arg(failed)::smallint AND retry_at = 0)
    ORDER BY run, step, n DESC
), counted AS (
    SELECT run,
        count(*) FILTER (WHERE kind IN (sqlc.arg(succeeded)::smallint, sqlc.arg(expanded)::smallint)) AS succeeded,
        count(*) FILTER (WHERE kind = sqlc.arg(failed)::smallint) AS failed,
        count(*) FILTER (WHERE kind = sqlc.arg(skipped)::smallint) AS skipped,
        count(*) FILTER (WHERE kind = sqlc.arg(canceled)::smallint) AS canceled
    FROM outcome GROUP BY run
)
SELECT run.id, run.succeeded, run.failed, run.skipped, run.canceled,
    coalesce(counted.succeeded, 0)::bigint AS events_succeeded, coalesce(counted.failed, 0)::bigint AS events_failed,
    coalesce(counted.skipped, 0)::bigint AS events_skipped, coalesce(counted.canceled, 0)::bigint AS events_canceled
FROM run LEFT JOIN counted ON counted.run = run.key
WHERE run.state >= 3 AND (run.succeeded, run.failed, run.skipped, run.canceled) <>
    (coalesce(counted.succeeded, 0), coalesce(counted.failed, 0), coalesce(counted.skipped, 0), coalesce(counted.canceled, 0))
ORDER BY run.key;

-- name: CheckStates :many
WITH judged AS (
    SELECT asset_state.asset, asset.name, asset_state.kind, run.id AS run_id, asset_state.n,
        asset.key IS NULL AS stray, asset_state.run <> 0 AND run.key IS NULL AS runless, asset_state.run <> 0 AS has_run,
        EXISTS (SELECT 1 FROM event WHERE event.run = asset_state.run AND event.n = asset_state.n
            AND event.asset = asset_state.asset AND event.at = asset_state.at
            AND (event.kind = sqlc.arg(observed_kind)::smallint) = (asset_state.kind = 1)) AS has_event,
        EXISTS (SELECT 1 FROM event WHERE event.asset = asset_state.asset AND event.run = asset_state.run AND event.n > asset_state.n
            AND (event.kind = sqlc.arg(observed_kind)::smallint) = (asset_state.kind = 1)) AS has_newer
    FROM asset_state
        LEFT JOIN asset ON asset.key = asset_state.asset
        LEFT JOIN run ON run.key = asset_state.run
)
SELECT asset, name, kind, run_id, n, has_newer FROM judged
WHERE stray OR runless OR (has_run AND (NOT has_event OR has_newer))
ORDER BY asset, kind;

-- name: CheckMissingStates :many
SELECT asset.name, (event.kind = sqlc.arg(observed_kind)::smallint)::boolean AS observed, count(*) AS events
FROM event JOIN asset ON asset.key = event.asset
WHERE NOT EXISTS (SELECT 1 FROM asset_state
    WHERE asset_state.asset = event.asset AND (asset_state.kind = 1) = (event.kind = sqlc.arg(observed_kind)::smallint))
GROUP BY asset.key, 2
ORDER BY asset.name;
