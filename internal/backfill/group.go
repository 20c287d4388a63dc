package backfill

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/internal/backfill/decide"
	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// group is what the same runs make.
type group struct {
	stage    int
	strategy storage.BackfillStrategy
	// names are the definitions, in topological order, assets what they make.
	names, assets []string
	// made are the assets of each name.
	made [][]string
	// parts are the runs of some members of the group alone, by the text of their numbers.
	parts map[string]*group
	// config is what all runs of the group have in common, partitioning what exists for their plan.
	config       engine.Config
	partitioning *plan.Partitioning
}

// part returns what the runs of some members of a group have in common; nil are all members.
func (p *Plan) part(of int, members []int) (*group, error) {
	whole := &p.groups[of]
	if members == nil {
		return whole, nil
	}
	text := fmt.Sprint(members)
	p.parting.Lock()
	defer p.parting.Unlock()
	if known := whole.parts[text]; known != nil {
		return known, nil
	}
	g := &group{stage: whole.stage, strategy: whole.strategy}
	for _, m := range members {
		g.names = append(g.names, whole.names[m])
		g.assets = append(g.assets, whole.made[m]...)
	}
	if err := p.configure(g); err != nil {
		return nil, err
	}
	if whole.parts == nil {
		whole.parts = map[string]*group{}
	}
	whole.parts[text] = g
	return g, nil
}

// membersOf returns the members whose assets a run makes, nil for all, and whether it is one of the
// group.
func (g *group) membersOf(selection []string) (members []int, of bool) {
	if slices.Equal(g.assets, selection) {
		return nil, true
	}
	var assets []string
	for m := range g.names {
		if len(g.made[m]) > 0 && slices.Contains(selection, g.made[m][0]) {
			members, assets = append(members, m), append(assets, g.made[m]...)
		}
	}
	return members, len(members) > 0 && slices.Equal(assets, selection)
}

// together reports whether what is read can be made by the same runs as what reads it: the same
// partition, one of those before, or whatever it is where all of them are one run.
func (p *Plan) together(in *graph.Input, strategy storage.BackfillStrategy) bool {
	if strategy.IsSingleRun() {
		return true
	}
	d := in.Parts.Mapping.Describe()
	return d.Kind == "identity" || d.Kind == "subset" || d.Kind == "time_offset" && d.Offset < 0
}

// strategy is that of the request, else that of the definition, else a run for each partition. An
// action has that of its asset.
func (p *Plan) strategy(node *graph.Node) (storage.BackfillStrategy, error) {
	s := p.req.Strategy
	if s.IsZero() {
		s = p.runner.Catalog.BackfillStrategy(node)
	}
	if s.IsZero() {
		return storage.MultiRun(), nil
	}
	if err := catalog.CheckStrategy(s, node.Partitions); err != nil {
		return s, fmt.Errorf("backfill of %q: strategy %s: %w: %w", node.Definition, s, fault.ErrPartitionValidation, err)
	}
	return s, nil
}

// configure plans the runs of a group, but for their partitions.
func (p *Plan) configure(g *group) error {
	runs, err := p.runsOfGroup(g)
	if err != nil {
		return err
	}
	overrides := map[string]map[string]any{}
	for name, over := range p.req.Config {
		if slices.Contains(g.names, name) || slices.ContainsFunc(g.names, func(of string) bool { return strings.HasPrefix(name, of+"/") }) {
			overrides[name] = over
		}
	}
	g.partitioning = p.partitioning.For(runs)
	g.config, err = p.runner.Shared(runs, nil, overrides)
	return err
}

// runsOfGroup plans the runs of a group, as a resume or retry of a single run plans it.
func (p *Plan) runsOfGroup(g *group) (*plan.Plan, error) {
	c := p.runner.Catalog
	if p.req.Action != "" {
		return c.PlanActionOf(catalog.ActionRequest{Name: p.req.Action, Selection: g.assets, Partitions: true, Backfill: true})
	}
	items := c.Graph().Items()
	selected := make([]bool, items.Len())
	for i := range selected {
		selected[i] = slices.Contains(g.assets, items.Name(i))
	}
	return plan.New(c.Graph(), plan.Options{Selected: selected, Executor: c.Executor(), Workers: catalog.Workers()}), nil
}

