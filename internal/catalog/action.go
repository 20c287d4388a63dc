package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/storage"
)

// Action is an action that an asset has.
type Action struct {
	Asset, Action, Description string
	// Effect is its possible effect on the asset's state, Order its order among related assets.
	// Partitions is "optional", "required" or "refused"; empty for an unpartitioned asset.
	Effect, Order, Partitions string
	Exclusive                 bool
	// Handler is set for an action that the asset's IO handler brings.
	Handler bool
}

// ActionRequest asks for an action to be planned.
type ActionRequest struct {
	Name      string
	Selection []string
	// Partitions is set if the request names partitions, Backfill if only they are acted on.
	Partitions, Backfill bool
}

// Actions returns the actions of a selection of assets, in topological order. No selection is all
// of them.
func (c *Catalog) Actions(selection []string) ([]Action, error) {
	selected, err := c.Select(selection, Something)
	if err != nil {
		return nil, err
	}
	scope := c.scope
	var all []Action
	for _, asset := range c.assets(selected) {
		for i, a := range asset.Actions(&scope) {
			one := Action{
				Asset: asset.Name, Action: a.Spec.Name, Description: a.Spec.Description, Effect: a.Spec.Effect.String(),
				Order: a.Spec.Order.String(), Exclusive: a.Spec.Exclusive, Handler: i >= len(asset.OwnActions()),
			}
			if asset.Partitions != nil {
				one.Partitions = a.Spec.Partitioning.String()
			}
			all = append(all, one)
		}
	}
	return all, nil
}

// PlanAction plans an action of one run.
func (c *Catalog) PlanAction(req *storage.RunRequest) (*plan.Plan, error) {
	switch {
	case req.IncludeUpstream:
		return nil, fmt.Errorf("action %q: upstream assets take no part in an action: leave out IncludeUpstream", req.Action)
	case req.Checks != storage.ChecksOfMade || len(req.CheckNames) > 0:
		return nil, fmt.Errorf("action %q: an action runs no checks: leave out Checks and CheckNames", req.Action)
	}
	given := !req.Partition.IsZero() || !req.Range.IsZero() || !req.Partitions.IsEmpty()
	return c.PlanActionOf(ActionRequest{Name: req.Action, Selection: req.Selection, Partitions: given})
}

// assets are the assets of a selection, in topological order.
func (c *Catalog) assets(selected []bool) []*define.Output {
	var assets []*define.Output
	items := c.graph.Items()
	for i := range items.Len() {
		if selected != nil && !selected[i] {
			continue
		}
		out, _ := c.graph.Output(items.Output(i))
		if asset := c.value(out.Name); out.Asset && asset != nil {
			assets = append(assets, asset)
		}
	}
	return assets
}

// PlanActionOf plans an action: a graph of its own, in which the assets have no inputs. It costs by
// the assets that are selected, and not by those of the catalog.
func (c *Catalog) PlanActionOf(req ActionRequest) (*plan.Plan, error) {
	if len(req.Selection) == 0 {
		return nil, fmt.Errorf("action %q: the request selects nothing: name the assets", req.Name)
	}
	selected, err := c.Select(req.Selection, Something)
	if err != nil {
		return nil, err
	}
	targets, v := c.assets(selected), c.pass()
	acts, err := req.actionsOf(targets, &v.scope)
	if err != nil {
		return nil, err
	}
	v.defs = acts
	v.build()
	nodes := v.nodes
	plan.OrderActions(c.graph, nodes)
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
	return plan.Actions(g, plan.Options{Executor: c.conf.DefaultExecutor, Workers: Workers()}), nil
}

// actionsOf finds the action of each target; all that do not have it, or not as it is asked for,
// are reported together.
func (req ActionRequest) actionsOf(targets []*define.Output, s *define.Scope) ([]*define.Definition, error) {
	var acts []*define.Definition
	var errs []error
	for _, t := range targets {
		have := t.Actions(s)
		at := slices.IndexFunc(have, func(a *define.Action) bool { return a.Spec.Name == req.Name })
		if at < 0 {
			errs = append(errs, errNoAction(t, have, req.Name))
			continue
		}
		definition := s.PartitionsOf(t.Name)
		if err := req.checkTarget(have[at], t.Name, definition != nil); err != nil {
			errs = append(errs, err)
			continue
		}
		if req.Partitions && definition != nil {
			s.Partitions[storage.ActionName(t.Name, req.Name)] = definition
		}
		acts = append(acts, have[at].Of(t))
	}
	return acts, errors.Join(errs...)
}

