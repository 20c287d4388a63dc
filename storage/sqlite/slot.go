package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"time"

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
	// followed says that others wait for a pool of the claim.
	followed bool
}

func (c *slotClaim) do(w *writer) (refusal, err error) {
	c.answer, c.followed = storage.SlotAnswer{}, false
	now := time.Now()
	if _, err := w.run(&w.expire, "DELETE FROM slot WHERE until <= ?", int64(storage.MicrosOf(now))); err != nil {
		return nil, err
	}
	ticket, holding, err := c.mine(w)
	if err != nil {
		return nil, err
	}
	limits, refusal, err := c.limits(w)
	if err != nil {
		return nil, err
	}
	if refusal != nil { // who can never be served is in nobody's way
		return refusal, w.release(storage.SlotRelease{Run: c.Fence.Run, Step: c.Step})
	}
	if ticket == 0 {
		if ticket, err = c.queue(w, now); err != nil {
			return nil, err
		}
	}
	if !holding {
		if err := c.block(w, ticket, limits); err != nil {
			return nil, err
		}
	}
	return nil, c.settle(w, now, holding)
}

// mine finds what the step has already. Another attempt, or other pools, are another claim.
func (c *slotClaim) mine(w *writer) (ticket int64, holding bool, err error) {
	rows, err := w.all(&w.mySlots, "SELECT pool, slots, attempt, holding, ticket FROM slot WHERE run = ? AND step = ? ORDER BY pool", 5,
		int64(c.Fence.Run), int64(c.Step))
	if err != nil || len(rows) == 0 {
		return 0, false, err
	}
	wanted := slices.SortedFunc(slices.Values(c.Pools), func(a, b storage.PoolSlots) int { return strings.Compare(a.Pool, b.Pool) })
	same := len(rows) == len(wanted)
	for i := 0; same && i < len(rows); i++ {
		pool, _ := rows[i][0].(string) // STRICT columns
		slots, _ := rows[i][1].(int64)
		attempt, _ := rows[i][2].(int64)
		same = pool == wanted[i].Pool && slots == int64(wanted[i].Slots) && attempt == int64(c.Attempt)
	}
	if !same {
		return 0, false, w.release(storage.SlotRelease{Run: c.Fence.Run, Step: c.Step})
	}
	held, _ := rows[0][3].(int64)
	ticket, _ = rows[0][4].(int64)
	return ticket, held != 0, nil
}

// limits reads how many slots each pool has, and refuses what can never be granted.
func (c *slotClaim) limits(w *writer) (limits []int, refusal, err error) {
	for _, p := range c.Pools {
		row, err := w.first(&w.poolLimit, "SELECT by_hand, declared FROM pool WHERE name = ?", 2, p.Pool)
		if err != nil {
			return nil, nil, err
		}
		if row == nil {
			return nil, fmt.Errorf("pool %q: %w", p.Pool, storage.ErrNotFound), nil
		}
		byHand, _ := row[0].(int64)
		declared, _ := row[1].(int64)
		limit := int(cmp.Or(byHand, declared))
		if p.Slots > limit {
			return nil, fmt.Errorf("pool %q: %w: it has %d, step %q asks for %d", p.Pool, storage.ErrPoolTooSmall, limit, c.Key, p.Slots), nil
		}
		limits = append(limits, limit)
	}
	return limits, nil, nil
}

// queue gives the step a place behind everybody.
func (c *slotClaim) queue(w *writer, now time.Time) (ticket int64, err error) {
	row, err := w.first(&w.lastTicket, "SELECT coalesce(max(ticket), 0) FROM slot", 1)
	if err != nil {
		return 0, err
	}
	last, _ := row[0].(int64)
	for _, p := range c.Pools {
		_, err := w.run(&w.addSlot, "INSERT INTO slot (ticket, pool, slots, run, step, step_key, attempt, holding, since, until) VALUES (?,?,?,?,?,?,?,0,?,0)",
			last+1, p.Pool, int64(p.Slots), int64(c.Fence.Run), int64(c.Step), c.Key, int64(c.Attempt), int64(storage.MicrosOf(now)))
		if err != nil {
			return 0, err
		}
	}
	return last + 1, nil
}

