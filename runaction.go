package rivers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// RunActionRequest asks for an action on some assets.
type RunActionRequest struct {
	// Action is the name of the action; every selected asset must have it.
	Action string
	// Selection names the assets, in the selection language; it must not be empty.
	Selection []string
	// Partition, Range and Partitions are as in [RunRequest], where the action is about partitions.
	Partition  partition.Key
	Range      partition.KeyRange
	Partitions partition.Set
	// Config overrides the config of actions, by asset!action.
	Config map[string]map[string]any
	// Tags are recorded with the run.
	Tags map[string]string
	// RunID and Resume are as in [RunRequest].
	RunID  string
	Resume bool
}

// RunAction has an action done to assets, as a run with a step for each: nothing upstream is run or loaded. The run
// records the name of the action, and each step what it really did.
func (r *CodeRepository) RunAction(ctx context.Context, req RunActionRequest) (*RunResult, error) {
	if req.Action == "" && !req.Resume {
		return nil, errors.New("action: its name is empty: name one of `actions list`")
	}
	return r.execute(ctx, nil, RunRequest{
		Action: req.Action, Selection: req.Selection, Partition: req.Partition, Range: req.Range, Partitions: req.Partitions,
		Config: req.Config, Tags: req.Tags, RunID: req.RunID, Resume: req.Resume,
	})
}

// AssetAction is an action that an asset has.
type AssetAction struct {
	Asset       string `json:"asset"`
	Action      string `json:"action"`
	Description string `json:"description,omitempty"`
	// Effect is what it may do to the state of the asset, Order in which order it comes to related ones, and
	// Partitions whether it is about partitions: "optional", "required", "refused", or empty for an asset without.
	Effect     string `json:"effect"`
	Order      string `json:"order"`
	Partitions string `json:"partitions,omitempty"`
	Exclusive  bool   `json:"exclusive,omitempty"`
	// Handler says that the asset's IO handler brings it.
	Handler bool `json:"handler,omitempty"`
}

// Actions returns the actions of a selection of assets, in topological order. No selection is all of them.
func (r *CodeRepository) Actions(selection ...string) ([]AssetAction, error) {
	c, err := r.catalog()
	if err != nil {
		return nil, err
	}
	found, err := c.Actions(selection)
	if err != nil {
		return nil, err
	}
	var all []AssetAction
	for _, a := range found {
		all = append(all, AssetAction(a))
	}
	return all, nil
}

// actionsOf returns the actions of what is selected.
func (r *CodeRepository) actionsOf(c *catalog.Catalog, selected []bool) []catalog.Action {
	v := &validation{repo: r}
	v.collect()
	var all []catalog.Action
	for _, asset := range selectedAssets(c.Whole, v, selected) {
		for i, a := range asset.Actions(&v.scope) {
			one := catalog.Action{
				Asset: asset.Name, Action: a.Spec.Name, Description: a.Spec.Description, Effect: a.Spec.Effect.String(),
				Order: a.Spec.Order.String(), Exclusive: a.Spec.Exclusive, Handler: i >= len(asset.OwnActions()),
			}
			if asset.Partitions != nil {
				one.Partitions = a.Spec.Partitioning.String()
			}
			all = append(all, one)
		}
	}
	return all
}

// selectedAssets are the assets of a selection, in topological order.
func selectedAssets(g *graph.Graph, v *validation, selected []bool) []*define.Output {
	var assets []*define.Output
	items := g.Items()
	for i := range items.Len() {
		out, _ := g.Output(items.Output(i))
		if asset := v.scope.Values[out.Name]; out.Asset && asset != nil && (selected == nil || selected[i]) {
			assets = append(assets, asset)
		}
	}
	return assets
}

// planAction plans an action: a graph of its own, in which the assets have no inputs.
func (r *CodeRepository) planAction(c *catalog.Catalog, req catalog.ActionRequest) (*plan.Plan, error) {
	if len(req.Selection) == 0 {
		return nil, fmt.Errorf("action %q: the request selects nothing: name the assets", req.Name)
	}
	selected, err := c.Select(req.Selection, catalog.Something)
	if err != nil {
		return nil, err
	}
	v := &validation{repo: r}
	v.collect()
	v.divide()
	targets := selectedAssets(c.Whole, v, selected)
	acts, err := v.actionsOf(targets, req)
	if err != nil {
		return nil, err
	}
	v.defs, v.nodes, v.owner = acts, nil, nil
	v.build()
	nodes := v.nodes
	plan.OrderActions(c.Whole, nodes)
	v.defs, v.nodes = nil, nil
	for _, t := range targets {
		if !slices.Contains(v.defs, t.Def) {
			v.defs = append(v.defs, t.Def)
		}
	}
	v.build()
	for i := range v.nodes { // they are only looked up
		v.nodes[i].Inputs = nil
	}
	g, faults := graph.Build(append(nodes, v.nodes...))
	if len(faults) > 0 || len(v.errs) > 0 {
		return nil, fmt.Errorf("action %q: %w", req.Name, v.errs)
	}
	return plan.Actions(g, plan.Options{Executor: r.config.DefaultExecutor, Workers: catalog.Workers()}), nil
}

