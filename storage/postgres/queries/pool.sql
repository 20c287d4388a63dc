-- name: ListPools :many
SELECT pool.name, pool.declared, pool.by_hand,
    coalesce(sum(slot.slots) FILTER (WHERE slot.holding), 0)::bigint AS in_use,
    count(slot.ticket) FILTER (WHERE NOT slot.holding) AS waiting
FROM pool LEFT JOIN slot ON slot.pool = pool.name AND slot.until > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
GROUP BY pool.name
ORDER BY pool.name;

-- name: ListSlots :many
SELECT slot.*, run.id AS run_id
FROM slot JOIN run ON run.key = slot.run
WHERE slot.until > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
    AND (slot.pool = sqlc.arg(pool) OR sqlc.arg(any_pool)::boolean)
    AND (slot.run = sqlc.arg(run) OR sqlc.arg(any_run)::boolean)
ORDER BY slot.holding DESC, slot.ticket, slot.pool;
