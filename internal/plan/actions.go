package plan

import "github.com/rivers-go/rivers/internal/graph"

// Actions plans every action of a graph, and nothing else of it: the assets to which they are done
// are there to be looked up.
func Actions(g *graph.Graph, o Options) *Plan {
	c := choice{g: g, why: make([]Reason, g.Len()), in: make([]bool, g.Len())}
	for n := range int32(g.Len()) {
		if g.Node(n).Kind == graph.Action {
			c.add(n, Selected)
		}
	}
	return c.plan(o)
}
