package decidetest

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Draw returns the work of a random run: assets with and without partitions, mapped ones, pools,
// blocking checks.
func Draw(t *rapid.T) decide.Work {
	days := partition.Static("mon", "tue", "wed", "thu")
	if rapid.Bool().Draw(t, "undivided") {
		days = nil
	}
	nodes := drawNodes(t, days)
	nodes = append(nodes, drawChecks(t, nodes)...)
	plan.AddGates(nodes)
	g, faults := graph.Build(nodes)
	if len(faults) > 0 {
		t.Fatalf("faults: %v", faults)
	}
	p := plan.New(g, plan.Options{Workers: rapid.IntRange(1, 4).Draw(t, "workers")})
	for s := range p.Steps {
		p.Steps[s].Lane = rapid.SampledFrom([]plan.Lane{plan.Parallel, plan.Parallel, plan.InProcess, plan.Subprocess}).Draw(t, "lane")
	}
	if days == nil {
		return work(p, nil)
	}
	asked := rapid.SampledFrom([]string{"mon", "mon..wed", "tue,thu", "mon..thu"}).Draw(t, "asked")
	d := plan.NewPartitioning(p, time.Unix(0, 0), func(partition.Definition) (partition.Tables, error) { return partition.Tables{}, nil })
	cut, err := d.Assign(func(space partition.Space) (partition.Set, error) { return space.Select(asked) })
	if err != nil {
		t.Fatal(err)
	}
	return work(p, cut)
}

func drawNodes(t *rapid.T, days partition.Definition) []graph.Node {
	nodes := make([]graph.Node, rapid.IntRange(0, 10).Draw(t, "steps"))
	for i := range nodes {
		name := fmt.Sprintf("a%d", i)
		n := &nodes[i]
		*n = graph.Node{Name: name, Definition: name, Settings: &graph.Settings{}, Outputs: []graph.Output{{Name: name, Asset: true}}}
		if days != nil && rapid.IntRange(0, 3).Draw(t, "divided") > 0 {
			n.Partitions, n.Outputs[0].Partitions = days, days
		}
		for u := range i {
			if rapid.IntRange(0, 3).Draw(t, "edge") == 0 {
				n.Inputs = append(n.Inputs, graph.Input{From: nodes[u].Name, Parts: between(&nodes[u], n)})
			}
		}
		if pool := rapid.SampledFrom([]string{"", "", "db", "api"}).Draw(t, "pool"); pool != "" {
			n.Pools = []storage.PoolSlots{{Pool: pool, Slots: 1}}
		}
		if n.Partitions == nil && len(n.Inputs) > 0 && rapid.IntRange(0, 3).Draw(t, "mapped") == 0 {
			n.Map = &graph.Map{MaxConcurrency: rapid.IntRange(0, 3).Draw(t, "cap")}
		}
	}
	return nodes
}

func drawChecks(t *rapid.T, assets []graph.Node) []graph.Node {
	var checks []graph.Node
	for i := range assets {
		of := &assets[i]
		if of.Map != nil || rapid.IntRange(0, 3).Draw(t, "check") > 0 {
			continue
		}
		name := storage.CheckName(of.Name, "good")
		n := graph.Node{
			Name: name, Definition: name, Kind: graph.Check, Outputs: []graph.Output{{Name: name, Inner: true}},
			Settings: &graph.Settings{Check: &graph.CheckInfo{Asset: of.Name, Blocking: rapid.Bool().Draw(t, "blocking")}},
		}
		if of.Partitions != nil && rapid.Bool().Draw(t, "by partition") {
			n.Partitions, n.Outputs[0].Partitions = of.Partitions, of.Partitions
		}
		n.Inputs = []graph.Input{{From: of.Name, Parts: between(of, &n)}}
		checks = append(checks, n)
	}
	return checks
}

// between describes how one node reads another: the same partition, or all of them.
func between(up, down *graph.Node) *graph.Parts {
	switch {
	case up.Partitions == nil && down.Partitions == nil:
		return nil
	case up.Partitions == nil || down.Partitions == nil:
		return &graph.Parts{Mapping: partition.AllPartitions(), Multiple: func(p graph.PartitionLoader) any { return p }}
	}
	return &graph.Parts{Mapping: partition.Identity()}
}
