package graph

import (
	"slices"
	"strings"
)

// FaultKind says what is wrong with a graph.
type FaultKind uint8

// The faults that Build finds.
const (
	// DuplicateName is an output name that an earlier node has already.
	DuplicateName FaultKind = iota
	// UnknownUpstream is an input that reads a name nobody makes.
	UnknownUpstream
	// Cycle is a set of nodes that wait for each other.
	Cycle
)

// Fault is one mistake, as data: who reports it knows where the definition stands.
type Fault struct {
	Kind FaultKind
	// Node is the index, in the order given to Build, of the node at fault.
	Node int
	// Other is the node that had a duplicate name first.
	Other int
	// Input is the input of an unknown upstream; Name the name in question.
	Input int
	Name  string
	// Members are the definitions on a cycle, in the order of the walk.
	Members []string
}

// Build numbers, connects and sorts nodes. The slice is taken over and reordered. With faults
// there is no graph.
func Build(nodes []Node) (*Graph, []Fault) {
	byName, faults := nameOutputs(nodes)
	ups, more := connect(nodes, byName)
	if faults = append(faults, more...); len(faults) > 0 {
		return nil, faults
	}
	order, rest := sortTopologically(ups)
	if len(rest) > 0 {
		return nil, cycles(nodes, ups, rest)
	}
	return assemble(nodes, ups, order), nil
}

// nameOutputs maps every output's name to its node, in the order given.
func nameOutputs(nodes []Node) (map[string]int32, []Fault) {
	byName := make(map[string]int32, len(nodes))
	var faults []Fault
	for i := range nodes {
		for o := range nodes[i].Outputs {
			name := nodes[i].Outputs[o].Name
			if first, taken := byName[name]; taken {
				faults = append(faults, Fault{Kind: DuplicateName, Node: i, Other: int(first), Name: name})
				continue
			}
			byName[name] = int32(i)
		}
	}
	return byName, faults
}

// connect finds the nodes that each node waits for.
func connect(nodes []Node, byName map[string]int32) (edges, []Fault) {
	e := edges{start: make([]int32, 1, len(nodes)+1)}
	var faults []Fault
	for i := range nodes {
		first := len(e.to)
		for k := range nodes[i].Inputs {
			in := &nodes[i].Inputs[k]
			if in.Mode == Bound || in.Mode == Self {
				continue
			}
			from, ok := byName[in.From]
			if !ok {
				faults = append(faults, Fault{Kind: UnknownUpstream, Node: i, Input: k, Name: in.From})
				continue
			}
			e.to = append(e.to, from)
		}
		mine := e.to[first:]
		slices.Sort(mine)
		e.to = e.to[:first+len(slices.Compact(mine))]
		e.start = append(e.start, int32(len(e.to)))
	}
	return e, faults
}

// sortTopologically orders nodes after what they wait for, the earliest defined first among those
// that are free; rest are the nodes on or behind a cycle.
func sortTopologically(ups edges) (order, rest []int32) {
	n := len(ups.start) - 1
	downs := ups.reverse()
	waits := make([]int32, n)
	order = make([]int32, 0, n)
	var free minHeap
	for i := range int32(n) {
		if waits[i] = int32(len(ups.of(i))); waits[i] == 0 {
			free = append(free, i) // ascending, so a heap already
		}
	}
	for len(free) > 0 {
		i := free.pop()
		order = append(order, i)
		for _, d := range downs.of(i) {
			if waits[d]--; waits[d] == 0 {
				free.push(d)
			}
		}
	}
	if len(order) < n {
		for i := range int32(n) {
			if waits[i] > 0 {
				rest = append(rest, i)
			}
		}
	}
	return order, rest
}

// cycles names the members of every cycle among rest, and only them: the components that are
// strongly connected, each walked from its earliest member.
func cycles(nodes []Node, ups edges, rest []int32) []Fault {
	var faults []Fault
	for _, comp := range components(ups, rest) {
		slices.Sort(comp)
		var members []string
		named := make(map[string]bool, len(comp)) // tasks of one graph asset share a definition
		for _, i := range comp {
			if name := nodes[i].Definition; !named[name] {
				named[name] = true
				members = append(members, name)
			}
		}
		faults = append(faults, Fault{Kind: Cycle, Node: int(comp[0]), Name: strings.Join(members, ", "), Members: members})
	}
	slices.SortFunc(faults, func(a, b Fault) int { return a.Node - b.Node })
	return faults
}

func assemble(nodes []Node, ups edges, order []int32) *Graph {
	place := make([]int32, len(nodes)) // where the node given at i ends up
	sorted := make([]Node, len(nodes))
	g := &Graph{nodes: sorted, byName: make(map[string]int32, len(nodes)), from: make([][]int32, len(nodes))}
	for at, i := range order {
		place[i] = int32(at)
		sorted[at] = nodes[i]
		g.first = append(g.first, int32(len(g.outputs)))
		for o := range nodes[i].Outputs {
			out := &sorted[at].Outputs[o]
			if out.Attrs == nil {
				out.Attrs = &Attrs{}
			}
			g.byName[out.Name] = int32(len(g.outputs))
			g.outputs = append(g.outputs, outputRef{int32(at), int32(o)})
		}
	}
	g.up = edges{start: make([]int32, 1, len(nodes)+1), to: make([]int32, 0, len(ups.to))}
	for at, i := range order {
		first := len(g.up.to)
		for _, u := range ups.of(i) {
			g.up.to = append(g.up.to, place[u])
		}
		slices.Sort(g.up.to[first:])
		g.up.start = append(g.up.start, int32(len(g.up.to)))
		g.from[at] = g.reads(int32(at))
	}
	g.down = g.up.reverse()
	g.items = g.makeItems()
	return g
}

// reads resolves the inputs of a node to outputs.
func (g *Graph) reads(n int32) []int32 {
	inputs := g.nodes[n].Inputs
	if len(inputs) == 0 {
		return nil
	}
	from := make([]int32, len(inputs))
	for k := range inputs {
		from[k] = -1
		switch inputs[k].Mode {
		case Bound:
		case Self:
			from[k] = g.byName[g.nodes[n].Outputs[0].Name]
		default:
			from[k] = g.byName[inputs[k].From] // upstreams stand before n, so they are named already
		}
	}
	return from
}
