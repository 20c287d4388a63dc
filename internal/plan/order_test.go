package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
)

// asset is a node of an asset that is divided, nil for one that is not.
func asset(name string, by partition.Definition, inputs ...graph.Input) graph.Node {
	return graph.Node{
		Name: name, Definition: name, Outputs: []graph.Output{{Name: name, Asset: true, Partitions: by}}, Inputs: inputs,
		Settings: &graph.Settings{Partitions: by},
	}
}

// reading is an input by a mapping, the zero Mapping for one that reads nothing divided.
func reading(from string, by partition.Mapping) graph.Input {
	in := graph.Input{From: from}
	if !by.IsZero() {
		in.Parts = &graph.Parts{Mapping: by}
	}
	return in
}

// act is the action "do" on an asset.
func act(name string, by partition.Definition, order iohandler.ActionOrder) graph.Node {
	return graph.Node{
		Name: name + "!do", Definition: name + "!do", Kind: graph.Action, Outputs: []graph.Output{{Name: name + "!do", Inner: true, Partitions: by}},
		Settings: &graph.Settings{Partitions: by, Action: &graph.ActionInfo{ActionSpec: iohandler.ActionSpec{Name: "do", Order: order}, Asset: name}},
	}
}

// waits says what waits for what, and by which mapping.
func waits(t *testing.T, nodes []graph.Node, acts []graph.Node) string {
	t.Helper()
	g, faults := graph.Build(nodes)
	if len(faults) > 0 {
		t.Fatalf("faults: %+v", faults)
	}
	plan.OrderActions(g, acts)
	var all []string
	for i := range acts {
		for _, in := range acts[i].Inputs {
			text := fmt.Sprintf("%s>%s", strings.TrimSuffix(in.From, "!do"), acts[i].Action.Asset)
			if in.Parts != nil {
				text += " " + in.Parts.Mapping.String()
			}
			all = append(all, text)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func TestActionsAreOrderedByPartition(t *testing.T) {
	days := partition.Daily(partition.Date(2026, 1, 1), partition.Until(partition.Date(2026, 1, 11)))
	weeks := partition.Weekly(partition.Date(2026, 1, 1), partition.Until(partition.Date(2026, 1, 31)))
	cells := partition.Multi(map[string]partition.Definition{"day": days, "shop": partition.Static("a", "b")})
	same, all := partition.Identity(), partition.AllPartitions()
	var none partition.Mapping
	multi := graph.Node{
		Name: "pair", Definition: "pair", Kind: graph.MultiAsset, Settings: &graph.Settings{Partitions: days},
		Outputs: []graph.Output{{Name: "a", Asset: true, Partitions: days}, {Name: "b", Asset: true, Partitions: days}},
	}
	check := graph.Node{Name: "a:ok", Definition: "a:ok", Kind: graph.Check, Outputs: []graph.Output{{Name: "a:ok"}}, Inputs: []graph.Input{reading("a", all)}}
	gated := graph.Input{From: "a:ok", Mode: graph.Gate}
	for _, c := range []struct {
		name  string
		nodes []graph.Node
		acts  []string // assets that take part
		up    string   // who waits for whom, upstream first
		down  string   // and downstream first
	}{
		{"the same day", []graph.Node{asset("a", days), asset("b", days, reading("a", same))}, []string{"a", "b"}, "a>b Identity()", "b>a Identity()"},
		{"the day before", []graph.Node{asset("a", days), asset("b", days, reading("a", partition.TimeOffset(-1)))}, []string{"a", "b"}, "a>b TimeOffset(-1)", "b>a TimeOffset(1)"},
		{"the days of a week", []graph.Node{asset("a", days), asset("b", weeks, reading("a", partition.Overlap()))}, []string{"a", "b"}, "a>b Overlap()", "b>a Overlap()"},
		{
			"the day of a cell",
			[]graph.Node{asset("a", days), asset("b", cells, reading("a", partition.MultiToSingle("day")))},
			[]string{"a", "b"},
			`a>b MultiToSingle("day")`, `b>a MultiToSingle("day")`,
		},
		{
			"some days, which says nothing from upstream",
			[]graph.Node{asset("a", days), asset("b", days, reading("a", partition.Specific(partition.SingleKey("2026-01-02"))))},
			[]string{"a", "b"},
			`a>b Specific("2026-01-02")`, "b>a AllPartitions()",
		},
		{"a whole one of days", []graph.Node{asset("a", days), asset("b", nil, reading("a", all))}, []string{"a", "b"}, "a>b AllPartitions()", "b>a AllPartitions()"},
		{"two whole ones", []graph.Node{asset("a", nil), asset("b", nil, reading("a", none))}, []string{"a", "b"}, "a>b", "b>a"},
		{
			"through one that takes no part",
			[]graph.Node{asset("a", days), asset("x", days, reading("a", same)), asset("b", days, reading("x", same))},
			[]string{"a", "b"},
			"a>b Identity()", "b>a Identity()",
		},
		{
			"through one, and once not the same day",
			[]graph.Node{asset("a", days), asset("x", days, reading("a", partition.TimeOffset(-1))), asset("b", days, reading("x", same))},
			[]string{"a", "b"},
			"a>b TimeOffset(-1)", "b>a TimeOffset(1)",
		},
		{
			"through one, and twice not the same day",
			[]graph.Node{asset("a", days), asset("x", days, reading("a", partition.TimeOffset(-1))), asset("b", days, reading("x", partition.TimeOffset(-1)))},
			[]string{"a", "b"},
			"a>b AllPartitions()", "b>a AllPartitions()",
		},
		{
			"by two ways that differ",
			[]graph.Node{asset("a", days), asset("x", days, reading("a", same)), asset("b", days, reading("x", same), reading("a", partition.TimeOffset(-1)))},
			[]string{"a", "b"},
			"a>b AllPartitions()", "b>a AllPartitions()",
		},
		{
			"through a whole one",
			[]graph.Node{asset("a", days), asset("x", nil, reading("a", all)), asset("b", days, reading("x", all))},
			[]string{"a", "b"},
			"a>b AllPartitions()", "b>a AllPartitions()",
		},
		{
			"what one function makes",
			[]graph.Node{multi, asset("c", days, reading("a", same))},
			[]string{"a", "b", "c"},
			"a>c Identity(), b>c Identity()", "c>a Identity(), c>b Identity()",
		},
		{
			"a check between them",
			[]graph.Node{asset("a", days), check, asset("b", days, reading("a", same), gated)},
			[]string{"a", "b"},
			"a>b Identity()", "b>a Identity()",
		},
		{
			"three in a row",
			[]graph.Node{asset("a", days), asset("b", days, reading("a", same)), asset("c", days, reading("b", same))},
			[]string{"a", "b", "c"},
			"a>b Identity(), b>c Identity()", "b>a Identity(), c>b Identity()",
		},
	} {
		for order, want := range map[iohandler.ActionOrder]string{iohandler.AnyOrder: "", iohandler.UpstreamFirst: c.up, iohandler.DownstreamFirst: c.down} {
			var acts []graph.Node
			for _, name := range c.acts {
				at := slices.IndexFunc(c.nodes, func(n graph.Node) bool { return n.Outputs[0].Name == name || n.Kind == graph.MultiAsset })
				for i := range c.nodes {
					if c.nodes[i].Name == name {
						at = i
					}
				}
				acts = append(acts, act(name, c.nodes[at].Partitions, order))
			}
			if got := waits(t, c.nodes, acts); got != want {
				t.Errorf("%s, %s: %s\nwant %s", c.name, order, got, want)
			}
		}
	}
}

// Whatever is related to a partition waits for it: by each way through assets that take no part, step by step. What
// is related by the same key all the way waits for nothing else.
func TestActionsWaitForAllThatIsRelated(t *testing.T) {
	days := partition.Daily(partition.Date(2026, 1, 1), partition.Until(partition.Date(2026, 1, 7)))
	space, err := partition.NewSpace(days, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), partition.Tables{})
	if err != nil {
		t.Fatal(err)
	}
	key := func(n int) partition.Key { return partition.SingleKey(fmt.Sprintf("2026-01-%02d", n)) }
	mappings := []partition.Mapping{
		partition.Identity(), partition.Identity(), partition.Identity(), partition.TimeOffset(-1), partition.TimeOffset(1), partition.Overlap(),
		partition.Subset(), partition.AllPartitions(), partition.Specific(key(2), key(5)),
	}
	rapid.Check(t, func(t *rapid.T) {
		var nodes, acts []graph.Node
		for i := range rapid.IntRange(2, 6).Draw(t, "assets") {
			n := asset(fmt.Sprintf("a%d", i), days)
			for up := range i {
				if rapid.Bool().Draw(t, "reads") {
					n.Inputs = append(n.Inputs, reading(nodes[up].Name, rapid.SampledFrom(mappings).Draw(t, "by")))
				}
			}
			if nodes = append(nodes, n); rapid.IntRange(0, 2).Draw(t, "takes part") > 0 {
				acts = append(acts, act(n.Name, days, rapid.SampledFrom([]iohandler.ActionOrder{iohandler.UpstreamFirst, iohandler.DownstreamFirst}).Draw(t, "order")))
			}
		}
		g, faults := graph.Build(nodes)
		if len(faults) > 0 {
			t.Fatalf("faults: %+v", faults)
		}
		plan.OrderActions(g, acts)
		part := map[string]*graph.Node{}
		for i := range acts {
			part[acts[i].Action.Asset] = &acts[i]
		}
		connect := func(m partition.Mapping) partition.Edge {
			edge, err := m.Connect(space, space)
			if err != nil {
				t.Fatal(err)
			}
			return edge
		}
		one, err := space.Set(key(rapid.IntRange(1, 6).Draw(t, "day")))
		if err != nil {
			t.Fatal(err)
		}
		of := map[string]graph.Node{}
		for _, n := range nodes {
			of[n.Name] = n
		}
		// needs follows what a day of an asset reads to the nearest assets that take part.
		var needs func(name string, set partition.Set, plain bool, found func(up string, set partition.Set, plain bool))
		needs = func(name string, set partition.Set, plain bool, found func(string, partition.Set, bool)) {
			for _, in := range of[name].Inputs {
				read, _ := connect(in.Parts.Mapping).Upstream(set)
				plain := plain && in.Parts.Mapping.Equal(partition.Identity())
				if part[in.From] != nil {
					found(in.From, read, plain)
				} else {
					needs(in.From, read, plain, found)
				}
			}
		}
		for _, n := range nodes {
			if part[n.Name] == nil {
				continue
			}
			related, plain := map[string]partition.Set{}, map[string]bool{}
			needs(n.Name, one, true, func(up string, set partition.Set, same bool) {
				_, seen := related[up]
				related[up], plain[up] = related[up].Union(set), same && (plain[up] || !seen)
			})
			for up, set := range related {
				first, second := part[up], part[n.Name]
				if second.Action.Order == iohandler.DownstreamFirst {
					first, second = second, first
				}
				at := slices.IndexFunc(second.Inputs, func(in graph.Input) bool { return in.From == first.Name })
				if at < 0 {
					t.Fatalf("%s does not wait for %s", second.Name, first.Name)
				}
				gate := connect(second.Inputs[at].Parts.Mapping)
				has := gate.Downstream(one) // of upstream's, what waits for this day
				if second.Action.Asset == n.Name {
					has, _ = gate.Upstream(one)
				}
				if !has.Contains(set) || plain[up] && !has.Equal(set) {
					t.Fatalf("%s of the day waits with %s of %s, want %s (exactly: %t)", n.Name, up, has, set, plain[up])
				}
			}
		}
	})
}
