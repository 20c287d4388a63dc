package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/graph"
)

// randomNodes makes nodes with up to three outputs that read each other at random. With mess, also
// cycles, names that are taken, and names nobody makes.
func randomNodes(t *rapid.T, mess bool) []graph.Node {
	n := rapid.IntRange(0, 14).Draw(t, "nodes")
	nodes := make([]graph.Node, n)
	var made []string
	for i := range nodes {
		name := fmt.Sprintf("n%d", i)
		node := graph.Node{Name: name, Definition: name}
		switch rapid.SampledFrom([]string{"asset", "asset", "multi", "graph", "graph", "external", "task"}).Draw(t, "kind") {
		case "asset":
			node.Outputs = []graph.Output{{Name: name, Asset: true}}
		case "external":
			node.Kind, node.Outputs = graph.External, []graph.Output{{Name: name, Asset: true}}
		case "task":
			node.Kind, node.Outputs = graph.Task, []graph.Output{{Name: name}}
		case "multi":
			node.Kind = graph.MultiAsset
			for o := range rapid.IntRange(1, 3).Draw(t, "outputs") {
				node.Outputs = append(node.Outputs, graph.Output{Name: fmt.Sprintf("%s.%d", name, o), Asset: true})
			}
		case "graph":
			node.Kind, node.Outputs = graph.GraphTask, []graph.Output{{Name: name, Asset: true}}
			if i > 0 && nodes[i-1].Kind == graph.GraphTask { // the task before becomes one inside of this asset
				nodes[i-1].Outputs[0].Inner, nodes[i-1].Outputs[0].Asset = true, false
				for k := i - 1; k >= 0 && nodes[k].Kind == graph.GraphTask; k-- {
					nodes[k].Definition = name
				}
			}
		}
		nodes[i] = node
	}
	for i := range nodes {
		for _, o := range nodes[i].Outputs {
			made = append(made, o.Name)
		}
	}
	for i := range nodes {
		readSome(t, nodes, i, made, mess)
	}
	if mess {
		for i := range nodes {
			if rapid.IntRange(0, 11).Draw(t, "steal") == 0 {
				nodes[i].Outputs[0].Name = rapid.SampledFrom(made).Draw(t, "stolen")
			}
		}
	}
	return nodes
}

// readSome gives node i inputs: from earlier nodes of a hidden order, so that there is no cycle
// without mess though definitions stand in any order.
func readSome(t *rapid.T, nodes []graph.Node, i int, made []string, mess bool) {
	if nodes[i].Kind == graph.External && !mess {
		return
	}
	for range rapid.IntRange(0, 3).Draw(t, "inputs") {
		in := graph.Input{Mode: graph.InputMode(rapid.IntRange(0, 5).Draw(t, "mode"))}
		in.From = rapid.SampledFrom(made).Draw(t, "from")
		if mess && rapid.IntRange(0, 14).Draw(t, "nobody") == 0 {
			in.From = "nobody"
		}
		if !mess && hidden(maker(nodes, in.From)) >= hidden(i) && in.Mode != graph.Bound && in.Mode != graph.Self {
			continue
		}
		nodes[i].Inputs = append(nodes[i].Inputs, in)
	}
}

// hidden is the place of a node in an order that is not that of the definitions, though tasks of
// one graph asset need not stand together in it.
func hidden(i int) int { return (i*11 + 5) % 17 }

// maker returns the first node, in the order of definition, that makes the name, or -1.
func maker(nodes []graph.Node, name string) int {
	return slices.IndexFunc(nodes, func(n graph.Node) bool {
		return slices.ContainsFunc(n.Outputs, func(o graph.Output) bool { return o.Name == name })
	})
}

// waitsFor returns by node and node whether the one waits directly for the other.
func waitsFor(nodes []graph.Node) [][]bool {
	m := make([][]bool, len(nodes))
	for i := range nodes {
		m[i] = make([]bool, len(nodes))
		for _, in := range nodes[i].Inputs {
			if in.Mode != graph.Bound && in.Mode != graph.Self {
				if u := maker(nodes, in.From); u >= 0 {
					m[i][u] = true
				}
			}
		}
	}
	return m
}

// closed is the transitive closure, by Warshall.
func closed(m [][]bool) [][]bool {
	c := make([][]bool, len(m))
	for i := range m {
		c[i] = slices.Clone(m[i])
	}
	for k := range c {
		for i := range c {
			for j := range c {
				c[i][j] = c[i][j] || c[i][k] && c[k][j]
			}
		}
	}
	return c
}

