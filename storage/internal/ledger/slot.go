package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/storage"
)

// Pool is a pool as the transaction sees it. Zero slots of a kind are none.
type Pool struct {
	Name string
	// Declared are the slots that definitions declare, Set those that an operator has set instead.
	Declared, Set int32
}

func (p *Pool) limit() int { return int(cmp.Or(p.Set, p.Declared)) }

// SlotClaim grants a step all the slots that it asks for, or none. Its fence was checked before.
type SlotClaim struct {
	storage.SlotClaim

	Answer storage.SlotAnswer
}

func (c *SlotClaim) needs(n *Needs) {
	for _, p := range c.Pools {
		n.Pools = append(n.Pools, p.Pool)
	}
	n.Holders = append(n.Holders, c.Fence.Run)
	n.Tickets++
}

func (c *SlotClaim) decide(t *transaction) (refusal, err error) {
	c.Answer = storage.SlotAnswer{}
	line, err := t.Slots.Line(c.Fence.Run, c.Pools)
	if err != nil {
		return nil, err
	}
	line.expire(t.Now())
	mine := line.claimOf(c.Fence.Run, c.Step)
	if mine != nil && !c.matches(mine) {
		t.releaseFrom(line, c.slots())
		mine = nil
	}
	pools, refusal, err := c.poolsOf(t)
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		t.releaseFrom(line, c.slots()) // a claim that can never be granted must not block others
		return refusal, nil
	}
	if mine == nil {
		if mine, err = c.queue(t, line); err != nil {
			return nil, err
		}
	}
	mine.changed = true
	if !mine.Holding {
		if c.Answer.Blocked, err = c.blocks(t, line, mine, pools); err != nil {
			return nil, err
		}
		if len(c.Answer.Blocked) > 0 {
			mine.Until = t.after(c.Wait)
			return nil, nil
		}
		mine.Holding, mine.Since = true, t.Now()
		if line.awaits(mine.Pools) { // the line has moved: the next claim may be granted too
			t.Topics |= storage.TopicSlots
		}
	}
	mine.Until = t.after(c.Hold)
	c.Answer.Granted = true
	return nil, nil
}

// slots are what the step holds or awaits.
func (c *SlotClaim) slots() storage.SlotRelease {
	return storage.SlotRelease{Run: c.Fence.Run, Step: c.Step}
}

// matches reports whether the step's claim is this one. Another attempt, or other pools, make
// another claim.
func (c *SlotClaim) matches(mine *Claim) bool {
	byName := func(a, b storage.PoolSlots) int { return strings.Compare(a.Pool, b.Pool) }
	return mine.Attempt == c.Attempt &&
		slices.Equal(slices.SortedFunc(slices.Values(mine.Pools), byName), slices.SortedFunc(slices.Values(c.Pools), byName))
}

// poolsOf returns the pools of the claim, or why it can never be granted.
func (c *SlotClaim) poolsOf(t *transaction) (pools []*Pool, refusal, err error) {
	for _, p := range c.Pools {
		known, err := t.Slots.Pool(p.Pool)
		switch {
		case err != nil:
			return nil, nil, err
		case known.limit() == 0:
			return nil, fmt.Errorf("pool %q: %w", p.Pool, storage.ErrNotFound), nil
		case p.Slots > known.limit():
			return nil, fmt.Errorf("pool %q: %w: it has %d, step %q asks for %d", p.Pool, storage.ErrPoolTooSmall, known.limit(), c.Key, p.Slots), nil
		}
		pools = append(pools, known)
	}
	return pools, nil, nil
}

// queue puts the step at the end of the line.
func (c *SlotClaim) queue(t *transaction, line *Line) (*Claim, error) {
	run, err := t.Runs.Run(c.Fence.Run)
	if err != nil {
		return nil, err
	}
	ticket, err := t.Slots.Ticket()
	if err != nil {
		return nil, err
	}
	mine := &Claim{
		Ticket: ticket, Run: run.Key, RunID: run.ID, Step: c.Step, Key: c.Key, Attempt: c.Attempt,
		Pools: slices.Clone(c.Pools), Since: t.Now(),
	}
	line.claims = append(line.claims, mine)
	return mine, nil
}

// blocks returns the pools that keep the claim waiting: those with too few free slots, and those
// that an earlier claim awaits.
func (c *SlotClaim) blocks(t *transaction, line *Line, mine *Claim, pools []*Pool) ([]storage.PoolBlock, error) {
	var blocked []storage.PoolBlock
	for _, pool := range pools {
		b := storage.PoolBlock{Pool: pool.Name, Limit: pool.limit(), Wanted: mine.wants(pool.Name)}
		var holder *Claim
		for _, other := range line.claims {
			n := other.wants(pool.Name)
			switch {
			case n == 0 || other == mine:
			case other.Holding:
				if holder == nil {
					holder = other
				}
				b.InUse += n
			case other.Ticket < mine.Ticket:
				b.Ahead++
			}
		}
		if b.Ahead == 0 && b.InUse+b.Wanted <= b.Limit {
			continue
		}
		if holder != nil {
			b.HolderStep = holder.Key
			var err error
			if b.HolderRun, err = t.runID(holder); err != nil {
				return nil, err
			}
		}
		blocked = append(blocked, b)
	}
	return blocked, nil
}

// runID returns the ID of a claim's run, which some stores look up only when it is needed.
func (t *transaction) runID(c *Claim) (string, error) {
	if c.RunID == "" {
		r, err := t.Runs.Run(c.Run)
		if err != nil || r == nil {
			return "", err
		}
		c.RunID = r.ID
	}
	return c.RunID, nil
}

// release gives back what a step, or every step of a run, holds or awaits.
func (t *transaction) release(r storage.SlotRelease) error {
	line, err := t.Slots.Line(r.Run, nil)
	if err == nil {
		t.releaseFrom(line, r)
	}
	return err
}

func (t *transaction) releaseFrom(line *Line, r storage.SlotRelease) {
	if line.release(r) {
		t.Topics |= storage.TopicSlots
	}
}

// updatePool changes the number of slots of a pool.
func (t *transaction) updatePool(u *storage.PoolUpdate) error {
	p, err := t.Slots.Pool(u.Name)
	if err != nil {
		return err
	}
	if u.Declared {
		p.Declared = int32(u.Slots)
		t.DeclaredPools.Put(p)
	} else {
		p.Set = int32(u.Slots)
		t.SetPools.Put(p)
	}
	t.Topics |= storage.TopicSlots
	return nil
}
