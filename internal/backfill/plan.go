package backfill

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/launch"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Plan is a checked request for a backfill: what is made, and by which runs.
type Plan struct {
	runner *launch.Runner
	req    storage.BackfillRequest
	// whole has a step for everything that is backfilled, partitioning what exists of it at the
	// instant of the request.
	whole        *plan.Plan
	partitioning *plan.Partitioning
	assets       []string
	space        partition.Space
	set          partition.Set
	total        int64
	groups       []group
	// groupOf finds the group of a definition by its name.
	groupOf map[string]int
	parting sync.Mutex // guards the parts of groups
}

// defaultConcurrency is the default number of concurrent runs of a backfill.
const defaultConcurrency = 4

// newPlan checks a request for a backfill.
func newPlan(ctx context.Context, r *launch.Runner, req storage.BackfillRequest, now time.Time) (*Plan, error) {
	if err := checkRequest(&req); err != nil {
		return nil, err
	}
	return newPlanOf(ctx, r, req, now, func(space partition.Space) (partition.Set, error) {
		switch {
		case len(req.Keys) > 0:
			return space.Set(req.Keys...)
		case !req.Range.IsZero():
			return space.Range(req.Range)
		default:
			return space.All(), nil
		}
	})
}

// checkRequest checks what can be checked without definitions.
func checkRequest(req *storage.BackfillRequest) error {
	switch {
	case len(req.Keys) > 0 && !req.Range.IsZero():
		return fmt.Errorf("backfill: %w: the request has keys and a range: give one of them", fault.ErrPartitionValidation)
	case req.MaxConcurrency < 0:
		return fmt.Errorf("backfill: MaxConcurrency is %d: want 1 or more, or 0 for %d", req.MaxConcurrency, defaultConcurrency)
	case req.Latest < 0:
		return fmt.Errorf("backfill: Latest is %d: want 1 or more windows, or 0 for all", req.Latest)
	}
	if err := knownWord("failure policy", string(req.FailurePolicy), texts(storage.FailurePolicies[:])); err != nil {
		return err
	}
	if err := knownWord("filter of partitions", string(req.Only), texts(storage.BackfillFilters[:])); err != nil {
		return err
	}
	if req.Action != "" && req.Only != "" {
		return fmt.Errorf("backfill: action %q: filter %q is for materializations: remove it, or rerun the backfill for what failed", req.Action, req.Only)
	}
	return nil
}

// texts returns words of a type of their own as plain text.
func texts[T ~string](all []T) []string {
	texts := make([]string, len(all))
	for i, w := range all {
		texts[i] = string(w)
	}
	return texts
}

// knownWord refuses a word that is none of an enumeration; an empty one is the default.
func knownWord(what, word string, known []string) error {
	if word == "" || slices.Contains(known, word) {
		return nil
	}
	return fmt.Errorf("backfill: unknown %s %q%s: want one of %s", what, word, fault.Suggestion(word, slices.Values(known)), strings.Join(known, ", "))
}

// newPlanOf plans a backfill of the partitions that ask returns.
func newPlanOf(ctx context.Context, r *launch.Runner, req storage.BackfillRequest, now time.Time, ask plan.Select) (*Plan, error) {
	p := &Plan{runner: r, req: req, groupOf: map[string]int{}}
	var err error
	if p.whole, err = p.steps(); err != nil {
		return nil, err
	}
	if err := r.Held.Check(p.whole); err != nil {
		return nil, fmt.Errorf("backfill: %w", err)
	}
	p.partitioning = r.PartitioningOf(ctx, p.whole, now)
	if err := p.ask(ask); err != nil {
		return nil, err
	}
	if err := p.filter(ctx); err != nil {
		return nil, err
	}
	if err := p.arrange(); err != nil {
		return nil, err
	}
	p.total = p.space.Count(p.set)
	return p, nil
}

// steps plans a step for everything that is backfilled, and checks the config of the runs.
func (p *Plan) steps() (*plan.Plan, error) {
	c := p.runner.Catalog
	if p.req.Action != "" {
		whole, err := c.PlanActionOf(catalog.ActionRequest{Name: p.req.Action, Selection: p.req.Selection, Partitions: true, Backfill: true})
		if err != nil {
			return nil, err
		}
		_, err = launch.DecodeConfigs(whole, p.req.Config)
		return whole, err
	}
	selected, err := c.SelectPartitioned(p.req.Selection)
	if err != nil {
		return nil, err
	}
	if _, err := launch.DecodeConfigs(plan.New(c.Graph(), plan.Options{Selected: selected, Workers: 1}), p.req.Config); err != nil {
		return nil, err
	}
	// Checks come with the runs, and are no assets to be arranged.
	return plan.New(c.Graph(), plan.Options{Selected: selected, Workers: 1, Checks: storage.ChecksNone}), nil
}

