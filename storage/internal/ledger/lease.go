package ledger

import (
	"fmt"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/record"
)

// RunClaim makes an owner the owner of a run that has none, or whose lease has ended.
type RunClaim struct {
	storage.RunClaim

	// Token and Until are the answer.
	Token int64
	Until storage.Micros
}

func (c *RunClaim) needs(n *Needs) { n.ClaimedIDs = append(n.ClaimedIDs, c.ID) }

func (c *RunClaim) decide(t *transaction) (refusal, err error) {
	r, err := t.Runs.RunByID(c.ID)
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return fmt.Errorf("run %q: %w", c.ID, storage.ErrNotFound), nil
	case r.State.Terminal():
		return fmt.Errorf("run %q: %w in state %s", c.ID, storage.ErrRunEnded, r.State), nil
	case r.Owner != "" && r.Owner != c.Gone && r.Until > t.Now():
		return fmt.Errorf("run %q: %w: %s, until %s", c.ID, storage.ErrOwned, r.Owner, r.Until.Time().Format(time.RFC3339)), nil
	}
	r.Token++
	r.Owner, r.Until, r.Leased = c.Owner, t.after(c.Lease), true
	c.Token, c.Until = r.Token, r.Until
	t.change(r)
	return nil, t.release(storage.SlotRelease{Run: r.Key, Step: storage.NoStep})
}

// BackfillClaim is [RunClaim] for a backfill.
type BackfillClaim struct {
	storage.RunClaim

	// Token and Until are the answer.
	Token int64
	Until storage.Micros
}

func (c *BackfillClaim) needs(n *Needs) { n.ClaimedBackfillIDs = append(n.ClaimedBackfillIDs, c.ID) }

func (c *BackfillClaim) decide(t *transaction) (refusal, err error) {
	b, err := t.Backfills.BackfillByID(c.ID)
	switch {
	case err != nil:
		return nil, err
	case b == nil:
		return fmt.Errorf("backfill %q: %w", c.ID, storage.ErrNotFound), nil
	case b.State.Terminal():
		return fmt.Errorf("backfill %q: %w in state %s", c.ID, storage.ErrRunEnded, b.State), nil
	case b.Owner != "" && b.Owner != c.Gone && b.Until > t.Now():
		return fmt.Errorf("backfill %q: %w: %s, until %s", c.ID, storage.ErrOwned, b.Owner, b.Until.Time().Format(time.RFC3339)), nil
	}
	b.Token++
	b.Owner, b.Until = c.Owner, t.after(c.Lease)
	c.Token, c.Until = b.Token, b.Until
	t.changeBackfill(b)
	return nil, nil
}

// Renewal extends the leases of runs and backfills, and of the slots that the runs hold or await.
type Renewal struct {
	storage.Renewal

	// States are the answer, in the order of the fences.
	States []storage.LeaseState
}

// needs locks the pools of a renewed run: a slot must not be granted to another run at the moment
// at which its lease is extended.
func (r *Renewal) needs(n *Needs) {
	for _, f := range r.Fences {
		if f.Backfill != 0 {
			n.Backfills = append(n.Backfills, f.Backfill)
			continue
		}
		n.Runs, n.Renewed, n.Holders = append(n.Runs, f.Run), append(n.Renewed, f.Run), append(n.Holders, f.Run)
	}
}

func (r *Renewal) decide(t *transaction) (refusal, err error) {
	r.States = make([]storage.LeaseState, len(r.Fences))
	for i, f := range r.Fences {
		lost, err := checkRenewed(t, f)
		if err != nil {
			return nil, err
		}
		if r.States[i].Lost = lost != nil; lost != nil {
			continue
		}
		if f.Backfill != 0 {
			r.States[i].Cancel, err = r.renewBackfill(t, f.Backfill)
		} else {
			r.States[i].Cancel, err = r.renewRun(t, f.Run)
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// checkRenewed is checkFence, but the zero fence holds nothing.
func checkRenewed(t *transaction, f storage.Fence) (refusal, err error) {
	if f.Backfill != 0 {
		return t.checkBackfillFence(f)
	}
	return t.checkRunFence(f)
}

func (r *Renewal) renewBackfill(t *transaction, key storage.BackfillKey) (*storage.CancelRequest, error) {
	b, err := t.Backfills.Backfill(key)
	if err != nil {
		return nil, err
	}
	b.Until = t.after(r.Lease)
	t.changeBackfill(b)
	return record.Cancel(storage.CancelRequest{Backfill: key}, b.Cancel)
}

func (r *Renewal) renewRun(t *transaction, key storage.RunKey) (*storage.CancelRequest, error) {
	run, err := t.Runs.Run(key)
	if err != nil {
		return nil, err
	}
	run.Until, run.Leased = t.after(r.Lease), true
	t.change(run)
	line, err := t.Slots.Line(key, nil)
	if err != nil {
		return nil, err
	}
	now := t.Now()
	for _, c := range line.claims {
		if c.Run != key || c.Until <= now {
			continue
		}
		c.changed = true
		if c.Until = t.after(r.Lease); c.Holding {
			c.Until = t.after(r.Slots)
		}
	}
	return record.Cancel(storage.CancelRequest{Run: key}, run.Cancel)
}

// Announcement is a request that writes nothing: it tells other processes what was written before.
type Announcement struct{}

func (Announcement) needs(*Needs) {}

func (Announcement) decide(t *transaction) (refusal, err error) { //nolint:unparam // other calls are refused
	t.Announces = true
	return nil, nil
}
