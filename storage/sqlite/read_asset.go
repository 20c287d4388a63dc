package sqlite

import (
	"context"
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/record"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// many is how many names one statement looks up.
const many = 256

// AssetKeys returns the keys of the names, in their order, zero for an unknown name.
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

// addKeys looks names up in chunks. It reads the whole table if most of it is requested, which
// takes a third of the time per name.
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
	list, err := record.AppendAssets(nil, rows)
	if err != nil {
		return storage.AssetRecord{}, s.readError("read", err)
	}
	return list[0], nil
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
	list, err := record.AppendAssets(make([]storage.AssetRecord, 0, len(rows)), rows)
	if err != nil {
		return nil, s.readError("list assets", err)
	}
	return list, nil
}

// listNamed looks the names up, so that its cost depends on the query and not on the store. It does
// so in their order, so that a limit ends the search, and never reads more than the limit at once.
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
		if err == nil {
			list, err = record.AppendAssets(list, rows)
		}
		if err != nil {
			return nil, s.readError("list assets", err)
		}
		names = names[n:]
	}
	return list, nil
}
