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
// A lease is a row with an end. Who holds it renews it; who died does not, and once the end has
// passed it is anybody's. Nothing is counted beside the rows, so nothing can drift.
type Leases interface {
	// ClaimRun makes an owner the owner of a run that is nobody's: one that has none, whose lease
	// has ended, or whose owner the claimant knows to be gone. The run's token grows, so that whatever
	// the former owner still writes is refused with [ErrFenced], and the slots of its steps
	// are free. It returns the run with its plan and the new token. A run that another owner holds is
	// [ErrOwned], one that has ended [ErrRunEnded], none of that ID [ErrNotFound].
	ClaimRun(ctx context.Context, c RunClaim) (RunRecord, error)
	// ClaimBackfill makes an owner the owner of a backfill, as ClaimRun does of a run.
	ClaimBackfill(ctx context.Context, c RunClaim) (BackfillRecord, error)
	// RenewLeases extends what the fences hold, and says of each, in their order, whether it was
	// lost and whether somebody asked for the run or backfill to stop.
	RenewLeases(ctx context.Context, r Renewal) ([]LeaseState, error)
	// ClaimSlots gives a step all the slots it asks for, or none and a place in line. Asked again,
	// it answers for the same place, and for slots that it holds already grants them again.
	// Lines are fair in the order of arrival: a step gets slots only when nobody who came earlier waits
	// for one of the same pools. A claim under a fence that is lost is [ErrFenced], a pool that
	// nobody has declared [ErrNotFound], one that has fewer slots than are asked for [ErrPoolTooSmall];
	// neither leaves a place in line.
	ClaimSlots(ctx context.Context, c SlotClaim) (SlotAnswer, error)
}

// RunClaim asks for a run, or for a backfill.
type RunClaim struct {
	// ID is that of the run or backfill.
	ID string
	// Owner names who asks: any text that no other process has.
	Owner string
	// Lease is how long it is the owner's without a renewal; it must be positive.
	Lease time.Duration
	// Gone is an owner that is known to have ended: its lease counts as ended too. Empty
	// waits for the end of any lease.
	Gone string
}

// Validate reports what no store can grant.
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
	// Lease is how long the runs and backfills are their owner's from now on, and how long their steps that wait
	// for slots keep their places in line.
	Lease time.Duration
	// Slots is how long their steps keep the slots that they hold.
	Slots time.Duration
}

// LeaseState is what a renewal found of one run or backfill.
type LeaseState struct {
	// Lost says that it has ended or has another owner.
	Lost bool
	// Cancel is set once somebody asked for it to stop.
	Cancel *CancelRequest
}

// CancelRequest asks the owner of a run or of a backfill, one of the two, to stop it.
type CancelRequest struct {
	Run      RunKey      `json:"-"`
	Backfill BackfillKey `json:"-"`
	// At is when, By who asked and Reason why, for people; both may be empty.
	At     time.Time `json:"at"`
	By     string    `json:"by,omitempty"`
	Reason string    `json:"reason,omitempty"`
}

// Signals tells that something was written, by whichever process.
type Signals interface {
	// Watch returns a channel that gets a value soon after something of the topics was written.
	// Values are merged while nobody reads, and one may come for nothing: a signal is a reason to look
	// again, never news by itself. The channel is closed when the context ends or the store closes.
	// A watcher costs next to nothing while nothing is written, and holds no lock.
	Watch(ctx context.Context, topics Topic) <-chan struct{}
}

// Topic is a set of subjects of [Signals].
type Topic uint8

// The topics.
const (
	// TopicSlots: slots became free, or a pool has more of them.
	TopicSlots Topic = 1 << iota
	// TopicCancel: somebody asked for a run or a backfill to stop.
	TopicCancel
	// TopicChanges: the feed of changes has a new entry.
	TopicChanges
)
