package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// few is the number of names up to which each is looked up; for more the table is read once. many is
// how many names one statement looks up.
const (
	few  = 64
	many = 256
)

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
	for _, row := range rows {
		if err := addState(&rec, row); err != nil {
			return storage.AssetRecord{}, s.readError(what, err)
		}
	}
	return rec, nil
}

// ListAssets returns records in the order of their names.
func (s *Store) ListAssets(ctx context.Context, q storage.AssetQuery) ([]storage.AssetRecord, error) {
	if q.Names != nil && len(q.Names) <= few {
		return s.listNamed(ctx, q)
	}
	p := db.ListAssetStatesParams{After: q.After, Max: limit(q.Limit)}
	if q.Names != nil {
		p.Max = -1 // the limit counts what is kept
	}
	rows, err := s.reads.ListAssetStates(ctx, p)
	if err != nil {
		return nil, s.readError("list assets", err)
	}
	wanted := make(map[string]bool, len(q.Names))
	for _, name := range q.Names {
		wanted[name] = true
	}
	var list []storage.AssetRecord
	for i := range rows {
		row := &rows[i]
		if q.Names != nil && !wanted[row.Name] {
			continue
		}
		if len(list) == 0 || list[len(list)-1].Name != row.Name {
			if q.Limit > 0 && len(list) == q.Limit {
				break
			}
			list = append(list, storage.AssetRecord{Key: storage.AssetKey(row.Key), Name: row.Name})
		}
		err := addState(&list[len(list)-1], db.GetAssetStatesRow{
			Key: row.Key, Kind: row.Kind, Run: row.Run, N: row.N, At: row.At, Seq: row.Seq, Partition: row.Partition,
			DataVersion: row.DataVersion, CodeVersion: row.CodeVersion, Detail: row.Detail, RunID: row.RunID, PrunedID: row.PrunedID,
		})
		if err != nil {
			return nil, s.readError(fmt.Sprintf("asset %q", row.Name), err)
		}
	}
	return list, nil
}

func (s *Store) listNamed(ctx context.Context, q storage.AssetQuery) ([]storage.AssetRecord, error) {
	names := slices.Clone(q.Names)
	slices.Sort(names)
	var list []storage.AssetRecord
	for _, name := range slices.Compact(names) {
		if name <= q.After {
			continue
		}
		if q.Limit > 0 && len(list) == q.Limit {
			break
		}
		rec, err := s.GetAsset(ctx, name)
		switch {
		case errors.Is(err, storage.ErrNotFound):
		case err != nil:
			return nil, err
		default:
			list = append(list, rec)
		}
	}
	return list, nil
}

// addState puts a row of asset_state where it belongs. An asset without one has a row of NULLs.
func addState(rec *storage.AssetRecord, row db.GetAssetStatesRow) error {
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
