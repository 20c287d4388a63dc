package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// pooled is a store with one pool, and pipelines whose steps take an hour and hold one slot of it.
func pooled(t *testing.T, slots int) *memory.Store {
	t.Helper()
	s := memory.New()
	if err := s.Commit(t.Context(), &storage.Batch{Pools: []storage.PoolUpdate{{Name: "db", Slots: slots}}}); err != nil {
		t.Fatal(err)
	}
	return s
}

func slot(n *graph.Node) *graph.Node {
	n.Pools = []storage.PoolSlots{{Pool: "db", Slots: 1}}
	return n
}

func hour(inv *graph.Invocation, _ []any) (any, error) {
	select {
	case <-time.After(time.Hour):
		return 1, nil
	case <-inv.Context.Done():
		return nil, context.Cause(inv.Context)
	}
}

// held asserts who holds and who waits, written "run/step holds".
func held(t *testing.T, s storage.Storage, want string) {
	t.Helper()
	slots, err := s.ListSlots(t.Context(), storage.SlotQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range slots {
		word := "waits"
		if r.Holding {
			word = "holds"
		}
		got = append(got, r.RunID+"/"+r.Key+" "+word)
	}
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("slots: %s\nwant %s", text, want)
	}
}

// Steps of several runs share a pool of one slot: one after the other, in the order of arrival, each woken
// the moment the slot is free.
func TestPoolsHoldAcrossRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := pooled(t, 1)
		var wg sync.WaitGroup
		began := time.Now()
		for i, id := range []string{"r1", "r2", "r3"} {
			p := newPipeline()
			slot(p.asset("load", hour))
			p.asset("report", one, "load")
			c := p.config(t, store)
			c.Record.ID, c.Record.Owner, c.Leases, c.ClaimTimeout = id, "me", engine.NewLeaseRenewer(store, nil), 0
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Minute) // they come in this order
				res, err := engine.Execute(t.Context(), c)
				expect(t, res, err, storage.Success, "load:succeeded/1 report:succeeded/1")
				if took := time.Since(began); took != time.Duration(i+1)*time.Hour {
					t.Errorf("%s ended after %s, want %dh", id, took, i+1)
				}
			})
		}
		wg.Wait()
		held(t, store, "")
	})
}

func TestKeeperKeepsSlotsAndPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := pooled(t, 1)
		keeper := engine.NewLeaseRenewer(store, nil)
		var wg sync.WaitGroup
		for i, id := range []string{"r1", "r2"} {
			p := newPipeline()
			slot(p.asset("load", hour))
			c := p.config(t, store)
			c.Record.ID, c.Record.Owner, c.Leases = id, "me", keeper
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Minute)
				res, err := engine.Execute(t.Context(), c)
				expect(t, res, err, storage.Success, "load:succeeded/1")
			})
		}
		time.Sleep(30 * time.Minute)
		held(t, store, "r1/load holds, r2/load waits")
		time.Sleep(time.Hour)
		held(t, store, "r2/load holds")
		abandoned, err := store.ListRuns(t.Context(), storage.RunQuery{Abandoned: true})
		if err != nil || len(abandoned) != 0 {
			t.Errorf("abandoned: %+v, %v", abandoned, err)
		}
		wg.Wait()
		held(t, store, "")
	})
}

// While it waits, a step takes no worker, says what it waits for, and gives up in the end.
func TestWaitingStepTakesNoWorkerAndGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := pooled(t, 1)
		blocker := newPipeline()
		slot(blocker.asset("long", hour))
		c := blocker.config(t, store)
		c.Record.ID, c.Record.Owner, c.Leases = "blocker", "me", engine.NewLeaseRenewer(store, nil)
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := engine.Execute(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()

		p := newPipeline()
		p.workers = 1
		var waits []engine.WaitNotice
		p.watch.StepWaiting = func(n engine.WaitNotice) { waits = append(waits, n) }
		slot(p.asset("load", one)).Retry = retry.Policy{Max: 1, On: []error{retry.Infrastructure}}
		p.asset("other", one)
		p.asset("after", one, "load")
		const limit = 10 * time.Minute
		waiting := p.config(t, store)
		waiting.ClaimTimeout = limit
		began := time.Now()
		res, err := engine.Execute(t.Context(), waiting)
		expect(t, res, err, storage.Failure, "load:failed/0 other:succeeded/1 after:skipped/0")
		if took := time.Since(began); took != 2*limit {
			t.Errorf("gave up after %s, want two attempts of %s", took, limit)
		}
		var slots *engine.SlotsError
		if !errors.As(res.Steps[0].Err, &slots) || slots.Blocked[0].HolderRun != "blocker" || !strings.Contains(slots.Hint(), "pools holders") {
			t.Errorf("load: %v", res.Steps[0].Err)
		}
		want := `pool "db" has 1 of 1 slots in use, one by step "long" of run blocker`
		if len(waits) != 2 || waits[0].Reason != want || waits[0].Step != "load" || waits[1].Attempt != 2 {
			t.Errorf("waiting: %+v, want twice: %s", waits, want)
		}
		if got := res.Steps[0].Err.Error(); got != "its pool slots were not granted within 10m0s: "+want {
			t.Errorf("load: %s", got)
		}
		held(t, store, "blocker/long holds")
		wg.Wait()
	})
}

