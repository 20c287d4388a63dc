-- name: CheckEnds :many
SELECT run.id, run.state, CAST(count(event.n) AS INTEGER) AS ends, CAST(coalesce(max(event.status), 0) AS INTEGER) AS status
FROM run LEFT JOIN event ON event.run = run.key AND event.kind = CAST(sqlc.arg(run_ended) AS INTEGER)
GROUP BY run.key
HAVING ends <> (run.state >= 3) OR (ends = 1 AND max(event.status) <> run.state)
ORDER BY run.key;

-- name: CheckNumbers :many
SELECT run.id, CAST(min(event.n) AS INTEGER) AS lowest, CAST(max(event.n) AS INTEGER) AS highest, count(*) AS events
FROM event JOIN run ON run.key = event.run
GROUP BY event.run
HAVING lowest <> 1 OR highest <> events
ORDER BY event.run;

-- name: CheckStrayEvents :many
SELECT run, count(*) AS events FROM event
WHERE run NOT IN (SELECT key FROM run)
GROUP BY run ORDER BY run;

-- name: CheckStrayLogs :many
SELECT run, count(*) AS lines FROM log
WHERE run NOT IN (SELECT key FROM run)
GROUP BY run ORDER BY run;

-- name: CheckCounts :many
WITH outcome AS (
    SELECT run, step, max(n) AS n FROM event
    WHERE kind IN (CAST(sqlc.arg(succeeded) AS INTEGER), CAST(sqlc.arg(expanded) AS INTEGER), CAST(sqlc.arg(skipped) AS INTEGER), CAST(sqlc.arg(canceled) AS INTEGER)) OR (kind = CAST(sqlc.arg(failed) AS INTEGER) AND retry_at = 0)
    GROUP BY run, step
), counted AS (
    SELECT outcome.run,
        sum(event.kind IN (CAST(sqlc.arg(succeeded) AS INTEGER), CAST(sqlc.arg(expanded) AS INTEGER))) AS succeeded, sum(event.kind = CAST(sqlc.arg(failed) AS INTEGER)) AS failed,
        sum(event.kind = CAST(sqlc.arg(skipped) AS INTEGER)) AS skipped, sum(event.kind = CAST(sqlc.arg(canceled) AS INTEGER)) AS canceled
    FROM outcome JOIN event ON event.run = outcome.run AND event.n = outcome.n
    GROUP BY outcome.run
)
SELECT run.id, run.succeeded, run.failed, run.skipped, run.canceled,
    CAST(coalesce(counted.succeeded, 0) AS INTEGER) AS events_succeeded, CAST(coalesce(counted.failed, 0) AS INTEGER) AS events_failed,
    CAST(coalesce(counted.skipped, 0) AS INTEGER) AS events_skipped, CAST(coalesce(counted.canceled, 0) AS INTEGER) AS events_canceled
FROM run LEFT JOIN counted ON counted.run = run.key
WHERE run.state >= 3 AND (run.succeeded <> events_succeeded OR run.failed <> events_failed
    OR run.skipped <> events_skipped OR run.canceled <> events_canceled)
ORDER BY run.key;

-- name: CheckStates :many
SELECT asset_state.asset, asset.name, asset_state.kind, run.id AS run_id, asset_state.n,
    CAST(EXISTS (SELECT 1 FROM event WHERE event.run = asset_state.run AND event.n = asset_state.n
        AND event.asset = asset_state.asset AND event.at = asset_state.at
        AND (event.kind = CAST(sqlc.arg(observed_kind) AS INTEGER)) = asset_state.kind) AS BOOLEAN) AS has_event,
    CAST(EXISTS (SELECT 1 FROM event WHERE event.era = run.era AND event.asset = asset_state.asset AND event.run = asset_state.run AND event.n > asset_state.n
        AND (event.kind = CAST(sqlc.arg(observed_kind) AS INTEGER)) = asset_state.kind) AS BOOLEAN) AS has_newer
FROM asset_state
    LEFT JOIN asset ON asset.key = asset_state.asset
    LEFT JOIN run ON run.key = asset_state.run
WHERE asset.key IS NULL OR (asset_state.run <> 0 AND (run.key IS NULL OR NOT has_event OR has_newer))
ORDER BY asset_state.asset, asset_state.kind;

-- name: CheckMissingStates :many
SELECT asset.name, CAST(event.kind = CAST(sqlc.arg(observed_kind) AS INTEGER) AS INTEGER) AS observed, count(*) AS events
FROM event JOIN asset ON asset.key = event.asset
WHERE NOT EXISTS (SELECT 1 FROM asset_state
    WHERE asset_state.asset = event.asset AND asset_state.kind = (event.kind = CAST(sqlc.arg(observed_kind) AS INTEGER)))
GROUP BY asset.key, observed
ORDER BY asset.name;
