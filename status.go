package rivers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/feed"
	"github.com/rivers-go/rivers/internal/held"
	"github.com/rivers-go/rivers/internal/staleness"
	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// StatusRequest asks how assets are. The zero value asks about all.
type StatusRequest struct {
	// Selection is as in a [RunRequest]; tasks in it are ignored.
	Selection []string
	// Store is the store to read; nil means the repository's own. Another store is read only, except
	// for the cached staleness view.
	Store storage.Reader
}

// AssetStatus is the state of an asset and its partitions. The sets of an unpartitioned asset hold
// [partition.Whole].
type AssetStatus struct {
	Asset string `json:"asset"`
	// External is set for an asset that is made elsewhere: it is never missing or stale.
	External bool `json:"external,omitempty"`
	// Space is what exists of its partitions, Total how many they are.
	Space partition.Space `json:"-"`
	Total int64           `json:"total"`
	// Materialized were made and not wiped since; Missing are the others that exist.
	Materialized PartitionCount `json:"materialized"`
	Missing      PartitionCount `json:"missing"`
	// Lost are those of the missing whose values lay in the memory of another process, by the choice
	// of their IO handler.
	Lost PartitionCount `json:"lost"`
	// Stale are materialized, but not of what there is now; Causes say why.
	Stale  PartitionCount `json:"stale"`
	Causes []StaleCause   `json:"causes,omitempty"`
	// UpstreamStale read something that is stale or missing, directly or further up. They need not be
	// stale themselves.
	UpstreamStale PartitionCount `json:"upstream_stale"`
	// Failed failed at the last attempt. InFlight are those that runs in progress have yet to make; it
	// is empty for unpartitioned assets.
	Failed   PartitionCount `json:"failed"`
	InFlight PartitionCount `json:"in_flight"`
}

// PartitionCount is a set of partitions, and how many of them exist.
type PartitionCount struct {
	Count      int64         `json:"count"`
	Partitions partition.Set `json:"-"`
}

// StaleCause is one reason why partitions of an asset are stale.
type StaleCause struct {
	// Kind is code, data or dependencies; Upstream is the asset that it is about, empty for the code.
	Kind     string `json:"kind"`
	Upstream string `json:"upstream,omitempty"`
	// Recorded is the version that was used, Current the one there is; empty where partitions differ
	// in it or there is none.
	Recorded string `json:"recorded,omitempty"`
	Current  string `json:"current,omitempty"`
	// Text is the cause in words: "new data of users".
	Text string `json:"text"`
	// Partitions are those that are stale for it.
	PartitionCount
}

// Status returns how assets are, in topological order: what is missing, stale and why, failed, in
// flight. It costs by what changed since it was last asked, by whichever process.
func (r *CodeRepository) Status(ctx context.Context, req StatusRequest) ([]AssetStatus, error) {
	c, err := r.catalog()
	if err != nil {
		return nil, err
	}
	selected, err := c.Select(req.Selection, catalog.Anything)
	if err != nil {
		return nil, err
	}
	known, store, err := r.viewOf(ctx, c, req.Store)
	if err != nil {
		return nil, err
	}
	items := c.Graph().Items()
	stale := slices.DeleteFunc(known.Statuses(), func(s staleness.Status) bool {
		i, ok := items.Lookup(s.Asset)
		return !ok || selected != nil && !selected[i]
	})
	list, err := view.Statuses(ctx, store, stale)
	if err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	all := make([]AssetStatus, len(list))
	for i := range list {
		all[i] = newStatus(&list[i])
	}
	return all, nil
}

func newStatus(s *view.Status) AssetStatus {
	count := func(set partition.Set) PartitionCount {
		if set.IsEmpty() {
			return PartitionCount{}
		}
		return PartitionCount{s.Space.Count(set), set}
	}
	out := AssetStatus{
		Asset: s.Asset, External: s.External, Space: s.Space, Total: s.Space.Len(),
		Materialized: count(s.Made), Missing: count(s.Missing()), Lost: count(s.Lost), Stale: count(s.Stale), UpstreamStale: count(s.UpstreamStale),
		Failed: count(s.FailedPartitions), InFlight: count(s.InFlight),
	}
	for i := range s.Causes {
		c := &s.Causes[i]
		out.Causes = append(out.Causes, StaleCause{
			Kind: string(c.Kind), Upstream: c.Upstream, Recorded: c.Recorded, Current: c.Current, Text: c.String(),
			PartitionCount: count(c.Partitions),
		})
	}
	return out
}

// viewOf returns what is known of the staleness of all assets, as of now, and the store that it was
// read from, nil for the repository's own.
func (r *CodeRepository) viewOf(ctx context.Context, c *catalog.Catalog, other storage.Reader) (*staleness.View, storage.Reader, error) {
	store := other
	if store == nil {
		if err := r.Resolve(ctx, nil); err != nil {
			return nil, nil, err
		}
		store = r.Storage()
	}
	known, err := r.newView(ctx, c, store, other == nil)
	if err != nil {
		return nil, nil, err
	}
	if err := known.Update(ctx, time.Now()); err != nil {
		return nil, nil, err
	}
	if writer, ok := store.(feed.Committer); ok {
		// It only saves the next one work: a reader without the right to write gets the same answer.
		if err := known.Save(ctx, writer); err != nil && !errors.Is(err, context.Canceled) {
			r.log().DebugContext(ctx, "what is known of staleness is not kept", "repository", r.Name(), "error", err)
		}
	}
	return known, store, nil
}

// stale returns what is known of the staleness of all assets in the repository's own store.
func (r *CodeRepository) stale(ctx context.Context) (*staleness.View, error) {
	c, err := r.catalog()
	if err != nil {
		return nil, err
	}
	known, _, err := r.viewOf(ctx, c, nil)
	return known, err
}

// newView makes a view, that of the repository's own store once.
func (r *CodeRepository) newView(ctx context.Context, c *catalog.Catalog, store storage.Reader, own bool) (*staleness.View, error) {
	if own {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.staleness == nil {
			// The view outlives the request that is the first to ask.
			tables := r.runner.Tables
			r.staleness = staleness.New(staleness.Params{
				Graph: c.Graph(), Keys: r.runner.Keys, Location: r.Name(), Store: store, Held: r.runner.Held,
				Tables: func(d partition.Definition) (partition.Tables, error) {
					return tables.Tables(context.WithoutCancel(ctx), d)
				},
			})
		}
		return r.staleness, nil
	}
	names := c.AssetNames()
	keys, err := store.AssetKeys(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("status: %w", err)
	}
	return staleness.New(staleness.Params{Graph: c.Graph(), Keys: keys, Location: r.Name(), Store: store, Tables: tablesOf(ctx, store), Held: held.Of(c.Graph(), store)}), nil
}

// tablesOf finds key tables in a store.
func tablesOf(ctx context.Context, store storage.Reader) func(partition.Definition) (partition.Tables, error) {
	cache := storage.NewKeyCache(store, 0)
	return func(d partition.Definition) (partition.Tables, error) { return cache.ProvisionalTables(ctx, d) }
}
