-- name: ListPools :many
SELECT pool.name, pool.declared, pool.by_hand,
    CAST(coalesce(sum(slot.slots) FILTER (WHERE slot.holding = 1), 0) AS INTEGER) AS in_use,
    CAST(count(slot.ticket) FILTER (WHERE slot.holding = 0) AS INTEGER) AS waiting
FROM pool LEFT JOIN slot ON slot.pool = pool.name AND slot.until > CAST(sqlc.arg(now) AS INTEGER)
GROUP BY pool.name
ORDER BY pool.name;

-- name: ListSlots :many
SELECT slot.ticket, slot.run, slot.since, slot.until, slot.step, slot.attempt, slot.slots, CAST(slot.holding AS BOOLEAN) AS holding, slot.pool, slot.step_key,
    run.id AS run_id
FROM slot JOIN run ON run.key = slot.run
WHERE slot.until > CAST(sqlc.arg(now) AS INTEGER)
    AND (slot.pool = sqlc.arg(pool) OR CAST(sqlc.arg(any_pool) AS BOOLEAN))
    AND (slot.run = sqlc.arg(run) OR CAST(sqlc.arg(any_run) AS BOOLEAN))
ORDER BY slot.holding DESC, slot.ticket, slot.pool;

-- name: ListSignals :many
SELECT topic, n FROM signal;
