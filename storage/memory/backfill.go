package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

func (s *Store) addBackfill(rec *storage.BackfillRecord, lease time.Duration) {
	rec.Key = storage.BackfillKey(len(s.backfills) + 1)
	kept := *rec
	kept.FillSkipped()
	kept.CreatedAt, kept.StartedAt, kept.EndedAt = micros(rec.CreatedAt), micros(rec.StartedAt), micros(rec.EndedAt)
	if kept.LeaseUntil = (time.Time{}); rec.Owner != "" && !rec.State.Terminal() {
		kept.LeaseUntil = micros(time.Now().Add(lease))
	}
	s.backfills = append(s.backfills, &kept)
	s.backfillByID[rec.ID] = &kept
}

func (s *Store) updateBackfill(u *storage.BackfillUpdate) {
	rec := s.backfill(u.Backfill) // the fence was of this backfill, so it is there
	rec.State, rec.Error, rec.Progress = u.State, u.Error, u.Progress
	rec.FillSkipped()
	switch {
	case u.State == storage.BackfillInProgress && rec.StartedAt.IsZero():
		rec.StartedAt = micros(u.At)
	case u.State.Terminal():
		rec.EndedAt, rec.LeaseUntil = micros(u.At), time.Time{}
	}
}

// backfill returns the backfill of a key, nil where there is none.
func (s *Store) backfill(key storage.BackfillKey) *storage.BackfillRecord {
	if key <= 0 || int64(key) > int64(len(s.backfills)) {
		return nil
	}
	return s.backfills[key-1]
}

func (s *Store) checkBackfill(f storage.Fence) error {
	rec := s.backfill(f.Backfill)
	switch {
	case rec == nil:
		return fmt.Errorf("backfill %d: %w: it is not recorded", f.Backfill, storage.ErrFenced)
	case rec.State.Terminal():
		return fmt.Errorf("backfill %q: %w: it ended in state %s", rec.ID, storage.ErrFenced, rec.State)
	case rec.Token != f.Token:
		return fmt.Errorf("backfill %q: %w: token %d, the owner's is %d", rec.ID, storage.ErrFenced, f.Token, rec.Token)
	}
	return nil
}

func (s *Store) expectBackfills(backfills []storage.BackfillRecord) error {
	for i := range backfills {
		id := backfills[i].ID
		if s.backfillByID[id] != nil {
			return fmt.Errorf("backfill %q: %w", id, storage.ErrBackfillExists)
		}
		if slices.ContainsFunc(backfills[:i], func(o storage.BackfillRecord) bool { return o.ID == id }) {
			return fmt.Errorf("backfill %q: %w: the batch has it twice", id, storage.ErrBackfillExists)
		}
	}
	return nil
}

// ClaimBackfill makes an owner the owner of a backfill that is nobody's.
func (s *Store) ClaimBackfill(ctx context.Context, c storage.RunClaim) (storage.BackfillRecord, error) {
	if err := ctx.Err(); err != nil {
		return storage.BackfillRecord{}, err
	}
	if err := c.Validate(); err != nil {
		return storage.BackfillRecord{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return storage.BackfillRecord{}, storage.ErrClosed
	}
	rec, now := s.backfillByID[c.ID], time.Now()
	switch {
	case rec == nil:
		return storage.BackfillRecord{}, fmt.Errorf("backfill %q: %w", c.ID, storage.ErrNotFound)
	case rec.State.Terminal():
		return storage.BackfillRecord{}, fmt.Errorf("backfill %q: %w in state %s", c.ID, storage.ErrRunEnded, rec.State)
	case rec.Owner != "" && rec.Owner != c.Gone && rec.LeaseUntil.After(now):
		return storage.BackfillRecord{}, fmt.Errorf("backfill %q: %w: %s, until %s", c.ID, storage.ErrOwned, rec.Owner, rec.LeaseUntil.Format(time.RFC3339))
	}
	rec.Token++
	rec.Owner, rec.LeaseUntil = c.Owner, micros(now.Add(c.Lease))
	return *rec, nil
}

// GetBackfill returns one backfill, or [storage.ErrNotFound].
func (s *Store) GetBackfill(ctx context.Context, id string) (storage.BackfillRecord, error) {
	if err := s.read(ctx); err != nil {
		return storage.BackfillRecord{}, err
	}
	defer s.mu.RUnlock()
	rec := s.backfillByID[id]
	if rec == nil {
		return storage.BackfillRecord{}, fmt.Errorf("backfill %q: %w", id, storage.ErrNotFound)
	}
	return *rec, nil
}

// ListBackfills returns backfills without their sets, newest first.
func (s *Store) ListBackfills(ctx context.Context, q storage.BackfillQuery) ([]storage.BackfillRecord, error) {
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	limit, now := cmp.Or(q.Limit, defaultLimit), time.Now()
	var list []storage.BackfillRecord
	for _, kept := range slices.Backward(s.backfills) {
		if len(list) == limit {
			break
		}
		if kept == nil {
			continue
		}
		rec := *kept
		if q.Before > 0 && rec.Key >= q.Before || q.Location != "" && rec.Location != q.Location ||
			len(q.States) > 0 && !slices.Contains(q.States, rec.State) ||
			q.Abandoned && (rec.State.Terminal() || rec.Owner != "" && rec.LeaseUntil.After(now)) {
			continue
		}
		rec.Partitions = partition.Set{}
		p := &rec.Progress
		p.Submitted, p.Completed, p.Failed, p.Skipped, p.Canceled = partition.Set{}, partition.Set{}, partition.Set{}, partition.Set{}, partition.Set{}
		list = append(list, rec)
	}
	return list, nil
}
