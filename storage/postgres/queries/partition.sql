-- name: ListPartitionSets :many
-- What is kept of assets, as of one moment: their sets under their kinds, what is in flight under 10, and whether
-- the latest states of the asset as a whole are of no partition under 20 and above.
SELECT asset, kind::integer AS what, 0::bigint AS seq, labels FROM partition_set WHERE asset = ANY(sqlc.arg(assets)::bigint[])
UNION ALL
SELECT asset, 10, 0, labels FROM in_flight WHERE asset = ANY(sqlc.arg(assets)::bigint[])
UNION ALL
SELECT asset, 20 + kind + CASE WHEN partition IS NULL THEN 10 ELSE 0 END, seq, NULL FROM asset_state
WHERE asset = ANY(sqlc.arg(assets)::bigint[]) AND kind IN (0, 2);

-- name: ListPartitionStates :many
-- The states, and the groups that may be newer than one of them, as of one moment.
(SELECT false AS covers, seq, partition_state.run, n, at, partition_state.partition, data_version, code_version, labels, detail,
    coalesce(run.id, pruned_run.id, '')::text AS run_id
FROM partition_state LEFT JOIN run ON run.key = partition_state.run LEFT JOIN pruned_run ON pruned_run.key = partition_state.run
WHERE asset = sqlc.arg(asset)::bigint AND kind = sqlc.arg(kind)::smallint AND partition_state.partition > sqlc.arg(after)
    AND (sqlc.arg(any_partition)::boolean OR partition_state.partition = ANY(sqlc.arg(partitions)::text[]))
ORDER BY partition_state.partition
LIMIT sqlc.arg(max)::bigint)
UNION ALL
SELECT true, seq, 0, 0, 0, '', '', '', labels, NULL, ''
FROM partition_group WHERE asset = sqlc.arg(asset)::bigint AND kind IN (sqlc.arg(kind)::smallint, 3);

-- name: ListPartitionGroups :many
SELECT seq, partition_group.run, n, at, ''::text AS partition, data_version, code_version, labels, detail,
    coalesce(run.id, pruned_run.id, '')::text AS run_id
FROM partition_group LEFT JOIN run ON run.key = partition_group.run LEFT JOIN pruned_run ON pruned_run.key = partition_group.run
WHERE asset = sqlc.arg(asset) AND kind = sqlc.arg(kind)::smallint
ORDER BY seq DESC;
