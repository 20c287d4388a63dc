package storagetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// backfill creates a backfill that has an owner.
func (f *fixture) backfill(id, owner string, lease time.Duration) storage.Fence {
	f.Helper()
	b := storage.Batch{Lease: lease, Backfills: []storage.BackfillRecord{{
		ID: id, Location: "repo", State: storage.BackfillInProgress, Token: 1, Owner: owner, CreatedAt: epoch, StartedAt: epoch,
		Assets: []string{"a"}, Partitions: keysOf(1, 2, 3), Total: 3,
	}}}
	f.commit(&b)
	return storage.Fence{Backfill: b.Backfills[0].Key, Token: 1}
}

// backfillText is a record as text, sets by their labels.
func backfillText(rec storage.BackfillRecord) string {
	doc, err := json.MarshalIndent(rec, "", " ")
	return fmt.Sprintf("%d %d %v\n%s", rec.Key, rec.Token, err, doc)
}

func (f *fixture) getBackfill(id string) storage.BackfillRecord {
	f.Helper()
	return must[storage.BackfillRecord](f)(f.GetBackfill(f.ctx, id))
}

func checkBackfills(f *fixture) {
	full := storage.BackfillRecord{
		ID: "b-1", Location: "shop", State: storage.BackfillInProgress,
		Request: storage.BackfillRequest{
			Selection: []string{"+report"}, Action: "compact", Keys: []partition.Key{partition.SingleKey("a")}, Only: storage.OnlyMissing, Latest: 3,
			Strategy: storage.PerDimension([]string{"day"}, []string{"shop"}), FailurePolicy: storage.StopOnFailure, MaxConcurrency: 7,
			Tags: map[string]string{"team": "ü"}, Config: map[string]map[string]any{"users": {"limit": 10.5}},
		},
		RerunOf: "b-0", Assets: []string{"users", "orders"}, Partitions: keysOf(1, 2, 3, 70, 90), Total: 5,
		Progress: storage.BackfillProgress{
			Submitted: keysOf(1, 2, 3), Runs: 2, Completed: keysOf(1), Failed: keysOf(2), Canceled: keysOf(90), CompletedCount: 1, FailedCount: 1, CanceledCount: 1,
		},
		CreatedAt: epoch, StartedAt: epoch.Add(time.Second), Token: 3, Error: "why",
	}
	b := storage.Batch{Backfills: []storage.BackfillRecord{full, {ID: "b-2"}}}
	f.commit(&b)
	if b.Backfills[0].Key <= 0 || b.Backfills[1].Key <= b.Backfills[0].Key {
		f.Fatalf("keys %d and %d do not grow from 1", b.Backfills[0].Key, b.Backfills[1].Key)
	}
	full.Key = b.Backfills[0].Key
	f.equal("the whole record", backfillText(f.getBackfill("b-1")), backfillText(full))
	f.equal("the empty record", backfillText(f.getBackfill("b-2")), backfillText(storage.BackfillRecord{ID: "b-2", Key: b.Backfills[1].Key}))
	_, err := f.GetBackfill(f.ctx, "b-3")
	f.refused(err, storage.ErrNotFound)

	full.Partitions = partition.Set{}
	full.Progress.Submitted, full.Progress.Completed, full.Progress.Failed, full.Progress.Canceled = partition.Set{}, partition.Set{}, partition.Set{}, partition.Set{}
	list := must[[]storage.BackfillRecord](f)(f.ListBackfills(f.ctx, storage.BackfillQuery{}))
	f.equal("the length of the list", len(list), 2)
	f.equal("the list has no sets", backfillText(list[1]), backfillText(full))

	f.refused(f.Commit(f.ctx, &storage.Batch{Backfills: []storage.BackfillRecord{{ID: "new"}, {ID: "b-1"}}}), storage.ErrBackfillExists)
	f.refused(f.Commit(f.ctx, &storage.Batch{Backfills: []storage.BackfillRecord{{ID: "new"}, {ID: "new"}}}), storage.ErrBackfillExists)
	_, err = f.GetBackfill(f.ctx, "new")
	f.refused(err, storage.ErrNotFound)
	for what, b := range map[string]storage.Batch{
		"a backfill without an id":                {Backfills: []storage.BackfillRecord{{}}},
		"a backfill with an owner and no lease":   {Backfills: []storage.BackfillRecord{{ID: "x", Owner: "a"}}},
		"a change without a fence":                {BackfillUpdates: []storage.BackfillUpdate{{Backfill: full.Key}}},
		"a change under the fence of a run":       {Fence: storage.Fence{Run: 1}, BackfillUpdates: []storage.BackfillUpdate{{Backfill: full.Key}}},
		"a fence of both":                         {Fence: storage.Fence{Run: 1, Backfill: full.Key}},
		"a request to cancel both":                {Cancels: []storage.CancelRequest{{Run: 1, Backfill: full.Key}}},
		"a change after the end of its backfill":  {Fence: storage.Fence{Backfill: full.Key, Token: 3}, BackfillUpdates: []storage.BackfillUpdate{{Backfill: full.Key, State: storage.BackfillFailed}, {Backfill: full.Key}}},
		"a change of a run under the wrong fence": {Fence: storage.Fence{Backfill: full.Key, Token: 3}, RunUpdates: []storage.RunUpdate{{Run: 1}}},
	} {
		if f.Commit(f.ctx, &b) == nil {
			f.Errorf("%s: committed", what)
		}
	}
	f.equal("the record after refusals", f.getBackfill("b-1").State, storage.BackfillInProgress)
}

