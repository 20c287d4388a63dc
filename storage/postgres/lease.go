package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
	"github.com/rivers-go/rivers/storage/internal/record"
)

// lease has a call done by the writer.
func (s *Store) lease(ctx context.Context, fence storage.Fence, c call) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.queue.Commit(ctx, commit.Request{Fence: fence, Call: c})
}

// ClaimRun makes an owner the owner of a run that is nobody's.
func (s *Store) ClaimRun(ctx context.Context, c storage.RunClaim) (storage.RunRecord, error) {
	if err := c.Validate(); err != nil {
		return storage.RunRecord{}, err
	}
	call := runClaim{RunClaim: c}
	if err := s.lease(ctx, storage.Fence{}, &call); err != nil {
		return storage.RunRecord{}, err
	}
	rec, err := s.GetRun(ctx, c.ID)
	if err != nil {
		return storage.RunRecord{}, err
	}
	rec.Token, rec.Owner, rec.LeaseUntil = call.token, c.Owner, call.until.Time() // whatever happened since
	return rec, nil
}

type runClaim struct {
	storage.RunClaim

	token int64
	until storage.Micros
}

func (c *runClaim) needs(n *needs) { n.claimed = append(n.claimed, c.ID) }

func (c *runClaim) decide(f *facts, e *effects) (refusal error) {
	r := f.byID[c.ID]
	switch {
	case r == nil:
		return fmt.Errorf("run %q: %w", c.ID, storage.ErrNotFound)
	case r.state.Terminal():
		return fmt.Errorf("run %q: %w in state %s", c.ID, storage.ErrRunEnded, r.state)
	case r.owner != "" && r.owner != c.Gone && r.until > f.now:
		return fmt.Errorf("run %q: %w: %s, until %s", c.ID, storage.ErrOwned, r.owner, r.until.Time().Format(time.RFC3339))
	}
	r.token++
	r.owner, r.until = c.Owner, f.after(c.Lease)
	c.token, c.until = r.token, r.until
	e.change(r)
	f.release(storage.SlotRelease{Run: r.key, Step: storage.NoStep}, e)
	return nil
}

// RenewLeases extends what the fences hold.
func (s *Store) RenewLeases(ctx context.Context, r storage.Renewal) ([]storage.LeaseState, error) {
	call := renewal{Renewal: r}
	if err := s.lease(ctx, storage.Fence{}, &call); err != nil {
		return nil, err
	}
	return call.states, nil
}

type renewal struct {
	storage.Renewal

	states []storage.LeaseState
}

// The pools of a renewed run are locked: else somebody might be granted a slot whose lease ends in the
// moment in which it is extended.
func (r *renewal) needs(n *needs) {
	for _, f := range r.Fences {
		if f.Backfill != 0 {
			n.backfills = append(n.backfills, f.Backfill)
			continue
		}
		n.runs, n.renewed, n.holders = append(n.runs, f.Run), append(n.renewed, f.Run), append(n.holders, f.Run)
	}
}

func (r *renewal) decide(f *facts, e *effects) (refusal error) {
	r.states = make([]storage.LeaseState, len(r.Fences))
	for i, fence := range r.Fences {
		if r.states[i].Lost = f.checkFence(fence) != nil; r.states[i].Lost {
			continue
		}
		if fence.Backfill != 0 {
			held := f.backfills[fence.Backfill]
			held.until = f.after(r.Lease)
			e.changeBackfill(held)
			var err error
			if r.states[i].Cancel, err = record.Cancel(storage.CancelRequest{Backfill: held.key}, held.cancel); err != nil {
				return err
			}
			continue
		}
		held := f.runs[fence.Run]
		held.until = f.after(r.Lease)
		e.change(held)
		var err error
		if r.states[i].Cancel, err = record.Cancel(storage.CancelRequest{Run: held.key}, held.cancel); err != nil {
			return err
		}
		for _, c := range f.claims {
			if c.run != fence.Run || c.until <= f.now {
				continue
			}
			c.changed = true
			if c.until = f.after(r.Lease); c.holding {
				c.until = f.after(r.Slots)
			}
		}
	}
	return nil
}
