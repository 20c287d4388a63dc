package staleness

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rivers-go/rivers/internal/feed"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// asset is what is known of one asset.
type asset struct {
	name     string
	key      storage.AssetKey
	external bool
	// def is nil for an asset without partitions, and for an external one: it is observed as a whole,
	// however it is read by its parts.
	def, parts    partition.Definition
	space, exists partition.Space // of the two
	shape         string          // of the definition: what is savedAt under another is of no use
	code          string
	deps          string // the names of upstream, see depsText
	ups           []*edge
	downs         []*edge

	// one is the state of an asset without partitions, nil while there is none.
	one  *state
	read string // the names of what it read, see depsText
	// failed means that it failed when it was last tried.
	failed bool
	// The others are of an asset with partitions: those that were made, those of them that were made
	// many at once, and all by the code version and by the dependencies that were recorded.
	made, grouped  partition.Set
	outside        partition.Set // are made and do not exist, or did not when they landed
	byCode, byDeps setsBy

	dirty   bool  // differs from the snapshot
	savedAt int64 // the cursor at which the snapshot was saved
	fresh   bool  // nothing is known of it yet
}

// edge is what an asset reads of another, by however many inputs.
type edge struct {
	up, down *asset
	kind     edgeKind
	shape    string
	inputs   []*graph.Input // that differ in what they read
	links    []partition.Edge
	// stale are the partitions of down with newer values that they have not read; of a fixed edge only
	// those that were made many at once.
	stale partition.Set
	// read has, for a fixed edge, the partitions by the version that they recorded.
	read  setsBy
	fresh bool
}

// edgeKind describes how staleness along an edge is decided.
type edgeKind uint8

const (
	// plain: neither side has partitions. The two states say all.
	plain edgeKind = iota
	// fixed: all partitions read the one value of upstream.
	fixed
	// paired: each reads one partition of upstream.
	paired
	// many: each may read several, or others of the same asset.
	many
)

// setsBy has disjoint sets by what the partitions in them have in common.
type setsBy map[string]partition.Set

func (s setsBy) add(what string, set partition.Set) { s[what] = s[what].Union(set) }

func (s setsBy) remove(set partition.Set) {
	for what, has := range s {
		if has = has.Minus(set); has.IsEmpty() {
			delete(s, what)
		} else {
			s[what] = has
		}
	}
}

// depsText is the text of a set of names; that of none is empty.
func depsText(names []string) string { return strings.Join(names, "\x00") }

func depsOf(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\x00")
}

// lay makes the assets of a graph, in topological order, and the edges between them.
func newAssets(g *graph.Graph, keys []storage.AssetKey) []*asset {
	items := g.Items()
	assets := make([]*asset, 0, items.Len())
	byOutput := make(map[int32]*asset, items.Len())
	tasks := map[string][]int32{}
	for n := range int32(g.Len()) {
		if node := g.Node(n); node.Kind == graph.GraphTask {
			tasks[node.Definition] = append(tasks[node.Definition], n)
		}
	}
	shapes := map[partition.Definition]string{}
	for i := range items.Len() {
		v := items.Output(i)
		out, n := g.Output(v)
		if !out.Asset {
			continue
		}
		a := &asset{name: out.Name, external: g.Node(n).Kind == graph.External, code: out.Attrs.CodeVersion, fresh: true}
		if int(v) < len(keys) {
			a.key = keys[v]
		}
		if a.parts = out.Partitions; !a.external {
			a.def = a.parts
		}
		a.shape = shapeOf(shapes, a.parts)
		assets, byOutput[v] = append(assets, a), a
		nodes := []int32{n}
		if g.Node(n).Kind == graph.GraphTask {
			nodes = tasks[g.Node(n).Definition]
		}
		a.connect(g, nodes, byOutput)
	}
	return assets
}

