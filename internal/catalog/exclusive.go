package catalog

import (
	"maps"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/storage"
)

// exclusive are the assets that have an exclusive action.
type exclusive map[string]bool

// PoolLimits returns how many slots pools have: those that are declared, and those of assets with
// an exclusive action.
func (c *Catalog) PoolLimits() map[string]int {
	limits := make(map[string]int, len(c.conf.Pools)+len(c.exclusive))
	maps.Copy(limits, c.conf.Pools)
	for asset := range c.exclusive {
		limits[exclusivePool(asset)] = exclusiveSlots
	}
	return limits
}

// exclusiveSlots is the limit of the pool of an asset with an exclusive action. A step that shares
// the asset holds one slot; an exclusive step holds all.
const exclusiveSlots = 1 << 20

// exclusivePool is the name of that pool. No pool that people declare is called so.
func exclusivePool(asset string) string { return storage.ActionName(asset, "exclusive") }

// share has a node of an asset hold a slot, where the asset has an exclusive action, and an action
// all of them or one.
func (e exclusive) share(n *graph.Node) {
	switch {
	case n.Kind == graph.External:
	case n.Kind == graph.Action && n.Action.Exclusive:
		e.hold(n, n.Action.Asset, exclusiveSlots)
	case n.Kind == graph.Action:
		e.hold(n, n.Action.Asset, 1)
	case n.Kind == graph.Check:
		e.hold(n, n.Check.Asset, 1)
	default:
		for o := range n.Outputs {
			if n.Outputs[o].Asset {
				e.hold(n, n.Outputs[o].Name, 1)
			}
		}
	}
}

func (e exclusive) hold(n *graph.Node, asset string, slots int) {
	if !e[asset] {
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

// exclusiveIn finds the assets that have an exclusive action.
func exclusiveIn(defs []*define.Definition, s *define.Scope) exclusive {
	var e exclusive
	for _, d := range defs {
		if !canHaveActions(d, s) {
			continue
		}
		for i := range d.Outputs {
			if slices.ContainsFunc(d.Outputs[i].Actions(s), func(a *define.Action) bool { return a.Spec.Exclusive }) {
				if e == nil {
					e = exclusive{}
				}
				e[d.Outputs[i].Name] = true
			}
		}
	}
	return e
}

// canHaveActions reports whether there may be an action of what a definition makes.
func canHaveActions(d *define.Definition, s *define.Scope) bool {
	if d.Kind == graph.Task || d.Kind == graph.BashTask || d.Kind == graph.Check {
		return false
	}
	for i := range d.Outputs {
		if len(d.Outputs[i].OwnActions()) > 0 {
			return true
		}
		h := d.Outputs[i].Handler
		if h == nil {
			h = s.DefaultHandler
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
