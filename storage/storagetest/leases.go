package storagetest

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// long is a lease that no test sees the end of, short one that ends at once.
const (
	long  = time.Hour
	short = time.Microsecond
)

// owned creates a run in progress that has an owner.
func (f *fixture) owned(id, owner string, lease time.Duration) storage.Fence {
	f.Helper()
	b := storage.Batch{Lease: lease, Runs: []storage.RunRecord{{
		ID: id, Location: "repo", State: storage.Running, Token: 1, Owner: owner, CreatedAt: epoch, StartedAt: epoch,
		Plan: []storage.PlanStep{{Key: "a"}, {Key: "b", After: []int32{0}}},
	}}}
	f.commit(&b)
	return storage.Fence{Run: b.Runs[0].Key, Token: 1}
}

// until repeats what waits for the end of a short lease, and ends the test if it does not come.
func (f *fixture) until(what string, done func() bool) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, 10*time.Second)
	defer cancel()
	for !done() {
		if ctx.Err() != nil {
			f.Fatalf("%s did not come within 10 s", what)
		}
	}
}

func checkClaimRun(f *fixture) {
	get := must[storage.RunRecord](f)
	_, err := f.ClaimRun(f.ctx, storage.RunClaim{ID: "r", Owner: "b", Lease: long})
	f.refused(err, storage.ErrNotFound)
	former := f.owned("r", "a", long)
	rec := get(f.GetRun(f.ctx, "r"))
	f.equal("the owner of a new run", rec.Owner, "a")
	if left := time.Until(rec.LeaseUntil); left < long/2 || left > 2*long {
		f.Fatalf("a lease of %s ends in %s", long, left)
	}
	_, err = f.ClaimRun(f.ctx, storage.RunClaim{ID: "r", Owner: "b", Lease: long})
	f.refused(err, storage.ErrOwned)
	_, err = f.ClaimRun(f.ctx, storage.RunClaim{ID: "r", Owner: "a", Lease: long}) // a process that forgot is no owner
	f.refused(err, storage.ErrOwned)
	_, err = f.ClaimRun(f.ctx, storage.RunClaim{ID: "r", Owner: "b", Lease: long, Gone: "c"})
	f.refused(err, storage.ErrOwned)

	claimed := get(f.ClaimRun(f.ctx, storage.RunClaim{ID: "r", Owner: "b", Lease: long, Gone: "a"}))
	f.equal("the token", claimed.Token, int64(2))
	f.equal("the plan", claimed.Plan, []storage.PlanStep{{Key: "a"}, {Key: "b", After: []int32{0}}})
	f.equal("what is recorded", get(f.GetRun(f.ctx, "r")), claimed)
	f.refused(f.Commit(f.ctx, &storage.Batch{Fence: former, Events: []storage.Event{event(former.Run, 1)}}), storage.ErrFenced)
	now := storage.Fence{Run: former.Run, Token: 2}
	f.commit(&storage.Batch{Fence: now, Events: []storage.Event{event(now.Run, 1)}})

	f.commit(&storage.Batch{Fence: now, RunUpdates: []storage.RunUpdate{{Run: now.Run, State: storage.Success, At: epoch}}})
	_, err = f.ClaimRun(f.ctx, storage.RunClaim{ID: "r", Owner: "c", Lease: long, Gone: "b"})
	f.refused(err, storage.ErrRunEnded)
	rec = get(f.GetRun(f.ctx, "r"))
	if rec.Owner != "b" || !rec.LeaseUntil.IsZero() {
		f.Errorf("an ended run has the owner %q until %s, want b and no lease", rec.Owner, rec.LeaseUntil)
	}

	f.run("nobody's") // queued, without an owner
	f.equal("the owner", get(f.ClaimRun(f.ctx, storage.RunClaim{ID: "nobody's", Owner: "d", Lease: long})).Owner, "d")
	for what, c := range map[string]storage.RunClaim{
		"no owner": {ID: "nobody's", Lease: long}, "no lease": {ID: "nobody's", Owner: "e", Gone: "d"},
	} {
		if _, err := f.ClaimRun(f.ctx, c); err == nil {
			f.Errorf("a claim with %s was granted", what)
		}
	}
	if err := f.Commit(f.ctx, &storage.Batch{Runs: []storage.RunRecord{{ID: "x", Owner: "a"}}}); err == nil {
		f.Error("a run with an owner and no lease was committed")
	}
}