// naiveFaults says in words what is wrong with the nodes.
func naiveFaults(nodes []graph.Node) []string {
	var said []string
	seen := map[string]int{}
	for i, n := range nodes {
		for _, o := range n.Outputs {
			if first, taken := seen[o.Name]; taken {
				said = append(said, fmt.Sprintf("node %d: %q is taken by %d", i, o.Name, first))
			} else {
				seen[o.Name] = i
			}
		}
	}
	for i, n := range nodes {
		for k, in := range n.Inputs {
			if _, ok := seen[in.From]; !ok && in.Mode != graph.Bound && in.Mode != graph.Self {
				said = append(said, fmt.Sprintf("node %d: input %d reads %q", i, k, in.From))
			}
		}
	}
	if len(said) > 0 {
		return said
	}
	reach := closed(waitsFor(nodes))
	done := make([]bool, len(nodes))
	for i := range nodes {
		if done[i] || !reach[i][i] {
			continue
		}
		var members []string
		for j := range nodes {
			if reach[i][j] && reach[j][i] {
				done[j] = true
				if !slices.Contains(members, nodes[j].Definition) {
					members = append(members, nodes[j].Definition)
				}
			}
		}
		said = append(said, fmt.Sprintf("node %d: a cycle of %s", i, strings.Join(members, ", ")))
	}
	return said
}

func words(faults []graph.Fault) []string {
	var said []string
	for _, f := range faults {
		switch f.Kind {
		case graph.DuplicateName:
			said = append(said, fmt.Sprintf("node %d: %q is taken by %d", f.Node, f.Name, f.Other))
		case graph.UnknownUpstream:
			said = append(said, fmt.Sprintf("node %d: input %d reads %q", f.Node, f.Input, f.Name))
		case graph.Cycle:
			said = append(said, fmt.Sprintf("node %d: a cycle of %s", f.Node, strings.Join(f.Members, ", ")))
		}
	}
	return said
}

// Every duplicate, every unknown name, and the members of every cycle and only they.
func TestFaultsAreThoseOfTheNaiveModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := randomNodes(t, true)
		want := naiveFaults(nodes)
		g, faults := graph.Build(slices.Clone(nodes))
		if got := words(faults); !slices.Equal(got, want) {
			t.Fatalf("faults\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if (g == nil) != (len(want) > 0) {
			t.Fatalf("graph %v with %d faults", g, len(want))
		}
	})
}

// The order is the one that always takes the earliest defined node whose upstreams are taken.
func TestOrderIsTopologicalAndThatOfDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := randomNodes(t, false)
		direct := waitsFor(nodes)
		g, faults := graph.Build(slices.Clone(nodes))
		if len(faults) > 0 {
			t.Fatalf("faults: %v", words(faults))
		}
		var want []int
		for len(want) < len(nodes) {
			for i := range nodes {
				if !slices.Contains(want, i) && free(direct[i], want) {
					want = append(want, i)
					break
				}
			}
		}
		place := make([]int32, len(nodes))
		for at, i := range want {
			place[i] = int32(at)
			if got := g.Node(int32(at)).Name; got != nodes[i].Name {
				t.Fatalf("place %d has %s, want %s of %v", at, got, nodes[i].Name, want)
			}
		}
		checkEdges(t, g, direct, place)
		checkInputs(t, g)
	})
}

// free reports whether everything waited for is taken.
func free(waits []bool, taken []int) bool {
	for u, waited := range waits {
		if waited && !slices.Contains(taken, u) {
			return false
		}
	}
	return true
}

func checkEdges(t *rapid.T, g *graph.Graph, direct [][]bool, place []int32) {
	ups, downs := make([][]int32, len(place)), make([][]int32, len(place))
	for i := range direct {
		for u, waited := range direct[i] {
			if waited {
				ups[place[i]] = append(ups[place[i]], place[u])
				downs[place[u]] = append(downs[place[u]], place[i])
			}
		}
	}
	for n := range ups {
		slices.Sort(ups[n])
		slices.Sort(downs[n])
		if !slices.Equal(g.Up(int32(n)), ups[n]) || !slices.Equal(g.Down(int32(n)), downs[n]) {
			t.Fatalf("node %d: up %v down %v, want %v and %v", n, g.Up(int32(n)), g.Down(int32(n)), ups[n], downs[n])
		}
	}
}

