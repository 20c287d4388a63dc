package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/ledger"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
)

// getKeyTable reads the row of a table, an empty one for an unknown name.
func (s *Store) getKeyTable(ctx context.Context, name string) (db.GetKeyTableRow, error) {
	return read(ctx, s, fmt.Sprintf("key table %q", name), func(q *db.Queries, ctx context.Context) (db.GetKeyTableRow, error) {
		row, err := q.GetKeyTable(ctx, name)
		if errors.Is(err, pgx.ErrNoRows) {
			err = nil
		}
		return row, err
	})
}

// GetKeyTable returns a table of keys, an empty one for an unknown name.
func (s *Store) GetKeyTable(ctx context.Context, name string) (storage.KeyTable, error) {
	row, err := s.getKeyTable(ctx, name)
	if err != nil {
		return storage.KeyTable{}, err
	}
	rec := storage.KeyTable{Name: name, Size: row.Size}
	if row.Live != nil {
		if rec.Live, err = partition.ParseSet(row.Live); err != nil {
			return storage.KeyTable{}, s.target.explain(fmt.Sprintf("key table %q", name), err)
		}
	}
	return rec, nil
}

// LookUpKeys returns the ordinals of keys, or the keys of ordinals.
func (s *Store) LookUpKeys(ctx context.Context, q storage.KeyQuery) (ordinals []partition.Ordinal, keys []string, err error) {
	row, err := s.getKeyTable(ctx, q.Table)
	if err != nil {
		return nil, nil, err
	}
	if len(q.Keys) > 0 {
		if ordinals, err = s.ordinals(ctx, row.Key, &q); err != nil {
			return nil, nil, err
		}
	}
	for _, o := range q.Ordinals {
		if int64(o) >= row.Size {
			return nil, nil, fmt.Errorf("key table %q: ordinal %d: the table has %d keys", q.Table, o, row.Size)
		}
	}
	if len(q.Ordinals) > 0 {
		if keys, err = s.keys(ctx, row.Key, &q); err != nil {
			return nil, nil, err
		}
	}
	return ordinals, keys, nil
}

func (s *Store) ordinals(ctx context.Context, table int64, q *storage.KeyQuery) ([]partition.Ordinal, error) {
	ordinals := make([]partition.Ordinal, 0, len(q.Keys))
	for chunk := range slices.Chunk(q.Keys, ledger.KeyChunk) {
		p := db.ListOrdinalsParams{KeyTable: table, Keys: chunk}
		rows, err := readBy(ctx, s, fmt.Sprintf("key table %q", q.Table), (*db.Queries).ListOrdinals, p)
		if err != nil {
			return nil, err
		}
		known := make(map[string]partition.Ordinal, len(rows))
		for _, row := range rows {
			known[row.Key] = partition.Ordinal(row.Ordinal)
		}
		for _, key := range p.Keys {
			o, there := known[key]
			if !there {
				o = partition.NoOrdinal
			}
			ordinals = append(ordinals, o)
		}
	}
	return ordinals, nil
}

func (s *Store) keys(ctx context.Context, table int64, q *storage.KeyQuery) ([]string, error) {
	keys := make([]string, 0, len(q.Ordinals))
	for chunk := range slices.Chunk(q.Ordinals, ledger.KeyChunk) {
		p := db.ListKeysParams{KeyTable: table}
		for _, o := range chunk {
			p.Ordinals = append(p.Ordinals, int64(o))
		}
		rows, err := readBy(ctx, s, fmt.Sprintf("key table %q", q.Table), (*db.Queries).ListKeys, p)
		if err != nil {
			return nil, err
		}
		known := make(map[int64]string, len(rows))
		for _, row := range rows {
			known[row.Ordinal] = row.Key
		}
		for _, o := range p.Ordinals {
			key, there := known[o]
			if !there {
				return nil, fmt.Errorf("key table %q: ordinal %d has no key, which `rivers db check` would say", q.Table, o)
			}
			keys = append(keys, key)
		}
	}
	return keys, nil
}
