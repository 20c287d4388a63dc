-- name: ListPartitionSets :many
SELECT * FROM partition_set WHERE asset IN (sqlc.slice(assets));

-- name: ListWholeStates :many
SELECT asset, kind, seq, CAST(partition IS NULL AS BOOLEAN) AS whole FROM asset_state
WHERE asset IN (sqlc.slice(assets)) AND kind IN (0, 2);

-- name: ListInFlight :many
SELECT asset, labels FROM in_flight WHERE asset IN (sqlc.slice(assets));

-- name: ListPartitionStates :many
SELECT seq, partition_state.run, n, at, partition_state.partition, data_version, code_version, labels, detail,
    CAST(coalesce(run.id, pruned_run.id, '') AS TEXT) AS run_id
FROM partition_state LEFT JOIN run ON run.key = partition_state.run LEFT JOIN pruned_run ON pruned_run.key = partition_state.run
WHERE asset = sqlc.arg(asset) AND kind = sqlc.arg(kind) AND partition_state.partition > sqlc.arg(after)
ORDER BY partition_state.partition
LIMIT sqlc.arg(max);

-- name: ListNamedPartitionStates :many
SELECT seq, partition_state.run, n, at, partition_state.partition, data_version, code_version, labels, detail,
    CAST(coalesce(run.id, pruned_run.id, '') AS TEXT) AS run_id
FROM partition_state LEFT JOIN run ON run.key = partition_state.run LEFT JOIN pruned_run ON pruned_run.key = partition_state.run
WHERE asset = sqlc.arg(asset) AND kind = sqlc.arg(kind) AND partition_state.partition IN (sqlc.slice(partitions));

-- name: ListPartitionGroups :many
SELECT seq, partition_group.run, n, at, CAST('' AS TEXT) AS "partition", data_version, code_version, labels, detail,
    CAST(coalesce(run.id, pruned_run.id, '') AS TEXT) AS run_id
FROM partition_group LEFT JOIN run ON run.key = partition_group.run LEFT JOIN pruned_run ON pruned_run.key = partition_group.run
WHERE asset = sqlc.arg(asset) AND kind = sqlc.arg(kind)
ORDER BY seq DESC;

-- name: ListCovers :many
SELECT seq, labels FROM partition_group
WHERE asset = sqlc.arg(asset) AND kind IN (sqlc.arg(kind), 3);
