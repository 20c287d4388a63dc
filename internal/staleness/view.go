package staleness

import (
	"context"
	"sync"

	"github.com/rivers-go/rivers/internal/feed"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/held"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Store is what a view asks of storage.
type Store interface {
	feed.Store
	ListAssets(ctx context.Context, q storage.AssetQuery) ([]storage.AssetRecord, error)
	PartitionSets(ctx context.Context, assets []storage.AssetKey) ([]storage.PartitionSets, error)
	ListPartitions(ctx context.Context, q storage.PartitionQuery) ([]storage.PartitionState, error)
	ListPartitionGroups(ctx context.Context, asset storage.AssetKey, kind storage.StateKind) ([]storage.PartitionGroup, error)
}

// Params are what a view is made of.
type Params struct {
	Graph *graph.Graph
	// Keys are the keys of the graph's outputs, zero for those that are no assets of the store.
	Keys []storage.AssetKey
	// Location is the name under which the view is savedAt.
	Location string
	// Tables finds the key tables of definitions.
	Tables plan.Tables
	Store  Store
	// Held tells which values in memory are there; nil for none.
	Held *held.Values
}

// View knows the staleness of all assets of a graph, as of its last Update. Its methods may be
// called from any goroutine.
type View struct {
	Params

	limits limits

	mu     sync.Mutex
	assets []*asset // in topological order
	byName map[string]*asset
	feed   feed.Consumer // the view knows all changes up to its cursor, and perhaps later ones
	loaded bool
	// changed tells that the view differs from the snapshot.
	changed bool
}

// New returns the view of a graph, which knows nothing before its first Update.
func New(p Params) *View {
	v := &View{Params: p, limits: defaultLimits(), assets: newAssets(p.Graph, p.Keys)}
	v.feed = feed.Consumer{Name: consumerName, Location: p.Location, Format: snapshotFormat, Store: p.Store}
	v.byName = make(map[string]*asset, len(v.assets))
	for _, a := range v.assets {
		v.byName[a.name] = a
	}
	return v
}

// forget makes everything unknown.
func (v *View) forget() {
	v.feed.MoveTo(0)
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
