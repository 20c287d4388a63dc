-- name: ListAssetKeys :many
SELECT key, name FROM asset WHERE name = ANY(sqlc.arg(names)::text[]);

-- name: GetAssetStates :many
SELECT asset.key, asset.name, coalesce(asset_state.kind, -1)::bigint AS kind, coalesce(asset_state.run, 0)::bigint AS run, coalesce(asset_state.n, 0)::bigint AS n,
    coalesce(asset_state.at, 0)::bigint AS at, coalesce(asset_state.seq, 0)::bigint AS seq, coalesce(asset_state.partition, '')::text AS partition,
    coalesce(asset_state.data_version, '')::text AS data_version, coalesce(asset_state.code_version, '')::text AS code_version,
    asset_state.detail, coalesce(run.id, pruned_run.id, '')::text AS run_id
FROM asset
    LEFT JOIN asset_state ON asset_state.asset = asset.key
    LEFT JOIN run ON run.key = asset_state.run
    LEFT JOIN pruned_run ON pruned_run.key = asset_state.run
WHERE asset.name = sqlc.arg(name);

-- name: ListAssetStates :many
SELECT named.key, named.name, coalesce(asset_state.kind, -1)::bigint AS kind, coalesce(asset_state.run, 0)::bigint AS run, coalesce(asset_state.n, 0)::bigint AS n,
    coalesce(asset_state.at, 0)::bigint AS at, coalesce(asset_state.seq, 0)::bigint AS seq, coalesce(asset_state.partition, '')::text AS partition,
    coalesce(asset_state.data_version, '')::text AS data_version, coalesce(asset_state.code_version, '')::text AS code_version,
    asset_state.detail, coalesce(run.id, pruned_run.id, '')::text AS run_id
FROM (SELECT key, name FROM asset WHERE name > sqlc.arg(after) ORDER BY name LIMIT sqlc.arg(max)::bigint) AS named
    LEFT JOIN asset_state ON asset_state.asset = named.key
    LEFT JOIN run ON run.key = asset_state.run
    LEFT JOIN pruned_run ON pruned_run.key = asset_state.run
ORDER BY named.name;

-- name: ListNamedAssetStates :many
SELECT named.key, named.name, coalesce(asset_state.kind, -1)::bigint AS kind, coalesce(asset_state.run, 0)::bigint AS run, coalesce(asset_state.n, 0)::bigint AS n,
    coalesce(asset_state.at, 0)::bigint AS at, coalesce(asset_state.seq, 0)::bigint AS seq, coalesce(asset_state.partition, '')::text AS partition,
    coalesce(asset_state.data_version, '')::text AS data_version, coalesce(asset_state.code_version, '')::text AS code_version,
    asset_state.detail, coalesce(run.id, pruned_run.id, '')::text AS run_id
FROM (
    SELECT key, name FROM asset
    WHERE name = ANY(sqlc.arg(names)::text[]) AND name > sqlc.arg(after)
    ORDER BY name LIMIT sqlc.arg(max)::bigint) AS named
    LEFT JOIN asset_state ON asset_state.asset = named.key
    LEFT JOIN run ON run.key = asset_state.run
    LEFT JOIN pruned_run ON pruned_run.key = asset_state.run
ORDER BY named.name;
