package view

import (
	"cmp"
	"maps"

	"github.com/rivers-go/rivers/internal/selection"
)

// Filter reports whether a question is about the node at an index of [Definitions.Nodes]. Nil is
// all nodes.
type Filter func(i int) bool

func (f Filter) has(i int) bool { return f == nil || f(i) }

// Select returns the nodes of a selection, written in the selection language; no text is all of
// them. A mistake in it is a [RequestError].
func (d *Definitions) Select(texts ...string) (Filter, error) {
	if len(texts) == 0 {
		return nil, nil //nolint:nilnil // nil is all nodes
	}
	expr, err := selection.ParseAll(texts)
	if err != nil {
		return nil, &RequestError{err}
	}
	set, err := expr.Eval(newNodeGraph(d.nodes))
	if err != nil {
		return nil, &RequestError{err}
	}
	return set.Has, nil
}

// nodeGraph presents nodes to the selection language.
type nodeGraph struct {
	nodes    []Node
	byName   map[string][]int32
	up, down [][]int32
}

func newNodeGraph(nodes []Node) *nodeGraph {
	g := &nodeGraph{nodes: nodes, byName: make(map[string][]int32, len(nodes)), up: make([][]int32, len(nodes)), down: make([][]int32, len(nodes))}
	for i := range nodes {
		if g.byName[nodes[i].Name] == nil { // two locations may use one name
			g.byName[nodes[i].Name] = []int32{int32(i)}
		}
	}
	for i := range nodes {
		for _, name := range nodes[i].Upstream {
			for _, u := range g.byName[name] {
				g.up[i] = append(g.up[i], u)
				g.down[u] = append(g.down[u], int32(i))
			}
		}
	}
	made := map[string][]int32{}
	for i := range nodes {
		if by := nodes[i].Definition; by != "" && g.byName[by] == nil { // an asset's own name is its own
			made[by] = append(made[by], int32(i))
		}
	}
	maps.Copy(g.byName, made)
	return g
}

func (g *nodeGraph) Len() int                 { return len(g.nodes) }
func (g *nodeGraph) Name(i int) string        { return g.nodes[i].Name }
func (g *nodeGraph) Definition(i int) string  { return cmp.Or(g.nodes[i].Definition, g.nodes[i].Name) }
func (g *nodeGraph) Group(i int) string       { return g.nodes[i].Group }
func (g *nodeGraph) Kinds(i int) []string     { return g.nodes[i].Kinds }
func (g *nodeGraph) Owners(i int) []string    { return g.nodes[i].Owners }
func (g *nodeGraph) Upstream(i int) []int32   { return g.up[i] }
func (g *nodeGraph) Downstream(i int) []int32 { return g.down[i] }
func (g *nodeGraph) Named(n string) []int32   { return g.byName[n] }

func (g *nodeGraph) Tag(i int, key string) (string, bool) {
	v, ok := g.nodes[i].Tags[key]
	return v, ok
}
