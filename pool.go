package rivers

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/storage"
)

// checkPoolLimits looks at the repository's pools.
func (v *validation) checkPoolLimits() {
	limits := v.repo.config.PoolLimits
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		at := fmt.Sprintf("PoolLimits[%q]", name)
		if mistake := fault.NameMistake(name); mistake != "" {
			v.repositoryFault(at, mistake)
		}
		if n := limits[name]; n < 1 {
			v.repositoryFault(at, fmt.Sprintf("it is %d: give 1 slot or more", n))
		}
	}
}

// checkPools looks at the pools that a node holds: each is declared, and has as many slots as are held.
func (v *validation) checkPools(d *define.Definition, held []storage.PoolSlots) {
	limits := v.repo.config.PoolLimits
	for _, p := range held {
		at := fmt.Sprintf("pool %q", p.Pool)
		limit, declared := limits[p.Pool]
		switch {
		case !declared:
			names := slices.Sorted(maps.Keys(limits))
			v.fault(d, fault.Fault{At: at, Kind: ErrGraphValidation, Message: fmt.Sprintf("PoolLimits declares no such pool%s; %s",
				fault.Suggestion(p.Pool, slices.Values(names)), fault.Listed("declared pools", names))})
		case limit > 0 && p.Slots > limit:
			v.fault(d, fault.Fault{At: at, Kind: ErrGraphValidation, Message: fmt.Sprintf("it holds %d slots, and the pool has %d: hold fewer, or raise PoolLimits", p.Slots, limit)})
		}
	}
}

// declarePools tells the store how many slots the pools have, where it says otherwise.
func (r *CodeRepository) declarePools(ctx context.Context, store storage.Storage, c *catalog.Catalog) error {
	limits := maps.Clone(r.config.PoolLimits)
	if len(c.Exclusive) > 0 && limits == nil {
		limits = map[string]int{}
	}
	for asset := range c.Exclusive {
		limits[exclusivePool(asset)] = exclusiveSlots
	}
	if len(limits) == 0 {
		return nil
	}
	known, err := store.ListPools(ctx)
	if err != nil {
		return fmt.Errorf("repository %q: reading its pools: %w", r.config.Name, err)
	}
	declared := make(map[string]int, len(known))
	for _, p := range known {
		declared[p.Name] = p.Declared
	}
	var batch storage.Batch
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		if declared[name] != limits[name] {
			batch.Pools = append(batch.Pools, storage.PoolUpdate{Name: name, Slots: limits[name], Declared: true})
		}
	}
	if batch.Empty() {
		return nil
	}
	if err := store.Commit(ctx, &batch); err != nil {
		return fmt.Errorf("repository %q: declaring its pools: %w", r.config.Name, err)
	}
	return nil
}
