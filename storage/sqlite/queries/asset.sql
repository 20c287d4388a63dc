-- name: GetLastAssetKey :one
SELECT CAST(coalesce(max(key), 0) AS INTEGER) FROM asset;

-- name: ListAssetKeys :many
SELECT key, name FROM asset WHERE name IN (sqlc.slice(names));

-- name: ListAllAssetKeys :many
SELECT key, name FROM asset;

-- name: GetAssetStates :many
SELECT asset.key, asset_state.kind, asset_state.run, asset_state.n, asset_state.at, asset_state.seq, asset_state.partition,
    asset_state.data_version, asset_state.code_version, asset_state.detail, run.id AS run_id, pruned_run.id AS pruned_id
FROM asset
    LEFT JOIN asset_state ON asset_state.asset = asset.key
    LEFT JOIN run ON run.key = asset_state.run
    LEFT JOIN pruned_run ON pruned_run.key = asset_state.run
WHERE asset.name = sqlc.arg(name);

-- name: ListAssetStates :many
SELECT named.key, named.name, asset_state.kind, asset_state.run, asset_state.n, asset_state.at, asset_state.seq, asset_state.partition,
    asset_state.data_version, asset_state.code_version, asset_state.detail, run.id AS run_id, pruned_run.id AS pruned_id
FROM (SELECT key, name FROM asset WHERE name > sqlc.arg(after) ORDER BY name LIMIT sqlc.arg(max)) AS named
    LEFT JOIN asset_state ON asset_state.asset = named.key
    LEFT JOIN run ON run.key = asset_state.run
    LEFT JOIN pruned_run ON pruned_run.key = asset_state.run
ORDER BY named.name;

-- name: ListNamedAssetStates :many
SELECT asset.key, asset.name, asset_state.kind, asset_state.run, asset_state.n, asset_state.at, asset_state.seq, asset_state.partition,
    asset_state.data_version, asset_state.code_version, asset_state.detail, run.id AS run_id, pruned_run.id AS pruned_id
FROM asset
    LEFT JOIN asset_state ON asset_state.asset = asset.key
    LEFT JOIN run ON run.key = asset_state.run
    LEFT JOIN pruned_run ON pruned_run.key = asset_state.run
WHERE asset.name IN (sqlc.slice(names))
ORDER BY asset.name;
