package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rivers-go/rivers/storage"
)

const days = 24 * time.Hour

// pastRun is a run that ended so many days after the epoch: three events, one of them of the asset,
// and two lines. Checks were evaluated between the second event and the last: the first of the
// whole asset, further ones of the partition of that day; they passed on even days.
func (f *fixture) pastRun(rec storage.RunRecord, day int, asset storage.AssetKey, checks ...storage.AssetKey) {
	f.Helper()
	at := epoch.Add(time.Duration(day) * days)
	rec.Location, rec.Token, rec.CreatedAt = "repo", 1, at
	b := storage.Batch{Runs: []storage.RunRecord{rec}}
	f.commit(&b)
	fence := storage.Fence{Run: b.Runs[0].Key, Token: 1}
	b = storage.Batch{
		Fence: fence, Logs: []storage.LogLine{{Run: fence.Run, N: 1, At: at, Message: "m"}, {Run: fence.Run, N: 2, At: at, Message: "n"}},
		Events: []storage.Event{
			event(fence.Run, 1),
			{Run: fence.Run, N: 2, Fact: storage.Fact{At: storage.MicrosOf(at), Kind: storage.StepSucceeded, Step: 1, Attempt: 1}, Asset: asset},
		},
		Assets:     []storage.AssetUpdate{{Asset: asset, Run: fence.Run, N: 2, At: storage.MicrosOf(at)}},
		RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Success, At: at, Counts: storage.StepCounts{Succeeded: 1}}},
	}
	for i, check := range checks {
		state, kind := storage.CheckSucceeded, storage.Materialized
		if day%2 == 1 {
			state, kind = storage.CheckFailed, storage.Failed
		}
		u := storage.AssetUpdate{Asset: check, Kind: kind, Run: fence.Run, N: int64(len(b.Events)) + 1, At: storage.MicrosOf(at)}
		if i > 0 {
			u.Partitions, u.Partition = keysOf(day), strconv.Itoa(day)
		}
		e := event(fence.Run, u.N)
		e.At, e.Kind, e.Asset, e.Partition, e.Status = u.At, storage.CheckEvaluated, check, u.Partition, uint8(state)
		b.Events, b.Assets = append(b.Events, e), append(b.Assets, u)
	}
	b.Events = append(b.Events, storage.Event{
		Run: fence.Run, N: int64(len(b.Events)) + 1, Fact: storage.Fact{Kind: storage.RunEnded, Status: uint8(storage.Success), Step: storage.NoStep},
	})
	f.commit(&b)
}

// prune prunes a hundred days after the epoch.
func (f *fixture) prune(r storage.PruneRequest) storage.PruneReport {
	f.Helper()
	r.Now = epoch.Add(100 * days)
	return must[storage.PruneReport](f)(f.Prune(f.ctx, r))
}

// never keeps everything.
func never() storage.Retention {
	r := storage.All(storage.Forever)
	r.NewestAssetEvents, r.NewestEvaluations = -1, -1
	return r
}

// oneDay is a retention of a day for everything, the newest events of assets and evaluations too.
func oneDay() storage.Retention {
	r := storage.All(days)
	r.NewestAssetEvents, r.NewestEvaluations = -1, -1
	return r
}

// rows are the rows of a report by kind.
func rows(r storage.PruneReport) string {
	var text strings.Builder
	for _, k := range r.Kinds {
		fmt.Fprintf(&text, "%s %d/%d ", k.Kind, k.Rows, k.Runs)
	}
	return text.String()
}

// left describes what is left of runs: events, lines and what they say that they have lost.
func (f *fixture) left(ids ...string) string {
	f.Helper()
	var text strings.Builder
	for _, id := range ids {
		rec, err := f.GetRun(f.ctx, id)
		if errors.Is(err, storage.ErrNotFound) {
			text.WriteString(id + " gone; ")
			continue
		}
		if err != nil {
			f.Fatal(err)
		}
		lines := must[[]storage.LogLine](f)(f.ListLogs(f.ctx, storage.LogQuery{Run: rec.Key}))
		fmt.Fprintf(&text, "%s %d %d (%s); ", id, f.numbers(rec.Key), len(lines), rec.Lost)
	}
	return text.String()
}

