package storagetest

import (
	"context"
	"fmt"

	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// asking counts what a history asks of a store.
type asking struct {
	storage.RunsAndEvents
	events, pages, runs int
}

func (a *asking) ListAssetEvents(ctx context.Context, q storage.AssetEventQuery) ([]storage.Event, error) {
	list, err := a.RunsAndEvents.ListAssetEvents(ctx, q)
	a.pages, a.events = a.pages+1, a.events+len(list)
	return list, err
}

func (a *asking) ListRuns(ctx context.Context, q storage.RunQuery) ([]storage.RunRecord, error) {
	list, err := a.RunsAndEvents.ListRuns(ctx, q)
	a.runs += len(list)
	return list, err
}

// measured is the n-th event of a run, about an asset.
func measured(run storage.RunKey, n int64, kind storage.EventKind, asset storage.AssetKey, d storage.Detail) storage.Event {
	e := event(run, n)
	e.Kind, e.Asset, e.Detail = kind, asset, d.AppendJSON(nil)
	return e
}

// historyText is a history as run:n=values, of a partition where there is one.
func historyText(history []storage.MetadataRecord) []string {
	texts := make([]string, 0, len(history))
	for i := range history {
		r := &history[i]
		text := fmt.Sprintf("%s:%d", r.RunID, r.N)
		if r.Partition != "" {
			text += "@" + r.Partition
		}
		texts = append(texts, text+"="+string(r.Values.AppendJSON(nil)))
	}
	return texts
}

func checkMetadataHistory(f *fixture) {
	keys := f.assets("users", "orders", "silent")
	users, orders := keys[0], keys[1]
	rows := func(n int) storage.Detail {
		return storage.Detail{Metadata: metadata.Map{"rows": n, "size": metadata.Size(int64(n) << 10), "note": "x"}}
	}
	failure := rows(99)
	failure.Error = "it broke"
	for i := range 4 {
		fence := f.run(fmt.Sprintf("r%d", i))
		b := storage.Batch{Fence: fence, Events: []storage.Event{
			measured(fence.Run, 1, storage.StepSucceeded, users, rows(i)),
			measured(fence.Run, 2, storage.AssetObserved, orders, storage.Detail{Metadata: metadata.Map{"rows": -i}}),
			measured(fence.Run, 3, storage.AssetMaterialized, users, storage.Detail{Data: "v"}), // tells nothing
			measured(fence.Run, 4, storage.PartitionFailed, users, failure),
			measured(fence.Run, 5, storage.AssetWiped, users, rows(99)),
			measured(fence.Run, 6, storage.ActionPerformed, users, rows(99)),
			measured(fence.Run, 7, storage.CheckEvaluated, users, rows(99)),
		}}
		f.commit(&b)
	}
	ask := func(q storage.MetadataQuery) []string {
		f.Helper()
		return historyText(must[[]storage.MetadataRecord](f)(storage.MetadataHistory(f.ctx, f.Storage, q)))
	}
	f.equal("the rows of users", ask(storage.MetadataQuery{Asset: users, Keys: []string{"rows"}}), []string{
		`r3:1={"rows":{"kind":"int","value":3}}`, `r2:1={"rows":{"kind":"int","value":2}}`,
		`r1:1={"rows":{"kind":"int","value":1}}`, `r0:1={"rows":{"kind":"int","value":0}}`,
	})
	f.equal("the last observations", ask(storage.MetadataQuery{Asset: orders, Limit: 2}), []string{
		`r3:2={"rows":{"kind":"int","value":-3}}`, `r2:2={"rows":{"kind":"int","value":-2}}`,
	})
	f.equal("all of the last", ask(storage.MetadataQuery{Asset: users, Limit: 1}), []string{
		`r3:1={"note":{"kind":"text","value":"x"},"rows":{"kind":"int","value":3},"size":{"kind":"size","value":3072}}`,
	})
	f.equal("what is not recorded", ask(storage.MetadataQuery{Asset: users, Keys: []string{"raws"}}), []string{})
	f.equal("what is looked at", ask(storage.MetadataQuery{Asset: users, Keys: []string{"rows"}, Scan: 12}), []string{
		`r3:1={"rows":{"kind":"int","value":3}}`, `r2:1={"rows":{"kind":"int","value":2}}`,
	})
	f.equal("nothing asked for", ask(storage.MetadataQuery{Asset: users, Keys: []string{}}), []string{})
	f.equal("of an asset that said nothing", ask(storage.MetadataQuery{Asset: keys[2]}), []string{})
	f.equal("of no asset", ask(storage.MetadataQuery{}), []string{})
	at := must[[]storage.MetadataRecord](f)(storage.MetadataHistory(f.ctx, f.Storage, storage.MetadataQuery{Asset: users, Limit: 1}))[0].At
	f.equal("when", storage.MicrosOf(at), storage.MicrosOf(epoch)+1)
}

func checkMetadataOfPartitions(f *fixture) {
	asset, fence := f.assets("days")[0], f.run("r")
	space := must[partition.Space](f)(partition.NewSpace(partition.Daily(partition.Date(2026, 3, 1), partition.Until(partition.Date(2026, 3, 4))), epoch.AddDate(0, 1, 0), partition.Tables{}))
	several := storage.Detail{Metadata: metadata.Map{"rows": 7}, Partitions: space.All()}
	b := storage.Batch{Fence: fence, Events: []storage.Event{measured(fence.Run, 1, storage.AssetMaterialized, asset, several)}}
	for i, day := range []string{"2026-03-01", "2026-03-02", "2026-03-01"} {
		e := measured(fence.Run, int64(i+2), storage.AssetMaterialized, asset, storage.Detail{Metadata: metadata.Map{"rows": i}})
		e.Partition = day
		b.Events = append(b.Events, e)
	}
	f.commit(&b)
	ask := func(day string) []storage.MetadataRecord {
		f.Helper()
		return must[[]storage.MetadataRecord](f)(storage.MetadataHistory(f.ctx, f.Storage, storage.MetadataQuery{Asset: asset, Keys: []string{"rows"}, Partition: day}))
	}
	f.equal("of one", historyText(ask("2026-03-01")), []string{
		`r:4@2026-03-01={"rows":{"kind":"int","value":2}}`, `r:2@2026-03-01={"rows":{"kind":"int","value":0}}`,
	})
	f.equal("of one that has none", historyText(ask("2026-03-03")), []string{})
	all := ask("")
	f.equal("of all", len(all), 4)
	f.equal("of several at once", setText(all[3].Partitions), setText(space.All()))
}

// What others did is not looked at, nor is what is older than the last value that is wanted; and
// each run is asked for once.
func checkMetadataHistoryCounts(f *fixture) {
	keys := f.assets("users", "orders")
	const runs, each = 30, 40
	for i := range runs {
		fence := f.run(fmt.Sprintf("r%d", i))
		b := storage.Batch{Fence: fence}
		for n := int64(1); n <= each; n++ {
			d := storage.Detail{Metadata: metadata.Map{"rows": n}}
			if n%4 == 0 {
				d.Metadata["share"] = 0.5
			}
			b.Events = append(b.Events, measured(fence.Run, 2*n-1, storage.AssetMaterialized, keys[0], d), measured(fence.Run, 2*n, storage.AssetMaterialized, keys[1], d))
		}
		f.commit(&b)
	}
	for _, c := range []struct {
		q                          storage.MetadataQuery
		found, pages, events, runs int
	}{
		{storage.MetadataQuery{Keys: []string{"rows"}, Limit: 60}, 60, 1, 60, 2},
		{storage.MetadataQuery{Keys: []string{"share"}, Limit: 20}, 20, 2, 520, 2},
		{storage.MetadataQuery{Keys: []string{"none"}, Limit: 10}, 0, 4, runs * each, 0},
		{storage.MetadataQuery{Keys: []string{"none"}, Limit: 10, Scan: 50}, 0, 2, 50, 0},
	} {
		c.q.Asset = keys[0]
		asked := asking{RunsAndEvents: f.Storage}
		found := must[[]storage.MetadataRecord](f)(storage.MetadataHistory(f.ctx, &asked, c.q))
		f.equal(fmt.Sprintf("values, pages, events and runs of %+v", c.q),
			[]int{len(found), asked.pages, asked.events, asked.runs}, []int{c.found, c.pages, c.events, c.runs})
	}
}

// Pruning other things leaves the history of metadata, with its runs, and it goes with the events
// of its asset.
func checkMetadataHistoryPruned(f *fixture) {
	asset := f.assets("users")[0]
	for i := range 4 {
		fence := f.run(fmt.Sprintf("r%d", i))
		said := measured(fence.Run, 2, storage.StepSucceeded, asset, storage.Detail{Metadata: metadata.Map{"rows": i}})
		said.At = storage.MicrosOf(epoch)
		f.commit(&storage.Batch{
			Fence: fence, Events: []storage.Event{event(fence.Run, 1), said}, Logs: []storage.LogLine{{Run: fence.Run, N: 1, At: epoch, Message: "m"}},
			RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Success, At: epoch, Counts: storage.StepCounts{Succeeded: 1}}},
		})
	}
	ask := func() []string {
		f.Helper()
		return historyText(must[[]storage.MetadataRecord](f)(storage.MetadataHistory(f.ctx, f.Storage, storage.MetadataQuery{Asset: asset})))
	}
	before := ask()
	f.equal("how many there are", len(before), 4)
	others := oneDay()
	others.AssetEvents = storage.Forever
	report := f.prune(storage.PruneRequest{Retention: others})
	f.equal("what else was pruned", report.Kinds[storage.PruneLogs].Rows > 0 && report.Kinds[storage.PruneSteps].Rows > 0, true)
	f.equal("the history when all else was pruned", ask(), before)
	all := oneDay()
	all.NewestAssetEvents = 2
	f.prune(storage.PruneRequest{Retention: all})
	f.equal("the history after two stay", ask(), before[:2])
}
