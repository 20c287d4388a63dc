package plan_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
)

// randomGraph has assets, multi-assets, tasks, externals and graph assets of two tasks.
func randomGraph(t *rapid.T) *graph.Graph {
	var nodes []graph.Node
	var made []string // what a later node may read
	read := func(n *graph.Node) {
		for range rapid.IntRange(0, 3).Draw(t, "inputs") {
			if len(made) > 0 {
				n.Inputs = append(n.Inputs, graph.Input{From: rapid.SampledFrom(made).Draw(t, "from")})
			}
		}
	}
	for i := range rapid.IntRange(0, 12).Draw(t, "definitions") {
		name := fmt.Sprintf("n%d", i)
		n := graph.Node{Name: name, Definition: name, Outputs: []graph.Output{{Name: name, Asset: true}}}
		if rapid.IntRange(0, 4).Draw(t, "in process") == 0 {
			n.Settings = &graph.Settings{HasExecutor: true, Executor: executor.InProcess()}
		}
		switch rapid.SampledFrom([]string{"asset", "asset", "multi", "task", "external", "graph"}).Draw(t, "kind") {
		case "multi":
			n.Kind, n.Outputs = graph.MultiAsset, []graph.Output{{Name: name + ".x", Asset: true}, {Name: name + ".y", Asset: true}}
		case "task":
			n.Kind, n.Outputs[0].Asset = graph.Task, false
		case "external":
			n.Kind = graph.External
		case "graph":
			inner := graph.Node{Name: name + "/a", Definition: name, Kind: graph.GraphTask, Outputs: []graph.Output{{Name: name + "/a", Inner: true}}}
			read(&inner)
			nodes = append(nodes, inner)
			n.Name, n.Kind, n.Inputs = name+"/b", graph.GraphTask, []graph.Input{{From: name + "/a"}}
		}
		if n.Kind != graph.External {
			read(&n)
		}
		for _, out := range n.Outputs {
			made = append(made, out.Name)
		}
		nodes = append(nodes, n)
	}
	g, faults := graph.Build(nodes)
	if len(faults) > 0 {
		t.Fatalf("faults: %+v", faults)
	}
	return g
}

func randomOptions(t *rapid.T, g *graph.Graph) plan.Options {
	o := plan.Options{Workers: rapid.IntRange(1, 8).Draw(t, "workers"), IncludeUpstream: rapid.Bool().Draw(t, "upstream")}
	if rapid.Bool().Draw(t, "selects") {
		o.Selected = make([]bool, g.Items().Len())
		for i := range o.Selected {
			o.Selected[i] = rapid.IntRange(0, 2).Draw(t, "selected") == 0
		}
	}
	switch rapid.IntRange(0, 2).Draw(t, "executor") {
	case 1:
		o.Executor = executor.InProcess()
	case 2:
		o.Executor = executor.Parallel(9)
	}
	return o
}

// wanted is the naive model: a node is planned if the rules of semantics say so of it or of what
// it is needed for, asked again until nothing changes.
func wanted(g *graph.Graph, o plan.Options) map[int32]bool {
	in := map[int32]bool{}
	items := g.Items()
	for i := range items.Len() {
		out, n := g.Output(items.Output(i))
		if o.Selected == nil && out.Asset || o.Selected != nil && o.Selected[i] {
			in[n] = true
		}
	}
	for before := -1; before != len(in); {
		before = len(in)
		for n := range int32(g.Len()) {
			for _, d := range g.Down(n) {
				task := g.Node(n).Kind == graph.Task
				whole := g.Node(n).Definition == g.Node(d).Definition
				if in[d] && g.Node(d).Kind != graph.External && (whole || o.IncludeUpstream || o.Selected == nil && task) {
					in[n] = true
				}
			}
		}
	}
	for n := range in {
		if g.Node(n).Kind == graph.External {
			delete(in, n)
		}
	}
	return in
}

func TestPlanIsThatOfTheNaiveModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := randomGraph(t)
		o := randomOptions(t, g)
		p := plan.New(g, o)
		want := wanted(g, o)
		if len(p.Steps) != len(want) {
			t.Fatalf("%d steps, want %d", len(p.Steps), len(want))
		}
		for n := range int32(g.Len()) {
			s, planned := p.StepOf(n)
			if planned != want[n] || planned && p.Steps[s].Node != n {
				t.Fatalf("node %s: step %d, planned %v, want %v", g.Node(n).Name, s, planned, want[n])
			}
			if planned {
				checkReason(t, p, s, o)
				checkPersist(t, p, s, o)
				checkLane(t, p, s, o)
			}
		}
		checkOrder(t, p)
		if workers := o.Executor.Workers(); o.Executor.Kind() == executor.KindParallel && p.Capacity[plan.Parallel] != workers {
			t.Fatalf("%d workers, the executor has %d", p.Capacity[plan.Parallel], workers)
		}
	})
}

