package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// GetKeyTable returns a table of keys, an empty one for an unknown name.
func (s *Store) GetKeyTable(ctx context.Context, name string) (storage.KeyTable, error) {
	rec := storage.KeyTable{Name: name}
	row, err := s.reads.GetKeyTable(ctx, name)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return rec, nil
	case err == nil && row.Live != nil:
		rec.Live, err = partition.ParseSet(row.Live)
	}
	if err != nil {
		return storage.KeyTable{}, s.readError(fmt.Sprintf("key table %q", name), err)
	}
	rec.Size = row.Size
	return rec, nil
}

// LookUpKeys returns the ordinals of keys, or the keys of ordinals.
func (s *Store) LookUpKeys(ctx context.Context, q storage.KeyQuery) (ordinals []partition.Ordinal, keys []string, err error) {
	what := fmt.Sprintf("key table %q", q.Table)
	row, err := s.reads.GetKeyTable(ctx, q.Table)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, nil, s.readError(what, err)
	}
	if len(q.Keys) > 0 {
		if ordinals, err = s.ordinals(ctx, row.Key, q.Keys); err != nil {
			return nil, nil, s.readError(what, err)
		}
	}
	for _, o := range q.Ordinals {
		if int64(o) >= row.Size {
			return nil, nil, fmt.Errorf("%s: ordinal %d: the table has %d keys", what, o, row.Size)
		}
	}
	if len(q.Ordinals) > 0 {
		if keys, err = s.keys(ctx, row.Key, q.Ordinals); err != nil {
			return nil, nil, s.readError(what, err)
		}
	}
	return ordinals, keys, nil
}

func (s *Store) ordinals(ctx context.Context, table int64, keys []string) ([]partition.Ordinal, error) {
	ordinals := make([]partition.Ordinal, 0, len(keys))
	for chunk := range slices.Chunk(keys, many) {
		rows, err := s.reads.ListOrdinals(ctx, db.ListOrdinalsParams{KeyTable: table, Keys: chunk})
		if err != nil {
			return nil, err
		}
		known := make(map[string]partition.Ordinal, len(rows))
		for _, row := range rows {
			known[row.Key] = partition.Ordinal(row.ID & (1<<ordinalBits - 1))
		}
		for _, key := range chunk {
			o, there := known[key]
			if !there {
				o = partition.NoOrdinal
			}
			ordinals = append(ordinals, o)
		}
	}
	return ordinals, nil
}

func (s *Store) keys(ctx context.Context, table int64, ordinals []partition.Ordinal) ([]string, error) {
	keys := make([]string, 0, len(ordinals))
	for chunk := range slices.Chunk(ordinals, many) {
		ids := make([]int64, len(chunk))
		for i, o := range chunk {
			ids[i] = table<<ordinalBits | int64(o)
		}
		rows, err := s.reads.ListKeys(ctx, ids)
		if err != nil {
			return nil, err
		}
		known := make(map[int64]string, len(rows))
		for _, row := range rows {
			known[row.ID] = row.Key
		}
		for i, id := range ids {
			key, there := known[id]
			if !there {
				return nil, fmt.Errorf("ordinal %d has no key, which `rivers db check` would say", chunk[i])
			}
			keys = append(keys, key)
		}
	}
	return keys, nil
}