func checkBackfillFilters(f *fixture) {
	b := storage.Batch{Lease: long, Backfills: []storage.BackfillRecord{
		{ID: "1", Location: "a", State: storage.BackfillCompleted},
		{ID: "2", Location: "a", State: storage.BackfillInProgress},
		{ID: "3", Location: "b", State: storage.BackfillInProgress, Owner: "p"},
		{ID: "4", Location: "b", State: storage.BackfillCanceling, Owner: "p"},
	}}
	f.commit(&b)
	for _, c := range []struct {
		q    storage.BackfillQuery
		want string
	}{
		{storage.BackfillQuery{}, "4321"},
		{storage.BackfillQuery{Location: "a"}, "21"},
		{storage.BackfillQuery{Location: "c"}, ""},
		{storage.BackfillQuery{States: []storage.BackfillState{storage.BackfillInProgress}}, "32"},
		{storage.BackfillQuery{States: []storage.BackfillState{storage.BackfillCompleted, storage.BackfillCanceling}}, "41"},
		{storage.BackfillQuery{Abandoned: true}, "2"},
		{storage.BackfillQuery{Abandoned: true, Location: "b"}, ""},
		{storage.BackfillQuery{Limit: 2}, "43"},
		{storage.BackfillQuery{Before: b.Backfills[2].Key, Limit: 1}, "2"},
		{storage.BackfillQuery{Before: b.Backfills[0].Key}, ""},
	} {
		var got strings.Builder
		for _, rec := range must[[]storage.BackfillRecord](f)(f.ListBackfills(f.ctx, c.q)) {
			got.WriteString(rec.ID)
		}
		f.equal(fmt.Sprintf("%+v", c.q), got.String(), c.want)
	}
	f.backfill("5", "p", short)
	f.until("the end of a lease", func() bool {
		list := must[[]storage.BackfillRecord](f)(f.ListBackfills(f.ctx, storage.BackfillQuery{Abandoned: true}))
		return len(list) == 2 && list[0].ID == "5"
	})
}

func checkBackfillUpdates(f *fixture) {
	b := storage.Batch{Lease: long, Backfills: []storage.BackfillRecord{{ID: "b", Token: 1, Owner: "a", Partitions: keysOf(1, 2, 3), Total: 3}}}
	f.commit(&b)
	fence := storage.Fence{Backfill: b.Backfills[0].Key, Token: 1}
	want := f.getBackfill("b")
	change := func(u storage.BackfillUpdate) error {
		u.Backfill = fence.Backfill
		return f.Commit(f.ctx, &storage.Batch{Fence: fence, BackfillUpdates: []storage.BackfillUpdate{u}})
	}
	start := epoch.Add(time.Second)
	p := storage.BackfillProgress{Submitted: keysOf(1, 2), Runs: 2}
	for i := range 2 { // the second changes the progress, and not when it began
		p.Completed, p.CompletedCount = keysOf(1), 1
		if i == 0 {
			p.Completed, p.CompletedCount = partition.Set{}, 0
		}
		if err := change(storage.BackfillUpdate{State: storage.BackfillInProgress, At: start.Add(time.Duration(i) * time.Minute), Progress: p}); err != nil {
			f.Fatal(err)
		}
		want.State, want.StartedAt, want.Progress = storage.BackfillInProgress, start, p
		f.equal(fmt.Sprint("in progress ", i), backfillText(f.getBackfill("b")), backfillText(want))
	}
	p.Completed, p.CompletedCount, p.Failed, p.FailedCount, p.Canceled, p.CanceledCount = partition.Set{}, 0, keysOf(2), 1, keysOf(3), 1
	end := epoch.Add(time.Hour)
	if err := change(storage.BackfillUpdate{State: storage.BackfillFailed, At: end, Error: "1 failed", Progress: p}); err != nil {
		f.Fatal(err)
	}
	want.State, want.EndedAt, want.Error, want.Progress, want.LeaseUntil = storage.BackfillFailed, end, "1 failed", p, time.Time{}
	want.Progress.Skipped, want.Progress.SkippedCount = keysOf(1), 1 // it has no other outcome
	f.equal("the end", backfillText(f.getBackfill("b")), backfillText(want))
	f.refused(change(storage.BackfillUpdate{State: storage.BackfillCompleted, At: end}), storage.ErrFenced)
	f.equal("after the end", backfillText(f.getBackfill("b")), backfillText(want))
}

