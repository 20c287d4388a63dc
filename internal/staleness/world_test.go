package staleness_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
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

// dep is what an asset reads.
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
	seen  map[string]bool
	edges map[string]partition.Edge
	known map[partition.Definition]partition.Space
}

// model is the state of a partition.
type model struct {
	seq, read int64
	run       storage.RunKey
	version   string
	code      string
	inputs    map[string]string
	group     bool
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

// upstream are the keys that a partition reads of another asset, one by one.
func (w *world) upstream(s *spec, d *dep, text string) []string {
	w.Helper()
	up := w.spec(d.on)
	if up.def == nil && s.def == nil {
		return []string{""}
	}
	from, to := w.space(up.def), w.space(s.def)
	edge, ok := w.edges[s.name+"/"+d.on]
	if !ok {
		var err error
		if edge, err = d.by.Connect(from, to); err != nil {
			w.Fatal(err)
		}
		if w.edges != nil {
			w.edges[s.name+"/"+d.on] = edge
		}
	}
	needs, _ := edge.Upstream(w.setOf(to, text))
	return w.textsOf(from, needs)
}

func (w *world) run() storage.Fence {
	w.runs++
	b := storage.Batch{Runs: []storage.RunRecord{{ID: fmt.Sprint("run", w.runs), Location: "here", Token: 1, CreatedAt: w.now}}}
	w.commit(&b)
	return storage.Fence{Run: b.Runs[0].Key, Token: 1}
}

// step is an attempt that has begun.
type step struct {
	fence  storage.Fence
	spec   spec
	texts  []string
	group  bool
	read   int64 // of the store
	tick   int64 // of the model
	inputs []map[string]string
}

// begin begins to make partitions of an asset: each by itself, or all as one.
func (w *world) begin(fence storage.Fence, name string, group bool, texts ...string) *step {
	w.Helper()
	seq, err := w.store.ChangeSeq(w.ctx)
	if err != nil {
		w.Fatal(err)
	}
	st := &step{fence: fence, spec: *w.spec(name), texts: texts, group: group, read: seq, tick: w.tick}
	for _, text := range texts {
		st.inputs = append(st.inputs, w.inputs(&st.spec, text))
	}
	return st
}

// inputs are the versions that a partition would record now: what the engine does.
func (w *world) inputs(s *spec, text string) map[string]string {
	w.Helper()
	var inputs map[string]string
	for i := range s.reads {
		if inputs == nil {
			inputs = map[string]string{}
		}
		version := ""
		if up := w.upstream(s, &s.reads[i], text); len(up) == 1 {
			if m := w.made[s.reads[i].on][up[0]]; m != nil {
				version = m.version
			}
		} else if len(up) > 1 {
			version = "several"
		}
		inputs[s.reads[i].on] = version
	}
	return inputs
}

// end records what a step made, with a version.
func (w *world) end(st *step, version string) {
	w.Helper()
	space := w.space(st.spec.def)
	if st.group {
		w.land(st, space, st.texts, version, st.inputs[0])
		return
	}
	for i, text := range st.texts {
		inputs := maps.Clone(st.inputs[i])
		for k := range st.spec.reads { // what the own run made is known, whenever it landed
			d := &st.spec.reads[k]
			if up := w.upstream(&st.spec, d, text); len(up) == 1 {
				if m := w.made[d.on][up[0]]; m != nil && m.run == st.fence.Run {
					inputs[d.on] = m.version
				}
			}
		}
		w.land(st, space, []string{text}, version, inputs)
	}
}

func (w *world) land(st *step, space partition.Space, texts []string, version string, inputs map[string]string) {
	w.Helper()
	w.n++
	w.tick++
	d := storage.Detail{Data: version, Code: st.spec.code, Inputs: inputs, ReadSeq: st.read}
	u := storage.AssetUpdate{
		Asset: w.keys[st.spec.name], Run: st.fence.Run, N: w.n, At: storage.Micros(w.n), DataVersion: version, CodeVersion: st.spec.code,
	}
	if st.spec.def != nil {
		u.Partitions = w.setOf(space, texts...)
		d.Partitions = u.Partitions
		if !st.group {
			u.Partition = texts[0]
		}
	}
	if st.spec.external {
		u.Kind = storage.Observed
	}
	u.Detail = d.AppendJSON(nil)
	w.commit(&storage.Batch{Fence: st.fence, Assets: []storage.AssetUpdate{u}})
	if w.made[st.spec.name] == nil {
		w.made[st.spec.name] = map[string]*model{}
	}
	for _, text := range texts {
		w.made[st.spec.name][text] = &model{
			seq: w.tick, read: st.tick, run: st.fence.Run, version: version, code: st.spec.code, inputs: inputs, group: st.group,
		}
	}
}

func (w *world) wipe(name string, texts ...string) {
	w.Helper()
	s := w.spec(name)
	w.n++
	w.tick++
	u := storage.AssetUpdate{Asset: w.keys[name], Kind: storage.Wiped, At: storage.Micros(w.n), N: w.n}
	if s.def != nil {
		u.Partitions = w.setOf(w.space(s.def), texts...)
	}
	w.commit(&storage.Batch{Assets: []storage.AssetUpdate{u}})
	for _, text := range texts {
		delete(w.made[name], text)
	}
}

// naive says of one partition why it is stale, looking at every state there is.
func (w *world) naive(s *spec, text string) []string {
	w.Helper()
	m := w.made[s.name][text]
	if m == nil {
		return nil
	}
	var why []string
	if s.code != "" && s.code != m.code {
		why = append(why, "has a new code version")
	}
	for i := range s.reads {
		d := &s.reads[i]
		if _, known := m.inputs[d.on]; !known {
			why = append(why, "new dependency on "+d.on)
		} else if w.naiveData(s, d, text, m) {
			why = append(why, "new data of "+d.on)
		}
	}
	for name := range m.inputs {
		if !slices.ContainsFunc(s.reads, func(d dep) bool { return d.on == name }) {
			why = append(why, "removed dependency on "+name)
		}
	}
	slices.Sort(why)
	return why
}

func (w *world) naiveData(s *spec, d *dep, text string, m *model) bool {
	w.Helper()
	up := w.spec(d.on)
	single := up.def == nil && s.def == nil || !d.by.Reading(up.def, s.def).Several
	for _, key := range w.upstream(s, d, text) {
		u := w.made[d.on][key]
		switch {
		case u == nil:
		case single && !m.group:
			if u.version != m.inputs[d.on] {
				return true
			}
		case u.seq > m.seq, u.seq > m.read && u.run != m.run:
			return true
		}
	}
	return false
}

// naiveAbove says whether something further up of a partition is stale or missing.
func (w *world) naiveAbove(s *spec, text string) bool {
	w.Helper()
	above, known := w.seen[s.name+"/"+text]
	if !known {
		above = w.lookAbove(s, text)
		w.seen[s.name+"/"+text] = above
	}
	return above
}

func (w *world) lookAbove(s *spec, text string) bool {
	w.Helper()
	for i := range s.reads {
		d := &s.reads[i]
		up := w.spec(d.on)
		if up.external {
			continue
		}
		for _, key := range w.upstream(s, d, text) {
			if w.made[d.on][key] == nil || len(w.naive(up, key)) > 0 || w.naiveAbove(up, key) {
				return true
			}
		}
	}
	return false
}

// check compares the view with the model.
func (w *world) check() {
	w.Helper()
	if err := w.view.Update(w.ctx, w.now); err != nil {
		w.Fatal(err)
	}
	w.seen, w.edges, w.known = map[string]bool{}, map[string]partition.Edge{}, map[partition.Definition]partition.Space{}
	defer func() { w.seen, w.edges, w.known = nil, nil, nil }()
	for _, st := range w.view.Statuses() {
		s := w.spec(st.Asset)
		if s.external {
			continue
		}
		for _, text := range w.texts(s) {
			one := w.setOf(w.space(s.def), text)
			var why []string
			for i := range st.Causes {
				if st.Causes[i].Partitions.Contains(one) {
					why = append(why, st.Causes[i].String())
				}
			}
			slices.Sort(why)
			if want := w.naive(s, text); !slices.Equal(why, want) {
				w.Fatalf("%s[%s] is stale because %q, want %q\nstate %+v", s.name, text, why, want, w.made[s.name][text])
			}
			if missing := st.Missing().Contains(one); missing != (w.made[s.name][text] == nil) {
				w.Fatalf("%s[%s]: missing is %v", s.name, text, missing)
			}
			if above := st.UpstreamStale.Contains(one); above != w.naiveAbove(s, text) {
				w.Fatalf("%s[%s]: upstream stale is %v", s.name, text, above)
			}
		}
	}
}

var _ fataler = (*testing.T)(nil)

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
		if old := w.spec(specs[i].name); old.def != specs[i].def {
			w.wipeAll(old)
			divided = true
		}
	}
	w.define(specs...)
	return divided
}

