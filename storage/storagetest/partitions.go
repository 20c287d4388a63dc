package storagetest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// keysOf is the set of the partitions with these numbers: keys of a dynamic definition.
func keysOf(numbers ...int) partition.Set {
	return partition.DynamicSet("tenants", func(yield func(partition.Ordinal) bool) {
		for _, n := range numbers {
			if !yield(partition.Ordinal(n)) {
				return
			}
		}
	})
}

// update is about the partitions with these numbers: a single one has a text.
func update(asset storage.AssetKey, kind storage.StateKind, fence storage.Fence, n int64, numbers ...int) storage.AssetUpdate {
	u := storage.AssetUpdate{
		Asset: asset, Kind: kind, Partitions: keysOf(numbers...), Run: fence.Run, N: n, At: storage.MicrosOf(epoch) + storage.Micros(n), DataVersion: fmt.Sprint("v", n),
	}
	if len(numbers) == 1 {
		u.Partition = strconv.Itoa(numbers[0])
	}
	return u
}

// text of a set is its labels, which tell sets apart.
func setText(set partition.Set) string {
	data, _ := set.AppendBinary(nil) // never fails
	if len(data) > 200 {
		return fmt.Sprintf("%s %x", set, data)
	}
	return set.String()
}

// labelText is the labels of a set of one shape, empty for an asset without partitions.
func labelText(set partition.Set) string {
	text := set.String()
	if from := strings.IndexByte(text, '['); from >= 0 {
		return strings.TrimSuffix(text[from:], "}")
	}
	return ""
}

// sets asserts what the partitions of an asset are, as lists of numbers; nil is none, and -1 the
// asset as a whole.
func (f *fixture) sets(what string, asset storage.AssetKey, materialized, failed, inFlight []int) {
	f.Helper()
	set := func(numbers []int) string {
		if slices.Equal(numbers, []int{-1}) {
			return setText(partition.Whole())
		}
		return setText(keysOf(numbers...))
	}
	got := must[[]storage.PartitionSets](f)(f.PartitionSets(f.ctx, []storage.AssetKey{asset}))
	if len(got) != 1 || got[0].Asset != asset {
		f.Fatalf("%s: the sets of asset %d are %+v", what, asset, got)
	}
	f.equal(what+": materialized", setText(got[0].Materialized), set(materialized))
	f.equal(what+": failed", setText(got[0].Failed), set(failed))
	f.equal(what+": in flight", setText(got[0].InFlight), set(inFlight))
}

// singles lists the states of single partitions as "text=version".
func (f *fixture) singles(q storage.PartitionQuery) string {
	f.Helper()
	var got []string
	for _, p := range must[[]storage.PartitionState](f)(f.ListPartitions(f.ctx, q)) {
		if p.Asset != q.Asset || p.Kind != q.Kind || p.Seq <= 0 {
			f.Fatalf("%+v returned %+v", q, p)
		}
		got = append(got, p.Partition+"="+p.DataVersion)
	}
	return strings.Join(got, " ")
}

// groups lists the states of many partitions as "version{labels}", newest first.
func (f *fixture) groups(asset storage.AssetKey, kind storage.StateKind) string {
	f.Helper()
	var got []string
	last := int64(0)
	for _, g := range must[[]storage.PartitionGroup](f)(f.ListPartitionGroups(f.ctx, asset, kind)) {
		if g.Asset != asset || g.Kind != kind || last != 0 && g.Seq >= last {
			f.Fatalf("groups of asset %d and kind %s: %+v after %d", asset, kind, g, last)
		}
		last = g.Seq
		got = append(got, g.DataVersion+"{"+labelText(g.Partitions)+"}")
	}
	return strings.Join(got, " ")
}

