package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/storage"
)

// ClaimSlots grants all slots or none.
func (s *Store) ClaimSlots(ctx context.Context, c storage.SlotClaim) (storage.SlotAnswer, error) {
	if err := c.Validate(); err != nil {
		return storage.SlotAnswer{}, err
	}
	call := slotClaim{SlotClaim: c}
	if err := s.lease(ctx, c.Fence, &call); err != nil {
		return storage.SlotAnswer{}, err
	}
	return call.answer, nil
}

// slotClaim is one claim; its fence was checked before.
type slotClaim struct {
	storage.SlotClaim

	answer storage.SlotAnswer
}

func (c *slotClaim) needs(n *needs) {
	for _, p := range c.Pools {
		n.pools = append(n.pools, p.Pool)
	}
	n.holders = append(n.holders, c.Fence.Run)
	n.tickets++
}

func (c *slotClaim) decide(f *facts, e *effects) (refusal error) {
	c.answer = storage.SlotAnswer{}
	f.expire(e)
	mine := f.claimOf(c.Fence.Run, c.Step)
	if mine != nil && !c.isFor(mine) {
		f.release(storage.SlotRelease{Run: c.Fence.Run, Step: c.Step}, e)
		mine = nil
	}
	if err := f.checkPools(c); err != nil {
		f.release(storage.SlotRelease{Run: c.Fence.Run, Step: c.Step}, e) // who can never be served is in nobody's way
		return err
	}
	if mine == nil {
		mine = f.queue(c)
	}
	mine.changed = true
	if !mine.holding {
		if c.answer.Blocked = f.blocks(mine, c.Pools); len(c.answer.Blocked) > 0 {
			mine.until = f.after(c.Wait)
			return nil
		}
		mine.holding, mine.since = true, f.now
		if f.waited(mine) { // the line has moved: who is first now may be served too
			e.topics |= storage.TopicSlots
		}
	}
	mine.until = f.after(c.Hold)
	c.answer.Granted = true
	return nil
}

// isFor says whether what the step has is what it asks for. Another attempt, or other pools, are another claim.
func (c *slotClaim) isFor(mine *claim) bool {
	byName := func(a, b storage.PoolSlots) int { return strings.Compare(a.Pool, b.Pool) }
	return mine.attempt == c.Attempt &&
		slices.Equal(slices.SortedFunc(slices.Values(mine.pools), byName), slices.SortedFunc(slices.Values(c.Pools), byName))
}

// expire drops the claims whose lease has ended.
func (f *facts) expire(e *effects) {
	f.claims = slices.DeleteFunc(f.claims, func(c *claim) bool {
		if c.until > f.now {
			return false
		}
		if c.stored {
			e.ended = append(e.ended, c.ticket)
		}
		return true
	})
}

func (f *facts) claimOf(run storage.RunKey, step int32) *claim {
	i := slices.IndexFunc(f.claims, func(c *claim) bool { return c.run == run && c.step == step })
	if i < 0 {
		return nil
	}
	return f.claims[i]
}

// checkPools refuses what can never be granted.
func (f *facts) checkPools(c *slotClaim) error {
	for _, p := range c.Pools {
		known := f.pools[p.Pool]
		switch {
		case known == nil:
			return fmt.Errorf("pool %q: %w", p.Pool, storage.ErrNotFound)
		case p.Slots > known.limit():
			return fmt.Errorf("pool %q: %w: it has %d, step %q asks for %d", p.Pool, storage.ErrPoolTooSmall, known.limit(), c.Key, p.Slots)
		}
	}
	return nil
}

func (p *pool) limit() int { return int(cmp.Or(p.byHand, p.declared)) }

// queue gives a step a place behind everybody.
func (f *facts) queue(c *slotClaim) *claim {
	mine := &claim{
		ticket: f.tickets[0], run: c.Fence.Run, runID: f.runs[c.Fence.Run].id, step: c.Step, key: c.Key, attempt: c.Attempt,
		pools: slices.Clone(c.Pools), since: f.now,
	}
	f.tickets = f.tickets[1:]
	f.claims = append(f.claims, mine)
	return mine
}

// blocks says which pools keep a claim waiting: those with too few free slots, and those for which
// somebody waits who came earlier.
func (f *facts) blocks(mine *claim, pools []storage.PoolSlots) []storage.PoolBlock {
	var blocked []storage.PoolBlock
	for _, p := range pools {
		b := storage.PoolBlock{Pool: p.Pool, Limit: f.pools[p.Pool].limit(), Wanted: p.Slots}
		for _, other := range f.claims {
			n := other.wants(p.Pool)
			switch {
			case n == 0 || other == mine:
			case other.holding:
				if b.InUse == 0 {
					b.HolderRun, b.HolderStep = other.runID, other.key
				}
				b.InUse += n
			case other.ticket < mine.ticket:
				b.Ahead++
			}
		}
		if b.Ahead > 0 || b.InUse+p.Slots > b.Limit {
			blocked = append(blocked, b)
		}
	}
	return blocked
}

// waited reports whether others wait for a pool of a claim.
func (f *facts) waited(mine *claim) bool {
	return slices.ContainsFunc(f.claims, func(c *claim) bool {
		return !c.holding && slices.ContainsFunc(mine.pools, func(p storage.PoolSlots) bool { return c.wants(p.Pool) > 0 })
	})
}

// wants returns how many slots of a pool the claim is about.
func (c *claim) wants(name string) int {
	for _, p := range c.pools {
		if p.Pool == name {
			return p.Slots
		}
	}
	return 0
}

// release gives back what a step, or every step of a run, holds or waits for.
func (f *facts) release(r storage.SlotRelease, e *effects) {
	f.claims = slices.DeleteFunc(f.claims, func(c *claim) bool {
		if c.run != r.Run || r.Step != storage.NoStep && c.step != r.Step {
			return false
		}
		if c.stored {
			e.dropped = append(e.dropped, c.ticket)
		}
		e.topics |= storage.TopicSlots
		return true
	})
}

// setPool changes the number of slots of a pool.
func (f *facts) setPool(u *storage.PoolUpdate, e *effects) {
	p := f.pools[u.Name]
	if p == nil {
		p = &pool{name: u.Name}
		f.pools[u.Name] = p
	}
	if u.Declared {
		p.declared = int32(u.Slots)
		e.declared.put(p)
	} else {
		p.byHand = int32(u.Slots)
		e.set.put(p)
	}
	if p.declared == 0 && p.byHand == 0 {
		delete(f.pools, u.Name)
	}
	e.topics |= storage.TopicSlots
}

// sendSlots writes the claims that are new or changed, and drops those that ended.
func (f *facts) sendSlots(t *trip, to *tables, enc *encoder, e *effects) {
	if len(e.dropped) > 0 {
		t.send(dropSlots, nil, integers(e.dropped))
	}
	if len(e.ended) > 0 {
		t.send(dropEnded, nil, integers(e.ended))
	}
	var added []*slotRow
	var changed []*claim
	for _, c := range f.claims {
		switch {
		case !c.stored:
			for _, p := range c.pools {
				added = append(added, &slotRow{c, p})
			}
		case c.changed:
			changed = append(changed, c)
		}
	}
	to.insertSlots.send(t, enc, added, nil)
	to.updateSlots.send(t, enc, changed, nil)
}
