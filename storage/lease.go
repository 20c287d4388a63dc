package storage

import (
	"context"
	"fmt"
	"time"
)

// Leases gives runs to owners and pool slots to steps, each for a time. These calls are the only
// ones beside [Writer.Commit] that write: what they grant depends on what everybody else holds, so
// the store decides, by its own clock, in a transaction of their own that is durable on return.
//
// A lease is a row with an end. Its holder renews it; after the end anybody may claim it. The rows
// are the only count, so nothing can drift.
type Leases interface {
	// ClaimRun gives a free run an owner: a run without one, whose lease has ended, or whose owner
	// the claimant knows to be gone. The run's token grows: later writes of the former owner return
	// [ErrFenced], and the slots of its steps are free. ClaimRun returns the run with its plan and
	// the new token. It returns [ErrOwned] if another owner holds the run, [ErrRunEnded] if it has
	// ended, and [ErrNotFound] for an unknown ID.
	ClaimRun(ctx context.Context, c RunClaim) (RunRecord, error)
	// ClaimBackfill makes an owner the owner of a backfill, as ClaimRun does of a run.
	ClaimBackfill(ctx context.Context, c RunClaim) (BackfillRecord, error)
	// RenewLeases extends the leases of the fences. It returns for each, in order, whether the
	// lease was lost and the request to stop.
	RenewLeases(ctx context.Context, r Renewal) ([]LeaseState, error)
	// ClaimSlots grants a step all requested slots, or none and a place in line. A repeated claim
	// keeps its place, and grants held slots again. Lines are first come, first served: a step gets
	// slots only if no earlier claim waits for one of the same pools. It returns [ErrFenced] under
	// a lost fence, [ErrNotFound] for an undeclared pool and [ErrPoolTooSmall] for a pool with
	// fewer slots. None of them leaves a place in line.
	ClaimSlots(ctx context.Context, c SlotClaim) (SlotAnswer, error)
}

// RunClaim asks for a run, or for a backfill.
type RunClaim struct {
	// ID is that of the run or backfill.
	ID string
	// Owner is a text that no other process uses.
	Owner string
	// Lease is how long it is the owner's without a renewal; it must be positive.
	Lease time.Duration
	// Gone is an owner that is known to have ended: its lease counts as ended too. Empty
	// waits for the end of any lease.
	Gone string
}

// Validate reports a claim that no store can grant.
func (c *RunClaim) Validate() error {
	switch {
	case c.Owner == "":
		return fmt.Errorf("claim of %q: it names no owner", c.ID)
	case c.Lease <= 0:
		return fmt.Errorf("claim of %q: its lease is %s: want a positive one", c.ID, c.Lease)
	}
	return nil
}

// Renewal extends leases.
type Renewal struct {
	Fences []Fence
	// Lease is how long the runs and backfills are their owner's from now on, and how long their
	// steps that wait for slots keep their places in line.
	Lease time.Duration
	// Slots is how long their steps keep the slots that they hold.
	Slots time.Duration
}

// LeaseState is the result of a renewal for one run or backfill.
type LeaseState struct {
	// Lost means that it has ended or has another owner.
	Lost bool
	// Cancel is the request to stop; nil for none.
	Cancel *CancelRequest
}

// CancelRequest asks the owner of a run or of a backfill, one of the two, to stop it.
type CancelRequest struct {
	Run      RunKey      `json:"-"`
	Backfill BackfillKey `json:"-"`
	// At is the instant of the request, By its author and Reason its reason; the texts may be
	// empty.
	At     time.Time `json:"at"`
	By     string    `json:"by,omitempty"`
	Reason string    `json:"reason,omitempty"`
}

// Signals tells that something was written, by whichever process.
type Signals interface {
	// Watch returns a channel that receives a value soon after a write to the topics. Unread values
	// are merged, and a value may be spurious: it is a reason to read again. The channel is closed
	// when the context ends or the store closes. An idle watcher costs almost nothing and holds no
	// lock.
	Watch(ctx context.Context, topics Topic) <-chan struct{}
}

// Topic is a set of subjects of [Signals].
type Topic uint8

// The topics.
const (
	// TopicSlots: slots became free, or a pool has more of them.
	TopicSlots Topic = 1 << iota
	// TopicCancel: a request to stop a run or a backfill.
	TopicCancel
	// TopicChanges: the feed of changes has a new entry.
	TopicChanges
)
