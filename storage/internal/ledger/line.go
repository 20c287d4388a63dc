package ledger

import (
	"cmp"
	"slices"

	"github.com/rivers-go/rivers/storage"
)

// Claim is what one step holds or awaits. Of claims of other runs a store may know only some pools.
type Claim struct {
	// Ticket is the place in line.
	Ticket int64
	Run    storage.RunKey
	// RunID is empty where the store looks it up by Run.
	RunID        string
	Step         int32
	Key          string
	Attempt      int32
	Pools        []storage.PoolSlots
	Holding      bool
	Since, Until storage.Micros

	// stored is true if the claim has rows, changed if they differ.
	stored, changed bool
}

// wants returns how many slots of a pool the claim is about.
func (c *Claim) wants(pool string) int {
	for _, p := range c.Pools {
		if p.Pool == pool {
			return p.Slots
		}
	}
	return 0
}

// Line has claims in the order of their tickets, and what the transaction changes of them. A
// backend adds the rows that it reads and asks for the changes at the end. The zero value is
// empty.
type Line struct {
	claims []*Claim
	// dropped and ended are tickets of stored claims that were given back, or whose lease has ended.
	dropped, ended []int64
}

// Reset forgets all claims and keeps the memory.
func (l *Line) Reset() {
	clear(l.claims)
	*l = Line{claims: l.claims[:0], dropped: l.dropped[:0], ended: l.ended[:0]}
}

// Add adds a stored row: a claim, and its slots of one pool. A row that was added before, or whose
// claim this transaction has taken out, changes nothing.
func (l *Line) Add(row *Claim, slots storage.PoolSlots) {
	if slices.Contains(l.dropped, row.Ticket) || slices.Contains(l.ended, row.Ticket) {
		return
	}
	i, found := len(l.claims), false
	if last := i - 1; last >= 0 && l.claims[last].Ticket >= row.Ticket { // rows nearly always come in order
		i, found = slices.BinarySearchFunc(l.claims, row.Ticket, func(c *Claim, ticket int64) int { return cmp.Compare(c.Ticket, ticket) })
	}
	if !found {
		c := *row
		c.stored = true
		l.claims = slices.Insert(l.claims, i, &c)
	}
	if c := l.claims[i]; c.wants(slots.Pool) == 0 {
		c.Pools = append(c.Pools, slots)
	}
}

func (l *Line) claimOf(run storage.RunKey, step int32) *Claim {
	i := slices.IndexFunc(l.claims, func(c *Claim) bool { return c.Run == run && c.Step == step })
	if i < 0 {
		return nil
	}
	return l.claims[i]
}

// awaits reports whether a claim waits for one of the pools.
func (l *Line) awaits(pools []storage.PoolSlots) bool {
	return slices.ContainsFunc(l.claims, func(c *Claim) bool {
		return !c.Holding && slices.ContainsFunc(pools, func(p storage.PoolSlots) bool { return c.wants(p.Pool) > 0 })
	})
}

// expire drops the claims whose lease has ended.
func (l *Line) expire(now storage.Micros) {
	l.claims = slices.DeleteFunc(l.claims, func(c *Claim) bool {
		if c.Until > now {
			return false
		}
		if c.stored {
			l.ended = append(l.ended, c.Ticket)
		}
		return true
	})
}

// release drops the claims of a step, or of every step of a run, and reports whether there were
// any.
func (l *Line) release(r storage.SlotRelease) (released bool) {
	l.claims = slices.DeleteFunc(l.claims, func(c *Claim) bool {
		if c.Run != r.Run || r.Step != storage.NoStep && c.Step != r.Step {
			return false
		}
		if c.stored {
			l.dropped = append(l.dropped, c.Ticket)
		}
		released = true
		return true
	})
	return released
}

// SlotRow is a row to insert: what a claim has of one pool.
type SlotRow struct {
	*Claim

	Slots storage.PoolSlots
}

// Dropped returns the tickets of stored claims that were given back.
func (l *Line) Dropped() []int64 { return l.dropped }

// Ended returns the tickets of stored claims whose lease has ended.
func (l *Line) Ended() []int64 { return l.ended }

// Written returns the rows to insert and the stored claims to update.
func (l *Line) Written() (added []*SlotRow, changed []*Claim) {
	for _, c := range l.claims {
		switch {
		case !c.stored:
			for _, p := range c.Pools {
				added = append(added, &SlotRow{c, p})
			}
		case c.changed:
			changed = append(changed, c)
		}
	}
	return added, changed
}