// checkInputs requires that names, outputs and positions say the same.
func checkInputs(t *rapid.T, g *graph.Graph) {
	count := 0
	for n := range int32(g.Len()) {
		node := g.Node(n)
		for pos := range node.Outputs {
			v, ok := g.Find(node.Outputs[pos].Name)
			if out, maker := g.Output(v); !ok || v != int32(count) || out != &node.Outputs[pos] || maker != n ||
				g.OutputAt(n, pos) != v || g.OutputPos(v) != pos || out.Attrs == nil {
				t.Fatalf("output %q: number %d, node %d, position %d", node.Outputs[pos].Name, v, maker, g.OutputPos(v))
			}
			count++
		}
		for k, v := range g.From(n) {
			want := node.Inputs[k].From
			switch node.Inputs[k].Mode {
			case graph.Bound:
				if v != -1 {
					t.Fatalf("node %d: a constant reads output %d", n, v)
				}
				continue
			case graph.Self:
				want = node.Outputs[0].Name
			}
			if out, _ := g.Output(v); out.Name != want {
				t.Fatalf("node %d: input %d reads %q, want %q", n, k, out.Name, want)
			}
		}
	}
	if count != g.Outputs() {
		t.Fatalf("%d outputs, want %d", g.Outputs(), count)
	}
}

// The items are what is no inner value; the edges of a graph asset are those of all its tasks.
func TestItemsAreThoseOfTheNaiveModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := randomNodes(t, false)
		g, _ := graph.Build(slices.Clone(nodes))
		it := g.Items()
		want := map[string][]string{}
		for _, n := range nodes {
			for _, o := range n.Outputs {
				if !o.Inner {
					want[o.Name] = nil
				}
			}
		}
		for _, n := range nodes {
			for _, in := range n.Inputs {
				if _, shown := want[in.From]; !shown || in.Mode == graph.Bound || in.Mode == graph.Self {
					continue
				}
				readers := []string{n.Definition}
				if n.Kind != graph.GraphTask {
					readers = nil
					for _, o := range n.Outputs {
						readers = append(readers, o.Name)
					}
				}
				for _, r := range readers {
					if !slices.Contains(want[r], in.From) {
						want[r] = append(want[r], in.From)
					}
				}
			}
		}
		if it.Len() != len(want) {
			t.Fatalf("%d items, want %d", it.Len(), len(want))
		}
		downs := map[string][]string{}
		for i := range it.Len() {
			checkItem(t, it, i, want[it.Name(i)])
			for _, u := range it.Upstream(i) {
				downs[it.Name(int(u))] = append(downs[it.Name(int(u))], it.Name(i))
			}
		}
		for i := range it.Len() {
			if got := names(it, it.Downstream(i)); !slices.Equal(got, downs[it.Name(i)]) {
				t.Fatalf("downstream of %s: %v, want %v", it.Name(i), got, downs[it.Name(i)])
			}
		}
	})
}

func checkItem(t *rapid.T, it graph.Items, i int, want []string) {
	name := it.Name(i)
	if at, ok := it.Lookup(name); !ok || at != i || it.Of(it.Output(i)) != i {
		t.Fatalf("item %d is %q, which is found at %d", i, name, at)
	}
	if own := it.Named(name); !slices.Equal(own, []int32{int32(i)}) {
		t.Fatalf("%q is the name of %v, want %d alone", name, own, i)
	}
	if by := it.Definition(i); by != name && !slices.Contains(names(it, it.Named(by)), name) {
		t.Fatalf("%s is made by %s, which makes %q", name, by, names(it, it.Named(by)))
	}
	got := names(it, it.Upstream(i))
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("upstream of %s: %v, want %v", name, got, want)
	}
}

func names(it graph.Items, items []int32) []string {
	var all []string
	for _, i := range items {
		all = append(all, it.Name(int(i)))
	}
	return all
}

// A long chain must not exhaust a stack, whether it is sorted or is one cycle.
func TestLongChainsAndCycles(t *testing.T) {
	const n = 200_000
	for _, cycle := range []bool{false, true} {
		nodes := make([]graph.Node, n)
		for i := range nodes {
			name := fmt.Sprint(i)
			nodes[i] = graph.Node{Name: name, Definition: name, Outputs: []graph.Output{{Name: name}}}
			if i > 0 || cycle {
				nodes[i].Inputs = []graph.Input{{From: fmt.Sprint((i + n - 1) % n)}}
			}
		}
		g, faults := graph.Build(nodes)
		if !cycle && (g == nil || g.Len() != n) {
			t.Fatalf("a chain: %d faults", len(faults))
		}
		if cycle && (len(faults) != 1 || len(faults[0].Members) != n) {
			t.Fatalf("a cycle: %d faults", len(faults))
		}
	}
}
