package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
	"github.com/rivers-go/rivers/storage/postgres/internal/pgtext"
)

// GetKV returns the value of a key, or [storage.ErrNotFound].
func (s *Store) GetKV(ctx context.Context, key string) ([]byte, error) {
	return readBy(ctx, s, fmt.Sprintf("value %q", key), (*db.Queries).GetKV, key)
}

// ListKV returns the pairs whose keys begin with prefix, in the order of their keys.
func (s *Store) ListKV(ctx context.Context, prefix string) ([]storage.KVPair, error) {
	// Bytes that are no text stand elsewhere in the order: what begins with them is looked for
	// here.
	first, past := pgtext.Range(prefix)
	rows, err := readBy(ctx, s, fmt.Sprintf("values %q", prefix), (*db.Queries).ListKV, db.ListKVParams{First: first, Past: past, ToEnd: past == ""})
	if err != nil {
		return nil, err
	}
	var list []storage.KVPair
	for _, row := range rows {
		if strings.HasPrefix(row.Key, prefix) {
			list = append(list, storage.KVPair{Key: row.Key, Value: row.Value})
		}
	}
	slices.SortStableFunc(list, func(a, b storage.KVPair) int { return strings.Compare(a.Key, b.Key) })
	return list, nil
}

// GetTopology returns one location's topology, or [storage.ErrNotFound].
func (s *Store) GetTopology(ctx context.Context, location string) (storage.Topology, error) {
	row, err := readBy(ctx, s, fmt.Sprintf("topology of %q", location), (*db.Queries).GetTopology, location)
	if err != nil {
		return storage.Topology{}, err
	}
	return storage.Topology{Location: location, Hash: row.Hash, At: storage.Micros(row.At).Time(), Doc: row.Doc}, nil
}

// ListTopologies returns all topologies without their documents, by location.
func (s *Store) ListTopologies(ctx context.Context) ([]storage.Topology, error) {
	rows, err := read(ctx, s, "list topologies", (*db.Queries).ListTopologies)
	if err != nil {
		return nil, err
	}
	var list []storage.Topology
	for _, row := range rows {
		list = append(list, storage.Topology{Location: row.Location, Hash: row.Hash, At: storage.Micros(row.At).Time()})
	}
	return list, nil
}
