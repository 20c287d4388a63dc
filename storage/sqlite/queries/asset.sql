-- name: GetLastAssetKey :one
SELECT CAST(coalesce(max(key), 0) AS INTEGER) FROM asset;

-- name: ListAssetKeys :many
SELECT key, name FROM asset WHERE name IN (sqlc.slice(names));

-- name: ListAllAssetKeys :many
SELECT key, name FROM asset;

-- name: GetAssetStates :many
SELECT asset.key, asset.name, CAST(coalesce(asset_state.kind, -1) AS INTEGER) AS kind, CAST(coalesce(asset_state.run, 0) AS INTEGER) AS run, CAST(coalesce(asset_state.n, 0) AS INTEGER) AS n,
    CAST(coalesce(asset_state.at, 0) AS INTEGER) AS at, CAST(coalesce(asset_state.seq, 0) AS INTEGER) AS seq, CAST(coalesce(asset_state.partition, '') AS TEXT) AS "partition",
    CAST(coalesce(asset_state.data_version, '') AS TEXT) AS data_version, CAST(coalesce(asset_state.code_version, '') AS TEXT) AS code_version,
    asset_state.detail, CAST(coalesce(run.id, pruned_run.id, '') AS TEXT) AS run_id
FROM asset
    LEFT JOIN asset_state ON asset_state.asset = asset.key
    LEFT JOIN run ON run.key = asset_state.run
    LEFT JOIN pruned_run ON pruned_run.key = asset_state.run
WHERE asset.name = sqlc.arg(name);

-- name: ListAssetStates :many
SELECT named.key, named.name, CAST(coalesce(asset_state.kind, -1) AS INTEGER) AS kind, CAST(coalesce(asset_state.run, 0) AS INTEGER) AS run, CAST(coalesce(asset_state.n, 0) AS INTEGER) AS n,
    CAST(coalesce(asset_state.at, 0) AS INTEGER) AS at, CAST(coalesce(asset_state.seq, 0) AS INTEGER) AS seq, CAST(coalesce(asset_state.partition, '') AS TEXT) AS "partition",
    CAST(coalesce(asset_state.data_version, '') AS TEXT) AS data_version, CAST(coalesce(asset_state.code_version, '') AS TEXT) AS code_version,
    asset_state.detail, CAST(coalesce(run.id, pruned_run.id, '') AS TEXT) AS run_id
FROM (SELECT key, name FROM asset WHERE name > sqlc.arg(after) ORDER BY name LIMIT sqlc.arg(max)) AS named
    LEFT JOIN asset_state ON asset_state.asset = named.key
    LEFT JOIN run ON run.key = asset_state.run
    LEFT JOIN pruned_run ON pruned_run.key = asset_state.run
ORDER BY named.name;

-- name: ListNamedAssetStates :many
SELECT asset.key, asset.name, CAST(coalesce(asset_state.kind, -1) AS INTEGER) AS kind, CAST(coalesce(asset_state.run, 0) AS INTEGER) AS run, CAST(coalesce(asset_state.n, 0) AS INTEGER) AS n,
    CAST(coalesce(asset_state.at, 0) AS INTEGER) AS at, CAST(coalesce(asset_state.seq, 0) AS INTEGER) AS seq, CAST(coalesce(asset_state.partition, '') AS TEXT) AS "partition",
    CAST(coalesce(asset_state.data_version, '') AS TEXT) AS data_version, CAST(coalesce(asset_state.code_version, '') AS TEXT) AS code_version,
    asset_state.detail, CAST(coalesce(run.id, pruned_run.id, '') AS TEXT) AS run_id
FROM asset
    LEFT JOIN asset_state ON asset_state.asset = asset.key
    LEFT JOIN run ON run.key = asset_state.run
    LEFT JOIN pruned_run ON pruned_run.key = asset_state.run
WHERE asset.name IN (sqlc.slice(names))
ORDER BY asset.name;