// checkPrune prunes one kind after another.
func checkPrune(f *fixture) {
	key := f.assets("a")[0]
	f.pastRun(storage.RunRecord{ID: "old"}, 0, key)
	f.pastRun(storage.RunRecord{ID: "young"}, 90, key)
	f.pastRun(storage.RunRecord{ID: "newest"}, 0, key)
	steps := []struct {
		set        func(*storage.Retention)
		rows, left string
	}{
		{func(*storage.Retention) {}, "logs 0/0 steps 0/0 asset_events 0/0 runs 0/0 backfills 0/0 changes 0/0 evaluations 0/0 ", "old [1 2 3] 2 (); young [1 2 3] 2 (); newest [1 2 3] 2 (); "},
		{
			func(r *storage.Retention) { r.Logs = 50 * days },
			"logs 2/1 steps 0/0 asset_events 0/0 runs 0/0 backfills 0/0 changes 0/0 evaluations 0/0 ", "old [1 2 3] 0 (logs); young [1 2 3] 2 (); newest [1 2 3] 2 (); ",
		},
		{
			func(r *storage.Retention) { r.Steps = 50 * days },
			"logs 0/0 steps 2/1 asset_events 0/0 runs 0/0 backfills 0/0 changes 0/0 evaluations 0/0 ", "old [2] 0 (logs, steps); young [1 2 3] 2 (); newest [1 2 3] 2 (); ",
		},
		{ // an event of an asset holds its run
			func(r *storage.Retention) { r.Runs = 50 * days },
			"logs 0/0 steps 0/0 asset_events 0/0 runs 0/0 backfills 0/0 changes 0/0 evaluations 0/0 ", "old [2] 0 (logs, steps); young [1 2 3] 2 (); newest [1 2 3] 2 (); ",
		},
		{
			func(r *storage.Retention) { r.AssetEvents = 50 * days },
			"logs 0/0 steps 0/0 asset_events 1/1 runs 0/0 backfills 0/0 changes 0/0 evaluations 0/0 ", "old [] 0 (logs, steps, asset_events); young [1 2 3] 2 (); newest [1 2 3] 2 (); ",
		},
		{
			func(r *storage.Retention) { r.Runs = 50 * days },
			"logs 0/0 steps 0/0 asset_events 0/0 runs 1/0 backfills 0/0 changes 0/0 evaluations 0/0 ", "old gone; young [1 2 3] 2 (); newest [1 2 3] 2 (); ",
		},
		{ // a run takes with it what hangs on it
			func(r *storage.Retention) { r.Runs, r.AssetEvents = 5*days, 5*days },
			"logs 2/1 steps 2/1 asset_events 1/1 runs 1/0 backfills 0/0 changes 0/0 evaluations 0/0 ", "old gone; young gone; newest [1 2 3] 2 (); ",
		},
	}
	for i, s := range steps {
		r := storage.PruneRequest{Retention: never()}
		s.set(&r.Retention)
		r.DryRun = true
		told := f.prune(r)
		r.DryRun = false
		did := f.prune(r)
		f.equal(fmt.Sprintf("step %d: rows", i), rows(did), s.rows)
		f.equal(fmt.Sprintf("step %d: what was told", i), told, did)
		f.equal(fmt.Sprintf("step %d: what is left", i), f.left("old", "young", "newest"), s.left)
		if size := did.Bytes(); (size > 0) != (did.Rows() > 0) {
			f.Errorf("step %d: %d rows take %d bytes", i, did.Rows(), size)
		}
	}
	f.checked()
	history := must[[]storage.Event](f)(f.ListAssetEvents(f.ctx, storage.AssetEventQuery{Asset: key}))
	if len(history) != 1 {
		f.Errorf("the history of the asset: %+v, want one event", history)
	}
}

// checked asserts that a backend which can be checked finds nothing.
func (f *fixture) checked() {
	f.Helper()
	if s, ok := f.Storage.(Checker); ok {
		f.equal("problems", must[[]string](f)(s.Check(f.ctx)), []string(nil))
	}
}

