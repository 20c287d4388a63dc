package plan

import "github.com/rivers-go/rivers/internal/graph"

// AddGates makes every reader of an asset wait for the asset's blocking checks. It appends one
// input of mode [graph.Gate] per reading input and check, with the partition mapping of that input
// if the check has partitions. Checks of the same asset do not wait for each other.
func AddGates(nodes []graph.Node) {
	blocking := map[string][]*graph.Node{}
	for i := range nodes {
		if n := &nodes[i]; n.Kind == graph.Check && n.Check.Blocking {
			blocking[n.Check.Asset] = append(blocking[n.Check.Asset], n)
		}
	}
	if len(blocking) == 0 {
		return
	}
	for i := range nodes {
		n := &nodes[i]
		for _, in := range n.Inputs {
			if in.Mode == graph.Self || in.Mode == graph.Bound || in.Mode == graph.Gate {
				continue
			}
			for _, check := range blocking[in.From] {
				if n.Kind == graph.Check && n.Check.Asset == in.From {
					continue
				}
				gate := graph.Input{From: check.Name, Mode: graph.Gate}
				if check.Partitions != nil {
					gate.Parts = in.Parts
				}
				n.Inputs = append(n.Inputs, gate)
			}
		}
	}
}