// block finds the pools that keep the claim waiting: those with too few free slots, and those for which
// somebody waits who came earlier.
func (c *slotClaim) block(w *writer, ticket int64, limits []int) error {
	for i, p := range c.Pools {
		row, err := w.first(&w.poolUse, "SELECT coalesce(sum(slots) FILTER (WHERE holding = 1), 0), count(*) FILTER (WHERE holding = 0 AND ticket < ?), "+
			"min(ticket) FILTER (WHERE holding = 1), count(*) FILTER (WHERE holding = 0) FROM slot WHERE pool = ?", 4, ticket, p.Pool)
		if err != nil {
			return err
		}
		inUse, _ := row[0].(int64)
		ahead, _ := row[1].(int64)
		if waiting, _ := row[3].(int64); waiting > 1 { // beside this one
			c.followed = true
		}
		holder, held := row[2].(int64)
		if ahead == 0 && int(inUse)+p.Slots <= limits[i] {
			continue
		}
		b := storage.PoolBlock{Pool: p.Pool, Limit: limits[i], InUse: int(inUse), Wanted: p.Slots, Ahead: int(ahead)}
		if held {
			if b.HolderRun, b.HolderStep, err = w.holder(holder, p.Pool); err != nil {
				return err
			}
		}
		c.answer.Blocked = append(c.answer.Blocked, b)
	}
	return nil
}

func (w *writer) holder(ticket int64, pool string) (run, step string, err error) {
	row, err := w.first(&w.slotHolder, "SELECT run.id, slot.step_key FROM slot JOIN run ON run.key = slot.run WHERE slot.ticket = ? AND slot.pool = ?", 2, ticket, pool)
	if err != nil || row == nil {
		return "", "", err
	}
	run, _ = row[0].(string)
	step, _ = row[1].(string)
	return run, step, nil
}

// settle writes whether the claim holds or waits, and until when.
func (c *slotClaim) settle(w *writer, now time.Time, held bool) error {
	c.answer.Granted = len(c.answer.Blocked) == 0
	at, until := int64(storage.MicrosOf(now)), int64(storage.MicrosOf(now.Add(c.Hold)))
	run, step := int64(c.Fence.Run), int64(c.Step)
	var err error
	switch {
	case !c.answer.Granted:
		until = int64(storage.MicrosOf(now.Add(c.Wait)))
		_, err = w.run(&w.keepSlot, "UPDATE slot SET until = ? WHERE run = ? AND step = ?", until, run, step)
	case held:
		_, err = w.run(&w.keepSlot, "UPDATE slot SET until = ? WHERE run = ? AND step = ?", until, run, step)
	default:
		_, err = w.run(&w.holdSlot, "UPDATE slot SET holding = 1, since = ?, until = ? WHERE run = ? AND step = ?", at, until, run, step)
		if err == nil && c.followed {
			w.topics |= storage.TopicSlots // the line has moved: who is first now may be served too
		}
	}
	return err
}

// release gives back what a step, or every step of a run, holds or waits for.
func (w *writer) release(r storage.SlotRelease) error {
	var res driver.Result
	var err error
	if r.Step == storage.NoStep {
		res, err = w.run(&w.freeRun, "DELETE FROM slot WHERE run = ?", int64(r.Run))
	} else {
		res, err = w.run(&w.freeStep, "DELETE FROM slot WHERE run = ? AND step = ?", int64(r.Run), int64(r.Step))
	}
	return w.signal(storage.TopicSlots, res, err)
}

func (w *writer) writePool(p *storage.PoolUpdate) error {
	column := "by_hand"
	st := &w.setPool
	if p.Declared {
		column, st = "declared", &w.declarePool
	}
	byHand, declared := int64(p.Slots), int64(0)
	if p.Declared {
		byHand, declared = declared, byHand
	}
	res, err := w.run(st, "INSERT INTO pool (name, by_hand, declared) VALUES (?,?,?) ON CONFLICT (name) DO UPDATE SET "+column+" = excluded."+column,
		p.Name, byHand, declared)
	if err = w.signal(storage.TopicSlots, res, err); err != nil || p.Slots > 0 {
		return err
	}
	_, err = w.run(&w.dropPool, "DELETE FROM pool WHERE name = ? AND by_hand = 0 AND declared = 0", p.Name)
	return err
}
