package staleness

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Store is what a view asks of storage.
type Store interface {
	ListChanges(ctx context.Context, q storage.ChangeQuery) ([]storage.Change, error)
	ChangeSeq(ctx context.Context) (int64, error)
	ListAssets(ctx context.Context, q storage.AssetQuery) ([]storage.AssetRecord, error)
	PartitionSets(ctx context.Context, assets []storage.AssetKey) ([]storage.PartitionSets, error)
	ListPartitions(ctx context.Context, q storage.PartitionQuery) ([]storage.PartitionState, error)
	ListPartitionGroups(ctx context.Context, asset storage.AssetKey, kind storage.StateKind) ([]storage.PartitionGroup, error)
	GetKV(ctx context.Context, key string) ([]byte, error)
	ListKV(ctx context.Context, prefix string) ([]storage.KVPair, error)
}

// Params are what a view is made of.
type Params struct {
	Graph *graph.Graph
	// Keys are the keys of the graph's outputs, zero for those that are no assets of the store.
	Keys []storage.AssetKey
	// Location is the name under which the view is kept.
	Location string
	// Tables finds the key tables of definitions.
	Tables plan.Tables
	Store  Store
}

// View knows the staleness of all assets of a graph, as of its last Update. Its methods may be called from any
// goroutine.
type View struct {
	Params

	limits limits

	mu     sync.Mutex
	assets []*asset // in topological order
	byName map[string]*asset
	cursor int64 // of the feed: the view is that of all changes up to it, or of later ones
	pruned int64 // the feed may have lost changes up to here
	loaded bool
	// changed says that the view is not as it was kept.
	changed bool
}

// New returns the view of a graph, which knows nothing before its first Update.
func New(p Params) *View {
	v := &View{Params: p, limits: usual(), assets: lay(p.Graph, p.Keys)}
	v.byName = make(map[string]*asset, len(v.assets))
	for _, a := range v.assets {
		v.byName[a.name] = a
	}
	return v
}

// forget makes everything unknown.
func (v *View) forget() {
	v.cursor = 0
	for _, a := range v.assets {
		a.clear()
		for _, e := range a.ups {
			e.clear()
		}
	}
}

func (a *asset) clear() {
	a.fresh, a.dirty, a.one, a.byCode, a.byDeps = true, true, nil, nil, nil
	a.read, a.failed = "", false
	a.made, a.grouped, a.outside = partition.Set{}, partition.Set{}, partition.Set{}
}

func (e *edge) clear() { e.fresh, e.stale, e.read = true, partition.Set{}, nil }

// readNumber reads a small value that is a number, zero where there is none.
func readNumber(ctx context.Context, s Store, key string) (int64, error) {
	data, err := s.GetKV(ctx, key)
	if errors.Is(err, storage.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("staleness: reading %q: %w", key, err)
	}
	n, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("staleness: the value %q is %q: want a number", key, data)
	}
	return n, nil
}
