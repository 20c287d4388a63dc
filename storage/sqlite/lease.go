package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
	"github.com/rivers-go/rivers/storage/internal/record"
)

// leaseCall is a claim or a renewal as the writer does it: it reads and writes inside the transaction
// of whatever group it came with, and keeps its own answer.
type leaseCall interface {
	// do returns the caller's refusal, or an error of SQLite's, which ends the transaction. It may be
	// called again for another transaction.
	do(w *writer) (refusal, err error)
}

// lease has a call done by the writer.
func (s *Store) lease(ctx context.Context, fence storage.Fence, call leaseCall) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.queue.Commit(ctx, commit.Request{Fence: fence, Call: call})
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

func (c *runClaim) do(w *writer) (refusal, err error) {
	row, err := w.first(&w.claimable, "SELECT key, state, token, owner, lease_until, era, targeted FROM run WHERE id = ?", 7, c.ID)
	if err != nil {
		return nil, err
	}
	if row == nil {
		return fmt.Errorf("run %q: %w", c.ID, storage.ErrNotFound), nil
	}
	key, _ := row[0].(int64) // STRICT columns
	state, _ := row[1].(int64)
	token, _ := row[2].(int64)
	owner, _ := row[3].(string)
	until, _ := row[4].(int64)
	era, _ := row[5].(int64)
	targeted, _ := row[6].(int64)
	now := time.Now()
	switch ends := storage.Micros(until); {
	case storage.RunState(state).Terminal():
		return fmt.Errorf("run %q: %w in state %s", c.ID, storage.ErrRunEnded, storage.RunState(state)), nil
	case owner != "" && owner != c.Gone && ends > storage.MicrosOf(now):
		return fmt.Errorf("run %q: %w: %s, until %s", c.ID, storage.ErrOwned, owner, ends.Time().Format(time.RFC3339)), nil
	}
	c.token, c.until = token+1, storage.MicrosOf(now.Add(c.Lease))
	_, err = w.run(&w.own, "UPDATE run SET token = ?, owner = ?, lease_until = ? WHERE key = ?", c.token, c.Owner, int64(c.until), key)
	if err != nil {
		return nil, err
	}
	w.fences[storage.RunKey(key)] = runFence{recorded: true, token: c.token, state: storage.RunState(state), era: era, targeted: targeted != 0}
	return nil, w.release(storage.SlotRelease{Run: storage.RunKey(key), Step: storage.NoStep})
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

func (r *renewal) do(w *writer) (refusal, err error) {
	r.states = make([]storage.LeaseState, len(r.Fences))
	now := time.Now()
	for i, f := range r.Fences {
		lost, err := w.checkFence(f)
		if err != nil {
			return nil, err
		}
		if r.states[i].Lost = lost != nil; lost != nil {
			continue
		}
		if f.Backfill != 0 {
			r.states[i].Cancel, err = w.backfills.extend(f.Backfill, now, &r.Renewal)
		} else {
			r.states[i].Cancel, err = w.renew(f.Run, now, &r.Renewal)
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// renew extends one run's lease and what its steps hold and wait for.
func (w *writer) renew(run storage.RunKey, now time.Time, r *storage.Renewal) (*storage.CancelRequest, error) {
	lease, slots := int64(storage.MicrosOf(now.Add(r.Lease))), int64(storage.MicrosOf(now.Add(r.Slots)))
	if _, err := w.run(&w.renewRun, "UPDATE run SET lease_until = ? WHERE key = ?", lease, int64(run)); err != nil {
		return nil, err
	}
	_, err := w.run(&w.renewSlots, "UPDATE slot SET until = iif(holding = 1, ?, ?) WHERE run = ? AND until > ?",
		slots, lease, int64(run), int64(storage.MicrosOf(now)))
	if err != nil {
		return nil, err
	}
	row, err := w.first(&w.canceled, "SELECT cancel FROM run WHERE key = ?", 1, int64(run))
	if err != nil || row == nil {
		return nil, err
	}
	doc, _ := row[0].([]byte)
	return record.Cancel(storage.CancelRequest{Run: run}, doc)
}

// writeCancel notes the first who asks a run, or a backfill, to stop.
func (w *writer) writeCancel(c *storage.CancelRequest) error {
	asked := *c
	asked.At = storage.MicrosOf(c.At).Time()
	doc, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	if c.Backfill != 0 {
		res, err := w.run(&w.backfills.ask, "UPDATE backfill SET cancel = ? WHERE key = ? AND cancel IS NULL AND state < ?",
			doc, int64(c.Backfill), int64(storage.BackfillCompleted))
		return w.signal(storage.TopicCancel, res, err)
	}
	res, err := w.run(&w.askCancel, "UPDATE run SET cancel = ? WHERE key = ? AND cancel IS NULL AND state < ?",
		doc, int64(c.Run), int64(storage.Success))
	return w.signal(storage.TopicCancel, res, err)
}

// signal marks a topic as written where a statement changed anything.
func (w *writer) signal(topic storage.Topic, res driver.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if n > 0 {
		w.topics |= topic
	}
	return err
}
