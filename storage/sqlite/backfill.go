package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
	"github.com/rivers-go/rivers/storage/internal/record"
)

// backfiller is the part of the writer that knows of backfills.
type backfiller struct {
	w *writer
	// fences is what this transaction knows of the backfills it was asked about.
	fences map[storage.BackfillKey]runFence

	fence, has, add, addRequest, putSet, dropSet, set, claimable, own, renew, canceled, ask *statement
}

func newBackfiller(w *writer) *backfiller {
	return &backfiller{w: w, fences: map[storage.BackfillKey]runFence{}}
}

func (b *backfiller) checkFence(f storage.Fence) (refusal, err error) {
	known, err := b.look(f.Backfill)
	switch {
	case err != nil:
		return nil, err
	case !known.recorded:
		return fmt.Errorf("backfill %d: %w: it is not recorded", f.Backfill, storage.ErrFenced), nil
	case storage.BackfillState(known.state).Terminal():
		return fmt.Errorf("backfill %d: %w: it ended in state %s", f.Backfill, storage.ErrFenced, storage.BackfillState(known.state)), nil
	case known.token != f.Token:
		return fmt.Errorf("backfill %d: %w: token %d, the owner's is %d", f.Backfill, storage.ErrFenced, f.Token, known.token), nil
	}
	return nil, nil
}

// look reads a backfill once a transaction.
func (b *backfiller) look(key storage.BackfillKey) (runFence, error) {
	known, ok := b.fences[key]
	if ok {
		return known, nil
	}
	row, err := b.w.first(&b.fence, "SELECT token, state FROM backfill WHERE key = ?", 2, int64(key))
	if err != nil {
		return runFence{}, err
	}
	if row != nil {
		token, _ := row[0].(int64) // STRICT columns
		state, _ := row[1].(int64)
		known = runFence{recorded: true, token: token, state: storage.RunState(state)}
	}
	b.fences[key] = known
	return known, nil
}

// expect refuses an ID that a backfill has.
func (b *backfiller) expect(backfills []commit.Backfill) (refusal, err error) {
	for i := range backfills {
		id := backfills[i].Record.ID
		for j := range backfills[:i] {
			if backfills[j].Record.ID == id {
				return fmt.Errorf("backfill %q: %w: the batch has it twice", id, storage.ErrBackfillExists), nil
			}
		}
		row, err := b.w.first(&b.has, "SELECT 1 FROM backfill WHERE id = ?", 1, id)
		if err != nil {
			return nil, err
		}
		if row != nil {
			return fmt.Errorf("backfill %q: %w", id, storage.ErrBackfillExists), nil
		}
	}
	return nil, nil
}

func (b *backfiller) insert(f *commit.Backfill, lease time.Duration) error {
	rec := f.Record
	var until storage.Micros
	if rec.Owner != "" && !rec.State.Terminal() {
		until = storage.MicrosOf(time.Now().Add(lease))
	}
	p := &rec.Progress
	res, err := b.w.run(&b.add, "INSERT INTO backfill (id, location, state, token, created_at, started_at, ended_at, "+
		"total, runs, completed, failed, canceled, error, owner, lease_until) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		rec.ID, rec.Location, int64(rec.State), rec.Token, int64(storage.MicrosOf(rec.CreatedAt)), int64(storage.MicrosOf(rec.StartedAt)),
		int64(storage.MicrosOf(rec.EndedAt)), rec.Total, p.Runs, p.CompletedCount, p.FailedCount, p.CanceledCount, rec.Error, rec.Owner, int64(until))
	if err != nil {
		return err
	}
	key, err := res.LastInsertId()
	if err != nil {
		return err
	}
	f.Key = storage.BackfillKey(key)
	if _, err := b.w.run(&b.addRequest, "INSERT INTO backfill_request (backfill, rerun_of, assets, request) VALUES (?,?,?,?)",
		key, rec.RerunOf, f.Assets, f.Request); err != nil {
		return err
	}
	return b.putSets(f.Key, f.Sets, commit.AllSet)
}