// checkTarget returns why an action is not done to an asset as it is asked for.
func (req ActionRequest) checkTarget(a *define.Action, asset string, partitioned bool) error {
	switch refused := a.Spec.Partitioning == iohandler.PartitionRefused; {
	case req.Backfill && refused:
		return fmt.Errorf("asset %q: action %q takes no partitions, so it has no backfill: use RunAction", asset, req.Name)
	case req.Backfill && !partitioned:
		return fmt.Errorf("asset %q has no partitions to backfill: use RunAction for action %q", asset, req.Name)
	case partitioned && !req.Partitions && (a.Spec.Partitioning == iohandler.PartitionRequired || a.Spec.Partitioning == iohandler.PartitionOptional && a.ChangesState()):
		return fmt.Errorf("asset %q: action %q needs a partition: set Partition or Range, or use a backfill for all of them", asset, req.Name)
	case partitioned && req.Partitions && refused:
		return fmt.Errorf("asset %q: action %q takes no partitions: leave them out", asset, req.Name)
	}
	return nil
}

// actionFor is the action of an asset, for the process that does it; nil where there is none of
// that name.
func actionFor(t *define.Output, name string, s *define.Scope) *define.Definition {
	have := t.Actions(s)
	at := slices.IndexFunc(have, func(a *define.Action) bool { return a.Spec.Name == name })
	if at < 0 {
		return nil
	}
	act := have[at].Of(t)
	if definition := s.PartitionsOf(t.Name); definition != nil && act.Outputs[0].Partitions != nil {
		s.Partitions[act.Name] = definition
	}
	return act
}

// errNoAction is the error of an asset that does not have an action.
func errNoAction(t *define.Output, have []*define.Action, name string) error {
	names := make([]string, len(have))
	for i := range have {
		names[i] = have[i].Spec.Name
	}
	if len(names) == 0 {
		return fmt.Errorf("asset %q has no action %q, and no other", t.Name, name)
	}
	return fmt.Errorf("asset %q has no action %q%s; %s", t.Name, name, fault.Suggestion(name, slices.Values(names)), fault.Listed("its actions", names))
}

// checkActions reports the mistakes of the actions that assets have of their own.
func (v *validation) checkActions() {
	for _, d := range v.defs {
		for o := range d.Outputs {
			v.checkActionsOf(d, &d.Outputs[o])
		}
	}
}

func (v *validation) checkActionsOf(d *define.Definition, asset *define.Output) {
	for i, a := range asset.OwnActions() {
		at := strings.TrimSpace(fmt.Sprintf("%s Actions[%d]", outputPart(d, asset.Name), i))
		switch {
		case a == nil:
			v.fault(d, fault.Fault{At: at, Message: "it is the zero Action: make one with NewAction, or remove it", Kind: fault.ErrGraphValidation})
			continue
		case slices.ContainsFunc(asset.OwnActions()[:i], func(o *define.Action) bool { return o != nil && o.Spec.Name == a.Spec.Name }):
			v.fault(d, fault.Fault{At: at, Message: fmt.Sprintf("another one before it is called %q: rename one of them", a.Spec.Name), Kind: fault.ErrGraphValidation})
			continue
		}
		v.checkAction(a.Of(asset))
	}
}

func (v *validation) checkAction(act *define.Definition) {
	for _, f := range act.Faults {
		v.fault(act, f)
	}
	asset, _, _ := storage.SplitAction(act.Name)
	if definition := v.scope.Partitions[asset]; definition != nil && act.Outputs[0].Partitions != nil {
		v.scope.Partitions[act.Name] = definition
		defer delete(v.scope.Partitions, act.Name) // an action has partitions where a request names some
	}
	s := v.scope
	s.Report = func(f fault.Fault) { v.fault(act, f) }
	for _, n := range act.Build(&s, nil) {
		v.finishNode(act, &n)
	}
}
