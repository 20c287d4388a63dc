package engine

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// The times of leases.
const (
	// Lease is how long a run is its owner's without a renewal.
	Lease = 30 * time.Second
	// SlotLease is how long a step keeps its pool slots without one.
	SlotLease = 5 * time.Minute
	// watchAfter is when a run that is still in progress begins to be told at once that it was
	// canceled from elsewhere: before that it would cost more than the run.
	watchAfter = time.Second
)

// LeaseStore is what a LeaseRenewer asks of storage.
type LeaseStore interface {
	RenewLeases(ctx context.Context, r storage.Renewal) ([]storage.LeaseState, error)
	Watch(ctx context.Context, topics storage.Topic) <-chan struct{}
}

// LeaseRenewer renews the leases of all runs that one process has in progress on one store: in one
// call for all of them, every third of a lease. It has no goroutine while there is nothing to keep,
// and none at all for runs that are over within a second.
//
// A store that does not answer costs nothing yet: a lease that has ended is lost only when another
// process has claimed the run.
type LeaseRenewer struct {
	// Logger takes what is for the operator of the program; nil is slog's default. It is set before
	// the first use.
	Logger *slog.Logger

	store LeaseStore
	each  func()

	mu      sync.Mutex
	held    map[storage.Fence]*leasedRun
	beat    *time.Timer
	arm     *time.Timer        // begins to watch
	unwatch context.CancelFunc // nil while nobody watches
}

type leasedRun struct {
	lost   func()
	cancel func(storage.CancelRequest)
}

// NewLeaseRenewer returns one for the runs on a store. After each renewal it calls each, which may
// be nil.
func NewLeaseRenewer(s LeaseStore, each func()) *LeaseRenewer {
	return &LeaseRenewer{store: s, each: each, held: map[storage.Fence]*leasedRun{}}
}

// Hold renews what a fence holds of something that is no run of this package, such as a backfill;
// see hold.
func (k *LeaseRenewer) Hold(f storage.Fence, lost func(), cancel func(storage.CancelRequest)) (release func()) {
	return k.hold(f, lost, cancel)
}

// hold renews what the fence holds until release is called. lost is called, once, when the run is
// another's, and cancel each time that it is heard that somebody asks for it to stop.
func (k *LeaseRenewer) hold(f storage.Fence, lost func(), cancel func(storage.CancelRequest)) (release func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held[f] = &leasedRun{lost: lost, cancel: cancel}
	if len(k.held) == 1 {
		k.beat = time.AfterFunc(Lease/3, k.tick)
		k.arm = time.AfterFunc(watchAfter, k.watch)
	}
	return func() { k.release(f) }
}

func (k *LeaseRenewer) release(f storage.Fence) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.held, f)
	if len(k.held) > 0 {
		return
	}
	k.beat.Stop()
	k.arm.Stop()
	if k.unwatch != nil {
		k.unwatch()
		k.unwatch = nil
	}
}

// tick renews, and comes again.
func (k *LeaseRenewer) tick() {
	k.renew()
	if k.each != nil {
		k.each()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.held) > 0 {
		k.beat.Reset(Lease / 3)
	}
}

// watch renews out of turn when somebody asked a run to stop, for that is how it is heard.
func (k *LeaseRenewer) watch() {
	k.mu.Lock()
	if len(k.held) == 0 || k.unwatch != nil {
		k.mu.Unlock()
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	k.unwatch = stop
	k.mu.Unlock()
	asked := k.store.Watch(ctx, storage.TopicCancel)
	go func() {
		k.renew() // what was asked before this watch began
		for range asked {
			k.renew()
		}
	}()
}

// renew extends all leases and passes on the store's answer for each.
func (k *LeaseRenewer) renew() {
	k.mu.Lock()
	fences := make([]storage.Fence, 0, len(k.held))
	for f := range k.held {
		fences = append(fences, f)
	}
	k.mu.Unlock()
	if len(fences) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), Lease/3)
	defer cancel()
	states, err := k.store.RenewLeases(ctx, storage.Renewal{Fences: fences, Lease: Lease, Slots: SlotLease})
	if err != nil {
		logger(k.Logger).Warn("the leases of runs in progress are not renewed", "runs", len(fences), "error", err)
		return
	}
	for i, f := range fences {
		k.pass(f, &states[i])
	}
}

func (k *LeaseRenewer) pass(f storage.Fence, s *storage.LeaseState) {
	k.mu.Lock()
	r := k.held[f]
	if r != nil && s.Lost {
		delete(k.held, f)
	}
	k.mu.Unlock()
	switch {
	case r == nil:
	case s.Lost:
		r.lost()
	case s.Cancel != nil:
		r.cancel(*s.Cancel)
	}
}
