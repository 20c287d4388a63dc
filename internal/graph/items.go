package graph

import "slices"

// items are what people select: assets and tasks, in topological order of their nodes.
type items struct {
	outputs  []int32          // output of each item
	of       []int32          // item of each output, -1 for inner values
	numbers  []int32          // of the items, from zero: answers are parts of it
	multis   map[string]int32 // node of each multi-asset
	up, down edges
}

// Items is the graph as the selection language sees it: assets and tasks by index, with the
// edges between them; what happens inside a graph asset is folded into its item.
type Items struct{ g *Graph }

// Items returns the view of assets and tasks.
func (g *Graph) Items() Items { return Items{g} }

func (g *Graph) makeItems() items {
	it := items{of: make([]int32, len(g.outputs)), outputs: make([]int32, 0, len(g.outputs))}
	it.multis = map[string]int32{}
	tasks := map[string][]int32{} // the nodes of each graph asset
	for n := range int32(len(g.nodes)) {
		switch node := g.Node(n); node.Kind {
		case GraphTask:
			tasks[node.Definition] = append(tasks[node.Definition], n)
		case MultiAsset:
			it.multis[node.Definition] = n
		}
	}
	for v := range g.outputs {
		it.of[v] = -1
		if out, _ := g.Output(int32(v)); !out.Inner {
			it.of[v] = int32(len(it.outputs))
			it.numbers = append(it.numbers, it.of[v])
			it.outputs = append(it.outputs, int32(v))
		}
	}
	it.up = edges{start: make([]int32, 1, len(it.outputs)+1), to: make([]int32, 0, len(g.up.to))}
	for _, v := range it.outputs {
		own := g.outputs[v].node
		nodes := []int32{own}
		if node := g.Node(own); node.Kind == GraphTask {
			nodes = tasks[node.Definition]
		}
		first := len(it.up.to)
		for _, n := range nodes {
			it.up.to = g.appendItemsRead(it.up.to, &it, n)
		}
		mine := it.up.to[first:]
		slices.Sort(mine)
		it.up.to = it.up.to[:first+len(slices.Compact(mine))]
		it.up.start = append(it.up.start, int32(len(it.up.to)))
	}
	it.down = it.up.reverse()
	return it
}

// appendItemsRead appends the items that a node reads.
func (g *Graph) appendItemsRead(reads []int32, it *items, n int32) []int32 {
	for k, v := range g.From(n) {
		if v < 0 || g.nodes[n].Inputs[k].Mode == Self {
			continue
		}
		if item := it.of[v]; item >= 0 {
			reads = append(reads, item)
		}
	}
	return reads
}

// Len returns the number of items.
func (it Items) Len() int { return len(it.g.items.outputs) }

// Output returns the output that item i stands for.
func (it Items) Output(i int) int32 { return it.g.items.outputs[i] }

// Of returns the item that output v is, or -1 for a value inside a graph asset.
func (it Items) Of(v int32) int { return int(it.g.items.of[v]) }

// Name returns the name of item i.
func (it Items) Name(i int) string { return it.output(i).Name }

// Definition returns the name of what makes item i: its own, or that of a multi-asset.
func (it Items) Definition(i int) string {
	return it.g.Node(it.g.outputs[it.g.items.outputs[i]].node).Definition
}

// Group returns the group of item i, empty for none.
func (it Items) Group(i int) string { return it.output(i).Attrs.Group }

// Kinds returns the kinds of item i.
func (it Items) Kinds(i int) []string { return it.output(i).Attrs.Kinds }

// Tag returns the value of a tag of item i.
func (it Items) Tag(i int, key string) (string, bool) {
	v, ok := it.output(i).Attrs.Tags[key]
	return v, ok
}

// Owners returns the owners of item i.
func (it Items) Owners(i int) []string { return it.output(i).Attrs.Owners }

// Upstream returns the items that item i reads or waits for.
func (it Items) Upstream(i int) []int32 { return it.g.items.up.of(int32(i)) }

// Downstream returns the items that read or wait for item i.
func (it Items) Downstream(i int) []int32 { return it.g.items.down.of(int32(i)) }

// Lookup returns the item of that name.
func (it Items) Lookup(name string) (int, bool) {
	v, ok := it.g.byName[name]
	if !ok || it.g.items.of[v] < 0 {
		return 0, false
	}
	return int(it.g.items.of[v]), true
}

// Named returns the item of that name, else those that the multi-asset of that name makes. The
// caller must not change the answer.
func (it Items) Named(name string) []int32 {
	if i, ok := it.Lookup(name); ok {
		return it.g.items.numbers[i : i+1]
	}
	n, ok := it.g.items.multis[name]
	if !ok {
		return nil
	}
	first := it.g.items.of[it.g.first[n]] // its outputs have numbers in a row, and none is inside anything
	return it.g.items.numbers[first : int(first)+len(it.g.nodes[n].Outputs)]
}

func (it Items) output(i int) *Output {
	out, _ := it.g.Output(it.g.items.outputs[i])
	return out
}