func checkPartitionSets(f *fixture) {
	fence, keys := f.run("r"), f.assets("parted", "whole")
	parted := keys[0]
	f.sets("nothing yet", parted, nil, nil, nil)
	n := int64(0)
	do := func(kind storage.StateKind, numbers ...int) {
		f.Helper()
		n++
		f.commit(&storage.Batch{Fence: fence, Assets: []storage.AssetUpdate{update(parted, kind, fence, n, numbers...)}})
	}
	do(storage.Materialized, 1)
	do(storage.Materialized, 3, 4, 5)
	f.sets("one, and some at once", parted, []int{1, 3, 4, 5}, nil, nil)
	do(storage.Failed, 2)
	do(storage.Failed, 4, 6)
	f.sets("what failed stays materialized", parted, []int{1, 3, 4, 5}, []int{2, 4, 6}, nil)
	do(storage.Materialized, 4)
	do(storage.Materialized, 2, 3)
	f.sets("what is materialized is not failed", parted, []int{1, 2, 3, 4, 5}, []int{6}, nil)
	do(storage.Observed, 9)
	f.sets("an observation", parted, []int{1, 2, 3, 4, 5}, []int{6}, nil)
	do(storage.Wiped, 3, 4, 6, 7)
	f.sets("what was wiped", parted, []int{1, 2, 5}, nil, nil)

	b := storage.Batch{Fence: fence}
	for i := range 40 { // in one batch, in their order
		b.Assets = append(b.Assets, update(parted, storage.Failed, fence, n+int64(i)+1, 10+i))
	}
	b.Assets = append(b.Assets, update(parted, storage.Materialized, fence, 90, 10, 11), update(parted, storage.Failed, fence, 91, 11), update(parted, storage.Wiped, fence, 92, 12))
	f.commit(&b)
	failed := []int{11}
	for i := 13; i < 50; i++ {
		failed = append(failed, i)
	}
	f.sets("a batch in its order", parted, []int{1, 2, 5, 10, 11}, failed, nil)

	got := must[[]storage.PartitionSets](f)(f.PartitionSets(f.ctx, []storage.AssetKey{keys[1], 99, parted, parted}))
	var order []storage.AssetKey
	for i := range got {
		order = append(order, got[i].Asset)
	}
	f.equal("the order of the answer", order, []storage.AssetKey{keys[1], 99, parted, parted})
	f.equal("the same twice", setText(got[2].Failed), setText(got[3].Failed))
	f.equal("no such asset", got[1].Materialized.IsEmpty() && got[1].Failed.IsEmpty() && got[1].InFlight.IsEmpty(), true)
}

// checkWholeSets has an asset without partitions, which is the one of Whole.
func checkWholeSets(f *fixture) {
	fence, key := f.run("r"), f.assets("whole")[0]
	n := int64(0)
	do := func(kinds ...storage.StateKind) {
		f.Helper()
		b := storage.Batch{Fence: fence}
		for _, kind := range kinds {
			n++
			u := storage.AssetUpdate{Asset: key, Kind: kind, Run: fence.Run, N: n, At: storage.Micros(n)}
			if n%2 == 0 {
				u.Partitions = partition.Whole() // which means the same
			}
			b.Assets = append(b.Assets, u)
		}
		f.commit(&b)
	}
	whole := []int{-1}
	do(storage.Failed)
	f.sets("failed", key, nil, whole, nil)
	do(storage.Materialized)
	f.sets("then materialized", key, whole, nil, nil)
	do(storage.Failed)
	f.sets("then failed", key, whole, whole, nil)
	do(storage.Failed, storage.Materialized)
	f.sets("failed and materialized in one batch", key, whole, nil, nil)
	do(storage.Materialized, storage.Failed)
	f.sets("materialized and failed in one batch", key, whole, whole, nil)
	rec := must[storage.AssetRecord](f)(f.GetAsset(f.ctx, "whole"))
	if rec.Failure == nil || rec.Materialization == nil || rec.Failure.Seq <= rec.Materialization.Seq {
		f.Errorf("the order of materialization and failure: %+v, %+v", rec.Materialization, rec.Failure)
	}
	do(storage.Observed)
	do(storage.Wiped)
	f.sets("wiped", key, nil, nil, nil)
	rec = must[storage.AssetRecord](f)(f.GetAsset(f.ctx, "whole"))
	if rec.Failure != nil || rec.Materialization != nil || rec.Observation != nil || rec.Wipe == nil || rec.Wipe.N != n {
		f.Errorf("what is left of a wiped asset: %+v", rec)
	}
	do(storage.Failed, storage.Wiped, storage.Materialized)
	f.sets("wiped and made again in one batch", key, whole, nil, nil)
}

