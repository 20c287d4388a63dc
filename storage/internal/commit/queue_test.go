package commit_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
)

// call is a Commit under way.
type call struct {
	cancel context.CancelFunc
	err    error
	done   bool
}

// start commits a batch with one value under a fence and returns once the call waits.
func start(t *testing.T, q *commit.Queue, run storage.RunKey) *call {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	c := &call{cancel: cancel}
	b := &storage.Batch{Fence: storage.Fence{Run: run}, KV: []storage.KVPair{{Key: "k", Value: []byte("v")}}}
	go func() {
		c.err = q.Commit(ctx, commit.Request{Fence: b.Fence, Batch: b})
		c.done = true
	}()
	synctest.Wait()
	return c
}

// end cancels the call's context and says what the caller is told by then.
func (c *call) end(t *testing.T, done bool, want error) {
	t.Helper()
	c.cancel()
	synctest.Wait()
	if c.done != done || !errors.Is(c.err, want) || done && c.err == nil {
		t.Fatalf("done %t with %v, want %t with %v", c.done, c.err, done, want)
	}
}

func appendEvents(t *testing.T, q *commit.Queue, fence storage.Fence, ns ...int64) {
	t.Helper()
	b := storage.Batch{Fence: fence}
	for _, n := range ns {
		b.Events = append(b.Events, storage.Event{Run: max(fence.Run, 1), N: n})
	}
	if err := q.Append(&b); err != nil {
		t.Fatal(err)
	}
}

// events returns the numbers of each request's events.
func events(g *commit.Group) [][]int64 {
	var all [][]int64
	for i := range g.Requests {
		list, _, _, _ := g.Records(&g.Requests[i])
		var ns []int64
		for j := range list {
			ns = append(ns, list[j].N)
		}
		all = append(all, ns)
	}
	return all
}

func TestWhatIsInTheQueueIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := commit.NewQueue()
		start(t, q, 1).end(t, true, context.Canceled)
		stays := start(t, q, 2)
		g := q.Take()
		if len(g.Requests) != 2 || !g.Requests[0].Withdrawn || g.Requests[1].Withdrawn {
			t.Fatalf("the writer got %+v", g.Requests)
		}
		q.Finish()
		synctest.Wait()
		if !stays.done || stays.err != nil {
			t.Errorf("the other got %v", stays.err)
		}
	})
}

func TestWhatTheWriterHasIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := commit.NewQueue()
		c := start(t, q, 1)
		q.Take()
		c.end(t, false, nil)
		q.Finish()
		synctest.Wait()
		if !c.done || c.err != nil {
			t.Errorf("got %v after the batch was written", c.err)
		}
	})
}

func TestWhatIsReleasedIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := commit.NewQueue()
		before, after, stays := start(t, q, 1), start(t, q, 2), start(t, q, 3)
		g := q.Take()
		before.end(t, false, nil) // ends before it is let go, and is told at once when it is
		q.Release()
		synctest.Wait()
		before.end(t, true, context.Canceled)
		after.end(t, true, context.Canceled)
		q.Reclaim()
		stays.end(t, false, nil)
		if r := g.Requests; !r[0].Withdrawn || !r[1].Withdrawn || r[2].Withdrawn {
			t.Fatalf("the writer has %+v", r)
		}
		q.Finish()
		synctest.Wait()
		if err := start(t, q, 1); err.done {
			t.Errorf("a fence that nothing was refused under: %v", err.err)
		}
		q.Take()
		q.Finish()
		synctest.Wait()
	})
}

