package checkstate

import (
	"context"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/feed"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// reading is one reading of a store.
type reading struct {
	Params

	limits limits
	feed   feed.Consumer
	checks []*check
	// changed tells that the snapshot differs from the stored one.
	changed bool
}

// begin looks the checks up in the store and restores their snapshots.
func begin(ctx context.Context, p Params, l limits) (*reading, error) {
	r := &reading{Params: p, limits: l}
	r.feed = feed.Consumer{Name: consumerName, Location: p.Location, Format: snapshotFormat, Store: p.Store, Page: l.changes}
	names := make([]string, 0, 2*len(p.Subjects))
	for _, s := range p.Subjects {
		names = append(names, s.Check, s.Asset)
	}
	keys, err := p.Store.AssetKeys(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("looking up checks: %w", err)
	}
	spaces := spaces{store: p.Store, cache: storage.NewKeyCache(p.Store, 0), known: map[partition.Definition]partition.Space{}}
	for i, s := range p.Subjects {
		c := &check{Subject: s, key: keys[2*i], asset: keys[2*i+1], shape: shapeOf(s)}
		if c.space, err = spaces.of(ctx, s.Partitions); err != nil {
			return nil, fmt.Errorf("check %q: %w", s.Check, err)
		}
		r.checks = append(r.checks, c)
	}
	if err := r.load(ctx); err != nil {
		return nil, fmt.Errorf("check states: %w", err)
	}
	return r, nil
}

// spaces finds the spaces of definitions, with every key that was ever registered.
type spaces struct {
	store storage.Partitions
	cache *storage.KeyCache
	known map[partition.Definition]partition.Space
}

// of returns the space of a definition, with removed keys as well: results stay when keys are
// removed, and count again when they return.
func (s *spaces) of(ctx context.Context, d partition.Definition) (partition.Space, error) {
	if space, known := s.known[d]; known {
		return space, nil
	}
	tables, err := s.cache.ProvisionalTables(ctx, d)
	if err != nil {
		return partition.Space{}, err
	}
	for name, registered := range tables.Dynamic {
		table, err := s.store.GetKeyTable(ctx, name)
		if err != nil {
			return partition.Space{}, err
		}
		registered.Live = partition.DynamicSet(name, func(yield func(partition.Ordinal) bool) {
			for o := range partition.Ordinal(table.Size) {
				if !yield(o) {
					return
				}
			}
		})
		tables.Dynamic[name] = registered
	}
	space, err := partition.NewSpace(d, time.Now(), tables)
	s.known[d] = space
	return space, err
}

// update brings the checks to what the store holds.
func (r *reading) update(ctx context.Context) error {
	lost, err := r.feed.Lost(ctx)
	if err != nil {
		return fmt.Errorf("check states: %w", err)
	}
	known := false
	for _, c := range r.checks {
		if c.known = c.known && !lost; !c.known {
			c.clear()
		}
		known = known || c.known
	}
	before := r.feed.Cursor()
	if !known {
		if err := r.feed.MoveToEnd(ctx); err != nil {
			return fmt.Errorf("check states: %w", err)
		}
	}
	if err := r.follow(ctx); err != nil {
		return fmt.Errorf("check states: %w", err)
	}
	r.changed = r.feed.Cursor() != before
	for _, c := range r.checks {
		if err := r.settle(ctx, c); err != nil {
			return fmt.Errorf("check %q: reading its states: %w", c.Check, err)
		}
	}
	return nil
}

// follow reads the feed from the cursor on, and notes which partitions of known checks changes
// touch.
func (r *reading) follow(ctx context.Context) error {
	var keys []storage.AssetKey
	for _, c := range r.checks {
		if c.known {
			keys = append(keys, c.key, c.asset)
		}
	}
	touched := feed.Only(keys)
	for page, err := range r.feed.Since(ctx) {
		if err != nil {
			return err
		}
		for i := range page {
			switch page[i].Kind {
			case storage.ChangeMaterialized, storage.ChangeObserved, storage.ChangeFailed, storage.ChangeWiped:
				touched.Add(&page[i])
			}
		}
	}
	for _, c := range r.checks {
		if !c.known {
			continue // it is read as a whole
		}
		if c.touched = touched.Of(c.key); !c.External {
			c.touched = c.touched.Union(touched.Of(c.asset))
		}
	}
	return nil
}
