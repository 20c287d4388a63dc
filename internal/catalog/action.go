package catalog

import (
	"fmt"

	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/storage"
)

// Action is an action that an asset has.
type Action struct {
	Asset, Action, Description string
	// Effect is what it may do to the state of the asset, Order in which order it comes to related ones, and
	// Partitions whether it is about partitions: "optional", "required", "refused", or empty for an asset without.
	Effect, Order, Partitions string
	Exclusive                 bool
	// Handler says that the asset's IO handler brings it.
	Handler bool
}

// ActionRequest asks for an action to be planned.
type ActionRequest struct {
	Name      string
	Selection []string
	// Partitions says that partitions are named, Backfill that it is done to nothing else.
	Partitions, Backfill bool
}

// Actions returns the actions of a selection of assets, in topological order. No selection is all of them.
func (c *Catalog) Actions(selection []string) ([]Action, error) {
	selected, err := c.Select(selection, Something)
	if err != nil {
		return nil, err
	}
	return c.ActionsOf(selected), nil
}

// PlanAction plans an action of one run.
func (c *Catalog) PlanAction(req *storage.RunRequest) (*plan.Plan, error) {
	switch {
	case req.IncludeUpstream:
		return nil, fmt.Errorf("action %q: nothing upstream takes part in an action: leave IncludeUpstream out, and select what it is to be done to", req.Action)
	case req.Checks != storage.ChecksOfMade || len(req.CheckNames) > 0:
		return nil, fmt.Errorf("action %q: an action runs no checks: leave Checks and CheckNames out", req.Action)
	}
	given := !req.Partition.IsZero() || !req.Range.IsZero() || !req.Partitions.IsEmpty()
	return c.PlanActionOf(ActionRequest{Name: req.Action, Selection: req.Selection, Partitions: given})
}

// PlanActionOf plans an action: a graph of its own, in which the assets have no inputs.
func (c *Catalog) PlanActionOf(req ActionRequest) (*plan.Plan, error) { return c.PlanOf(req) }