// Slots are given back while a retry waits, and claimed anew for it.
func TestRetryGivesSlotsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := pooled(t, 1)
		p := newPipeline()
		slot(p.asset("flaky", func(inv *graph.Invocation, _ []any) (any, error) {
			held(t, store, fmt.Sprintf("%s/flaky holds", inv.Run.ID))
			if inv.Attempt == 1 {
				return nil, errors.New("no")
			}
			return 1, nil
		})).Retry = retry.Policy{Max: 1, Backoff: retry.Constant(time.Minute)}
		time.AfterFunc(30*time.Second, func() { held(t, store, "") })
		c := p.config(t, store)
		c.Shared.ID = c.Record.ID
		res, err := engine.Execute(t.Context(), c)
		expect(t, res, err, storage.Success, "flaky:succeeded/2")
		held(t, store, "")
	})
}

func TestSlotsThatCanNeverBe(t *testing.T) {
	for want, pools := range map[string]storage.PoolSlots{
		`its pool slots: pool "db": the pool has fewer slots than are asked for: it has 1, step "load" asks for 2`: {Pool: "db", Slots: 2},
		`its pool slots: pool "dbb": not found`: {Pool: "dbb", Slots: 1},
	} {
		p := newPipeline()
		p.retry = retry.Policy{Max: 5, On: []error{retry.Infrastructure}} // which it is not
		p.asset("load", one).Pools = []storage.PoolSlots{pools}
		p.asset("other", one)
		res, err := p.run(t.Context(), t, pooled(t, 1))
		expect(t, res, err, storage.Failure, "load:failed/0 other:succeeded/1")
		if got := res.Steps[0].Err.Error(); got != want {
			t.Errorf("load: %s\nwant %s", got, want)
		}
	}
}

// A run that is canceled while its steps wait for slots, hold some or run leaves none behind.
func TestCanceledRunLeavesNoSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := pooled(t, 2)
		p := newPipeline()
		for i := range 6 {
			slot(p.asset(fmt.Sprintf("a%d", i), hour))
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		time.AfterFunc(time.Second, func() {
			slots, err := store.ListSlots(t.Context(), storage.SlotQuery{})
			if err != nil || len(slots) != 4 { // as many as there are workers
				t.Errorf("%d claims, %v, want 4", len(slots), err)
			}
		})
		res, err := p.run(ctx, t, store)
		if err != nil || res.State != storage.Canceled || res.Counts.Canceled != 6 {
			t.Errorf("%s, %v", outcomes(res), err)
		}
		held(t, store, "")
	})
}

// Somebody in another process asks for the run to stop: its owner hears it at once and obeys.
func TestCancelFromElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		p := newPipeline()
		p.asset("a", hour)
		p.asset("b", one, "a")
		c := p.config(t, store)
		c.Record.Owner, c.Leases = "me", engine.NewLeaseRenewer(store, nil)
		began := time.Now()
		time.AfterFunc(10*time.Minute, func() {
			rec, err := store.GetRun(t.Context(), c.Record.ID)
			if err != nil {
				t.Error(err)
			}
			ask := storage.CancelRequest{Run: rec.Key, At: time.Now(), By: "ann", Reason: "wrong day"}
			if err := store.Commit(t.Context(), &storage.Batch{Cancels: []storage.CancelRequest{ask}}); err != nil {
				t.Error(err)
			}
		})
		res, err := engine.Execute(t.Context(), c)
		expect(t, res, err, storage.Canceled, "a:canceled/1 b:canceled/0")
		if took := time.Since(began); took != 10*time.Minute {
			t.Errorf("took %s, want 10m", took)
		}
		rec, err := store.GetRun(t.Context(), c.Record.ID)
		if err != nil || rec.Error != "the run was canceled by ann: wrong day" {
			t.Errorf("recorded: %q, %v", rec.Error, err)
		}
	})
}