// checkPruneSpares has an old run of each sort that must not be touched, until what holds it has
// ended.
func checkPruneSpares(f *fixture) {
	key := f.assets("a")[0]
	fills := storage.Batch{Backfills: []storage.BackfillRecord{{ID: "going", State: storage.BackfillInProgress, Token: 1, CreatedAt: epoch}, {ID: "later", CreatedAt: epoch}}}
	f.commit(&fills)
	open := f.run("open")
	f.commit(&storage.Batch{Fence: open, Events: []storage.Event{event(open.Run, 1)}, Logs: []storage.LogLine{{Run: open.Run, N: 1}}})
	f.pastRun(storage.RunRecord{ID: "of-backfill", Backfill: "going"}, 0, key)
	f.pastRun(storage.RunRecord{ID: "retried"}, 0, key)
	retry := storage.Batch{Runs: []storage.RunRecord{{ID: "retry", Token: 1, CreatedAt: epoch, Request: storage.RunRequest{RetryOf: "retried"}}}}
	f.commit(&retry)
	f.pastRun(storage.RunRecord{ID: "newest"}, 0, key)
	r := storage.PruneRequest{Retention: oneDay()}
	f.equal("held", rows(f.prune(r))[:50], "logs 0/0 steps 0/0 asset_events 0/0 runs 0/0 backf")
	f.equal("all are there", f.left("open", "of-backfill", "retried", "retry", "newest"),
		"open [1] 1 (); of-backfill [1 2 3] 2 (); retried [1 2 3] 2 (); retry [] 0 (); newest [1 2 3] 2 (); ")

	end := func(fence storage.Fence) {
		f.commit(&storage.Batch{Fence: fence, RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Canceled, At: epoch}}, Events: []storage.Event{
			{Run: fence.Run, N: 9, Fact: storage.Fact{Kind: storage.RunEnded, Status: uint8(storage.Canceled), Step: storage.NoStep}},
		}})
	}
	end(open)
	end(storage.Fence{Run: retry.Runs[0].Key, Token: 1})
	going := storage.Fence{Backfill: fills.Backfills[0].Key, Token: 1}
	f.commit(&storage.Batch{Fence: going, BackfillUpdates: []storage.BackfillUpdate{{Backfill: going.Backfill, State: storage.BackfillCompleted, At: epoch}}})
	f.prune(r)
	f.equal("all are gone", f.left("open", "of-backfill", "retried", "retry", "newest"), "open gone; of-backfill gone; retried gone; retry gone; newest [1 2 3] 2 (); ")
	_, err := f.GetBackfill(f.ctx, "going")
	f.refused(err, storage.ErrNotFound)
	f.getBackfill("later")
	list := must[[]storage.BackfillRecord](f)(f.ListBackfills(f.ctx, storage.BackfillQuery{}))
	runs := must[[]storage.RunRecord](f)(f.ListRuns(f.ctx, storage.RunQuery{}))
	if len(list) != 1 || len(runs) != 1 {
		f.Errorf("%d backfills and %d runs are listed, want one of each", len(list), len(runs))
	}
	// What is gone is refused like what never was, and keys go on.
	f.refused(f.Commit(f.ctx, &storage.Batch{Fence: open}), storage.ErrFenced)
	if again := f.run("open"); again.Run <= retry.Runs[0].Key {
		f.Errorf("a run got the key %d again", again.Run)
	}
}

// checkPruneNewest keeps the newest events of an asset, and with them their runs.
func checkPruneNewest(f *fixture) {
	keys := f.assets("a", "b")
	for i := range 5 {
		f.pastRun(storage.RunRecord{ID: fmt.Sprint("a", i)}, i, keys[0])
	}
	f.pastRun(storage.RunRecord{ID: "b0"}, 0, keys[1])
	f.run("newest")
	r := storage.PruneRequest{Retention: oneDay(), Chunk: 2}
	r.Retention.NewestAssetEvents = 2
	f.prune(r)
	f.equal("what is left", f.left("a0", "a1", "a2", "a3", "a4", "b0"),
		"a0 gone; a1 gone; a2 gone; a3 [2] 0 (logs, steps); a4 [2] 0 (logs, steps); b0 [2] 0 (logs, steps); ")
	f.checked()
}