func checkPartitionStates(f *fixture) {
	fence, key := f.run("r"), f.assets("parted")[0]
	d := storage.Detail{Data: "v1", Tags: map[string]string{"a": "b"}}
	u := update(key, storage.Materialized, fence, 1, 7)
	u.CodeVersion, u.Detail = "c1", d.AppendJSON(nil)
	f.commit(&storage.Batch{Fence: fence, Assets: []storage.AssetUpdate{u}})
	got := must[[]storage.PartitionState](f)(f.ListPartitions(f.ctx, storage.PartitionQuery{Asset: key}))
	want := storage.PartitionState{Asset: key, AssetState: storage.AssetState{
		RunID: "r", Run: fence.Run, N: 1, At: u.At.Time(), Partition: "7", DataVersion: "v1", CodeVersion: "c1", Detail: d,
	}}
	want.Seq = got[0].Seq
	f.equal("the state of a partition", got, []storage.PartitionState{want})
	rec := must[storage.AssetRecord](f)(f.GetAsset(f.ctx, "parted"))
	f.equal("the state of the asset", *rec.Materialization, want.AssetState)

	b := storage.Batch{Fence: fence}
	for i, n := range []int{3, 10, 2, 7, 3} {
		b.Assets = append(b.Assets, update(key, storage.Materialized, fence, int64(i+2), n))
	}
	b.Assets = append(b.Assets, update(key, storage.Failed, fence, 7, 3), update(key, storage.Observed, fence, 8, 4))
	f.commit(&b)
	for _, c := range []struct {
		q    storage.PartitionQuery
		want string
	}{
		{storage.PartitionQuery{}, "10=v3 2=v4 3=v6 7=v5"},
		{storage.PartitionQuery{Limit: 2}, "10=v3 2=v4"},
		{storage.PartitionQuery{After: "2", Limit: 1}, "3=v6"},
		{storage.PartitionQuery{After: "7"}, ""},
		{storage.PartitionQuery{Partitions: []string{"7", "nobody", "10", "7"}}, "10=v3 7=v5"},
		{storage.PartitionQuery{Partitions: []string{"7", "3", "10"}, After: "10", Limit: 1}, "3=v6"},
		{storage.PartitionQuery{Partitions: []string{}}, ""},
		{storage.PartitionQuery{Kind: storage.Failed}, "3=v7"},
		{storage.PartitionQuery{Kind: storage.Observed}, "4=v8"},
		{storage.PartitionQuery{Kind: storage.Wiped}, ""},
	} {
		c.q.Asset = key
		f.equal(fmt.Sprintf("%+v", c.q), f.singles(c.q), c.want)
	}
	rec = must[storage.AssetRecord](f)(f.GetAsset(f.ctx, "parted"))
	f.equal("the latest of the asset", fmt.Sprint(rec.Materialization.Partition, rec.Failure.Partition, rec.Observation.Partition), "334")
	f.equal("the list", *must[[]storage.AssetRecord](f)(f.ListAssets(f.ctx, storage.AssetQuery{}))[0].Failure, *rec.Failure)
	f.equal("another asset", f.singles(storage.PartitionQuery{Asset: key + 1}), "")
}

