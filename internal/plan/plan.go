package plan

import (
	"slices"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/storage"
)

// Reason explains why a step is in a plan.
type Reason uint8

// The reasons, strongest first.
const (
	// Selected: the request names it.
	Selected Reason = iota
	// Everything: the request names nothing, so every asset is made.
	Everything
	// Upstream: the request asked for everything its selection depends on.
	Upstream
	// Needed: a task whose value a planned asset reads, and which nobody else makes.
	Needed
	// Judging: a check of what the plan makes.
	Judging
)

var reasonWords = [...]string{
	"selected", "no selection, so every asset", "upstream of the selection", "a task whose value is read",
	"a check of what is made",
}

// String returns the reason in words.
func (r Reason) String() string { return reasonWords[r] }

// Step is one node's place in a plan.
type Step struct {
	// Node is the graph's node.
	Node int32
	// Lane bounds its concurrency.
	Lane Lane
	// Mapped means that the step unfolds into instances, MaxConcurrency of them at once (zero:
	// unbounded).
	Mapped         bool
	MaxConcurrency int32
	// Class is the index in [Plan.Classes] of the slots that it holds while it runs, -1 for none.
	Class int32
	// Why explains why it is here.
	Why Reason
	// Persist defines which outputs are wanted, by position; nil means all.
	Persist []bool
}

// Plan is the steps of a run.
type Plan struct {
	Graph *graph.Graph
	Steps []Step
	// Capacity is how many steps of each lane run at once.
	Capacity [Lanes]int
	// Classes are the different sets of pool slots that steps hold.
	Classes [][]storage.PoolSlots
	// step of each node, -1 where it has none.
	stepOf           []int32
	downStart, downs []int32
	waits            []int32
}

// Down returns the steps that wait for step s.
func (p *Plan) Down(s int32) []int32 { return p.downs[p.downStart[s]:p.downStart[s+1]] }

// Waits returns how many steps step s waits for.
func (p *Plan) Waits(s int32) int32 { return p.waits[s] }

// StepOf returns the step of a node, and whether the plan has one.
func (p *Plan) StepOf(node int32) (int32, bool) {
	s := p.stepOf[node]
	return s, s >= 0
}

// Key returns the key of step s.
func (p *Plan) Key(s int32) string { return p.Graph.Node(p.Steps[s].Node).Name }

// Wanted reports whether output pos of step s is to be kept.
func (p *Plan) Wanted(s int32, pos int) bool {
	persist := p.Steps[s].Persist
	return persist == nil || persist[pos]
}

// Record returns the plan as storage keeps it.
func (p *Plan) Record() []storage.PlanStep {
	record := make([]storage.PlanStep, len(p.Steps))
	after := make([]int32, 0, len(p.downs))
	assets := make([]string, 0, p.outputs())
	for s := range p.Steps {
		node := p.Graph.Node(p.Steps[s].Node)
		record[s].Key, record[s].Mapped = node.Name, p.Steps[s].Mapped
		own := len(assets)
		for o := range node.Outputs {
			if node.Outputs[o].Asset && p.Wanted(int32(s), o) {
				assets = append(assets, node.Outputs[o].Name)
			}
		}
		if record[s].Check = node.Kind == graph.Check; record[s].Check {
			assets = append(assets, node.Name)
		}
		if len(assets) > own {
			record[s].Assets = assets[own:len(assets):len(assets)]
		}
		first := len(after)
		for _, u := range p.Graph.Up(p.Steps[s].Node) {
			if up := p.stepOf[u]; up >= 0 {
				after = append(after, up)
			}
		}
		record[s].After = after[first:len(after):len(after)]
	}
	return record
}

// outputs is how many outputs the steps have.
func (p *Plan) outputs() int {
	n := 0
	for s := range p.Steps {
		n += len(p.Graph.Node(p.Steps[s].Node).Outputs)
	}
	return n
}

// Options say what to plan.
type Options struct {
	// Selected reports by item whether it is wanted; nil selects every asset that is not external.
	Selected []bool
	// IncludeUpstream adds what the selection depends on.
	IncludeUpstream bool
	// Executor is the run's; zero is parallel with Workers workers.
	Executor executor.Executor
	// Checks defines which asset checks are planned, and CheckNames keeps only some of them; empty
	// keeps all.
	Checks     storage.CheckMode
	CheckNames []string
	// Workers is the capacity of the parallel lanes where the executor gives none.
	Workers int
}

// New plans the steps for the selected items of g.
func New(g *graph.Graph, o Options) *Plan {
	c := choice{g: g, why: make([]Reason, g.Len()), in: make([]bool, g.Len())}
	c.choose(o)
	return c.plan(o)
}