// checkPruneEvaluations has checks whose evaluations go by an age of their own and not with events
// of assets: of a whole asset, and of partitions: one passed and another did not.
func checkPruneEvaluations(f *fixture) {
	keys := f.assets("a", "a:whole", "a:parts")
	for day := range 4 {
		f.pastRun(storage.RunRecord{ID: fmt.Sprint("r", day)}, day, keys[0], keys[1:]...)
	}
	f.run("newest")
	before := f.states(keys)
	all := []string{"r0", "r1", "r2", "r3"}
	prune := func(what string, r storage.Retention, rowsWant, left string) {
		f.Helper()
		told := f.prune(storage.PruneRequest{Retention: r, DryRun: true})
		did := f.prune(storage.PruneRequest{Retention: r, Chunk: 3})
		f.equal(what+": rows", rows(did), rowsWant)
		f.equal(what+": what was told", told, did)
		f.equal(what+": what is left", f.left(all...), left)
		f.equal(what+": states", f.states(keys), before)
		f.checked()
	}
	r := never()
	r.Evaluations, r.NewestEvaluations = 98*days, 1
	prune("older than two days, but for the newest of each", r, "logs 0/0 steps 0/0 asset_events 0/0 runs 0/0 backfills 0/0 changes 0/0 evaluations 4/2 ",
		"r0 [1 2 5] 2 (evaluations); r1 [1 2 5] 2 (evaluations); r2 [1 2 3 4 5] 2 (); r3 [1 2 3 4 5] 2 (); ")
	r.Evaluations = days
	prune("all but the newest of each", r, "logs 0/0 steps 0/0 asset_events 0/0 runs 0/0 backfills 0/0 changes 0/0 evaluations 2/1 ",
		"r0 [1 2 5] 2 (evaluations); r1 [1 2 5] 2 (evaluations); r2 [1 2 5] 2 (evaluations); r3 [1 2 3 4 5] 2 (); ")
	r = oneDay()
	r.Evaluations, r.Changes = storage.Forever, storage.Forever
	prune("an evaluation holds its run", r, "logs 8/4 steps 8/4 asset_events 4/4 runs 3/0 backfills 0/0 changes 0/0 evaluations 0/0 ",
		"r0 gone; r1 gone; r2 gone; r3 [3 4] 0 (logs, steps, asset_events); ")
	if history := must[[]storage.Event](f)(f.ListAssetEvents(f.ctx, storage.AssetEventQuery{Asset: keys[2]})); len(history) != 1 {
		f.Errorf("the history of the check: %+v, want one evaluation", history)
	}
	r.Evaluations = days
	prune("no evaluation is left", r, "logs 0/0 steps 0/0 asset_events 0/0 runs 1/0 backfills 0/0 changes 0/0 evaluations 2/1 ",
		"r0 gone; r1 gone; r2 gone; r3 gone; ")
}

// checkPruneNames: a present state keeps the ID of its run, as long as it is the present one.
func checkPruneNames(f *fixture) {
	keys := f.assets("a", "parted")
	f.pastRun(storage.RunRecord{ID: "r1"}, 0, keys[0])
	parted := f.run("r2")
	f.commit(&storage.Batch{
		Fence:      parted,
		Assets:     []storage.AssetUpdate{update(keys[1], storage.Materialized, parted, 1, 1), update(keys[1], storage.Materialized, parted, 2, 2, 3)},
		RunUpdates: []storage.RunUpdate{{Run: parted.Run, State: storage.Success, At: epoch}},
		Events:     []storage.Event{{Run: parted.Run, N: 1, Fact: storage.Fact{Kind: storage.RunEnded, Status: uint8(storage.Success), Step: storage.NoStep}}},
	})
	f.run("newest")
	before := f.states(keys)
	r := storage.PruneRequest{Retention: oneDay()}
	f.prune(r)
	f.equal("gone", f.left("r1", "r2"), "r1 gone; r2 gone; ")
	f.equal("states", f.states(keys), before)
	f.checked()

	f.pastRun(storage.RunRecord{ID: "r3"}, 0, keys[0])
	f.run("newer")
	f.prune(r)
	f.equal("the newer state", must[storage.AssetRecord](f)(f.GetAsset(f.ctx, "a")).Materialization.RunID, "r3")
	f.checked()
}

// states is everything that is known of assets now, in words.
func (f *fixture) states(keys []storage.AssetKey) string {
	f.Helper()
	var text strings.Builder
	for _, rec := range must[[]storage.AssetRecord](f)(f.ListAssets(f.ctx, storage.AssetQuery{})) {
		fmt.Fprintf(&text, "%s %+v %+v\n", rec.Name, rec.Materialization, rec.Failure)
	}
	for _, key := range keys {
		for _, kind := range []storage.StateKind{storage.Materialized, storage.Failed} {
			for _, one := range must[[]storage.PartitionState](f)(f.ListPartitions(f.ctx, storage.PartitionQuery{Asset: key, Kind: kind})) {
				fmt.Fprintf(&text, "%s %+v\n", kind, one)
			}
		}
		for _, group := range must[[]storage.PartitionGroup](f)(f.ListPartitionGroups(f.ctx, key, storage.Materialized)) {
			fmt.Fprintf(&text, "%s %+v\n", setText(group.Partitions), group.AssetState)
		}
	}
	return text.String()
}

