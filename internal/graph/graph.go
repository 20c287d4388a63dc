package graph

import "slices"

// Graph is a built graph. Nodes are in topological order.
type Graph struct {
	nodes   []Node
	outputs []outputRef
	first   []int32 // number of each node's first output
	byName  map[string]int32
	// from has the output read by each input of a node, -1 for a constant.
	from edges
	// up and down are edges between nodes, sorted, without repeats.
	up, down edges
	items    items
}

type outputRef struct{ node, out int32 }

// Len returns the number of nodes.
func (g *Graph) Len() int { return len(g.nodes) }

// Node returns node n; the caller must not change it.
func (g *Graph) Node(n int32) *Node { return &g.nodes[n] }

// Up returns the nodes that n waits for.
func (g *Graph) Up(n int32) []int32 { return g.up.of(n) }

// Down returns the nodes that wait for n.
func (g *Graph) Down(n int32) []int32 { return g.down.of(n) }

// Outputs returns the number of outputs of all nodes.
func (g *Graph) Outputs() int { return len(g.outputs) }

// Output returns output v and the node that makes it.
func (g *Graph) Output(v int32) (*Output, int32) {
	ref := g.outputs[v]
	return &g.nodes[ref.node].Outputs[ref.out], ref.node
}

// OutputPos returns the position of output v among the outputs of its node.
func (g *Graph) OutputPos(v int32) int { return int(g.outputs[v].out) }

// OutputAt returns the number of the output at position pos of node n.
func (g *Graph) OutputAt(n int32, pos int) int32 { return g.first[n] + int32(pos) }

// Find returns the output of that name.
func (g *Graph) Find(name string) (int32, bool) {
	v, ok := g.byName[name]
	return v, ok
}

// FindNode returns the node of that name. It looks at one after another.
func (g *Graph) FindNode(name string) (int32, bool) {
	for n := range g.nodes {
		if g.nodes[n].Name == name {
			return int32(n), true
		}
	}
	return 0, false
}

// From returns the output that each input of n reads, -1 for a constant.
func (g *Graph) From(n int32) []int32 { return g.from.of(n) }

// edges is a list of lists in two slices.
type edges struct {
	start []int32
	to    []int32
}

func (e edges) of(n int32) []int32 { return e.to[e.start[n]:e.start[n+1]] }

// reverse returns the same edges read the other way.
func (e edges) reverse() edges {
	n := len(e.start) - 1
	r := edges{start: make([]int32, n+1), to: make([]int32, len(e.to))}
	for _, t := range e.to {
		r.start[t+1]++
	}
	for i := range n {
		r.start[i+1] += r.start[i]
	}
	next := slices.Clone(r.start[:n])
	for i := range int32(n) {
		for _, t := range e.of(i) {
			r.to[next[t]] = i
			next[t]++
		}
	}
	return r
}
