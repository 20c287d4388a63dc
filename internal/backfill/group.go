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
	// config is what all runs of the group have in common, partitioning what exists for their plan.
	config       engine.Config
	partitioning *plan.Partitioning
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
		part := decide.Group{Stage: p.groups[g].stage, Chunks: p.chunks(p.groups[g].strategy), Blocked: p.blocked(g)}
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

// edgesWithin yields the edges by which the definitions of a group read partitions of the group h,
// themselves too.
func (p *Plan) edgesWithin(g, h int) iter.Seq[partition.Edge] {
	return func(yield func(partition.Edge) bool) {
		for s := range int32(len(p.whole.Steps)) {
			node := p.whole.Graph.Node(p.whole.Steps[s].Node)
			if p.groupOf[node.Definition] != g {
				continue
			}
			for k, up := range p.readsSelected(s) {
				if p.groupOf[p.whole.Graph.Node(up).Definition] != h {
					continue
				}
				edge, err := p.partitioning.Edge(s, k)
				if err == nil && !yield(edge) { // an edge that cannot be made fails the runs that read by it
					return
				}
			}
		}
	}
}

// readsOthers reports whether a chunk of a group may read other partitions of it.
func (p *Plan) readsOthers(g int) bool {
	for edge := range p.edgesWithin(g, g) {
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
		for edge := range p.edgesWithin(g, g) {
			read, _ := edge.Upstream(chunk)
			needs = needs.Union(read)
		}
		return needs
	}
}

// blocked returns which partitions of a group read what was lost.
func (p *Plan) blocked(g int) func([]partition.Set) partition.Set {
	return func(lost []partition.Set) partition.Set {
		var blocked partition.Set
		for h := range lost {
			if lost[h].IsEmpty() {
				continue
			}
			for edge := range p.edgesWithin(g, h) {
				if g == h { // whole chains at once, as they are lost one by one otherwise
					blocked = blocked.Union(edge.Closure(lost[h]))
					continue
				}
				blocked = blocked.Union(edge.Downstream(lost[h]))
			}
		}
		return blocked
	}
}