// checkPruneFeed cuts the feed where all consumers have passed, and further where it is too old.
func checkPruneFeed(f *fixture) {
	key := f.assets("a")[0]
	for day := range 6 {
		f.commit(&storage.Batch{Assets: []storage.AssetUpdate{{Asset: key, Kind: storage.StateKind(day % 2), At: storage.MicrosOf(epoch.Add(time.Duration(day) * days))}}})
	}
	feed := must[[]storage.Change](f)(f.ListChanges(f.ctx, storage.ChangeQuery{}))
	if len(feed) != 6 {
		f.Fatalf("the feed has %d entries, want 6: %+v", len(feed), feed)
	}
	cursor := func(consumer string, seq int64) {
		f.commit(&storage.Batch{KV: []storage.KVPair{{Key: storage.FeedPrefix + consumer, Value: strconv.AppendInt(nil, seq, 10)}}})
	}
	after := func(what string, keep time.Duration, want int) {
		f.Helper()
		r := storage.PruneRequest{Retention: never(), Chunk: 1}
		r.Retention.Changes = keep
		f.prune(r)
		f.equal(what, must[[]storage.Change](f)(f.ListChanges(f.ctx, storage.ChangeQuery{})), feed[want:])
		value, err := f.GetKV(f.ctx, storage.FeedPruned)
		if want == 0 {
			f.refused(err, storage.ErrNotFound)
			return
		}
		f.equal(what+": its content", string(value), fmt.Sprint(feed[want-1].Seq))
	}
	after("no consumer, nothing too old", 100*days, 0)
	cursor("staleness/shop", feed[2].Seq)
	cursor("other/shop", feed[1].Seq)
	after("passed by both", 100*days, 2)
	after("no more than before", 100*days, 2)
	after("too old", 97*days, 3)
	cursor("other/shop", feed[5].Seq)
	cursor("staleness/shop", feed[5].Seq)
	after("never", storage.Forever, 3)
	after("the newest stays", 100*days, 5)
	cursor("broken/shop", 0)
	f.commit(&storage.Batch{KV: []storage.KVPair{{Key: storage.FeedPrefix + "broken/shop", Value: []byte("x")}}})
	if _, err := f.Prune(f.ctx, storage.PruneRequest{}); err == nil {
		f.Error("a cursor that is no number was taken for one")
	}
}

// checkPruneLimit goes on where the limit ended the call before.
func checkPruneLimit(f *fixture) {
	key := f.assets("a")[0]
	for i := range 4 {
		f.pastRun(storage.RunRecord{ID: fmt.Sprint("r", i)}, 0, key)
	}
	f.run("newest")
	want := f.prune(storage.PruneRequest{Retention: oneDay(), DryRun: true})
	var sum int64
	for calls := 1; ; calls++ {
		did := f.prune(storage.PruneRequest{Retention: oneDay(), Limit: 5, Chunk: 2})
		sum += did.Rows()
		if did.Rows() > 5 || did.More && did.Rows() != 5 {
			f.Errorf("call %d deleted %d rows, more %t: the limit is 5", calls, did.Rows(), did.More)
		}
		if !did.More {
			break
		}
		f.checked()
	}
	f.equal("rows in all calls", sum, want.Rows())
	f.equal("what is left", f.left("r0", "r1", "r2", "r3"), "r0 gone; r1 gone; r2 gone; r3 gone; ")
}

// checkPruneCanceled is ended before it begins, and by a closed store.
func checkPruneCanceled(f *fixture) {
	key := f.assets("a")[0]
	f.pastRun(storage.RunRecord{ID: "r"}, 0, key)
	f.run("newest")
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	did, err := f.Prune(ctx, storage.PruneRequest{Retention: oneDay(), Now: epoch.Add(100 * days)})
	f.refused(err, context.Canceled)
	f.equal("rows", did.Rows(), int64(0))
	f.equal("what is left", f.left("r"), "r [1 2 3] 2 (); ")
	if err := f.Close(); err != nil {
		f.Fatal(err)
	}
	_, err = f.Prune(f.ctx, storage.PruneRequest{})
	f.refused(err, storage.ErrClosed)
}

func checkPruneRequests(f *fixture) {
	for _, r := range []storage.PruneRequest{
		{Retention: storage.Retention{Logs: -1}},
		{Retention: storage.Retention{Runs: -days, Changes: -days}},
		{Limit: -1},
		{Chunk: -1},
		{Every: -1},
		{Every: time.Hour, DryRun: true},
	} {
		if did, err := f.Prune(f.ctx, r); err == nil || did.Rows() != 0 {
			f.Errorf("%+v: %+v, %v", r, did, err)
		}
	}
	did := must[storage.PruneReport](f)(f.Prune(f.ctx, storage.PruneRequest{}))
	kinds := slices.Collect(func(yield func(string) bool) {
		for _, k := range did.Kinds {
			if !yield(k.Kind.String()) {
				return
			}
		}
	})
	f.equal("kinds of an empty store", fmt.Sprint(kinds, did.Rows()), "[logs steps asset_events runs backfills changes evaluations] 0")
}
