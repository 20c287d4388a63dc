package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// many is how many names one statement looks up.
const many = 256

// AssetKeys returns the keys of the names, in their order, zero where a name has none.
func (s *Store) AssetKeys(ctx context.Context, names []string) ([]storage.AssetKey, error) {
	byName := make(map[string]storage.AssetKey, len(names))
	if err := s.addKeys(ctx, byName, names); err != nil {
		return nil, s.readError("read asset keys", err)
	}
	keys := make([]storage.AssetKey, len(names))
	for i, name := range names {
		keys[i] = byName[name]
	}
	return keys, nil
}

// addKeys looks names up some at a time, or reads the whole table, which takes a third of the
// time a name, where most of it is asked for.
func (s *Store) addKeys(ctx context.Context, byName map[string]storage.AssetKey, names []string) error {
	if len(names) > many {
		last, err := s.reads.GetLastAssetKey(ctx)
		if err != nil {
			return err
		}
		if int(last) < 3*len(names) {
			rows, err := s.reads.ListAllAssetKeys(ctx)
			addKeys(byName, rows)
			return err
		}
	}
	for chunk := range slices.Chunk(names, many) {
		rows, err := s.reads.ListAssetKeys(ctx, chunk)
		if err != nil {
			return err
		}
		addKeys(byName, rows)
	}
	return nil
}

func addKeys(byName map[string]storage.AssetKey, rows []db.Asset) {
	for i := range rows {
		byName[rows[i].Name] = storage.AssetKey(rows[i].Key)
	}
}

// GetAsset returns one asset's record, or [storage.ErrNotFound].
func (s *Store) GetAsset(ctx context.Context, name string) (storage.AssetRecord, error) {
	what := fmt.Sprintf("asset %q", name)
	rows, err := s.reads.GetAssetStates(ctx, name)
	if err != nil {
		return storage.AssetRecord{}, s.readError(what, err)
	}
	if len(rows) == 0 {
		return storage.AssetRecord{}, fmt.Errorf("%s: %w", what, storage.ErrNotFound)
	}
	rec := storage.AssetRecord{Key: storage.AssetKey(rows[0].Key), Name: name}
	for i := range rows {
		if err := addState(&rec, &rows[i]); err != nil {
			return storage.AssetRecord{}, s.readError(what, err)
		}
	}
	return rec, nil
}

// ListAssets returns records in the order of their names.
func (s *Store) ListAssets(ctx context.Context, q storage.AssetQuery) ([]storage.AssetRecord, error) {
	if q.Names != nil {
		return s.listNamed(ctx, &q)
	}
	rows, err := s.reads.ListAssetStates(ctx, db.ListAssetStatesParams{After: q.After, Max: limit(q.Limit)})
	if err != nil {
		return nil, s.readError("list assets", err)
	}
	list := make([]storage.AssetRecord, 0, len(rows))
	for i := range rows {
		if list, err = addAssetRow(list, &rows[i]); err != nil {
			return nil, s.readError(fmt.Sprintf("asset %q", rows[i].Name), err)
		}
	}
	return list, nil
}

// listNamed looks the names up, so that it costs by what is asked for and not by what there is. In their order, for then
// a limit ends the search, and not more at once than it lets through.
func (s *Store) listNamed(ctx context.Context, q *storage.AssetQuery) ([]storage.AssetRecord, error) {
	names := slices.Clone(q.Names)
	slices.Sort(names)
	names = slices.Compact(names)
	from, found := slices.BinarySearch(names, q.After)
	if found {
		from++
	}
	names = names[from:]
	var list []storage.AssetRecord
	for len(names) > 0 && (q.Limit <= 0 || len(list) < q.Limit) {
		n := min(len(names), many)
		if q.Limit > 0 {
			n = min(n, q.Limit-len(list))
		}
		rows, err := s.reads.ListNamedAssetStates(ctx, names[:n])
		if err != nil {
			return nil, s.readError("list assets", err)
		}
		for i := range rows {
			row := db.ListAssetStatesRow(rows[i])
			if list, err = addAssetRow(list, &row); err != nil {
				return nil, s.readError(fmt.Sprintf("asset %q", row.Name), err)
			}
		}
		names = names[n:]
	}
	return list, nil
}

// addAssetRow adds a row to the list that has what precedes it: an asset has one a state, together.
func addAssetRow(list []storage.AssetRecord, row *db.ListAssetStatesRow) ([]storage.AssetRecord, error) {
	if len(list) == 0 || list[len(list)-1].Name != row.Name {
		list = append(list, storage.AssetRecord{Key: storage.AssetKey(row.Key), Name: row.Name})
	}
	return list, addState(&list[len(list)-1], &db.GetAssetStatesRow{
		Key: row.Key, Kind: row.Kind, Run: row.Run, N: row.N, At: row.At, Seq: row.Seq, Partition: row.Partition,
		DataVersion: row.DataVersion, CodeVersion: row.CodeVersion, Detail: row.Detail, RunID: row.RunID, PrunedID: row.PrunedID,
	})
}

// addState puts a row of asset_state where it belongs. An asset without one has a row of NULLs.
func addState(rec *storage.AssetRecord, row *db.GetAssetStatesRow) error {
	if !row.Kind.Valid {
		return nil
	}
	d, err := storage.ParseDetail(row.Detail)
	if err != nil {
		return err
	}
	state := &storage.AssetState{
		Seq: row.Seq.Int64, RunID: cmp.Or(row.RunID.String, row.PrunedID.String), Run: storage.RunKey(row.Run.Int64), N: row.N.Int64, At: storage.Micros(row.At.Int64).Time(),
		Partition:   row.Partition.String,
		DataVersion: row.DataVersion.String, CodeVersion: row.CodeVersion.String, Detail: d,
	}
	switch storage.StateKind(row.Kind.Int64) {
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
