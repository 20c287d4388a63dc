package checkstate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// reading is one reading of a store.
type reading struct {
	Params

	limits  limits
	checks  []*check
	cursor  int64 // of the feed: the sets are those of all changes up to it, or of later ones
	changed bool
}

// begin finds the checks in the store, and what is kept of them.
func begin(ctx context.Context, p Params, l limits) (*reading, error) {
	r := &reading{Params: p, limits: l}
	names := make([]string, 0, 2*len(p.Subjects))
	for _, s := range p.Subjects {
		names = append(names, s.Check, s.Asset)
	}
	keys, err := p.Store.AssetKeys(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("looking checks up: %w", err)
	}
	spaces := spaces{store: p.Store, cache: storage.NewKeyCache(p.Store, 0), known: map[partition.Definition]partition.Space{}}
	for i, s := range p.Subjects {
		c := &check{Subject: s, key: keys[2*i], asset: keys[2*i+1], shape: shapeOf(s)}
		if c.ever, err = spaces.ever(ctx, s.Partitions); err != nil {
			return nil, fmt.Errorf("check %q: %w", s.Check, err)
		}
		r.checks = append(r.checks, c)
	}
	if err := r.load(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// spaces are what ever existed of definitions.
type spaces struct {
	store storage.Partitions
	cache *storage.KeyCache
	known map[partition.Definition]partition.Space
}

// ever is the space of a definition with all keys that ever were: results stay when keys are taken away, and are there
// when they come back.
func (s *spaces) ever(ctx context.Context, d partition.Definition) (partition.Space, error) {
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
	pruned, err := r.pruned(ctx)
	if err != nil {
		return err
	}
	known := false
	for _, c := range r.checks {
		if c.known = c.known && pruned <= r.cursor; !c.known {
			c.clear()
		}
		known = known || c.known
	}
	before := r.cursor
	if !known {
		if r.cursor, err = r.Store.ChangeSeq(ctx); err != nil {
			return fmt.Errorf("asking for the last change: %w", err)
		}
	}
	if err := r.follow(ctx); err != nil {
		return err
	}
	r.changed = r.cursor != before
	for _, c := range r.checks {
		if err := r.settle(ctx, c); err != nil {
			return fmt.Errorf("check %q: reading what it said: %w", c.Check, err)
		}
	}
	return nil
}

// pruned is up to which change the feed may have lost some.
func (r *reading) pruned(ctx context.Context) (int64, error) {
	data, err := r.Store.GetKV(ctx, storage.FeedPruned)
	if errors.Is(err, storage.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("asking for the first change: %w", err)
	}
	n, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the value %q is %q: want a number", storage.FeedPruned, data)
	}
	return n, nil
}

// follow reads the feed from the cursor on, and notes what it touches.
func (r *reading) follow(ctx context.Context) error {
	byKey := map[storage.AssetKey][]*check{}
	for _, c := range r.checks {
		if !c.known {
			continue // it is read as a whole
		}
		byKey[c.key] = append(byKey[c.key], c)
		if !c.External {
			byKey[c.asset] = append(byKey[c.asset], c)
		}
	}
	for {
		changes, err := r.Store.ListChanges(ctx, storage.ChangeQuery{After: r.cursor, Limit: r.limits.changes})
		if err != nil {
			return fmt.Errorf("reading what changed: %w", err)
		}
		if len(changes) == 0 {
			return nil
		}
		for i := range changes {
			switch changes[i].Kind {
			case storage.ChangeMaterialized, storage.ChangeObserved, storage.ChangeFailed, storage.ChangeWiped:
				for _, key := range changes[i].Assets {
					for _, c := range byKey[key] {
						c.touched.Add(changes[i].Partitions)
					}
				}
			}
		}
		r.cursor = changes[len(changes)-1].Seq
	}
}

// clear makes a check one of which nothing was said.
func (c *check) clear() {
	c.is, c.outdated, c.read = [outcomes]partition.Set{}, partition.Set{}, nil
}
