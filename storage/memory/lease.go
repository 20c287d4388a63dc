package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// ClaimRun makes an owner the owner of a run that is nobody's.
func (s *Store) ClaimRun(ctx context.Context, c storage.RunClaim) (storage.RunRecord, error) {
	if err := ctx.Err(); err != nil {
		return storage.RunRecord{}, err
	}
	if err := c.Validate(); err != nil {
		return storage.RunRecord{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return storage.RunRecord{}, storage.ErrClosed
	}
	r, now := s.runByID[c.ID], time.Now()
	switch {
	case r == nil:
		return storage.RunRecord{}, fmt.Errorf("run %q: %w", c.ID, storage.ErrNotFound)
	case r.record.State.Terminal():
		return storage.RunRecord{}, fmt.Errorf("run %q: %w in state %s", c.ID, storage.ErrRunEnded, r.record.State)
	case r.record.Owner != "" && r.record.Owner != c.Gone && r.record.LeaseUntil.After(now):
		return storage.RunRecord{}, fmt.Errorf("run %q: %w: %s, until %s", c.ID, storage.ErrOwned, r.record.Owner, r.record.LeaseUntil.Format(time.RFC3339))
	}
	r.record.Token++
	r.record.Owner, r.record.LeaseUntil = c.Owner, micros(now.Add(c.Lease))
	s.release(storage.SlotRelease{Run: r.record.Key, Step: storage.NoStep})
	s.signals.Send(storage.TopicSlots)
	return r.record, nil
}

// RenewLeases extends what the fences hold.
func (s *Store) RenewLeases(ctx context.Context, n storage.Renewal) ([]storage.LeaseState, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, storage.ErrClosed
	}
	now := time.Now()
	states := make([]storage.LeaseState, len(n.Fences))
	for i, f := range n.Fences {
		if states[i].Lost = s.checkFence(f) != nil; states[i].Lost {
			continue
		}
		if f.Backfill != 0 {
			rec := s.backfill(f.Backfill)
			rec.LeaseUntil = micros(now.Add(n.Lease))
			states[i].Cancel = rec.Cancel
			continue
		}
		rec := &s.run(f.Run).record
		rec.LeaseUntil = micros(now.Add(n.Lease))
		states[i].Cancel = rec.Cancel
		for _, c := range s.claims {
			switch {
			case c.run != f.Run || !c.until.After(now):
			case c.holding:
				c.until = micros(now.Add(n.Slots))
			default:
				c.until = micros(now.Add(n.Lease))
			}
		}
	}
	return states, nil
}

// cancel notes who asked for a run or a backfill to stop.
func (s *Store) cancel(c *storage.CancelRequest) {
	var noted **storage.CancelRequest
	if r := s.run(c.Run); r != nil && !r.record.State.Terminal() {
		noted = &r.record.Cancel
	} else if f := s.backfill(c.Backfill); f != nil && !f.State.Terminal() {
		noted = &f.Cancel
	}
	if noted == nil || *noted != nil {
		return
	}
	asked := *c
	asked.At = micros(c.At)
	*noted = &asked
	s.signals.Send(storage.TopicCancel)
}