// actionsOf finds the action of each target; all that do not have it, or not as it is asked for, are reported together.
func (v *validation) actionsOf(targets []*define.Output, req catalog.ActionRequest) ([]*define.Definition, error) {
	var acts []*define.Definition
	var errs []error
	for _, t := range targets {
		have := t.Actions(&v.scope)
		at := slices.IndexFunc(have, func(a *define.Action) bool { return a.Spec.Name == req.Name })
		if at < 0 {
			errs = append(errs, lacksAction(t, have, req.Name))
			continue
		}
		division := v.scope.Partitions[t.Name]
		if err := misfit(req, have[at], t.Name, division != nil); err != nil {
			errs = append(errs, err)
			continue
		}
		if req.Partitions && division != nil {
			v.scope.Partitions[storage.ActionName(t.Name, req.Name)] = division
		}
		acts = append(acts, have[at].Of(t))
	}
	return acts, errors.Join(errs...)
}

// misfit returns why an action is not done to an asset as it is asked for.
func misfit(req catalog.ActionRequest, a *define.Action, asset string, divided bool) error {
	switch refused := a.Spec.Partitioning == iohandler.PartitionRefused; {
	case req.Backfill && refused:
		return fmt.Errorf("asset %q: action %q is about the asset as a whole, and a backfill is of partitions: run it by itself", asset, req.Name)
	case req.Backfill && !divided:
		return fmt.Errorf("asset %q: it has no partitions, and a backfill is of partitions: run action %q on it by itself", asset, req.Name)
	case divided && !req.Partitions && (a.Spec.Partitioning == iohandler.PartitionRequired || a.Spec.Partitioning == iohandler.PartitionOptional && a.ChangesState()):
		return fmt.Errorf("asset %q: action %q is about partitions, and none is given: give one as Partition or several as a Range, or have a backfill take all", asset, req.Name)
	case divided && req.Partitions && refused:
		return fmt.Errorf("asset %q: action %q is about the asset as a whole: leave the partitions out", asset, req.Name)
	}
	return nil
}

// actionFor is the action of an asset, for the process that does it; nil where there is none of that name.
func (v *validation) actionFor(t *define.Output, name string) *define.Definition {
	have := t.Actions(&v.scope)
	at := slices.IndexFunc(have, func(a *define.Action) bool { return a.Spec.Name == name })
	if at < 0 {
		return nil
	}
	act := have[at].Of(t)
	if division := v.scope.PartitionsOf(t.Name); division != nil && act.Outputs[0].Partitions != nil {
		v.scope.Partitions[act.Name] = division
	}
	return act
}

// lacksAction is the error of an asset that does not have an action.
func lacksAction(t *define.Output, have []*define.Action, name string) error {
	names := make([]string, len(have))
	for i := range have {
		names[i] = have[i].Spec.Name
	}
	if len(names) == 0 {
		return fmt.Errorf("asset %q: it has no action %q, and no other", t.Name, name)
	}
	return fmt.Errorf("asset %q: it has no action %q%s; %s", t.Name, name, fault.Suggestion(name, slices.Values(names)), fault.Listed("its actions", names))
}

// exclusiveSlots is how many slots the pool of an asset with an exclusive action has: whoever shares the asset holds
// one, who wants it alone holds all.
const exclusiveSlots = 1 << 20

// exclusivePool is the name of that pool. No pool that people declare is called so.
func exclusivePool(asset string) string { return storage.ActionName(asset, "exclusive") }

// share has a node of an asset hold a slot, where the asset has an exclusive action, and an action all of them or one.
func (v *validation) share(n *graph.Node) {
	switch {
	case n.Kind == graph.External:
	case n.Kind == graph.Action && n.Action.Exclusive:
		v.hold(n, n.Action.Asset, exclusiveSlots)
	case n.Kind == graph.Action:
		v.hold(n, n.Action.Asset, 1)
	case n.Kind == graph.Check:
		v.hold(n, n.Check.Asset, 1)
	default:
		for o := range n.Outputs {
			if n.Outputs[o].Asset {
				v.hold(n, n.Outputs[o].Name, 1)
			}
		}
	}
}

func (v *validation) hold(n *graph.Node, asset string, slots int) {
	if !v.exclusive[asset] {
		return
	}
	set := graph.Settings{}
	if n.Settings != nil {
		set = *n.Settings
	}
	set.Pools = append(slices.Clone(set.Pools), storage.PoolSlots{Pool: exclusivePool(asset), Slots: slots})
	slices.SortFunc(set.Pools, func(a, b storage.PoolSlots) int { return strings.Compare(a.Pool, b.Pool) })
	n.Settings = &set
}

// collectExclusive finds the assets that have an exclusive action.
func (v *validation) collectExclusive() {
	for _, d := range v.defs {
		if !v.mayAct(d) {
			continue
		}
		for i := range d.Outputs {
			if slices.ContainsFunc(d.Outputs[i].Actions(&v.scope), func(a *define.Action) bool { return a.Spec.Exclusive }) {
				if v.exclusive == nil {
					v.exclusive = map[string]bool{}
				}
				v.exclusive[d.Outputs[i].Name] = true
			}
		}
	}
}

// mayAct reports whether there may be an action of what a definition makes.
func (v *validation) mayAct(d *define.Definition) bool {
	if d.Kind == graph.Task || d.Kind == graph.BashTask || d.Kind == graph.Check {
		return false
	}
	for i := range d.Outputs {
		if len(d.Outputs[i].OwnActions()) > 0 {
			return true
		}
		h := d.Outputs[i].Handler
		if h == nil {
			h = v.scope.DefaultHandler
		}
		if _, reference := iohandler.NameOf(h); reference {
			return true
		}
		if _, ok := h.(iohandler.Actor); ok {
			return true
		}
	}
	return false
}
