package memory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// pool has the numbers of slots that definitions declare and a person has set.
type pool struct{ declared, set int }

func (p pool) limit() int { return cmp.Or(p.set, p.declared) }

// claim is what one step holds or waits for. A store keeps them in the order of arrival.
type claim struct {
	run          storage.RunKey
	step         int32
	key          string
	attempt      int32
	pools        []storage.PoolSlots
	holding      bool
	since, until time.Time
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

// ClaimSlots grants all slots or none.
func (s *Store) ClaimSlots(ctx context.Context, c storage.SlotClaim) (storage.SlotAnswer, error) {
	if err := ctx.Err(); err != nil {
		return storage.SlotAnswer{}, err
	}
	if err := c.Validate(); err != nil {
		return storage.SlotAnswer{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.admit(c.Fence); err != nil {
		return storage.SlotAnswer{}, err
	}
	now := time.Now()
	s.expire(now)
	mine := s.claimOf(c.Fence.Run, c.Step)
	if mine != nil && (mine.attempt != c.Attempt || !slices.Equal(mine.pools, c.Pools)) {
		s.release(storage.SlotRelease{Run: c.Fence.Run, Step: c.Step})
		mine = nil
	}
	if err := s.checkPools(&c); err != nil {
		s.release(storage.SlotRelease{Run: c.Fence.Run, Step: c.Step}) // who can never be served is in nobody's way
		return storage.SlotAnswer{}, err
	}
	if mine == nil {
		mine = &claim{run: c.Fence.Run, step: c.Step, key: c.Key, attempt: c.Attempt, pools: slices.Clone(c.Pools), since: micros(now)}
		s.claims = append(s.claims, mine)
	}
	if !mine.holding {
		if blocked := s.blocks(mine); len(blocked) > 0 {
			mine.until = micros(now.Add(c.Wait))
			return storage.SlotAnswer{Blocked: blocked}, nil
		}
		mine.holding, mine.since = true, micros(now)
		if s.waited(mine) { // the line has moved: who is first now may be served too
			s.signals.Send(storage.TopicSlots)
		}
	}
	mine.until = micros(now.Add(c.Hold))
	return storage.SlotAnswer{Granted: true}, nil
}

// checkPools refuses what can never be granted.
func (s *Store) checkPools(c *storage.SlotClaim) error {
	for _, p := range c.Pools {
		known, ok := s.pools[p.Pool]
		switch {
		case !ok:
			return fmt.Errorf("pool %q: %w", p.Pool, storage.ErrNotFound)
		case p.Slots > known.limit():
			return fmt.Errorf("pool %q: %w: it has %d, step %q asks for %d", p.Pool, storage.ErrPoolTooSmall, known.limit(), c.Key, p.Slots)
		}
	}
	return nil
}

// blocks returns the pools that keep a claim waiting: those with too few free slots, and those for
// which somebody waits who came earlier.
func (s *Store) blocks(mine *claim) []storage.PoolBlock {
	var blocked []storage.PoolBlock
	for _, p := range mine.pools {
		b := storage.PoolBlock{Pool: p.Pool, Limit: s.pools[p.Pool].limit(), Wanted: p.Slots}
		earlier := true
		for _, other := range s.claims {
			n := other.wants(p.Pool)
			switch {
			case other == mine:
				earlier = false
			case n > 0 && other.holding:
				if b.InUse == 0 {
					b.HolderRun, b.HolderStep = s.run(other.run).record.ID, other.key
				}
				b.InUse += n
			case n > 0 && earlier:
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
func (s *Store) waited(mine *claim) bool {
	return slices.ContainsFunc(s.claims, func(c *claim) bool {
		return !c.holding && slices.ContainsFunc(mine.pools, func(p storage.PoolSlots) bool { return c.wants(p.Pool) > 0 })
	})
}

// expire drops the claims whose lease has ended.
func (s *Store) expire(now time.Time) {
	s.claims = slices.DeleteFunc(s.claims, func(c *claim) bool { return !c.until.After(now) })
}

func (s *Store) claimOf(run storage.RunKey, step int32) *claim {
	i := slices.IndexFunc(s.claims, func(c *claim) bool { return c.run == run && c.step == step })
	if i < 0 {
		return nil
	}
	return s.claims[i]
}

// release gives back what a step, or every step of a run, holds or waits for.
func (s *Store) release(r storage.SlotRelease) {
	before := len(s.claims)
	s.claims = slices.DeleteFunc(s.claims, func(c *claim) bool {
		return c.run == r.Run && (r.Step == storage.NoStep || c.step == r.Step)
	})
	if len(s.claims) < before {
		s.signals.Send(storage.TopicSlots)
	}
}

func (s *Store) updatePool(u *storage.PoolUpdate) {
	p := s.pools[u.Name]
	if u.Declared {
		p.declared = u.Slots
	} else {
		p.set = u.Slots
	}
	if p == (pool{}) {
		delete(s.pools, u.Name)
	} else {
		s.pools[u.Name] = p
	}
	s.signals.Send(storage.TopicSlots)
}

// ListPools returns all pools by name.
func (s *Store) ListPools(ctx context.Context) ([]storage.PoolRecord, error) {
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	now := time.Now()
	var list []storage.PoolRecord
	for _, name := range slices.Sorted(maps.Keys(s.pools)) {
		p := s.pools[name]
		rec := storage.PoolRecord{Name: name, Limit: p.limit(), Declared: p.declared, Set: p.set}
		for _, c := range s.claims {
			n := c.wants(name)
			switch {
			case n == 0 || !c.until.After(now):
			case c.holding:
				rec.InUse += n
			default:
				rec.Waiting++
			}
		}
		list = append(list, rec)
	}
	return list, nil
}

// ListSlots returns who holds slots, then who waits for them.
func (s *Store) ListSlots(ctx context.Context, q storage.SlotQuery) ([]storage.SlotRecord, error) {
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	now := time.Now()
	var held, waits []storage.SlotRecord
	for _, c := range s.claims {
		if !c.until.After(now) || q.Run != 0 && q.Run != c.run {
			continue
		}
		pools := slices.SortedFunc(slices.Values(c.pools), func(a, b storage.PoolSlots) int { return strings.Compare(a.Pool, b.Pool) })
		for _, p := range pools {
			if q.Pool != "" && q.Pool != p.Pool {
				continue
			}
			rec := storage.SlotRecord{
				PoolSlots: p, Run: c.run, RunID: s.run(c.run).record.ID, Step: c.step, Key: c.key, Attempt: c.attempt,
				Holding: c.holding, Since: c.since, Until: c.until,
			}
			if c.holding {
				held = append(held, rec)
			} else {
				waits = append(waits, rec)
			}
		}
	}
	return append(held, waits...), nil
}
