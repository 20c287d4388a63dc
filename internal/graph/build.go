package graph

import (
	"slices"
	"strings"
)

// FaultKind describes what is wrong with a graph.
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

// Build numbers, connects and sorts nodes. The slice is taken over and reordered in place: it is
// the largest part of a graph, and a second one would be in memory with it. With faults there is
// no graph.
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
	return assemble(nodes, byName, ups, order), nil
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

// assemble puts the nodes into their order and makes what is asked of a graph; byName is taken
// over.
func assemble(nodes []Node, byName map[string]int32, ups edges, order []int32) *Graph {
	place := make([]int32, len(nodes)) // where the node given at i ends up
	for at, i := range order {
		place[i] = int32(at)
	}
	g := &Graph{nodes: nodes, byName: byName}
	g.up = edges{start: make([]int32, 1, len(nodes)+1), to: make([]int32, 0, len(ups.to))}
	for _, i := range order {
		first := len(g.up.to)
		for _, u := range ups.of(i) {
			g.up.to = append(g.up.to, place[u])
		}
		slices.Sort(g.up.to[first:])
		g.up.start = append(g.up.start, int32(len(g.up.to)))
	}
	g.down = g.up.reverse()
	arrange(nodes, place)
	g.number()
	g.resolve()
	g.items = g.makeItems()
	return g
}

// arrange moves every node to its place, which it uses up: what is in the way is swapped onwards
// until the cycle is closed.
func arrange(nodes []Node, place []int32) {
	for i := range nodes {
		for place[i] != int32(i) {
			to := place[i]
			nodes[i], nodes[to] = nodes[to], nodes[i]
			place[i], place[to] = place[to], to
		}
	}
}

// number gives each output its number and fills in what may be left out.
func (g *Graph) number() {
	g.first = make([]int32, len(g.nodes))
	g.outputs = make([]outputRef, 0, len(g.byName))
	var attrs Attrs // of all that have none
	var settings Settings
	for n := range g.nodes {
		node := &g.nodes[n]
		if node.Settings == nil {
			node.Settings = &settings
		}
		g.first[n] = int32(len(g.outputs))
		for o := range node.Outputs {
			out := &node.Outputs[o]
			if out.Attrs == nil {
				out.Attrs = &attrs
			}
			g.byName[out.Name] = int32(len(g.outputs))
			g.outputs = append(g.outputs, outputRef{int32(n), int32(o)})
		}
	}
}

// resolve finds the output that each input reads.
func (g *Graph) resolve() {
	count := 0
	for n := range g.nodes {
		count += len(g.nodes[n].Inputs)
	}
	g.from = edges{start: make([]int32, 1, len(g.nodes)+1), to: make([]int32, 0, count)}
	for n := range g.nodes {
		node := &g.nodes[n]
		for k := range node.Inputs {
			from := int32(-1)
			switch in := &node.Inputs[k]; in.Mode {
			case Bound:
			case Self:
				from = g.byName[node.Outputs[0].Name]
			default:
				from = g.byName[in.From]
			}
			g.from.to = append(g.from.to, from)
		}
		g.from.start = append(g.from.start, int32(len(g.from.to)))
	}
}
