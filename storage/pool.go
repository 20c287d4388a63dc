package storage

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Pools reads concurrency pools with their slots, holders and waiting steps.
type Pools interface {
	// ListPools returns all pools by name.
	ListPools(ctx context.Context) ([]PoolRecord, error)
	// ListSlots returns the holders of slots, then the waiting steps, both in order of arrival. It
	// leaves out ended leases.
	ListSlots(ctx context.Context, q SlotQuery) ([]SlotRecord, error)
}

// PoolRecord is a pool as it stands.
type PoolRecord struct {
	Name string `json:"name"`
	// Limit is the number of slots: the operator's, else the declared one.
	Limit int `json:"limit"`
	// Declared is the number in the definitions, zero for none; Set is the operator's, zero for
	// none.
	Declared int `json:"declared,omitempty"`
	Set      int `json:"set,omitempty"`
	// InUse counts the slots that are held, Waiting the steps in line.
	InUse   int `json:"in_use"`
	Waiting int `json:"waiting"`
}

// PoolUpdate changes the number of slots of a pool, and creates the pool if it is unknown. Slots
// above a smaller limit stay held until their release.
type PoolUpdate struct {
	Name string
	// Slots is the new number. Zero removes the operator's number.
	Slots int
	// Declared means that the number comes from definitions: it holds while the operator has set no
	// other.
	Declared bool
}

// PoolSlots is a number of slots of one pool.
type PoolSlots struct {
	Pool  string `json:"pool"`
	Slots int    `json:"slots"`
}

// SlotClaim asks for slots on behalf of a step.
type SlotClaim struct {
	// Fence is of the step's run.
	Fence Fence
	// Step is the index in the run's plan, Key the same for people, Attempt the ordinal of the
	// attempt.
	Step    int32
	Key     string
	Attempt int32
	// Pools are the requested slots: at least one pool, each once, each with one slot or more.
	Pools []PoolSlots
	// Hold is the lease of granted slots, Wait that of a place in line.
	Hold, Wait time.Duration
}

// Validate reports a claim that no store can grant.
func (c *SlotClaim) Validate() error {
	switch {
	case c.Fence.Run <= 0:
		return fmt.Errorf("claim of slots for step %q: it is under no fence", c.Key)
	case len(c.Pools) == 0:
		return fmt.Errorf("claim of slots for step %q: it names no pool", c.Key)
	case c.Hold <= 0 || c.Wait <= 0:
		return fmt.Errorf("claim of slots for step %q: it holds for %s and waits for %s: want positive durations", c.Key, c.Hold, c.Wait)
	}
	for i, p := range c.Pools {
		switch {
		case p.Slots < 1:
			return fmt.Errorf("claim of slots for step %q: %d slots of pool %q: want 1 or more", c.Key, p.Slots, p.Pool)
		case slices.ContainsFunc(c.Pools[:i], func(o PoolSlots) bool { return o.Pool == p.Pool }):
			return fmt.Errorf("claim of slots for step %q: it names pool %q twice", c.Key, p.Pool)
		}
	}
	return nil
}

// SlotAnswer is the answer to a claim: the slots were granted, or what is in the way.
type SlotAnswer struct {
	Granted bool
	// Blocked has the pools that are in the way, in the order of the claim; empty when granted.
	Blocked []PoolBlock
}

// PoolBlock is why a pool gives a step nothing yet.
type PoolBlock struct {
	Pool string
	// Limit slots there are, InUse of them are held, Wanted are asked for.
	Limit, InUse, Wanted int
	// Ahead counts the steps that came earlier and wait for the same pool.
	Ahead int
	// Holder is one of the steps that hold slots, as run ID and step key; empty where none does.
	HolderRun, HolderStep string
}

// SlotRelease returns the slots of a step and its place in line.
type SlotRelease struct {
	Run RunKey
	// Step is the step's index; [NoStep] is every step of the run.
	Step int32
}

// SlotQuery selects slots. The zero value selects all.
type SlotQuery struct {
	// Pool keeps those of one pool, Run those of one run.
	Pool string
	Run  RunKey
}

// SlotRecord is one step's held or awaited slots of one pool.
type SlotRecord struct {
	PoolSlots

	Run     RunKey `json:"-"`
	RunID   string `json:"run_id"`
	Step    int32  `json:"-"`
	Key     string `json:"step"`
	Attempt int32  `json:"attempt"`
	// Holding is true for a holder and false for a waiting step.
	Holding bool `json:"holding"`
	// Since is when the slots were granted, or the waiting began; Until is the end of the lease.
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
}