// config is the backfill as its decider knows it.
func (p *Plan) config() decide.Config {
	c := decide.Config{
		Partitions: p.set, Concurrency: p.req.MaxConcurrency, StopOnFailure: p.req.FailurePolicy == storage.StopOnFailure,
	}
	if c.Concurrency == 0 {
		c.Concurrency = p.defaultConcurrency()
	}
	c.Ahead = max(64, 4*c.Concurrency)
	for g := range p.groups {
		part := decide.Group{Members: len(p.groups[g].names), Stage: p.groups[g].stage, Chunks: p.chunks(p.groups[g].strategy), Blocked: p.blocked(g)}
		if !p.groups[g].strategy.IsSingleRun() && p.readsOthers(g) {
			part.Reads = p.reads(g)
		}
		c.Groups = append(c.Groups, part)
	}
	return c
}

// defaultConcurrency is how many runs there are at once where the request does not say it: those of
// an action that is alone on its asset would only wait for each other.
func (p *Plan) defaultConcurrency() int {
	for s := range p.whole.Steps {
		if act := p.whole.Graph.Node(p.whole.Steps[s].Node).Action; act != nil && act.Exclusive {
			return 1
		}
	}
	return defaultConcurrency
}

// chunks returns a function that splits a set into the partitions of single runs.
func (p *Plan) chunks(s storage.BackfillStrategy) func(partition.Set) iter.Seq[partition.Set] {
	if s.IsSingleRun() {
		return func(set partition.Set) iter.Seq[partition.Set] {
			return func(yield func(partition.Set) bool) { yield(set) }
		}
	}
	apart, _ := s.Dimensions()
	if apart == nil {
		apart = slices.Sorted(dimensionsOf(p.space.Definition()))
	}
	return func(set partition.Set) iter.Seq[partition.Set] { return p.space.Split(set, apart...) }
}

// edgesWithin yields the edges by which the definitions of a group read partitions of the group,
// themselves too.
func (p *Plan) edgesWithin(g int) iter.Seq[partition.Edge] {
	return func(yield func(partition.Edge) bool) {
		for _, name := range p.groups[g].names {
			for from, edge := range p.edgesOf(name) {
				if p.groupOf[from] == g && !yield(edge) {
					return
				}
			}
		}
	}
}

// readsOthers reports whether a chunk of a group may read other partitions of it.
func (p *Plan) readsOthers(g int) bool {
	for edge := range p.edgesWithin(g) {
		if kind := edge.Mapping().Describe().Kind; kind != "identity" && kind != "subset" {
			return true
		}
	}
	return false
}

// reads returns what a chunk reads of its own group.
func (p *Plan) reads(g int) func(partition.Set) partition.Set {
	return func(chunk partition.Set) partition.Set {
		var needs partition.Set
		for edge := range p.edgesWithin(g) {
			read, _ := edge.Upstream(chunk)
			needs = needs.Union(read)
		}
		return needs
	}
}

// blocked returns which partitions of each definition of a group read what was lost. It takes whole
// chains at once: they are lost one by one otherwise.
func (p *Plan) blocked(g int) func(decide.Unmade) []partition.Set {
	return func(lost decide.Unmade) []partition.Set {
		names := p.groups[g].names
		blocked := make([]partition.Set, len(names))
		for m, name := range names { // in topological order
			var own []partition.Edge
			for from, edge := range p.edgesOf(name) {
				if from == name {
					own = append(own, edge)
					continue
				}
				h := p.groupOf[from]
				u := slices.Index(p.groups[h].names, from)
				set := lost.Lost[h][u].Union(lost.Rejected[h][u])
				if h == g {
					set = set.Union(blocked[u])
				}
				if !set.IsEmpty() {
					blocked[m] = blocked[m].Union(edge.Downstream(set))
				}
			}
			for _, edge := range own {
				if set := lost.Lost[g][m].Union(blocked[m]); !set.IsEmpty() {
					blocked[m] = blocked[m].Union(edge.Closure(set))
				}
			}
		}
		return blocked
	}
}

// edgesOf yields the edges by which a definition reads partitions of others that are backfilled,
// and of itself, with the definition that makes them.
func (p *Plan) edgesOf(name string) iter.Seq2[string, partition.Edge] {
	return func(yield func(string, partition.Edge) bool) {
		for s := range int32(len(p.whole.Steps)) {
			if p.whole.Graph.Node(p.whole.Steps[s].Node).Definition != name {
				continue
			}
			for k, up := range p.readsSelected(s) {
				edge, err := p.partitioning.Edge(s, k)
				if err == nil && !yield(p.whole.Graph.Node(up).Definition, edge) { // an edge that cannot be made fails the runs that read by it
					return
				}
			}
		}
	}
}