// ask finds the partitions, which every asset must have.
func (p *Plan) ask(ask plan.Select) error {
	cut, err := p.partitioning.Assign(ask)
	if err != nil {
		return fault.Mark(fault.ErrPartitionValidation, fmt.Errorf("backfill: %w", err))
	}
	first := int32(-1)
	apart := "" // who has no partition in common with those before
	for s := range p.whole.Steps {
		node := p.whole.Graph.Node(p.whole.Steps[s].Node)
		if !slices.Contains(p.assets, node.Definition) {
			p.assets = append(p.assets, p.made(int32(s))...)
		}
		switch {
		case first < 0:
			first, p.set = int32(s), cut.Sets[s]
			if p.space, err = p.partitioning.Space(node.Partitions); err != nil {
				return fmt.Errorf("backfill: %w", err)
			}
		case len(p.req.Keys) == 0: // all, or a range whose ends may be open: what all of them have
			common := p.set.Intersect(cut.Sets[s])
			if common.IsEmpty() && apart == "" {
				apart = fmt.Sprintf("%q (%s) and %q (%s)", p.assets[0], p.space.Definition(), node.Definition, node.Partitions)
			}
			p.set = common
		case !p.set.Equal(cut.Sets[s]):
			other := p.whole.Graph.Node(p.whole.Steps[first].Node)
			return fmt.Errorf("backfill: %w: %q has partitions of another kind (%s) than %q (%s): backfill one after the other",
				fault.ErrPartitionValidation, node.Definition, node.Partitions, other.Definition, other.Partitions)
		}
	}
	switch {
	case !p.set.IsEmpty():
	case p.space.Len() == 0 && p.space.Definition().Kind() == partition.KindDynamic:
		return fmt.Errorf("backfill: %w: %q has no partition yet: no key of %s is registered: add some", fault.ErrPartitionValidation, p.assets[0], p.space.Definition())
	case p.space.Len() == 0:
		return fmt.Errorf("backfill: %w: %q has no partition yet, of %s", fault.ErrPartitionValidation, p.assets[0], p.space.Definition())
	default:
		return fmt.Errorf("backfill: %w: %s have no partition in common that was asked for: backfill one after the other", fault.ErrPartitionValidation, cmp.Or(apart, fault.QuotedList(p.assets)))
	}
	p.assets = slices.Compact(p.assets)
	return nil
}

// made are the assets that a step makes, or that an action is done to.
func (p *Plan) made(s int32) []string {
	node := p.whole.Graph.Node(p.whole.Steps[s].Node)
	if node.Action != nil {
		return []string{node.Action.Asset}
	}
	var names []string
	for o := range node.Outputs {
		if node.Outputs[o].Asset && p.whole.Wanted(s, o) {
			names = append(names, node.Outputs[o].Name)
		}
	}
	return names
}

// filter keeps of the partitions what the request wants: the latest, the missing, the failed.
func (p *Plan) filter(ctx context.Context) error {
	if p.req.Latest > 0 {
		p.set = p.set.Intersect(p.space.Latest(int64(p.req.Latest)))
	}
	if p.req.Only == "" {
		return nil
	}
	if p.req.Only == storage.OnlyStale {
		stale, err := p.runner.StaleOf(ctx, p.assets, p.set)
		p.set = p.set.Intersect(stale)
		return err
	}
	keys, err := p.runner.Store.AssetKeys(ctx, p.assets)
	if err != nil {
		return fmt.Errorf("backfill: %w", err)
	}
	sets, err := p.runner.Store.PartitionSets(ctx, keys)
	if err != nil {
		return fmt.Errorf("backfill: reading what is %s: %w", p.req.Only, err)
	}
	var keep partition.Set
	there := p.runner.Held.Now()
	for i := range sets {
		if p.req.Only == storage.OnlyFailed {
			keep = keep.Union(sets[i].Failed)
		} else {
			made := p.space.Within(sets[i].Materialized)
			keep = keep.Union(p.set.Minus(made.Minus(there.Lost(p.assets[i], p.space, made))))
		}
	}
	p.set = p.set.Intersect(keep)
	return nil
}