// putSets writes the sets of a backfill from one on, of which those that did not change are left alone.
func (b *backfiller) putSets(key storage.BackfillKey, sets commit.Sets, from int) error {
	for which := from; which < len(sets); which++ {
		var err error
		if sets[which] == nil {
			_, err = b.w.run(&b.dropSet, "DELETE FROM backfill_set WHERE backfill = ? AND which = ?", int64(key), int64(which))
		} else {
			_, err = b.w.run(&b.putSet, "INSERT INTO backfill_set (backfill, which, labels) VALUES (?,?,?) "+
				"ON CONFLICT (backfill, which) DO UPDATE SET labels = excluded.labels WHERE labels <> excluded.labels", int64(key), int64(which), sets[which])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *backfiller) update(p *commit.Progress) error {
	u := p.Update
	at := int64(storage.MicrosOf(u.At))
	var started, ended any // nil leaves what is there
	switch {
	case u.State == storage.BackfillInProgress:
		started = at
	case u.State.Terminal():
		ended = at
	}
	_, err := b.w.run(&b.set, "UPDATE backfill SET state = ?1, started_at = iif(?2 IS NULL OR started_at <> 0, started_at, ?2), "+
		"ended_at = coalesce(?3, ended_at), lease_until = iif(?3 IS NULL, lease_until, 0), "+
		"runs = ?4, completed = ?5, failed = ?6, canceled = ?7, error = ?8 WHERE key = ?9",
		int64(u.State), started, ended, u.Progress.Runs, u.Progress.CompletedCount, u.Progress.FailedCount, u.Progress.CanceledCount,
		u.Error, int64(u.Backfill))
	if err != nil {
		return err
	}
	known := b.fences[u.Backfill] // the fence was of this backfill, so it is there
	known.state = storage.RunState(u.State)
	b.fences[u.Backfill] = known
	return b.putSets(u.Backfill, p.Sets, commit.SubmittedSet)
}

// ClaimBackfill makes an owner the owner of a backfill that is nobody's.
func (s *Store) ClaimBackfill(ctx context.Context, c storage.RunClaim) (storage.BackfillRecord, error) {
	if err := c.Validate(); err != nil {
		return storage.BackfillRecord{}, err
	}
	call := backfillClaim{RunClaim: c}
	if err := s.lease(ctx, storage.Fence{}, &call); err != nil {
		return storage.BackfillRecord{}, err
	}
	rec, err := s.GetBackfill(ctx, c.ID)
	if err != nil {
		return storage.BackfillRecord{}, err
	}
	rec.Token, rec.Owner, rec.LeaseUntil = call.token, c.Owner, call.until.Time() // whatever happened since
	return rec, nil
}

type backfillClaim struct {
	storage.RunClaim

	token int64
	until storage.Micros
}

func (c *backfillClaim) do(w *writer) (refusal, err error) {
	b := w.backfills
	row, err := w.first(&b.claimable, "SELECT key, state, token, owner, lease_until FROM backfill WHERE id = ?", 5, c.ID)
	if err != nil {
		return nil, err
	}
	if row == nil {
		return fmt.Errorf("backfill %q: %w", c.ID, storage.ErrNotFound), nil
	}
	key, _ := row[0].(int64) // STRICT columns
	state, _ := row[1].(int64)
	token, _ := row[2].(int64)
	owner, _ := row[3].(string)
	until, _ := row[4].(int64)
	now := time.Now()
	switch ends := storage.Micros(until); {
	case storage.BackfillState(state).Terminal():
		return fmt.Errorf("backfill %q: %w in state %s", c.ID, storage.ErrRunEnded, storage.BackfillState(state)), nil
	case owner != "" && owner != c.Gone && ends > storage.MicrosOf(now):
		return fmt.Errorf("backfill %q: %w: %s, until %s", c.ID, storage.ErrOwned, owner, ends.Time().Format(time.RFC3339)), nil
	}
	c.token, c.until = token+1, storage.MicrosOf(now.Add(c.Lease))
	_, err = w.run(&b.own, "UPDATE backfill SET token = ?, owner = ?, lease_until = ? WHERE key = ?", c.token, c.Owner, int64(c.until), key)
	if err != nil {
		return nil, err
	}
	b.fences[storage.BackfillKey(key)] = runFence{recorded: true, token: c.token, state: storage.RunState(state)}
	return nil, nil
}

// extend renews the lease of a backfill.
func (b *backfiller) extend(key storage.BackfillKey, now time.Time, r *storage.Renewal) (*storage.CancelRequest, error) {
	_, err := b.w.run(&b.renew, "UPDATE backfill SET lease_until = ? WHERE key = ?", int64(storage.MicrosOf(now.Add(r.Lease))), int64(key))
	if err != nil {
		return nil, err
	}
	row, err := b.w.first(&b.canceled, "SELECT cancel FROM backfill WHERE key = ?", 1, int64(key))
	if err != nil || row == nil {
		return nil, err
	}
	doc, _ := row[0].([]byte)
	return record.Cancel(storage.CancelRequest{Backfill: key}, doc)
}