// checkPartitionGroups has states of many partitions, and single ones before and after them.
func checkPartitionGroups(f *fixture) {
	fence, key := f.run("r"), f.assets("parted")[0]
	do := func(kind storage.StateKind, n int64, numbers ...int) {
		f.Helper()
		f.commit(&storage.Batch{Fence: fence, Assets: []storage.AssetUpdate{update(key, kind, fence, n, numbers...)}})
	}
	all := storage.PartitionQuery{Asset: key}
	do(storage.Materialized, 1, 5)
	do(storage.Materialized, 2, 9)
	do(storage.Materialized, 3, 1, 2, 3, 4, 5)
	f.equal("singles that are older than their group", f.singles(all), "9=v2")
	f.equal("a group", f.groups(key, storage.Materialized), "v3{[1, 6)}")
	do(storage.Materialized, 4, 5)
	f.equal("a single one that is newer", f.singles(all), "5=v4 9=v2")
	do(storage.Materialized, 5, 4, 5, 6)
	f.equal("groups are disjoint", f.groups(key, storage.Materialized), "v5{[4, 7)} v3{[1, 4)}")
	f.equal("singles", f.singles(all), "9=v2")
	do(storage.Failed, 6, 1, 2)
	f.equal("a group of another kind", f.groups(key, storage.Failed), "v6{[1, 3)}")
	do(storage.Materialized, 7, 1, 2, 3)
	f.equal("an emptied group is gone", f.groups(key, storage.Materialized), "v7{[1, 4)} v5{[4, 7)}")
	f.equal("what failed", f.groups(key, storage.Failed), "v6{[1, 3)}")
	rec := must[storage.AssetRecord](f)(f.GetAsset(f.ctx, "parted"))
	f.equal("the latest of the asset", rec.Materialization.Partition+rec.Materialization.DataVersion, "v7")

	f.commit(&storage.Batch{Fence: fence, Assets: []storage.AssetUpdate{ // all in one batch
		update(key, storage.Materialized, fence, 8, 20), update(key, storage.Materialized, fence, 9, 20, 21, 22),
		update(key, storage.Materialized, fence, 10, 21), update(key, storage.Materialized, fence, 11, 22, 23),
	}})
	f.equal("groups of a batch", f.groups(key, storage.Materialized), "v11{[22, 24)} v9{[20, 22)} v7{[1, 4)} v5{[4, 7)}")
	f.equal("singles of a batch", f.singles(all), "21=v10 9=v2")
	one := update(key, storage.Materialized, fence, 12, 9)
	one.Partition = "" // one at once is a group too
	f.commit(&storage.Batch{Fence: fence, Assets: []storage.AssetUpdate{one}})
	f.equal("singles", f.singles(all), "21=v10")
	f.equal("the pages of what holds", f.singles(storage.PartitionQuery{Asset: key, Limit: 1}), "21=v10")
}

// checkWiped has no state for what was wiped, until there is a new one.
func checkWiped(f *fixture) {
	fence, key := f.run("r"), f.assets("parted")[0]
	n := int64(0)
	do := func(kind storage.StateKind, numbers ...int) {
		f.Helper()
		n++
		f.commit(&storage.Batch{Fence: fence, Assets: []storage.AssetUpdate{update(key, kind, fence, n, numbers...)}})
	}
	all := storage.PartitionQuery{Asset: key}
	failed := storage.PartitionQuery{Asset: key, Kind: storage.Failed}
	do(storage.Materialized, 1)
	do(storage.Materialized, 2)
	do(storage.Materialized, 3, 4, 5)
	do(storage.Failed, 1)
	do(storage.Failed, 6, 7)
	d := storage.Detail{By: "ann", Reason: "wrong day"}
	wipe := update(key, storage.Wiped, fence, 6, 1, 3, 6)
	wipe.Detail = d.AppendJSON(nil)
	n++
	f.commit(&storage.Batch{Fence: fence, Assets: []storage.AssetUpdate{wipe}})
	f.equal("singles", f.singles(all), "2=v2")
	f.equal("singles that failed", f.singles(failed), "")
	f.equal("groups", f.groups(key, storage.Materialized), "v3{[4, 6)}")
	f.equal("groups that failed", f.groups(key, storage.Failed), "v5{[7, 8)}")
	f.equal("what was wiped", f.groups(key, storage.Wiped), "v6{[1, 2) [3, 4) [6, 7)}")
	rec := must[storage.AssetRecord](f)(f.GetAsset(f.ctx, "parted"))
	f.equal("who wiped", rec.Wipe.Detail, d)
	f.equal("the latest of the asset", rec.Materialization.DataVersion+" "+rec.Failure.DataVersion, "v3 v5")

	do(storage.Materialized, 1)
	do(storage.Failed, 3, 4)
	f.equal("made again", f.singles(all), "1=v7 2=v2")
	f.equal("failed again", f.groups(key, storage.Failed), "v8{[3, 5)} v5{[7, 8)}")
	f.equal("still failed before the wipe", f.singles(failed), "")
	do(storage.Wiped, 2)
	f.equal("a single one wiped", f.singles(all), "1=v7")
	do(storage.Wiped, 1, 2, 3, 4, 5, 7)
	f.sets("all wiped", key, nil, nil, nil)
	f.equal("singles when all are wiped", f.singles(all)+f.singles(failed), "")
	f.equal("the wipes", f.groups(key, storage.Wiped), "v10{[1, 6) [7, 8)} v6{[6, 7)}")
	rec = must[storage.AssetRecord](f)(f.GetAsset(f.ctx, "parted"))
	if rec.Materialization != nil || rec.Failure != nil || rec.Wipe.N != n {
		f.Errorf("the asset when all are wiped: %+v", rec)
	}
}

