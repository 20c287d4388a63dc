package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/storage"
)

// Recorded returns the plan that was recorded with a run, for who has the run and not its
// definitions: its steps have names, assets and edges, and cannot be run. Steps have the indices
// that they were recorded with.
func Recorded(steps []storage.PlanStep) (*Plan, error) {
	nodes := make([]graph.Node, len(steps))
	for s := range steps {
		n := recordedNode(&steps[s])
		for _, up := range steps[s].After {
			if up < 0 || int(up) >= s { // topological order is what keeps the indices
				return nil, fmt.Errorf("recorded plan: step %d (%q) comes after step %d: want an earlier one", s, steps[s].Key, up)
			}
			n.Inputs = append(n.Inputs, graph.Input{From: nodes[up].Outputs[0].Name, Mode: graph.OrderOnly})
		}
		nodes[s] = n
	}
	g, faults := graph.Build(nodes)
	if len(faults) > 0 {
		return nil, fmt.Errorf("recorded plan: %q is there twice", faults[0].Name)
	}
	all := make([]bool, g.Items().Len())
	for i := range all {
		all[i] = true
	}
	return New(g, Options{Selected: all, Workers: 1}), nil
}

// recordedNode is a node of the name and the assets of a recorded step. A step that makes none is a
// task.
func recordedNode(step *storage.PlanStep) graph.Node {
	n := graph.Node{Name: step.Key, Definition: step.Key, Kind: graph.Task}
	if step.Check {
		n.Kind, n.Outputs = graph.Check, []graph.Output{{Name: step.Key}}
		return n
	}
	if asset, name, ok := storage.SplitAction(step.Key); ok {
		act := &graph.ActionInfo{ActionSpec: iohandler.ActionSpec{Name: name}, Asset: asset}
		n.Kind, n.Outputs, n.Settings = graph.Action, []graph.Output{{Name: step.Key}}, &graph.Settings{Action: act}
		return n
	}
	if asset, _, inside := strings.Cut(step.Key, "/"); inside {
		n.Definition = asset
	}
	for _, name := range step.Assets {
		n.Kind = graph.Asset
		n.Outputs = append(n.Outputs, graph.Output{Name: name, Asset: true})
	}
	if !slices.Contains(step.Assets, step.Key) && len(step.Assets) < 2 {
		// The value of a task; of a graph asset's last one it stands beside the asset.
		n.Outputs = append([]graph.Output{{Name: step.Key}}, n.Outputs...)
	}
	if step.Mapped {
		n.Map = &graph.Map{}
	}
	return n
}