// checkOrder requires that every planned upstream stands before its step, and that waits, downs and
// the recorded plan say the same.
func checkOrder(t *rapid.T, p *plan.Plan) {
	record := p.Record()
	for s := range int32(len(p.Steps)) {
		var ups, readers []int32
		for _, u := range p.Graph.Up(p.Steps[s].Node) {
			if up, planned := p.StepOf(u); planned {
				ups = append(ups, up)
			}
		}
		for _, d := range p.Graph.Down(p.Steps[s].Node) {
			if down, planned := p.StepOf(d); planned {
				readers = append(readers, down)
			}
		}
		if slices.ContainsFunc(ups, func(up int32) bool { return up >= s }) {
			t.Fatalf("step %d waits for %v", s, ups)
		}
		if int(p.Waits(s)) != len(ups) || !slices.Equal(record[s].After, ups) || !slices.Equal(p.Down(s), readers) {
			t.Fatalf("step %d waits for %d, its record for %v, %v wait for it; want %v and %v", s, p.Waits(s), record[s].After, p.Down(s), ups, readers)
		}
		if record[s].Key != p.Key(s) || p.Key(s) != p.Graph.Node(p.Steps[s].Node).Name {
			t.Fatalf("step %d: key %q, its record %q", s, p.Key(s), record[s].Key)
		}
	}
}

// checkReason requires the strongest reason that holds.
func checkReason(t *rapid.T, p *plan.Plan, s int32, o plan.Options) {
	g, n := p.Graph, p.Steps[s].Node
	named, asset := false, false
	for m := range int32(g.Len()) { // the tasks of a graph asset have the reason of their asset
		if g.Node(m).Definition != g.Node(n).Definition {
			continue
		}
		for pos := range g.Node(m).Outputs {
			i := g.Items().Of(g.OutputAt(m, pos))
			named = named || i >= 0 && o.Selected != nil && o.Selected[i]
			asset = asset || g.Node(m).Outputs[pos].Asset
		}
	}
	want := plan.Needed
	switch {
	case named:
		want = plan.Selected
	case o.Selected == nil && asset:
		want = plan.Everything
	case o.IncludeUpstream:
		want = plan.Upstream
	}
	if p.Steps[s].Why != want {
		t.Fatalf("step %q: %s, want %s", p.Key(s), p.Steps[s].Why, want)
	}
}

// checkPersist requires that a multi-asset of which something is selected keeps that, and what an
// included step reads; every other node keeps everything.
func checkPersist(t *rapid.T, p *plan.Plan, s int32, o plan.Options) {
	g, n := p.Graph, p.Steps[s].Node
	outputs := g.Node(n).Outputs
	keep := make([]bool, len(outputs))
	chosen := false
	for pos := range outputs {
		v := g.OutputAt(n, pos)
		if i := g.Items().Of(v); i >= 0 && o.Selected != nil && o.Selected[i] {
			keep[pos], chosen = true, true
		}
		for _, d := range p.Down(s) {
			if o.IncludeUpstream && slices.Contains(g.From(p.Steps[d].Node), v) {
				keep[pos] = true
			}
		}
	}
	for pos := range outputs {
		want := keep[pos] || !chosen || g.Node(n).Kind != graph.MultiAsset
		if p.Wanted(s, pos) != want {
			t.Fatalf("step %q: keeps output %d: %v, want %v", p.Key(s), pos, p.Wanted(s, pos), want)
		}
	}
	if p.Steps[s].Persist != nil && !slices.Contains(p.Steps[s].Persist, false) {
		t.Fatalf("step %q: all outputs are wanted, so Persist is nil", p.Key(s))
	}
}

func checkLane(t *rapid.T, p *plan.Plan, s int32, o plan.Options) {
	node := p.Graph.Node(p.Steps[s].Node)
	want := plan.Parallel
	if node.HasExecutor || o.Executor.Kind() == executor.KindInProcess {
		want = plan.InProcess
	}
	if p.Steps[s].Lane != want {
		t.Fatalf("step %q: lane %d, want %d", p.Key(s), p.Steps[s].Lane, want)
	}
}