// checkBackfillRuns creates runs under the fence of a backfill, with its progress.
func checkBackfillRuns(f *fixture) {
	key := f.assets("a")[0]
	fence := f.backfill("b", "p", long)
	create := func(fence storage.Fence, ids ...string) (*storage.Batch, error) {
		b := storage.Batch{Fence: fence, Lease: long}
		for i, id := range ids {
			b.Runs = append(b.Runs, storage.RunRecord{
				ID: id, Backfill: "b", Partition: fmt.Sprint(i), Owner: "p", Token: 1, State: storage.NotStarted, CreatedAt: epoch,
				Targets: []storage.Target{{Asset: key, Partitions: keysOf(i)}},
			})
		}
		b.BackfillUpdates = []storage.BackfillUpdate{{
			Backfill: fence.Backfill, State: storage.BackfillInProgress, At: epoch, Progress: storage.BackfillProgress{Runs: int64(len(ids)), Submitted: keysOf(1)},
		}}
		return &b, f.Commit(f.ctx, &b)
	}
	b, err := create(fence, "x", "y")
	if err != nil {
		f.Fatal(err)
	}
	rec := must[storage.RunRecord](f)(f.GetRun(f.ctx, "y"))
	f.equal("a run of a backfill", fmt.Sprint(rec.Backfill, rec.Partition, rec.Owner), "b1p")
	f.equal("its lease", rec.LeaseUntil.After(time.Now()), true)
	f.run("stranger")
	list := must[[]storage.RunRecord](f)(f.ListRuns(f.ctx, storage.RunQuery{Backfill: "b"}))
	f.equal("the runs of the backfill", len(list), 2)
	f.equal("the newest of them", list[0].ID+list[0].Backfill+list[0].Partition, "yb1")
	list = must[[]storage.RunRecord](f)(f.ListRuns(f.ctx, storage.RunQuery{Backfill: "b", Before: b.Runs[1].Key, States: []storage.RunState{storage.NotStarted}}))
	f.equal("a page of them", len(list), 1)
	f.equal("the runs of no backfill", len(must[[]storage.RunRecord](f)(f.ListRuns(f.ctx, storage.RunQuery{Backfill: "c"}))), 0)
	f.sets("in flight", key, nil, nil, []int{0, 1})

	// A former owner creates nothing.
	claimed := must[storage.BackfillRecord](f)(f.ClaimBackfill(f.ctx, storage.RunClaim{ID: "b", Owner: "q", Lease: long, Gone: "p"}))
	_, err = create(fence, "z")
	f.refused(err, storage.ErrFenced)
	_, err = f.GetRun(f.ctx, "z")
	f.refused(err, storage.ErrNotFound)
	now := storage.Fence{Backfill: fence.Backfill, Token: claimed.Token}
	_, err = create(now, "x")
	f.refused(err, storage.ErrRunExists)
	f.equal("the progress of a refused batch", f.getBackfill("b").Progress.Runs, int64(2))
	if _, err = create(now, "z"); err != nil {
		f.Fatalf("after an unmet expectation the fence is as good as before: %v", err)
	}
}

