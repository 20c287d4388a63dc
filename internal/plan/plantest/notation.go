// Package plantest lets tests of plans and runs be read without Go: a notation for graphs, and
// scripts of questions and answers. Only tests import it.
//
// A graph is written as lines of arrows, what an arrow leaves is read by what it reaches:
//
//	raw -> users -> report              # three assets
//	users, orders -> joined             # joined reads both
//	raw -> split(orders, rejects)       # a multi-asset and its two assets
//	raw -> totals/sort -> totals/sum(totals)   # a graph asset: its last task makes the asset
//	external landing -> task clean      # kinds stand before the name
//	list -> each map 3 in_process       # mapped, at most 3 instances at once; its own executor
//	load pool db=2 pool api             # holds slots of pools while it runs
//	self state                          # reads what it made before
//	users -> users:unique blocking      # a check of users, which what reads users waits for
//	users by days -> week by halves     # partitioned: by days (mon to sat) or halves (3 days)
//
// Nodes are defined in the order in which they are first mentioned.
package plantest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Nodes reads the notation. Names are not looked up: that is Build's task.
func Nodes(text string) ([]graph.Node, error) {
	r := reader{at: map[string]int{}, partitionDefinitions: newPartitionDefinitions()}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		if err := r.line(line); err != nil {
			return nil, fmt.Errorf("line %d, %q: %w", n, strings.TrimSpace(line), err)
		}
	}
	r.connect()
	plan.AddGates(r.nodes)
	return r.nodes, nil
}

// Graph is Nodes and Build.
func Graph(text string) (*graph.Graph, error) {
	nodes, err := Nodes(text)
	if err != nil {
		return nil, err
	}
	g, faults := graph.Build(nodes)
	if len(faults) > 0 {
		return nil, fmt.Errorf("a graph with faults: %+v", faults)
	}
	return g, nil
}

type reader struct {
	partitionDefinitions

	nodes []graph.Node
	at    map[string]int // node by its name and by those of its outputs
}

func (r *reader) line(line string) error {
	var ups []string
	for segment := range strings.SplitSeq(line, "->") {
		var made []string
		for _, term := range terms(segment) {
			node, outputs, err := r.term(term)
			if err != nil {
				return err
			}
			made = append(made, outputs...)
			for _, up := range ups {
				r.nodes[node].Inputs = append(r.nodes[node].Inputs, graph.Input{Field: up, From: up})
			}
		}
		ups = made
	}
	return nil
}

// terms splits at the commas outside of parentheses.
func terms(segment string) []string {
	depth := 0
	return strings.FieldsFunc(segment, func(c rune) bool {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
		return c == ',' && depth == 0
	})
}

// term reads one node, and returns it with the outputs that an arrow takes from it.
func (r *reader) term(term string) (at int, outputs []string, err error) {
	term = strings.TrimSpace(term)
	kinds := map[string]graph.Kind{"external": graph.External, "task": graph.Task, "bash": graph.BashTask}
	kind, self := graph.Asset, false
	word, rest, more := strings.Cut(term, " ")
	if k, ok := kinds[word]; ok && more {
		kind, term = k, rest
	} else if word == "self" && more {
		self, term = true, rest
	}
	name := strings.TrimSpace(term)
	var attrs string
	if closing := strings.Index(name, ")"); closing >= 0 {
		name, attrs = name[:closing], name[closing+1:]
	} else {
		name, attrs, _ = strings.Cut(name, " ")
	}
	name, list, several := strings.Cut(name, "(")
	if several {
		for out := range strings.SplitSeq(list, ",") {
			outputs = append(outputs, strings.TrimSpace(out))
		}
	}
	at, known := r.at[name]
	if !known {
		at = r.define(name, outputs, kind)
	}
	if self {
		r.nodes[at].Inputs = append(r.nodes[at].Inputs, graph.Input{Field: "Prior", Mode: graph.Self})
	}
	if !several {
		outputs = []string{name}
		if r.nodes[at].Name == name {
			outputs = nil
			for _, o := range r.nodes[at].Outputs {
				outputs = append(outputs, o.Name)
			}
		}
	}
	return at, outputs, r.attributes(&r.nodes[at], attrs)
}

func (r *reader) define(name string, outputs []string, kind graph.Kind) int {
	node := graph.Node{Name: name, Definition: name, Kind: kind, Settings: &graph.Settings{}}
	asset, task, inside := strings.Cut(name, "/")
	switch {
	case inside && task != "":
		node.Kind, node.Definition = graph.GraphTask, asset
	case len(outputs) > 0:
		node.Kind = graph.MultiAsset
	}
	inner := inside && len(outputs) == 0
	if judged, _, isCheck := storage.SplitCheck(name); isCheck {
		node.Kind, inner, node.Check = graph.Check, true, &graph.CheckInfo{Asset: judged}
	}
	if len(outputs) == 0 {
		outputs = []string{name}
	}
	for _, out := range outputs {
		isAsset := !inner && kind != graph.Task && kind != graph.BashTask
		node.Outputs = append(node.Outputs, graph.Output{Name: out, Asset: isAsset, Inner: inner})
	}
	at := len(r.nodes)
	r.nodes = append(r.nodes, node)
	for _, key := range append([]string{name}, outputs...) {
		if _, taken := r.at[key]; !taken {
			r.at[key] = at
		}
	}
	return at
}

// attributes reads what stands behind a name.
func (r *reader) attributes(node *graph.Node, text string) error {
	words := strings.Fields(text)
	for len(words) > 0 {
		switch word := words[0]; {
		case word == "in_process":
			node.Executor, node.HasExecutor = executor.InProcess(), true
		case word == "parallel":
			node.Executor, node.HasExecutor = executor.Parallel(1), true
		case word == "subprocess":
			node.Executor, node.HasExecutor = executor.Subprocess(1), true
		case word == "pool" && len(words) > 1:
			name, count, counted := strings.Cut(words[1], "=")
			slots := 1
			if counted {
				var err error
				if slots, err = strconv.Atoi(count); err != nil {
					return err
				}
			}
			node.Pools = append(node.Pools, storage.PoolSlots{Pool: name, Slots: slots})
			words = words[1:]
		case word == "by" && len(words) > 1:
			by, known := map[string]partition.Definition{"days": r.days, "halves": r.halves}[words[1]]
			if !known {
				return fmt.Errorf("by %q: want days or halves", words[1])
			}
			node.Partitions = by
			for o := range node.Outputs {
				node.Outputs[o].Partitions = by
			}
			words = words[1:]
		case word == "blocking" && node.Check != nil:
			node.Check.Blocking = true
		case word == "map":
			node.Map = &graph.Map{}
			if len(words) > 1 {
				if most, err := strconv.Atoi(words[1]); err == nil {
					node.Map.MaxConcurrency = most
					words = words[1:]
				}
			}
		default:
			return fmt.Errorf("%q behind a name: want in_process, parallel, subprocess, pool, map, by or, of a check, blocking", word)
		}
		words = words[1:]
	}
	return nil
}