// checkPartitionShapes has sets of all kinds, and texts that a column could spoil.
func checkPartitionShapes(f *fixture) {
	fence, key := f.run("r"), f.assets("parted")[0]
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	table := partition.NewTable("a\x00b", "ü|=,\\", "'; DROP TABLE run; --")
	tables := partition.Tables{Dynamic: map[string]partition.Registered{"tenants": {Keys: table, Live: keysOf(0, 1, 2)}}}
	daily := partition.Daily(partition.Date(2020, 1, 1))
	var want partition.Set
	for _, def := range []partition.Definition{
		daily, partition.Hourly(partition.Date(2020, 1, 1)), partition.Static("x", "y"), partition.Dynamic("tenants"),
		partition.Multi(map[string]partition.Definition{"day": daily, "tenant": partition.Dynamic("tenants")}),
	} {
		space := must[partition.Space](f)(partition.NewSpace(def, now, tables))
		text := must[partition.Key](f)(space.Key(1))
		one, many := must[partition.Set](f)(space.Set(text)), space.Part(space.All(), 1, 1000)
		f.commit(&storage.Batch{Fence: fence, Assets: []storage.AssetUpdate{
			{Asset: key, Partitions: many, Run: fence.Run, N: 1}, {Asset: key, Partition: text.String(), Partitions: one, Run: fence.Run, N: 2},
		}})
		want = want.Union(many)
		got := must[[]storage.PartitionSets](f)(f.PartitionSets(f.ctx, []storage.AssetKey{key}))
		f.equal(def.Kind().String(), setText(got[0].Materialized), setText(want))
		list := must[[]storage.PartitionState](f)(f.ListPartitions(f.ctx, storage.PartitionQuery{Asset: key, Partitions: []string{text.String()}}))
		if len(list) != 1 || list[0].Partition != text.String() {
			f.Errorf("partition %q reads as %+v", text, list)
		}
	}
	for i, text := range []string{"plain", "a\x00b", "日本語", "'; DROP TABLE run; --", " ", "%_", "\xff"} {
		u := update(key, storage.Failed, fence, 1, i)
		u.Partition = text
		e := event(fence.Run, int64(i+1))
		e.Kind, e.Asset, e.Partition = storage.PartitionFailed, key, text
		f.commit(&storage.Batch{Fence: fence, Events: []storage.Event{e}, Assets: []storage.AssetUpdate{u}})
		q := storage.PartitionQuery{Asset: key, Kind: storage.Failed, Partitions: []string{text}}
		f.equal("the state of "+strconv.Quote(text), f.singles(q), text+"=v1")
		got := must[[]storage.Event](f)(f.ListAssetEvents(f.ctx, storage.AssetEventQuery{Asset: key, Partition: text}))
		f.equal("the events of "+strconv.Quote(text), got, []storage.Event{e})
	}
}

