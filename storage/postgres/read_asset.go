package postgres

import (
	"cmp"
	"context"
	"fmt"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
)

// AssetKeys returns the keys of the names, in their order, zero where a name has none.
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
	list, err := s.assetRecords(rows)
	if err != nil {
		return storage.AssetRecord{}, err
	}
	return list[0], nil
}

// ListAssets returns records in the order of their names.
func (s *Store) ListAssets(ctx context.Context, q storage.AssetQuery) ([]storage.AssetRecord, error) {
	const what = "list assets"
	var rows []db.GetAssetStatesRow
	if q.Names == nil {
		found, err := readBy(ctx, s, what, (*db.Queries).ListAssetStates, db.ListAssetStatesParams{After: q.After, Max: limit(q.Limit)})
		if err != nil {
			return nil, err
		}
		rows = make([]db.GetAssetStatesRow, len(found))
		for i := range found {
			rows[i] = db.GetAssetStatesRow(found[i])
		}
	} else {
		p := db.ListNamedAssetStatesParams{Names: q.Names, After: q.After, Max: limit(q.Limit)}
		found, err := readBy(ctx, s, what, (*db.Queries).ListNamedAssetStates, p)
		if err != nil {
			return nil, err
		}
		rows = make([]db.GetAssetStatesRow, len(found))
		for i := range found {
			rows[i] = db.GetAssetStatesRow(found[i])
		}
	}
	return s.assetRecords(rows)
}

// assetRecords joins the rows of each asset: one a state, or one of NULLs.
func (s *Store) assetRecords(rows []db.GetAssetStatesRow) ([]storage.AssetRecord, error) {
	var list []storage.AssetRecord
	for i := range rows {
		row := &rows[i]
		if last := len(list) - 1; last < 0 || list[last].Key != storage.AssetKey(row.Key) {
			list = append(list, storage.AssetRecord{Key: storage.AssetKey(row.Key), Name: row.Name})
		}
		if err := addState(&list[len(list)-1], row); err != nil {
			return nil, s.target.explain(fmt.Sprintf("asset %q", row.Name), err)
		}
	}
	return list, nil
}

func addState(rec *storage.AssetRecord, row *db.GetAssetStatesRow) error {
	if !row.Kind.Valid {
		return nil
	}
	d, err := storage.ParseDetail(row.Detail)
	if err != nil {
		return err
	}
	state := &storage.AssetState{
		Seq: row.Seq.Int64, Partition: row.Partition.String,
		RunID: cmp.Or(row.RunID.String, row.PrunedID.String), Run: storage.RunKey(row.Run.Int64), N: row.N.Int64, At: storage.Micros(row.At.Int64).Time(),
		DataVersion: row.DataVersion.String, CodeVersion: row.CodeVersion.String, Detail: d,
	}
	switch storage.StateKind(row.Kind.Int16) {
	case storage.Materialized:
		rec.Materialization = state
	case storage.Observed:
		rec.Observation = state
	case storage.Failed:
		rec.Failure = state
	case storage.Wiped:
		rec.Wipe = state
	}
	return nil
}
