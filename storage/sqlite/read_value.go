package sqlite

import (
	"context"
	"fmt"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// GetKV returns the value of a key, or [storage.ErrNotFound].
func (s *Store) GetKV(ctx context.Context, key string) ([]byte, error) {
	value, err := s.reads.GetKV(ctx, key)
	if err != nil {
		return nil, s.readError(fmt.Sprintf("value %q", key), err)
	}
	return present(value), nil
}

// ListKV returns the pairs whose keys begin with prefix, in the order of their keys.
func (s *Store) ListKV(ctx context.Context, prefix string) ([]storage.KVPair, error) {
	past := pastPrefix(prefix)
	rows, err := s.reads.ListKV(ctx, db.ListKVParams{First: prefix, Past: past, ToEnd: past == ""})
	if err != nil {
		return nil, s.readError(fmt.Sprintf("values %q", prefix), err)
	}
	var list []storage.KVPair
	for _, row := range rows {
		list = append(list, storage.KVPair{Key: row.Key, Value: present(row.Value)})
	}
	return list, nil
}

// present is the value of an existing key: empty instead of nil, which means deleted.
func present(value []byte) []byte {
	if value == nil {
		return []byte{}
	}
	return value
}

// pastPrefix returns the least string above all that begin with prefix, empty for none. SQLite
// compares texts as bytes.
func pastPrefix(prefix string) string {
	b := []byte(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < 0xff {
			b[i]++
			return string(b[:i+1])
		}
	}
	return ""
}

// GetTopology returns one location's topology, or [storage.ErrNotFound].
func (s *Store) GetTopology(ctx context.Context, location string) (storage.Topology, error) {
	row, err := s.reads.GetTopology(ctx, location)
	if err != nil {
		return storage.Topology{}, s.readError(fmt.Sprintf("topology of %q", location), err)
	}
	return storage.Topology{Location: row.Location, Hash: row.Hash, At: storage.Micros(row.At).Time(), Doc: row.Doc}, nil
}

// ListTopologies returns all topologies without their documents, by location.
func (s *Store) ListTopologies(ctx context.Context) ([]storage.Topology, error) {
	rows, err := s.reads.ListTopologies(ctx)
	if err != nil {
		return nil, s.readError("list topologies", err)
	}
	var list []storage.Topology
	for _, row := range rows {
		list = append(list, storage.Topology{Location: row.Location, Hash: row.Hash, At: storage.Micros(row.At).Time()})
	}
	return list, nil
}
