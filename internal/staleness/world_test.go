package staleness_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/staleness"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// fataler is what testing.TB and rapid.T have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// spec defines one asset of a world.
type spec struct {
	name, code string
	external   bool
	def        partition.Definition
	reads      []dep
}

// dep is what an asset reads; by its own name, what it reads of itself.
type dep struct {
	on string
	by partition.Mapping
}

// world is a store, definitions, and a model of what happened: the state of each partition of each asset, kept one by one.
type world struct {
	fataler

	ctx   context.Context
	store storage.Storage
	now   time.Time
	specs []spec
	graph *graph.Graph
	keys  map[string]storage.AssetKey
	view  *staleness.View
	cache *storage.KeyCache
	runs  int
	tick  int64
	n     int64
	tiny  bool
	made  map[string]map[string]*model // by asset and text of key
	// What the model was asked is remembered while nothing happens.
	reads map[string][]string
	edges map[string]partition.Edge
	known map[partition.Definition]partition.Space
}

func newWorld(t fataler, specs ...spec) *world {
	w := &world{
		fataler: t, ctx: context.Background(), store: memory.New(), now: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC),
		keys: map[string]storage.AssetKey{}, made: map[string]map[string]*model{},
	}
	w.cache = storage.NewKeyCache(w.store, 0)
	w.commit(&storage.Batch{Keys: []storage.KeyUpdate{{Add: []string{"a", "b", "c", "d"}}, {Table: "tenants", Add: []string{"x", "y"}}}})
	w.define(specs...)
	return w
}

func (w *world) commit(b *storage.Batch) {
	w.Helper()
	if err := w.store.Commit(w.ctx, b); err != nil {
		w.Fatal(err)
	}
}

// define replaces the definitions and begins with a view that knows what is kept.
func (w *world) define(specs ...spec) {
	w.Helper()
	w.specs = specs
	var nodes []graph.Node
	var names []string
	for _, s := range specs {
		n := graph.Node{
			Name: s.name, Definition: s.name, Kind: graph.Asset, Settings: &graph.Settings{Partitions: s.def},
			Outputs: []graph.Output{{Name: s.name, Asset: true, Partitions: s.def, Attrs: &graph.Attrs{CodeVersion: s.code}}},
		}
		if s.external {
			n.Kind = graph.External
		}
		for _, d := range s.reads {
			in := graph.Input{From: d.on, Mode: graph.OrderOnly}
			if d.on == s.name {
				in.Mode = graph.Self
			}
			if up := w.spec(d.on); up.def != nil || s.def != nil {
				in.Parts = &graph.Parts{Mapping: d.by}
			}
			n.Inputs = append(n.Inputs, in)
		}
		nodes, names = append(nodes, n), append(names, s.name)
	}
	g, faults := graph.Build(nodes)
	if len(faults) > 0 {
		w.Fatalf("%+v", faults)
	}
	w.tick++
	w.commit(&storage.Batch{Topologies: []storage.Topology{{Location: "here", Hash: fmt.Sprint(w.tick), Assets: names}}})
	keys, err := w.store.AssetKeys(w.ctx, names)
	if err != nil {
		w.Fatal(err)
	}
	for i, name := range names {
		w.keys[name] = keys[i]
	}
	w.graph = g
	w.restart()
}

func (w *world) spec(name string) *spec {
	for i := range w.specs {
		if w.specs[i].name == name {
			return &w.specs[i]
		}
	}
	return nil
}

// restart begins with a view of what is kept.
func (w *world) restart() {
	keys := make([]storage.AssetKey, w.graph.Outputs())
	for v := range keys {
		out, _ := w.graph.Output(int32(v))
		keys[v] = w.keys[out.Name]
	}
	w.view = staleness.New(staleness.Params{Graph: w.graph, Keys: keys, Location: "here", Tables: w.tables, Store: w.store})
	if w.tiny {
		w.view.Tiny()
	}
}

func (w *world) tables(d partition.Definition) (partition.Tables, error) {
	return w.cache.Tables(w.ctx, d)
}

func (w *world) space(d partition.Definition) partition.Space {
	w.Helper()
	if s, ok := w.known[d]; ok {
		return s
	}
	tables, err := w.tables(d)
	if err != nil {
		w.Fatal(err)
	}
	s, err := partition.NewSpace(d, w.now, tables)
	if err != nil {
		w.Fatal(err)
	}
	if w.known != nil {
		w.known[d] = s
	}
	return s
}

// texts are the keys of what exists of an asset, "" for one without partitions.
func (w *world) texts(s *spec) []string {
	w.Helper()
	space := w.space(s.def)
	return w.textsOf(space, space.All())
}

func (w *world) textsOf(space partition.Space, set partition.Set) []string {
	w.Helper()
	var texts []string
	for key, err := range space.Keys(set) {
		if err != nil {
			w.Fatal(err)
		}
		texts = append(texts, key.String())
	}
	return texts
}

func (w *world) setOf(space partition.Space, texts ...string) partition.Set {
	w.Helper()
	if space.Definition() == nil {
		return partition.Whole()
	}
	var all partition.Set
	for _, text := range texts {
		key, err := partition.ParseKey(text)
		if err != nil {
			w.Fatal(err)
		}
		set, err := space.Set(key)
		if err != nil {
			w.Fatal(err)
		}
		all = all.Union(set)
	}
	return all
}

// save keeps the view in the store.
func (w *world) save() {
	w.Helper()
	if err := w.view.Save(w.ctx, w.store); err != nil {
		w.Fatal(err)
	}
}

// redefined replaces the definitions. What an asset has that is divided otherwise now is no state of it.
func (w *world) redefined(specs []spec) (divided bool) {
	w.Helper()
	for i := range specs {
		if old := w.spec(specs[i].name); old != nil && old.def != specs[i].def {
			w.wipeAll(old)
			divided = true
		}
	}
	w.define(specs...)
	return divided
}

var _ fataler = (*testing.T)(nil)