// arrange finds the groups and the stages in which they run.
func (p *Plan) arrange() error {
	stages := map[string]int{}
	strategies := map[string]storage.BackfillStrategy{}
	for s := range int32(len(p.whole.Steps)) { // in topological order
		node := p.whole.Graph.Node(p.whole.Steps[s].Node)
		name := node.Definition
		if _, known := strategies[name]; !known {
			strategy, err := p.strategy(node)
			if err != nil {
				return err
			}
			strategies[name] = strategy
		}
		for k, up := range p.readsSelected(s) {
			from := p.whole.Graph.Node(up).Definition
			if from == name {
				continue
			}
			stage := stages[from]
			if strategies[from] != strategies[name] || !p.together(&node.Inputs[k], strategies[name]) {
				stage++
			}
			stages[name] = max(stages[name], stage)
		}
		stages[name] = max(stages[name], 0)
	}
	for s := range int32(len(p.whole.Steps)) {
		name := p.whole.Graph.Node(p.whole.Steps[s].Node).Definition
		g := slices.IndexFunc(p.groups, func(g group) bool { return g.stage == stages[name] && g.strategy == strategies[name] })
		if g < 0 {
			g = len(p.groups)
			p.groups = append(p.groups, group{stage: stages[name], strategy: strategies[name]})
		}
		group := &p.groups[g]
		if _, known := p.groupOf[name]; !known {
			p.groupOf[name], group.names, group.made = g, append(group.names, name), append(group.made, nil)
		}
		made := p.made(s)
		m := slices.Index(group.names, name)
		group.made[m] = append(group.made[m], made...)
		group.assets = append(group.assets, made...)
	}
	for g := range p.groups {
		if err := p.configure(&p.groups[g]); err != nil {
			return err
		}
	}
	return nil
}

// readsSelected yields the inputs of a step, by their index, that read something that is backfilled
// too, and the node that makes it.
func (p *Plan) readsSelected(s int32) iter.Seq2[int, int32] {
	return func(yield func(int, int32) bool) {
		n := p.whole.Steps[s].Node
		for k, v := range p.whole.Graph.From(n) {
			if v < 0 || p.whole.Graph.Node(n).Inputs[k].Parts == nil {
				continue
			}
			_, up := p.whole.Graph.Output(v)
			if _, planned := p.whole.StepOf(up); planned && !yield(k, up) {
				return
			}
		}
	}
}

// dimensionsOf yields the names of a definition's dimensions, "" for one that is no product.
func dimensionsOf(d partition.Definition) iter.Seq[string] {
	return func(yield func(string) bool) {
		described := partition.Describe(d)
		if d.Kind() != partition.KindMulti {
			yield("")
			return
		}
		for name := range described.Dimensions {
			if !yield(name) {
				return
			}
		}
	}
}

// mostTexts bounds how many texts a dry run lists.
const mostTexts = 1000

// Preview is what a backfill would be.
type Preview struct {
	// Action is what is done to the assets, empty for a backfill that materializes them.
	Action string
	Assets []string
	// Partitions are all that are asked for, Total is how many.
	Partitions partition.Set
	Total      int64
	// Texts select exactly these partitions, as a command line does; at most a thousand of them.
	Texts []string
	// Runs is how many runs would be made.
	Runs int64
}

// preview describes the backfill without running it.
func (p *Plan) preview() (*Preview, error) {
	out := &Preview{Action: p.req.Action, Assets: p.assets, Partitions: p.set, Total: p.total}
	for text, err := range p.space.Texts(p.set) {
		if err != nil {
			return nil, fmt.Errorf("backfill: %w", err)
		}
		if out.Texts = append(out.Texts, text); len(out.Texts) == mostTexts {
			break
		}
	}
	for g := range p.groups {
		out.Runs += p.runsOf(p.groups[g].strategy)
	}
	return out, nil
}

// runsOf counts the runs of a strategy.
func (p *Plan) runsOf(s storage.BackfillStrategy) int64 {
	apart, _ := s.Dimensions()
	switch {
	case p.set.IsEmpty():
		return 0
	case s.IsSingleRun():
		return 1
	case apart == nil:
		return p.total
	}
	return p.space.SplitCount(p.set, apart...)
}
