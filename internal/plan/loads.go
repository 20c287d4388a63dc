package plan

import "github.com/rivers-go/rivers/internal/graph"

// Loads returns the names of the values that a step reads and no step of the plan makes.
func (p *Plan) Loads(s int32) []string {
	var names []string
	n := p.Steps[s].Node
	for k, v := range p.Graph.From(n) {
		if v < 0 || p.Graph.Node(n).Inputs[k].Mode != graph.Value {
			continue
		}
		if from, node := p.Graph.Output(v); node != n {
			if _, planned := p.StepOf(node); !planned {
				names = append(names, from.Name)
			}
		}
	}
	return names
}
