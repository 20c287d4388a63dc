package plan

import "github.com/rivers-go/rivers/internal/graph"

// Missing is a value that a step reads and that no step of the plan makes.
type Missing struct {
	// Reader is the definition that reads, Needs the name of the value.
	Reader, Needs string
}

// Missing returns what the plan loads instead of making it, external assets aside, in the order
// of the plan.
func (p *Plan) Missing() []Missing {
	var missing []Missing
	for s := range p.Steps {
		n := p.Steps[s].Node
		node := p.Graph.Node(n)
		if node.Kind == graph.Check { // it is there for its asset, whatever else it reads
			continue
		}
		for k, v := range p.Graph.From(n) {
			if v < 0 || node.Inputs[k].Mode == graph.Self {
				continue
			}
			out, from := p.Graph.Output(v)
			if _, planned := p.StepOf(from); !planned && p.Graph.Node(from).Kind != graph.External && p.Graph.Node(from).Kind != graph.Check {
				missing = append(missing, Missing{Reader: node.Definition, Needs: out.Name})
			}
		}
	}
	return missing
}