// choice collects which nodes are planned, and why.
type choice struct {
	g   *graph.Graph
	in  []bool
	why []Reason
	// persist has the wanted outputs of nodes with some unwanted ones.
	persist map[int32][]bool
}

func (c *choice) choose(o Options) {
	if o.Checks == storage.ChecksOnly {
		c.addChecks(o)
		return
	}
	items := c.g.Items()
	for i := range items.Len() {
		v := items.Output(i)
		out, node := c.g.Output(v)
		switch {
		case c.g.Node(node).Kind == graph.External:
		case o.Selected == nil && out.Asset:
			c.add(node, Everything)
		case o.Selected != nil && o.Selected[i]:
			c.add(node, Selected)
			c.want(v, node)
		}
	}
	for n := int32(c.g.Len()) - 1; n >= 0; n-- { // downstream first, so one pass reaches everything
		if c.in[n] {
			c.addUpstream(n, o)
		}
	}
	c.addChecks(o)
}

// add plans a node; the tasks inside a graph asset come as one.
func (c *choice) add(n int32, why Reason) {
	if c.in[n] {
		return
	}
	c.in[n], c.why[n] = true, why
}

// want notes that output v of a node with several assets is wanted.
func (c *choice) want(v, n int32) {
	node := c.g.Node(n)
	if node.Kind != graph.MultiAsset {
		return
	}
	if c.persist == nil {
		c.persist = map[int32][]bool{}
	}
	if c.persist[n] == nil {
		c.persist[n] = make([]bool, len(node.Outputs))
	}
	c.persist[n][c.g.OutputPos(v)] = true
}

func (c *choice) addUpstream(n int32, o Options) {
	for _, u := range c.g.Up(n) {
		up := c.g.Node(u)
		switch {
		case up.Kind == graph.External, up.Kind == graph.Check:
		case up.Definition == c.g.Node(n).Definition:
			c.add(u, c.why[n])
		case o.IncludeUpstream:
			c.add(u, Upstream)
		case o.Selected == nil && (up.Kind == graph.Task || up.Kind == graph.BashTask):
			c.add(u, Needed)
		}
	}
	if o.IncludeUpstream && c.persist != nil {
		c.wantRead(n)
	}
}

// wantRead wants the outputs that an included node reads of a multi-asset that is only partly
// selected.
func (c *choice) wantRead(n int32) {
	for _, v := range c.g.From(n) {
		if v < 0 {
			continue
		}
		if _, node := c.g.Output(v); node != n && c.persist[node] != nil {
			c.persist[node][c.g.OutputPos(v)] = true
		}
	}
}

func (c *choice) plan(o Options) *Plan {
	p := &Plan{Graph: c.g, stepOf: make([]int32, c.g.Len()), Capacity: capacity(o)}
	count := 0
	for n := range c.in {
		p.stepOf[n] = -1
		if c.in[n] {
			p.stepOf[n] = int32(count)
			count++
		}
	}
	p.Steps = make([]Step, 0, count)
	p.downStart = make([]int32, 1, count+1)
	p.waits = make([]int32, count)
	for n := range int32(c.g.Len()) {
		if !c.in[n] {
			continue
		}
		p.Steps = append(p.Steps, c.step(p, n, o))
		for _, d := range c.g.Down(n) {
			if down := p.stepOf[d]; down >= 0 {
				p.downs = append(p.downs, down)
				p.waits[down]++
			}
		}
		p.downStart = append(p.downStart, int32(len(p.downs)))
	}
	return p
}

func (c *choice) step(p *Plan, n int32, o Options) Step {
	node := c.g.Node(n)
	s := Step{Node: n, Why: c.why[n], Lane: LaneOf(o.Executor), Persist: c.persist[n], Class: p.class(node.Pools)}
	if node.HasExecutor {
		s.Lane = LaneOf(node.Executor)
	}
	if node.Map != nil {
		s.Mapped, s.MaxConcurrency = true, int32(node.Map.MaxConcurrency)
	}
	for _, wanted := range s.Persist {
		if !wanted {
			return s
		}
	}
	s.Persist = nil
	return s
}

// class returns the index of a set of slots, -1 for none. A repository has few of them.
func (p *Plan) class(pools []storage.PoolSlots) int32 {
	if len(pools) == 0 {
		return -1
	}
	for i := range p.Classes {
		if slices.Equal(p.Classes[i], pools) {
			return int32(i)
		}
	}
	p.Classes = append(p.Classes, pools)
	return int32(len(p.Classes) - 1)
}
