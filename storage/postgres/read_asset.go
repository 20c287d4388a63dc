package postgres

import (
	"context"
	"fmt"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/record"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
)

// AssetKeys returns the keys of the names, in their order, zero for an unknown name.
func (s *Store) AssetKeys(ctx context.Context, names []string) ([]storage.AssetKey, error) {
	rows, err := readBy(ctx, s, "read asset keys", (*db.Queries).ListAssetKeys, names)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]storage.AssetKey, len(rows))
	for i := range rows {
		byName[rows[i].Name] = storage.AssetKey(rows[i].Key)
	}
	keys := make([]storage.AssetKey, len(names))
	for i, name := range names {
		keys[i] = byName[name]
	}
	return keys, nil
}

// GetAsset returns one asset's record, or [storage.ErrNotFound].
func (s *Store) GetAsset(ctx context.Context, name string) (storage.AssetRecord, error) {
	what := fmt.Sprintf("asset %q", name)
	rows, err := readBy(ctx, s, what, (*db.Queries).GetAssetStates, name)
	if err != nil {
		return storage.AssetRecord{}, err
	}
	if len(rows) == 0 {
		return storage.AssetRecord{}, fmt.Errorf("%s: %w", what, storage.ErrNotFound)
	}
	list, err := record.AppendAssets(nil, rows)
	if err != nil {
		return storage.AssetRecord{}, s.target.explain("read", err)
	}
	return list[0], nil
}

// ListAssets returns records in the order of their names.
func (s *Store) ListAssets(ctx context.Context, q storage.AssetQuery) ([]storage.AssetRecord, error) {
	if q.Names == nil {
		return listAssets(ctx, s, (*db.Queries).ListAssetStates, db.ListAssetStatesParams{After: q.After, Max: limit(q.Limit)})
	}
	return listAssets(ctx, s, (*db.Queries).ListNamedAssetStates, db.ListNamedAssetStatesParams{Names: q.Names, After: q.After, Max: limit(q.Limit)})
}

// listAssets reads assets by one of the queries that list them.
func listAssets[P any, R ~record.AssetRow](ctx context.Context, s *Store, ask func(*db.Queries, context.Context, P) ([]R, error), p P) ([]storage.AssetRecord, error) {
	const what = "list assets"
	rows, err := readBy(ctx, s, what, ask, p)
	if err != nil {
		return nil, err
	}
	list, err := record.AppendAssets(nil, rows)
	return list, s.target.explain(what, err)
}
