package rivers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/storage"
)

// writeTopology records the definitions if they differ from what the store has, and reads the
// keys of the assets.
func (r *CodeRepository) writeTopology(ctx context.Context, store storage.Storage, c *catalog.Catalog) ([]storage.AssetKey, error) {
	doc, err := c.EncodeTopology()
	if err != nil {
		return nil, fmt.Errorf("repository %q: encoding its topology: %w", r.config.Name, err)
	}
	keep, err := r.pruner.Kept()
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	sum.Write(doc)
	sum.Write(keep.Value)
	hash := hex.EncodeToString(sum.Sum(nil))
	names := c.AssetNames()
	known, err := knownHash(ctx, store, r.config.Name)
	if err != nil {
		return nil, err
	}
	turn, err := r.pruner.First(ctx, store)
	if err != nil {
		return nil, err
	}
	if known != hash {
		batch := storage.Batch{Topologies: []storage.Topology{{Location: r.config.Name, Hash: hash, At: time.Now(), Assets: nonEmpty(names), Doc: doc}}, KV: append(turn, keep)}
		if keys := c.StaticKeys(); len(keys) > 0 {
			batch.Keys = []storage.KeyUpdate{{Add: keys}}
		}
		if err := store.Commit(ctx, &batch); err != nil {
			return nil, fmt.Errorf("repository %q: recording its topology: %w", r.config.Name, err)
		}
	}
	keys, err := store.AssetKeys(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("repository %q: reading the keys of its assets: %w", r.config.Name, err)
	}
	return keys, nil
}

func knownHash(ctx context.Context, store storage.Topologies, location string) (string, error) {
	all, err := store.ListTopologies(ctx)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return "", fmt.Errorf("repository %q: reading its topology: %w", location, err)
	}
	for _, t := range all {
		if t.Location == location {
			return t.Hash, nil
		}
	}
	return "", nil
}

// nonEmpty leaves out empty names.
func nonEmpty(names []string) []string {
	out := make([]string, 0, len(names))
	for _, n := range names {
		if n != "" {
			out = append(out, n)
		}
	}
	return out
}

// Topology describes the repository as it is recorded for other programs. It opens nothing.
func (r *CodeRepository) Topology() (storage.TopologyDoc, error) {
	c, err := r.catalog()
	if err != nil {
		return storage.TopologyDoc{}, err
	}
	return c.Topology(), nil
}