func checkClaimBackfill(f *fixture) {
	claim := func(c storage.RunClaim) (storage.BackfillRecord, error) {
		if c.Lease == 0 {
			c.Lease = long
		}
		return f.ClaimBackfill(f.ctx, c)
	}
	_, err := claim(storage.RunClaim{ID: "b", Owner: "q"})
	f.refused(err, storage.ErrNotFound)
	former := f.backfill("b", "p", long)
	_, err = claim(storage.RunClaim{ID: "b", Owner: "q"})
	f.refused(err, storage.ErrOwned)
	_, err = claim(storage.RunClaim{ID: "b", Owner: "q", Gone: "r"})
	f.refused(err, storage.ErrOwned)
	rec := must[storage.BackfillRecord](f)(claim(storage.RunClaim{ID: "b", Owner: "q", Gone: "p"}))
	f.equal("the token", rec.Token, int64(2))
	f.equal("what is recorded", backfillText(f.getBackfill("b")), backfillText(rec))
	now := storage.Fence{Backfill: former.Backfill, Token: 2}
	f.refused(f.Commit(f.ctx, &storage.Batch{Fence: former, KV: []storage.KVPair{{Key: "k", Value: []byte("v")}}}), storage.ErrFenced)
	f.commit(&storage.Batch{Fence: now, KV: []storage.KVPair{{Key: "k", Value: []byte("v")}}})

	asked := storage.CancelRequest{Backfill: former.Backfill, At: epoch, By: "ann", Reason: "wrong day"}
	signal := f.Watch(f.ctx, storage.TopicCancel)
	f.commit(&storage.Batch{Cancels: []storage.CancelRequest{asked}})
	select {
	case <-signal:
	case <-time.After(10 * time.Second):
		f.Error("no signal of a request to cancel within 10 s")
	}
	f.commit(&storage.Batch{Cancels: []storage.CancelRequest{{Backfill: former.Backfill, By: "bob"}, {Backfill: former.Backfill + 99}}})
	f.equal("the first who asked", f.getBackfill("b").Cancel, &asked)
	renew := func(lease time.Duration) []storage.LeaseState {
		return must[[]storage.LeaseState](f)(f.RenewLeases(f.ctx, storage.Renewal{
			Fences: []storage.Fence{former, now, {Backfill: 99, Token: 1}}, Lease: lease, Slots: long,
		}))
	}
	f.equal("a renewal", renew(long), []storage.LeaseState{{Lost: true}, {Cancel: &asked}, {Lost: true}})
	renew(short)
	f.until("a claim after the end of a lease", func() bool {
		_, err := claim(storage.RunClaim{ID: "b", Owner: "r"})
		if err != nil && !errors.Is(err, storage.ErrOwned) {
			f.Fatal(err)
		}
		return err == nil
	})
	last := storage.Fence{Backfill: former.Backfill, Token: 3}
	f.commit(&storage.Batch{Fence: last, BackfillUpdates: []storage.BackfillUpdate{{Backfill: last.Backfill, State: storage.BackfillCanceled, At: epoch}}})
	_, err = claim(storage.RunClaim{ID: "b", Owner: "s", Gone: "r"})
	f.refused(err, storage.ErrRunEnded)
	f.commit(&storage.Batch{Cancels: []storage.CancelRequest{{Backfill: former.Backfill, By: "eve"}}})
	f.equal("who asked for an ended one to stop", f.getBackfill("b").Cancel.By, "ann")

	f.commit(&storage.Batch{Backfills: []storage.BackfillRecord{{ID: "nobody's"}}})
	f.equal("the owner of nobody's", must[storage.BackfillRecord](f)(claim(storage.RunClaim{ID: "nobody's", Owner: "d"})).Owner, "d")
	if _, err := claim(storage.RunClaim{ID: "nobody's"}); err == nil {
		f.Error("a claim that names no owner was granted")
	}
}

// checkLargeBackfill has sets that a row which changes often must not carry.
func checkLargeBackfill(f *fixture) {
	scattered := partition.DynamicSet("tenants", func(yield func(partition.Ordinal) bool) {
		for o := partition.Ordinal(0); o < 300_000; o += 1 + (o*2_654_435_761)>>31 + o%2 {
			if !yield(o) {
				return
			}
		}
	})
	b := storage.Batch{Lease: long, Backfills: []storage.BackfillRecord{{ID: "b", Token: 1, Owner: "a", Partitions: scattered, Total: 200_000}}}
	for i := range 2000 {
		b.Backfills[0].Request.Keys = append(b.Backfills[0].Request.Keys, partition.SingleKey(fmt.Sprint("key ", i)))
	}
	f.commit(&b)
	fence := storage.Fence{Backfill: b.Backfills[0].Key, Token: 1}
	want := b.Backfills[0]
	want.LeaseUntil = f.getBackfill("b").LeaseUntil
	f.equal("a large backfill", backfillText(f.getBackfill("b")), backfillText(want))
	want.Progress = storage.BackfillProgress{Submitted: scattered.Minus(keysOf(0)), Completed: scattered.Minus(keysOf(1)), Failed: scattered.Minus(keysOf(2))}
	want.State, want.StartedAt = storage.BackfillInProgress, epoch
	f.commit(&storage.Batch{Fence: fence, BackfillUpdates: []storage.BackfillUpdate{{
		Backfill: fence.Backfill, State: want.State, At: epoch, Progress: want.Progress,
	}}})
	f.equal("its progress", backfillText(f.getBackfill("b")), backfillText(want))
}
