package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

const (
	partsEach = 25 // partitions that each writer makes
	keyRounds = 12 // rounds in which all writers register the same keys
)

// makeParts makes partitions of one asset, each in a run of its own, and follows the feed of
// changes meanwhile: what was read once is complete.
func (w workload) makeParts() error {
	keys, err := w.AssetKeys(w.ctx, []string{"parted"})
	if err != nil {
		return err
	}
	var seen []storage.Change
	for i := range partsEach {
		n := w.worker*partsEach + i
		set, text := keysOf(n), strconv.Itoa(n)
		b := storage.Batch{Lease: long, Runs: []storage.RunRecord{{
			ID: text, State: storage.Running, Token: 1, Owner: "a", Targets: []storage.Target{{Asset: keys[0], Partitions: set}},
		}}}
		if err := w.Commit(w.ctx, &b); err != nil {
			return err
		}
		fence := storage.Fence{Run: b.Runs[0].Key, Token: 1}
		u := update(keys[0], storage.Materialized, fence, 1, n)
		if i%5 == 4 { // several at once: those of the round before again
			u.Partitions, u.Partition = keysOf(n-1, n), ""
		}
		failed := update(keys[0], storage.Failed, fence, 1, n)
		if err := w.Append(&storage.Batch{Fence: fence, Assets: []storage.AssetUpdate{failed}}); err != nil {
			return err
		}
		err := w.Commit(w.ctx, &storage.Batch{
			Fence: fence, Assets: []storage.AssetUpdate{u}, RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Success, At: epoch}},
		})
		if err != nil {
			return err
		}
		if seen, err = w.follow(seen); err != nil {
			return err
		}
	}
	return w.compareFeed(seen)
}

// follow reads what is new in the feed.
func (w workload) follow(seen []storage.Change) ([]storage.Change, error) {
	after := int64(0)
	if len(seen) > 0 {
		after = seen[len(seen)-1].Seq
	}
	more, err := w.ListChanges(w.ctx, storage.ChangeQuery{After: after, Limit: 10})
	for i := range more {
		if more[i].Seq <= after {
			return nil, fmt.Errorf("change %d after %d", more[i].Seq, after)
		}
	}
	return append(seen, more...), err
}

// compareFeed asserts that the feed read bit by bit is the one read at once.
func (w workload) compareFeed(seen []storage.Change) error {
	all, err := w.ListChanges(w.ctx, storage.ChangeQuery{})
	if err != nil {
		return err
	}
	last := seen[len(seen)-1].Seq
	all = slices.DeleteFunc(all, func(c storage.Change) bool { return c.Seq > last })
	if got, want := feedText(seen), feedText(all); !slices.Equal(got, want) {
		return fmt.Errorf("the feed read bit by bit:\n%v\nand at once:\n%v", got, want)
	}
	return nil
}

// feedText is what entries tell, however a store puts them together.
func feedText(list []storage.Change) []string {
	var lines []string
	for _, c := range list {
		for _, asset := range c.Assets {
			lines = append(lines, fmt.Sprint(c.Kind, c.Run, asset, labelText(c.Partitions)))
		}
	}
	return lines
}

// registerSame registers and removes the same keys as the other writers, each in an order of its
// own.
func (w workload) registerSame() error {
	for round := range keyRounds {
		var u storage.KeyUpdate
		u.Table = "tenants"
		for i := range 7 {
			u.Add = append(u.Add, fmt.Sprintf("key_%d", (w.worker*3+i*5+round*2)%40))
		}
		if round%3 == 2 {
			u.Remove = u.Add[:2]
		}
		if err := w.Commit(w.ctx, &storage.Batch{Keys: []storage.KeyUpdate{u}}); err != nil {
			return err
		}
		ordinals, _, err := w.LookUpKeys(w.ctx, storage.KeyQuery{Table: u.Table, Keys: u.Add})
		if err != nil || slices.Contains(ordinals, partition.NoOrdinal) {
			return fmt.Errorf("keys %q that were added have the ordinals %d, %w", u.Add, ordinals, err)
		}
		_, keys, err := w.LookUpKeys(w.ctx, storage.KeyQuery{Table: u.Table, Ordinals: ordinals})
		if err != nil || !slices.Equal(keys, u.Add) {
			return fmt.Errorf("keys %q read back as %q, %w", u.Add, keys, err)
		}
		for i := range keys {
			w.won(fmt.Sprintf("%s %d", keys[i], ordinals[i]))
		}
	}
	return nil
}