// A batch in doubt that its caller has left must be the last under its fence: whether there is a gap, nobody knows.
func TestWhatIsInDoubtIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := commit.NewQueue()
		c := start(t, q, 1)
		appendEvents(t, q, storage.Fence{Run: 1}, 1, 2)
		g := q.Take()
		q.Doubt()
		c.end(t, true, storage.ErrOutcomeUnknown)
		if errors.Is(c.err, context.Canceled) {
			t.Errorf("%v says that nothing was written", c.err)
		}
		q.Reclaim()
		if r := g.Requests; !r[0].Withdrawn || !r[1].Refused || !errors.Is(r[1].Err, storage.ErrOutcomeUnknown) {
			t.Errorf("what is behind it in the group is %+v, want it refused", r)
		}
		q.Finish()
		if err := q.Append(&storage.Batch{Fence: storage.Fence{Run: 1}}); !errors.Is(err, storage.ErrOutcomeUnknown) {
			t.Errorf("the next call under the fence: %v", err)
		}
		if err := q.Append(&storage.Batch{Fence: storage.Fence{Run: 2}}); err != nil {
			t.Errorf("another fence: %v", err)
		}
	})
}

func TestDoubtComesAfterATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := commit.NewQueue()
		c := start(t, q, 1)
		q.Take()
		q.DoubtAfter(time.Second)
		c.end(t, false, nil)
		q.Reclaim()
		time.Sleep(time.Hour)
		c.end(t, false, nil) // that doubt was of a time that is over
		q.DoubtAfter(time.Second)
		time.Sleep(time.Second)
		c.end(t, true, storage.ErrOutcomeUnknown)
		q.Finish()
	})
}

func TestAppendedRecordsJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := commit.NewQueue()
		none, one := storage.Fence{}, storage.Fence{Run: 1}
		appendEvents(t, q, one, 1)
		appendEvents(t, q, one, 2)
		gone := start(t, q, 0)
		gone.end(t, true, context.Canceled)
		appendEvents(t, q, none, 7) // must not join the one that was taken back
		appendEvents(t, q, none, 8)
		start(t, q, 1)
		appendEvents(t, q, one, 3)
		got := events(q.Take())
		want := [][]int64{{1, 2}, nil, {7, 8}, nil, {3}}
		if len(got) != len(want) {
			t.Fatalf("%v, want %v", got, want)
		}
		for i := range got {
			if len(got[i]) != len(want[i]) || len(got[i]) > 0 && got[i][0] != want[i][0] {
				t.Fatalf("%v, want %v", got, want)
			}
		}
		q.Finish()
		synctest.Wait()
	})
}

// waits reports whether the writer finds nothing to do.
func waits(q *commit.Queue) *atomic.Bool {
	woken := new(atomic.Bool)
	go func() { woken.Store(q.Wait()) }()
	synctest.Wait()
	return woken
}

func TestAppendWakesTheWriterSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := commit.NewQueue()
		woken := waits(q)
		appendEvents(t, q, storage.Fence{Run: 1}, 1)
		synctest.Wait()
		if woken.Load() {
			t.Fatal("one record woke the writer at once")
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if !woken.Load() {
			t.Fatal("one record did not wake the writer within 2 ms")
		}
		q.Take()
		q.Finish()

		woken = waits(q)
		for n := range int64(256) {
			appendEvents(t, q, storage.Fence{Run: 1}, n+1)
		}
		synctest.Wait()
		if !woken.Load() {
			t.Fatal("256 records did not wake the writer at once")
		}
		q.Take()
		q.Finish()

		woken = waits(q)
		q.Close()
		synctest.Wait()
		if woken.Load() {
			t.Error("the writer was woken for nothing after the end")
		}
	})
}

func TestRefusalsAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := commit.NewQueue()
		refusal := errors.New("refused")
		c, other := start(t, q, 1), start(t, q, 2)
		g := q.Take()
		behind := start(t, q, 1) // in the queue before the refusal is known
		g.Requests[0].Fail(refusal)
		q.Finish()
		synctest.Wait()
		if !errors.Is(c.err, refusal) || other.err != nil {
			t.Fatalf("got %v and %v", c.err, other.err)
		}
		if r := q.Take().Requests[0]; !r.Refused || !errors.Is(r.Err, refusal) {
			t.Errorf("what was behind it is %+v", r)
		}
		q.Finish()
		synctest.Wait()
		if !errors.Is(behind.err, refusal) {
			t.Errorf("what was behind it got %v", behind.err)
		}
		start(t, q, 1).end(t, true, refusal)
	})
}