// checkLeaseEnds waits for leases to end by themselves.
func checkLeaseEnds(f *fixture) {
	fence := f.owned("r", "a", short)
	f.owned("held", "a", long)
	f.run("queued")
	ids := func() string {
		var ids []string
		for _, r := range must[[]storage.RunRecord](f)(f.ListRuns(f.ctx, storage.RunQuery{Abandoned: true})) {
			ids = append(ids, r.ID)
		}
		return strings.Join(ids, " ")
	}
	f.until("the end of a lease", func() bool { return ids() == "r" })
	owned := must[[]storage.RunRecord](f)(f.ListRuns(f.ctx, storage.RunQuery{Owned: true}))
	f.equal("the number of owned runs", len(owned), 2)
	// The owner comes back before anybody claimed the run: it is still its own.
	states := must[[]storage.LeaseState](f)(f.RenewLeases(f.ctx, storage.Renewal{Fences: []storage.Fence{fence}, Lease: long, Slots: long}))
	f.equal("the renewal of a lease that had ended", states, []storage.LeaseState{{}})
	f.equal("the abandoned runs", ids(), "")
	f.RenewLeases(f.ctx, storage.Renewal{Fences: []storage.Fence{fence}, Lease: short, Slots: long}) //nolint:errcheck // its answer was checked above
	f.until("a claim after the end of a lease", func() bool {
		_, err := f.ClaimRun(f.ctx, storage.RunClaim{ID: "r", Owner: "b", Lease: long})
		if err != nil && !errors.Is(err, storage.ErrOwned) {
			f.Fatal(err)
		}
		return err == nil
	})
	states = must[[]storage.LeaseState](f)(f.RenewLeases(f.ctx, storage.Renewal{
		Fences: []storage.Fence{fence, {Run: fence.Run, Token: 2}, {Run: fence.Run + 99, Token: 1}}, Lease: long, Slots: long,
	}))
	f.equal("who lost a lease", states, []storage.LeaseState{{Lost: true}, {}, {Lost: true}})
	f.equal("a renewal of nothing", len(must[[]storage.LeaseState](f)(f.RenewLeases(f.ctx, storage.Renewal{Lease: long, Slots: long}))), 0)
}

func checkCancelRequests(f *fixture) {
	fence := f.owned("r", "a", long)
	asked := storage.CancelRequest{Run: fence.Run, At: epoch, By: "ann", Reason: "wrong day"}
	f.commit(&storage.Batch{Cancels: []storage.CancelRequest{asked}})
	f.commit(&storage.Batch{Cancels: []storage.CancelRequest{{Run: fence.Run, At: epoch.Add(time.Hour), By: "bob"}, {Run: fence.Run + 99, At: epoch}}})
	rec := must[storage.RunRecord](f)(f.GetRun(f.ctx, "r"))
	f.equal("the first who asked", rec.Cancel, &asked)
	f.equal("the state until the owner obeys", rec.State, storage.Running)
	states := must[[]storage.LeaseState](f)(f.RenewLeases(f.ctx, storage.Renewal{Fences: []storage.Fence{fence}, Lease: long, Slots: long}))
	f.equal("what the owner hears", states, []storage.LeaseState{{Cancel: &asked}})

	ended := f.owned("ended", "a", long)
	f.commit(&storage.Batch{Fence: ended, RunUpdates: []storage.RunUpdate{{Run: ended.Run, State: storage.Success, At: epoch}}})
	f.commit(&storage.Batch{Cancels: []storage.CancelRequest{{Run: ended.Run, At: epoch}}})
	if rec := must[storage.RunRecord](f)(f.GetRun(f.ctx, "ended")); rec.Cancel != nil || rec.State != storage.Success {
		f.Errorf("an ended run that was asked to stop: %+v", rec)
	}
}

func checkWatch(f *fixture) {
	fence := f.owned("r", "a", long)
	f.pool("p", 1)
	ctx, cancel := context.WithCancel(f.ctx)
	slots, cancels := f.Watch(ctx, storage.TopicSlots), f.Watch(ctx, storage.TopicCancel)
	comes := func(what string, signal <-chan struct{}) {
		f.Helper()
		select {
		case _, open := <-signal:
			if !open {
				f.Fatalf("%s: the channel is closed", what)
			}
		case <-time.After(10 * time.Second):
			f.Fatalf("%s: no signal within 10 s", what)
		}
	}
	claim := storage.SlotClaim{Fence: fence, Step: 0, Key: "a", Attempt: 1, Pools: []storage.PoolSlots{{Pool: "p", Slots: 1}}, Hold: long, Wait: long}
	for range 3 {
		f.granted(claim)
		f.commit(&storage.Batch{Fence: fence, Releases: []storage.SlotRelease{{Run: fence.Run, Step: 0}}})
		comes("slots given back", slots)
	}
	f.pool("p", 2)
	comes("a larger pool", slots)
	f.lineMoves(fence, slots, comes)
	f.commit(&storage.Batch{Cancels: []storage.CancelRequest{{Run: fence.Run, At: epoch}}})
	comes("a request to cancel", cancels)
	cancel()
	for range slots { // until it is closed
	}
	for range cancels {
	}
}

// lineMoves has two steps in line; the second asks first when slots are free: it has to wait for
// the first, and is told when that has been served.
func (f *fixture) lineMoves(fence storage.Fence, slots <-chan struct{}, comes func(string, <-chan struct{})) {
	f.Helper()
	f.granted(slotClaim(fence, 1, "p 2"))
	f.blocked(slotClaim(fence, 2, "p"), "p: 2/2, 0 ahead")
	f.blocked(slotClaim(fence, 3, "p"), "p: 2/2, 1 ahead")
	f.release(fence, 1)
	comes("slots given back", slots)
	f.blocked(slotClaim(fence, 3, "p"), "p: 0/2, 1 ahead")
	for len(slots) > 0 {
		<-slots
	}
	f.granted(slotClaim(fence, 2, "p"))
	comes("a line that moved", slots)
	f.granted(slotClaim(fence, 3, "p"))
}

func checkWatchClosed(f *fixture) {
	before := f.Watch(f.ctx, storage.TopicSlots|storage.TopicCancel)
	if err := f.Storage.Close(); err != nil {
		f.Fatal(err)
	}
	for range before { // until it is closed
	}
	for range f.Watch(f.ctx, storage.TopicSlots) {
	}
}