// connect makes the edges to what an asset's nodes read.
func (a *asset) connect(g *graph.Graph, nodes []int32, byOutput map[int32]*asset) {
	var names []string
	for _, n := range nodes {
		for k, v := range g.From(n) {
			in := &g.Node(n).Inputs[k]
			if in.Mode == graph.Self {
				a.readSelf(in)
				continue
			}
			if v < 0 || byOutput[v] == nil || byOutput[v] == a {
				continue
			}
			up := byOutput[v]
			at := slices.IndexFunc(a.ups, func(e *edge) bool { return e.up == up })
			if at < 0 {
				at = len(a.ups)
				e := &edge{up: up, down: a, fresh: true}
				a.ups, up.downs = append(a.ups, e), append(up.downs, e)
				names = append(names, up.name)
			}
			a.ups[at].add(in)
		}
	}
	slices.Sort(names)
	a.deps = depsText(names)
	for _, e := range a.ups {
		e.classify()
	}
}

// add adds an input that reads the same asset.
func (e *edge) add(in *graph.Input) {
	same := func(other *graph.Input) bool {
		return other.Parts != nil && in.Parts != nil && other.Parts.Mapping.Equal(in.Parts.Mapping) || other.Parts == nil && in.Parts == nil
	}
	if !slices.ContainsFunc(e.inputs, same) {
		e.inputs = append(e.inputs, in)
	}
}

// classify describes how the edge is decided, by the definitions of its two sides.
func (e *edge) classify() {
	switch {
	case e.up == e.down: // no versions of it are recorded
		e.kind = many
	case e.up.def == nil && e.down.def == nil:
		e.kind = plain
	case e.up.def == nil:
		e.kind = fixed
	case len(e.inputs) > 1 || e.inputs[0].Parts.Mapping.Reading(e.up.def, e.down.def).Several:
		e.kind = many
	default:
		e.kind = paired
	}
	if e.kind == plain {
		e.fresh = false
		return
	}
	var b strings.Builder
	for _, in := range e.inputs {
		fmt.Fprintf(&b, "%s\x00", in.Parts.Mapping)
	}
	fmt.Fprintf(&b, "%d\x00%s\x00%s\x00%s", e.kind, e.up.name, e.up.shape, e.down.shape)
	e.shape = feed.Hash([]byte(b.String()))
}

// shapeOf returns the shape of a definition, which it remembers.
func shapeOf(known map[partition.Definition]string, d partition.Definition) string {
	if d == nil {
		return ""
	}
	text, ok := known[d]
	if !ok {
		text = feed.ShapeOf(d)
		known[d] = text
	}
	return text
}

// findSpaces finds what exists of all definitions at an instant.
func (v *View) findSpaces(now time.Time) error {
	d := plan.NewPartitioning(nil, now, v.Tables)
	for _, a := range v.assets {
		space, err := d.Space(a.def)
		if err != nil {
			return fmt.Errorf("staleness of %q: %w", a.name, err)
		}
		if a.space, a.exists = space, space; a.external && a.parts != nil {
			if a.exists, err = d.Space(a.parts); err != nil {
				return fmt.Errorf("staleness of %q: %w", a.name, err)
			}
		}
	}
	for _, a := range v.assets {
		for _, e := range a.ups {
			if e.kind == plain {
				continue
			}
			e.links = e.links[:0]
			for _, in := range e.inputs {
				link, err := d.Connect(in, e.up.parts, a.def)
				if err != nil {
					return fmt.Errorf("staleness of %q: %w", a.name, err)
				}
				e.links = append(e.links, link)
			}
		}
	}
	return nil
}

// has are the partitions of an asset that are there.
func (a *asset) has() partition.Set {
	switch {
	case a.def != nil:
		return a.made
	case a.one != nil:
		return partition.Whole()
	}
	return partition.Set{}
}

// downstream returns which partitions of down read some of up.
func (e *edge) downstream(set partition.Set) partition.Set {
	if e.kind == plain {
		return set
	}
	var all partition.Set
	for i := range e.links {
		all = all.Union(e.links[i].Downstream(set))
	}
	return all
}

// upstream returns which partitions of up are read by some of down.
func (e *edge) upstream(set partition.Set) partition.Set {
	if e.kind == plain {
		return set
	}
	var all partition.Set
	for i := range e.links {
		needs, _ := e.links[i].Upstream(set)
		all = all.Union(needs)
	}
	return all
}

// readers are the partitions of down that read anything.
func (e *edge) readers() partition.Set { return e.downstream(e.up.exists.All()) }
