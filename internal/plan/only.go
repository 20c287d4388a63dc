package plan

import "github.com/rivers-go/rivers/internal/graph"

// Only returns a plan of the given nodes, in their order, with nothing between them: what a process
// knows that does one step of a run in another process. It costs the same however large the run is.
func Only(g *graph.Graph, nodes ...int32) *Plan {
	p := &Plan{
		Graph: g, Steps: make([]Step, len(nodes)), stepOf: make([]int32, g.Len()),
		downStart: make([]int32, len(nodes)+1), waits: make([]int32, len(nodes)),
	}
	for n := range p.stepOf {
		p.stepOf[n] = -1
	}
	for s, n := range nodes {
		p.Steps[s] = Step{Node: n, Class: -1, Mapped: g.Node(n).Map != nil}
		p.stepOf[n] = int32(s)
	}
	return p
}
