package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// feed reads the feed of changes from a Seq on, and asserts that its order grows. A store may hold
// entries back while others write: none does.
func (f *fixture) feed(after int64) []storage.Change {
	f.Helper()
	list := must[[]storage.Change](f)(f.ListChanges(f.ctx, storage.ChangeQuery{After: after}))
	for i := range list {
		if list[i].Seq <= after || i > 0 && list[i].Seq < list[i-1].Seq {
			f.Fatalf("change %d has the seq %d after %d", i, list[i].Seq, after)
		}
	}
	return list
}

// last is the Seq up to which the feed can be read.
func (f *fixture) last() int64 {
	f.Helper()
	list := f.feed(0)
	if len(list) == 0 {
		return 0
	}
	return list[len(list)-1].Seq
}

// changed asserts what a write adds to the feed, in any order: lines of "kind run assets labels".
func (f *fixture) changed(what string, write func(), want ...string) {
	f.Helper()
	after, complete := f.last(), must[int64](f)(f.ChangeSeq(f.ctx))
	if complete < after {
		f.Errorf("%s: the feed has a change %d and calls itself complete up to %d", what, after, complete)
	}
	write()
	names := map[storage.AssetKey]string{}
	for _, rec := range must[[]storage.AssetRecord](f)(f.ListAssets(f.ctx, storage.AssetQuery{})) {
		names[rec.Key] = rec.Name
	}
	runs := map[storage.RunKey]string{0: "-"}
	for _, rec := range must[[]storage.RunRecord](f)(f.ListRuns(f.ctx, storage.RunQuery{})) {
		runs[rec.Key] = rec.ID
	}
	var got []string
	for _, c := range f.feed(after) {
		if c.Seq <= complete {
			f.Errorf("%s: the change %d, and the feed was complete up to %d before", what, c.Seq, complete)
		}
		var assets []string
		for _, key := range c.Assets {
			assets = append(assets, names[key])
		}
		line := fmt.Sprintf("%s %s %s%s %s", c.Kind, runs[c.Run], strings.Join(assets, "+"), c.Keys, labelText(c.Partitions))
		got = append(got, strings.TrimSpace(line))
	}
	for _, rec := range must[[]storage.AssetRecord](f)(f.ListAssets(f.ctx, storage.AssetQuery{})) {
		if m := rec.Materialization; m != nil && m.Seq > must[int64](f)(f.ChangeSeq(f.ctx)) {
			f.Errorf("%s: the state %d of %q is beyond what the feed is complete up to", what, m.Seq, rec.Name)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	f.equal(what, got, slices.Clip(want))
}

func checkChanges(f *fixture) {
	keys := f.assets("a", "b", "c")
	f.equal("the feed of an empty store", f.feed(0), []storage.Change(nil))
	var fence storage.Fence
	whole := func(kind storage.StateKind, asset storage.AssetKey) storage.AssetUpdate {
		return storage.AssetUpdate{Asset: asset, Kind: kind, Run: fence.Run, N: 1, At: storage.MicrosOf(epoch)}
	}
	f.changed("a run without targets", func() { fence = f.run("r") })
	f.changed("assets without partitions", func() {
		f.commit(&storage.Batch{Fence: fence, Assets: []storage.AssetUpdate{
			whole(storage.Materialized, keys[2]), whole(storage.Materialized, keys[0]), whole(storage.Failed, keys[1]), whole(storage.Observed, keys[1]),
		}})
	}, "materialized r a+c", "failed r b", "observed r b")
	f.equal("the set of an asset without partitions", setText(f.feed(0)[0].Partitions), setText(partition.Whole()))
	f.equal("when", f.feed(0)[0].At, storage.MicrosOf(epoch))
	f.changed("an observation outside a run", func() {
		f.commit(&storage.Batch{Assets: []storage.AssetUpdate{{Asset: keys[0], Kind: storage.Observed, At: 1}}})
	}, "observed - a")
	f.changed("the same asset several times", func() {
		b := storage.Batch{Fence: fence}
		for range 5 {
			b.Assets = append(b.Assets, whole(storage.Materialized, keys[0]))
		}
		f.commit(&b)
	}, "materialized r a")
	f.changed("nothing of states", func() {
		f.commit(&storage.Batch{Fence: fence, Events: []storage.Event{event(fence.Run, 1)}, KV: []storage.KVPair{{Key: "k"}}})
	})
	f.changed("a refused batch", func() {
		f.refused(f.Commit(f.ctx, &storage.Batch{Fence: storage.Fence{Run: fence.Run, Token: 9}, Assets: []storage.AssetUpdate{whole(storage.Materialized, keys[0])}}), storage.ErrFenced)
	})
	f.changed("a run that ends", func() { f.ends(fence) })

	var made storage.Fence
	f.changed("targets", func() {
		made = f.targeting("t", storage.Target{Asset: keys[0], Partitions: keysOf(1, 2)}, storage.Target{Asset: keys[1], Partitions: keysOf(1, 2)},
			storage.Target{Asset: keys[2]})
	}, "targeted t a+b [1, 3)")
	f.changed("partitions", func() {
		f.commit(&storage.Batch{Fence: made, Assets: []storage.AssetUpdate{
			update(keys[0], storage.Materialized, made, 1, 1), update(keys[1], storage.Materialized, made, 2, 1), update(keys[0], storage.Failed, made, 3, 2),
		}})
	}, "materialized t a+b [1, 2)", "failed t a [2, 3)")
	f.changed("a wipe", func() {
		f.commit(&storage.Batch{Assets: []storage.AssetUpdate{update(keys[0], storage.Wiped, storage.Fence{}, 1, 1, 2, 3)}})
	}, "wiped - a [1, 4)")
	f.changed("a run that ends before it has made all", func() { f.ends(made) }, "run_ended t b [2, 3)")
	f.changed("a run that makes all in its end", func() {
		all := f.targeting("all", storage.Target{Asset: keys[0], Partitions: keysOf(5)})
		f.ends(all, update(keys[0], storage.Materialized, all, 1, 5))
	}, "targeted all a [5, 6)", "materialized all a [5, 6)")

	keysOnly := func(table string, add, remove []string) func() {
		return func() {
			f.commit(&storage.Batch{Keys: []storage.KeyUpdate{{Table: table, Add: add, Remove: remove}}})
		}
	}
	f.changed("keys", keysOnly("tenants", []string{"x", "y"}, nil), "keys - tenants [0, 2)")
	f.changed("keys that are there", keysOnly("tenants", []string{"y"}, []string{"nobody"}))
	f.changed("a key removed, another added", keysOnly("tenants", []string{"z"}, []string{"x"}), "keys - tenants [0, 1) [2, 3)")
	f.changed("static keys", keysOnly("", []string{"x"}, nil))
}

// checkChangePages reads the feed in pages of any length: nothing is lost or told twice.
func checkChangePages(f *fixture) {
	fence, keys := f.run("r"), f.assets("a", "b", "c")
	for i := range 30 {
		b := storage.Batch{Fence: fence}
		for _, key := range keys[:1+i%3] { // in sets of their own: entries that share a Seq
			b.Assets = append(b.Assets, update(key, storage.Materialized, fence, int64(i+1), i, int(key)+100))
		}
		f.commit(&b)
	}
	all := f.feed(0)
	f.equal("the number of entries", len(all), 60)
	for _, limit := range []int{1, 2, 7, 100} {
		var got []storage.Change
		for after := int64(0); ; after = got[len(got)-1].Seq {
			page := must[[]storage.Change](f)(f.ListChanges(f.ctx, storage.ChangeQuery{After: after, Limit: limit}))
			got = append(got, page...)
			if len(page) > limit && page[limit-1].Seq != page[len(page)-1].Seq {
				f.Fatalf("a page of %d has %d entries of several seqs", limit, len(page))
			}
			if len(page) == 0 {
				break
			}
		}
		f.equal(fmt.Sprintf("the entries in pages of %d", limit), fmt.Sprint(got), fmt.Sprint(all))
	}
}

func checkWatchChanges(f *fixture) {
	fence, key := f.run("r"), f.assets("a")[0]
	wake := f.Watch(f.ctx, storage.TopicChanges)
	for n := int64(1); n <= 3; n++ {
		f.commit(&storage.Batch{Fence: fence, Assets: []storage.AssetUpdate{{Asset: key, Run: fence.Run, N: n, At: storage.Micros(n)}}})
		select {
		case <-wake:
		case <-time.After(10 * time.Second):
			f.Fatal("no signal of a change within 10 s")
		}
	}
}