// checkTwoDefinitions has an asset whose days became weeks: a text has one state, so the day whose
// text a week takes is in no set afterwards, and the days beside it stay.
func checkTwoDefinitions(f *fixture) {
	fence, key := f.run("r"), f.assets("sales")[0]
	first := partition.Date(2026, 1, 4)
	days, weeks := partition.Daily(first), partition.Weekly(first)
	of := func(d partition.Definition, texts ...string) partition.Set {
		space := must[partition.Space](f)(partition.NewSpace(d, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), partition.Tables{}))
		keys := make([]partition.Key, len(texts))
		for i, text := range texts {
			keys[i] = partition.SingleKey(text)
		}
		return must[partition.Set](f)(space.Set(keys...))
	}
	n := int64(0)
	one := func(kind storage.StateKind, d partition.Definition, text string) {
		f.Helper()
		n++
		set := of(d, text)
		detail := storage.Detail{Partitions: set}
		f.commit(&storage.Batch{Fence: fence, Assets: []storage.AssetUpdate{{
			Asset: key, Kind: kind, Run: fence.Run, N: n, At: storage.Micros(n), Partition: text, Partitions: set, Detail: detail.AppendJSON(nil),
		}}})
	}
	expect := func(what string, materialized, failed partition.Set) {
		f.Helper()
		sets := must[[]storage.PartitionSets](f)(f.PartitionSets(f.ctx, []storage.AssetKey{key}))[0]
		if !sets.Materialized.Equal(materialized) || !sets.Failed.Equal(failed) {
			f.Errorf("%s: %s and %s failed, want %s and %s", what, sets.Materialized, sets.Failed, materialized, failed)
		}
	}
	for _, day := range []string{"2026-01-04", "2026-01-05", "2026-01-11", "2026-01-18"} {
		one(storage.Materialized, days, day)
	}
	one(storage.Failed, days, "2026-01-11")
	one(storage.Failed, days, "2026-01-12")
	f.commit(&storage.Batch{Fence: fence, Assets: []storage.AssetUpdate{{ // at once, so that the day has a state besides
		Asset: key, Kind: storage.Materialized, Run: fence.Run, N: n + 1, At: storage.Micros(n + 1), Partitions: of(days, "2026-01-18", "2026-01-19"),
	}}})
	n++
	expect("days", of(days, "2026-01-04", "2026-01-05", "2026-01-11", "2026-01-18", "2026-01-19"), of(days, "2026-01-11", "2026-01-12"))
	one(storage.Materialized, weeks, "2026-01-11")
	expect("a week with the text of a day", of(days, "2026-01-04", "2026-01-05", "2026-01-18", "2026-01-19").Union(of(weeks, "2026-01-11")),
		of(days, "2026-01-11", "2026-01-12"))
	one(storage.Materialized, weeks, "2026-01-18")
	expect("a week with the text of a day of a group", of(days, "2026-01-04", "2026-01-05", "2026-01-18", "2026-01-19").Union(of(weeks, "2026-01-11", "2026-01-18")),
		of(days, "2026-01-11", "2026-01-12"))
	one(storage.Failed, weeks, "2026-01-11")
	expect("a failed week", of(days, "2026-01-04", "2026-01-05", "2026-01-18", "2026-01-19").Union(of(weeks, "2026-01-11", "2026-01-18")),
		of(days, "2026-01-12").Union(of(weeks, "2026-01-11")))
	one(storage.Materialized, days, "2026-01-11")
	expect("the day again", of(days, "2026-01-04", "2026-01-05", "2026-01-11", "2026-01-18", "2026-01-19").Union(of(weeks, "2026-01-18")),
		of(days, "2026-01-12").Union(of(weeks, "2026-01-11")))
	found := must[[]storage.AssetState](f)(storage.PartitionStates(f.ctx, f, key, storage.Materialized,
		must[partition.Space](f)(partition.NewSpace(weeks, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), partition.Tables{})), []string{"2026-01-11", "2026-01-18"}))
	if len(found) != 1 || found[0].Partition != "2026-01-18" {
		f.Errorf("the states of weeks: %+v, want that of 2026-01-18", found)
	}
}