func (w *world) wipeAll(s *spec) {
	w.Helper()
	w.n++
	w.tick++
	sets, err := w.store.PartitionSets(w.ctx, []storage.AssetKey{w.keys[s.name]})
	if err != nil {
		w.Fatal(err)
	}
	if sets[0].Materialized.IsEmpty() {
		return
	}
	u := storage.AssetUpdate{Asset: w.keys[s.name], Kind: storage.Wiped, At: storage.Micros(w.n), N: w.n}
	if s.def != nil {
		u.Partitions = sets[0].Materialized
	}
	w.commit(&storage.Batch{Assets: []storage.AssetUpdate{u}})
	delete(w.made, s.name)
}

// landSet records partitions of an asset that a run made at once, without the model.
func (w *world) landSet(name string, set partition.Set) {
	w.Helper()
	fence := w.run()
	w.n++
	d := storage.Detail{Data: fmt.Sprint(w.n), Partitions: set}
	for _, dep := range w.spec(name).reads {
		d.Inputs = map[string]string{dep.on: "several"}
	}
	w.commit(&storage.Batch{Fence: fence, Assets: []storage.AssetUpdate{{
		Asset: w.keys[name], Partitions: set, Run: fence.Run, N: w.n, At: storage.Micros(w.n), DataVersion: d.Data, Detail: d.AppendJSON(nil),
	}}})
}