// claimBackfills claims backfills of an owner that is gone, and creates runs as the new owner.
func (w workload) claimBackfills() error {
	for i := range runsShared {
		id := fmt.Sprint(i)
		rec, err := w.ClaimBackfill(w.ctx, storage.RunClaim{ID: id, Owner: fmt.Sprint(w.worker), Lease: long, Gone: "dead"})
		switch {
		case errors.Is(err, storage.ErrOwned):
			continue
		case err != nil:
			return err
		}
		w.won(rec.ID)
		fence := storage.Fence{Backfill: rec.Key, Token: rec.Token}
		err = w.Commit(w.ctx, &storage.Batch{
			Fence: fence, Lease: long, Runs: []storage.RunRecord{{ID: id, Backfill: id, Token: 1, Owner: rec.Owner}},
			BackfillUpdates: []storage.BackfillUpdate{{Backfill: rec.Key, State: storage.BackfillInProgress, Progress: storage.BackfillProgress{Runs: 1}}},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// checkMakeParts: sets are the sum of what everybody made.
func checkMakeParts(f *fixture, writers int, do crowd) {
	key := f.assets("parted")[0]
	do(f, "parts")
	var want []int
	for n := range writers * partsEach {
		want = append(want, n)
	}
	f.sets("what all made", key, want, nil, nil)
	singles := must[[]storage.PartitionState](f)(f.ListPartitions(f.ctx, storage.PartitionQuery{Asset: key}))
	f.equal("states of single partitions", len(singles), writers*partsEach*3/5)
	groups := must[[]storage.PartitionGroup](f)(f.ListPartitionGroups(f.ctx, key, storage.Materialized))
	f.equal("states of several", len(groups), writers*partsEach/5)
	told := map[storage.ChangeKind]partition.Set{}
	for _, c := range f.feed(0) {
		told[c.Kind] = told[c.Kind].Union(c.Partitions)
	}
	for _, kind := range []storage.ChangeKind{storage.ChangeTargeted, storage.ChangeMaterialized, storage.ChangeFailed} {
		f.equal("told of "+kind.String(), setText(told[kind]), setText(keysOf(want...)))
	}
}

// checkRegisterSame: each key has one ordinal for every caller.
func checkRegisterSame(f *fixture, _ int, do crowd) {
	won := do(f, "register")
	keys := map[string]string{}
	for what := range won {
		var key, ordinal string
		_, _ = fmt.Sscan(what, &key, &ordinal) // the writer wrote both
		if other := keys[key]; other != "" {
			f.Errorf("%s has the ordinals %s and %s", key, ordinal, other)
		}
		keys[key] = ordinal
	}
	f.equal("the number of keys", must[storage.KeyTable](f)(f.GetKeyTable(f.ctx, "tenants")).Size, int64(len(keys)))
}

// checkClaimBackfills: each backfill has one new owner, and only that one creates runs.
func checkClaimBackfills(f *fixture, _ int, do crowd) {
	for i := range runsShared {
		f.backfill(fmt.Sprint(i), "dead", long)
	}
	won := do(f, "backfills")
	for i := range runsShared {
		id := fmt.Sprint(i)
		f.equal("winners of "+id, won[id], 1)
		rec := f.getBackfill(id)
		f.equal("the token", rec.Token, int64(2))
		runs := must[[]storage.RunRecord](f)(f.ListRuns(f.ctx, storage.RunQuery{Backfill: id}))
		f.equal("who created runs", len(runs) == 1 && runs[0].Owner == rec.Owner, true)
	}
}
