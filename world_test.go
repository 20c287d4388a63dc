package rivers

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
)

// world builds definitions by hand, as a repository does.
type world struct {
	resources map[string]any
	faults    []string
	nodes     []graph.Node
}

// build builds the nodes of all definitions and notes their faults as "name: at: message".
func (w *world) build(defs ...Node) *world {
	values := map[string]*define.Output{}
	scope := define.Scope{Value: func(name string) *define.Output { return values[name] }, Resources: w.resources}
	for _, n := range defs {
		d := n.def()
		for i := range d.Outputs {
			values[d.Outputs[i].Name] = &d.Outputs[i]
		}
	}
	scope.Names = slices.Values(slices.AppendSeq(slices.Sorted(maps.Keys(values)), maps.Keys(w.resources)))
	for _, n := range defs {
		d := n.def()
		scope.Report = func(f fault.Fault) {
			line := d.Name + ": "
			if f.At != "" {
				line += f.At + ": "
			}
			w.faults = append(w.faults, line+f.Message)
		}
		for _, f := range d.Faults {
			scope.Report(f)
		}
		if d.Build != nil {
			w.nodes = d.Build(&scope, w.nodes)
		}
	}
	for i := range w.nodes {
		if w.nodes[i].Settings == nil { // as graph.Build does
			w.nodes[i].Settings = &graph.Settings{}
		}
	}
	return w
}

// node returns the node of that name.
func (w *world) node(t testing.TB, name string) *graph.Node {
	t.Helper()
	for i := range w.nodes {
		if w.nodes[i].Name == name {
			return &w.nodes[i]
		}
	}
	t.Fatalf("there is no node %q", name)
	return nil
}

// invoke makes the invocation of a node's step.
func invoke(t testing.TB, n *graph.Node) *graph.Invocation {
	t.Helper()
	return &graph.Invocation{Context: t.Context(), Run: &graph.Run{ID: "run", Job: "job"}, Node: n, Step: n.Name, Attempt: 1}
}

// call runs a node's body.
func (w *world) call(t testing.TB, name string, args ...any) (graph.Result, *graph.Invocation, error) {
	t.Helper()
	if len(w.faults) > 0 {
		t.Fatalf("faults: %q", w.faults)
	}
	n := w.node(t, name)
	inv := invoke(t, n)
	if n.DecodeConfig != nil {
		cfg, err := n.DecodeConfig(nil)
		if err != nil {
			t.Fatal(err)
		}
		inv.Config = cfg
	}
	res, err := n.Call(inv, args)
	return res, inv, err
}

var _ context.Context = (*AssetContext)(nil)