// What fails without a fence is told once: to its caller, or to the next one where nobody waited.
func TestFailuresWithoutAFenceAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := commit.NewQueue()
		failure := errors.New("failed")
		appendEvents(t, q, storage.Fence{}, 1)
		gone := start(t, q, 0)
		gone.end(t, true, context.Canceled)
		g := q.Take()
		for i := range g.Requests {
			g.Requests[i].Fail(failure)
		}
		q.Finish()
		if !errors.Is(q.Lost(), failure) {
			t.Fatalf("lost: %v", q.Lost())
		}
		start(t, q, 0).end(t, true, failure)
		if c := start(t, q, 0); c.done {
			t.Errorf("told twice: %v", c.err)
		}
		q.Take()
		q.Finish()
		synctest.Wait()
	})
}

// Whoever closes hears of what was appended and not written: nobody else can.
func TestLostAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failure := errors.New("failed")
		for want, fail := range map[error]error{failure: failure, nil: storage.ErrFenced} {
			q := commit.NewQueue()
			appendEvents(t, q, storage.Fence{Run: 1}, 1)
			q.Close()
			if !q.Wait() {
				t.Fatal("what was appended is not written")
			}
			q.Take().Requests[0].Fail(fail)
			q.Finish()
			if got := q.Lost(); !errors.Is(got, want) {
				t.Errorf("lost %v, want %v", got, want)
			}
		}
	})
}

func TestNewRequest(t *testing.T) {
	b := storage.Batch{
		Fence: storage.Fence{Backfill: 7},
		Runs:  []storage.RunRecord{{ID: "r", Tags: map[string]string{"a": "b"}, Plan: []storage.PlanStep{{Key: "k"}}}, {ID: "s"}},
		Backfills: []storage.BackfillRecord{{
			ID: "b", Assets: []string{"users"}, Request: storage.BackfillRequest{Latest: 2}, Partitions: partition.Whole(),
			Progress: storage.BackfillProgress{Canceled: partition.Whole()},
		}},
		BackfillUpdates: []storage.BackfillUpdate{{Progress: storage.BackfillProgress{Failed: partition.Whole()}}},
	}
	r, err := commit.NewRequest(&b)
	if err != nil || r.Fence != b.Fence || r.Batch != &b {
		t.Fatal(r, err)
	}
	runs := r.Runs
	for i, want := range []string{`{} {"a":"b"} [{"key":"k"}]`, `{}  `} {
		if got := string(runs[i].Request) + " " + string(runs[i].Tags) + " " + string(runs[i].Plan); got != want {
			t.Errorf("run %d: %s, want %s", i, got, want)
		}
	}
	f := r.Backfills[0]
	if string(f.Request) != `{"latest":2}` || string(f.Assets) != `["users"]` {
		t.Errorf("backfill: %s %s", f.Request, f.Assets)
	}
	var rec storage.BackfillRecord
	if err := f.Sets.Fill(&rec); err != nil || !rec.Partitions.Equal(partition.Whole()) || !rec.Progress.Canceled.Equal(partition.Whole()) {
		t.Errorf("its sets: %+v, %v", rec, err)
	}
	if sets := r.Progress[0].Sets; sets[commit.FailedSet] == nil || sets[commit.SubmittedSet] != nil {
		t.Errorf("sets of a progress: %q", sets)
	}
	r.Runs[1].Key, r.Backfills[0].Key = 5, 6
	if r.GiveKeys(); b.Runs[1].Key != 5 || b.Backfills[0].Key != 6 {
		t.Errorf("keys %d and %d", b.Runs[1].Key, b.Backfills[0].Key)
	}

	config := map[string]map[string]any{"a": {"f": func() {}}}
	for _, bad := range []storage.Batch{
		{Runs: []storage.RunRecord{{Request: storage.RunRequest{Config: config}}}},
		{Backfills: []storage.BackfillRecord{{Request: storage.BackfillRequest{Config: config}}}},
	} {
		if _, err := commit.NewRequest(&bad); err == nil {
			t.Error("a request that is no data was encoded")
		}
	}
}
