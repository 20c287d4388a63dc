package define

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/storage"
)

// Pool is a number of slots of a concurrency pool, as the root package declares it.
type Pool struct {
	Name string
	// Slots is how many are held; zero means one.
	Slots int
}

// poolSlots checks the pools of a definition and returns them sorted by name.
func (d *Definition) poolSlots(pools []Pool) []storage.PoolSlots {
	var held []storage.PoolSlots
	for i, p := range pools {
		at := fmt.Sprintf("pool %q", p.Name)
		switch {
		case p.Name == "":
			d.Fault(fmt.Sprintf("Pools[%d]", i), "its name is empty: name a pool of the repository's PoolLimits")
			continue
		case slices.ContainsFunc(pools[:i], func(o Pool) bool { return o.Name == p.Name }):
			d.Fault(at, "it is listed twice: list it once, with all its slots")
			continue
		case p.Slots < 0:
			d.Fault(at, "it has %d slots: give 1 or more, or leave it out for 1", p.Slots)
			continue
		}
		held = append(held, storage.PoolSlots{Pool: p.Name, Slots: max(p.Slots, 1)})
	}
	slices.SortFunc(held, func(a, b storage.PoolSlots) int { return strings.Compare(a.Pool, b.Pool) })
	return held
}
