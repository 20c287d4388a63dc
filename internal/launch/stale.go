package launch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/internal/staleness"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// staleSelection is a request for what is stale or missing, made one for exactly that.
type staleSelection struct {
	selected []bool          // by item
	needs    []partition.Set // by output
}

// staleIn finds what a run makes that is asked for what is stale: of the selection what is stale or
// missing, and what reads, within the selection, something that is made anew. Tasks are made for
// those who read them.
func (r *Runner) staleIn(ctx context.Context, req *storage.RunRequest, now time.Time) (*staleSelection, error) {
	p, err := r.plan(nil, *req) // also for the closure of what the selection depends on
	if err != nil {
		return nil, err
	}
	cut, err := r.assignRequested(ctx, p, req, now)
	if err != nil {
		return nil, err
	}
	view, err := r.Staleness(ctx)
	if err != nil {
		return nil, err
	}
	g := r.Catalog.Graph()
	items, n := g.Items(), newStaleSelection(g)
	for _, s := range view.Statuses() {
		i, _ := items.Lookup(s.Asset)
		if step, planned := n.planned(p, items, i); planned && !s.External {
			asked := partition.Whole()
			if out, _ := g.Output(items.Output(i)); out.Partitions != nil {
				asked = cut.Sets[step]
			}
			n.add(view, items, i, asked, &s)
		}
	}
	n.addTasks(g, p)
	return n, nil
}

func newStaleSelection(g *graph.Graph) *staleSelection {
	return &staleSelection{selected: make([]bool, g.Items().Len()), needs: make([]partition.Set, g.Outputs())}
}

// planned returns the step that makes an item, if the plan wants the item.
func (n *staleSelection) planned(p *plan.Plan, items graph.Items, i int) (int32, bool) {
	v := items.Output(i)
	_, node := p.Graph.Output(v)
	step, planned := p.StepOf(node)
	return step, planned && p.Wanted(step, p.Graph.OutputPos(v))
}

// add adds what is to be made of one asset.
func (n *staleSelection) add(view *staleness.View, items graph.Items, i int, asked partition.Set, s *staleness.Status) {
	need := s.Stale.Union(s.Missing())
	for _, up := range items.Upstream(i) {
		if n.selected[up] {
			need = need.Union(view.Downstream(s.Asset, items.Name(int(up)), n.needs[items.Output(int(up))]))
		}
	}
	if need = need.Intersect(asked); !need.IsEmpty() {
		need = need.Union(view.Follow(s.Asset, need, asked))
		n.selected[i], n.needs[items.Output(i)] = true, need
	}
}

// addTasks adds the tasks of a plan that something reads which is made.
func (n *staleSelection) addTasks(g *graph.Graph, p *plan.Plan) {
	items := g.Items()
	for i := items.Len() - 1; i >= 0; i-- {
		if _, planned := n.planned(p, items, i); !planned {
			continue
		}
		if out, _ := g.Output(items.Output(i)); out.Asset {
			continue
		}
		for _, down := range items.Downstream(i) {
			n.selected[i] = n.selected[i] || n.selected[down]
		}
	}
}

// names are the names of what is made.
func (n *staleSelection) names(items graph.Items) []string {
	var names []string
	for i, made := range n.selected {
		if made {
			names = append(names, items.Name(i))
		}
	}
	return names
}

// outputsFor are the outputs that a step makes or, inside a graph asset, works for.
func outputsFor(p *plan.Plan, s int32) []int32 {
	n := p.Steps[s].Node
	node := p.Graph.Node(n)
	if node.Kind == graph.GraphTask {
		if v, ok := p.Graph.Find(node.Definition); ok {
			return []int32{v}
		}
	}
	var outputs []int32
	for o := range node.Outputs {
		outputs = append(outputs, p.Graph.OutputAt(n, o))
	}
	return outputs
}

// errNothingStale is the answer to a request for what is stale where nothing is: no run is
// recorded.
var errNothingStale = errors.New("nothing that is selected is stale or missing")

// selectStale turns a request for what is stale into one for exactly what is made, which is also
// what is recorded.
func (r *Runner) selectStale(ctx context.Context, job *catalog.Job, req *storage.RunRequest, now time.Time) (*staleSelection, error) {
	if job != nil {
		return nil, fmt.Errorf("stale selection does not apply to job %q: select its assets instead", job.Name)
	}
	if r.Store == nil {
		return nil, errors.New("stale selection needs the store, which is not open: call Resolve first")
	}
	n, err := r.staleIn(ctx, req, now)
	if err != nil {
		return nil, err
	}
	if req.Selection, req.IncludeUpstream = n.names(r.Catalog.Graph().Items()), false; len(req.Selection) == 0 {
		return nil, errNothingStale
	}
	return n, nil
}

// StaleOf returns the requested partitions that are stale or missing in any of the assets, now or
// once the others are made.
func (r *Runner) StaleOf(ctx context.Context, assets []string, asked partition.Set) (partition.Set, error) {
	view, err := r.Staleness(ctx)
	if err != nil {
		return partition.Set{}, fmt.Errorf("what is stale: %w", err)
	}
	g := r.Catalog.Graph()
	items, n := g.Items(), newStaleSelection(g)
	wanted := make(map[string]bool, len(assets))
	for _, name := range assets {
		wanted[name] = true
	}
	var all partition.Set
	for _, s := range view.Statuses() {
		if i, ok := items.Lookup(s.Asset); ok && wanted[s.Asset] {
			n.add(view, items, i, asked, &s)
			all = all.Union(n.needs[items.Output(i)])
		}
	}
	return all, nil
}
