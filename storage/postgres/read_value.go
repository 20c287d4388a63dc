package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
)

// GetKV returns the value of a key, or [storage.ErrNotFound].
func (s *Store) GetKV(ctx context.Context, key string) ([]byte, error) {
	return readBy(ctx, s, fmt.Sprintf("value %q", key), (*db.Queries).GetKV, kept(key))
}

// ListKV returns the pairs whose keys begin with prefix, in the order of their keys.
func (s *Store) ListKV(ctx context.Context, prefix string) ([]storage.KVPair, error) {
	// Bytes that are no text stand elsewhere in the order: what begins with them is looked for here.
	first := kept(validPrefix(prefix))
	past := pastPrefix(first)
	rows, err := readBy(ctx, s, fmt.Sprintf("values %q", prefix), (*db.Queries).ListKV, db.ListKVParams{First: first, Past: past, ToEnd: past == ""})
	if err != nil {
		return nil, err
	}
	var list []storage.KVPair
	for _, row := range rows {
		if key := original(row.Key); strings.HasPrefix(key, prefix) {
			list = append(list, storage.KVPair{Key: key, Value: row.Value})
		}
	}
	slices.SortStableFunc(list, func(a, b storage.KVPair) int { return strings.Compare(a.Key, b.Key) })
	return list, nil
}

// GetTopology returns one location's topology, or [storage.ErrNotFound].
func (s *Store) GetTopology(ctx context.Context, location string) (storage.Topology, error) {
	row, err := readBy(ctx, s, fmt.Sprintf("topology of %q", location), (*db.Queries).GetTopology, kept(location))
	if err != nil {
		return storage.Topology{}, err
	}
	return storage.Topology{Location: location, Hash: original(row.Hash), At: storage.Micros(row.At).Time(), Doc: document(row.Doc)}, nil
}

// ListTopologies returns all topologies without their documents, by location.
func (s *Store) ListTopologies(ctx context.Context) ([]storage.Topology, error) {
	rows, err := read(ctx, s, "list topologies", (*db.Queries).ListTopologies)
	if err != nil {
		return nil, err
	}
	var list []storage.Topology
	for _, row := range rows {
		list = append(list, storage.Topology{Location: original(row.Location), Hash: original(row.Hash), At: storage.Micros(row.At).Time()})
	}
	return list, nil
}
