package feed

import (
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Touched gathers the partitions that changes touch, by asset. The zero Touched is empty and
// gathers all assets.
type Touched struct {
	only map[storage.AssetKey]bool
	by   map[storage.AssetKey]*partition.Gather
}

// Only returns a Touched that gathers some assets and skips all others. The key zero is no asset.
func Only(assets []storage.AssetKey) *Touched {
	t := &Touched{only: make(map[storage.AssetKey]bool, len(assets))}
	for _, key := range assets {
		t.only[key] = key != 0
	}
	return t
}

// Add gathers what a change touches.
func (t *Touched) Add(c *storage.Change) {
	for _, key := range c.Assets {
		if t.only != nil && !t.only[key] {
			continue
		}
		g := t.by[key]
		if g == nil {
			if t.by == nil {
				t.by = map[storage.AssetKey]*partition.Gather{}
			}
			g = &partition.Gather{}
			t.by[key] = g
		}
		g.Add(c.Partitions)
	}
}

// Of returns the partitions of an asset that were touched.
func (t *Touched) Of(key storage.AssetKey) partition.Set {
	if g := t.by[key]; g != nil {
		return g.Set()
	}
	return partition.Set{}
}