// A run that another process has claimed stops, and nothing of it is recorded any more.
func TestLostRunStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		p := newPipeline()
		p.asset("a", hour)
		c := p.config(t, store)
		c.Record.Owner, c.Leases = "me", engine.NewLeaseRenewer(store, nil)
		time.AfterFunc(time.Minute, func() {
			if _, err := store.ClaimRun(t.Context(), storage.RunClaim{ID: c.Record.ID, Owner: "other", Lease: engine.Lease, Gone: "me"}); err != nil {
				t.Error(err)
			}
		})
		began := time.Now()
		res, err := engine.Execute(t.Context(), c)
		if !errors.Is(err, storage.ErrFenced) || res == nil || res.State != storage.Canceled {
			t.Errorf("%v, %v", res, err)
		}
		if took := time.Since(began); took > time.Minute+engine.Lease/3 {
			t.Errorf("it took %s to hear of it", took-time.Minute)
		}
		rec, err := store.GetRun(t.Context(), c.Record.ID)
		if err != nil || rec.State != storage.Running || rec.Owner != "other" {
			t.Errorf("recorded: %+v, %v", rec, err)
		}
	})
}

// A run that is renewed while its end is being written has no lease any more, and has lost none.
func TestEndedRunIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &lingeringEnds{Store: memory.New(), lost: make(chan struct{}, 1)}
		other := storage.Batch{Runs: []storage.RunRecord{{ID: "other", Token: 1}}}
		if err := store.Commit(t.Context(), &other); err != nil {
			t.Fatal(err)
		}
		store.other = other.Runs[0].Key
		p := newPipeline()
		p.asset("a", one)
		var out bytes.Buffer
		c := p.config(t, store)
		c.Record.Owner, c.Leases, c.Logger = "me", engine.NewLeaseRenewer(store, nil), slog.New(slog.NewTextHandler(&out, nil))
		res, err := engine.Execute(t.Context(), c)
		expect(t, res, err, storage.Success, "a:succeeded/1")
		synctest.Wait()
		if out.Len() > 0 {
			t.Errorf("the log says %q", out.String())
		}
	})
}

// lingeringEnds writes the end of a run and answers when its lease was renewed once more, which asking another run to stop brings about.
type lingeringEnds struct {
	*memory.Store

	other storage.RunKey
	lost  chan struct{}
}

func (s *lingeringEnds) Commit(ctx context.Context, b *storage.Batch) error {
	err := s.Store.Commit(ctx, b)
	if n := len(b.RunUpdates); err == nil && n > 0 && b.RunUpdates[n-1].State.Terminal() {
		err = s.Store.Commit(ctx, &storage.Batch{Cancels: []storage.CancelRequest{{Run: s.other}}})
		<-s.lost
	}
	return err
}

func (s *lingeringEnds) RenewLeases(ctx context.Context, r storage.Renewal) ([]storage.LeaseState, error) {
	states, err := s.Store.RenewLeases(ctx, r)
	if len(states) > 0 && states[0].Lost {
		select {
		case s.lost <- struct{}{}:
		default:
		}
	}
	return states, err
}

// A keeper has no goroutine left when its last run is over, which a bubble would not close with.
func TestKeeperIsIdleForShortRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &countingRenewals{Store: memory.New()}
		p := newPipeline()
		p.asset("a", one)
		c := p.config(t, store)
		c.Record.Owner, c.Leases = "me", engine.NewLeaseRenewer(store, nil)
		for i := range 3 {
			c.Record.ID = fmt.Sprint(i)
			res, err := engine.Execute(t.Context(), c)
			expect(t, res, err, storage.Success, "a:succeeded/1")
		}
		if store.renewals > 0 {
			t.Errorf("%d renewals for runs that took no time", store.renewals)
		}
	})
}

type countingRenewals struct {
	*memory.Store
	renewals int
}

func (s *countingRenewals) RenewLeases(ctx context.Context, r storage.Renewal) ([]storage.LeaseState, error) {
	s.renewals++
	return s.Store.RenewLeases(ctx, r)
}
