package plan

import (
	"slices"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/storage"
)

// addChecks plans the checks that a run has: of what it makes, or of the selection where it makes
// nothing. What a check reads beside its asset is loaded as it is.
func (c *choice) addChecks(o Options) {
	if o.Checks == storage.ChecksNone {
		return
	}
	for n := range int32(c.g.Len()) {
		node := c.g.Node(n)
		if node.Kind != graph.Check || node.Check == nil || len(o.CheckNames) > 0 && !slices.Contains(o.CheckNames, node.Name) {
			continue
		}
		v, ok := c.g.Find(node.Check.Asset)
		if !ok {
			continue
		}
		_, from := c.g.Output(v)
		switch item := c.g.Items().Of(v); {
		case o.Checks == storage.ChecksOnly && o.Selected == nil, o.Selected == nil && c.g.Node(from).Kind == graph.External:
			c.add(n, Everything)
		case o.Checks == storage.ChecksOnly:
			if item >= 0 && o.Selected[item] {
				c.add(n, Selected)
			}
		case c.in[from] && c.wants(v, from):
			c.add(n, Judging)
		}
	}
}

// wants reports whether output v of a planned node is to be kept.
func (c *choice) wants(v, n int32) bool {
	persist := c.persist[n]
	return persist == nil || persist[c.g.OutputPos(v)]
}

// CheckedStep returns the step that makes what check step s judges, and whether the plan has it.
func (p *Plan) CheckedStep(s int32) (int32, bool) {
	node := p.Graph.Node(p.Steps[s].Node)
	if node.Kind != graph.Check || node.Check == nil {
		return 0, false
	}
	v, ok := p.Graph.Find(node.Check.Asset)
	if !ok {
		return 0, false
	}
	_, from := p.Graph.Output(v)
	return p.StepOf(from)
}

// assignChecks gives each check that is there for what is made the partitions that are made.
func (c *Assignment) assignChecks() {
	for s := range c.Sets {
		if c.plan.Steps[s].Why != Judging || c.plan.Graph.Node(c.plan.Steps[s].Node).Partitions == nil {
			continue
		}
		if up, planned := c.plan.CheckedStep(int32(s)); planned {
			c.Sets[s] = c.Sets[up]
		}
	}
}
