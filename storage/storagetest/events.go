package storagetest

import (
	"fmt"
	"math"

	"github.com/rivers-go/rivers/storage"
)

func checkEvents(f *fixture) {
	fence, asset := f.run("r"), f.assets("users")[0]
	want := []storage.Event{
		{Run: fence.Run, N: 1, Fact: storage.Fact{At: 1, Step: storage.NoStep, Kind: storage.RunStarted}},
		{Run: fence.Run, N: 2, Fact: storage.Fact{
			At: storage.MicrosOf(epoch), RetryAt: storage.MicrosOf(epoch) + 1, Step: 7, Attempt: 3, Cause: 9,
			Kind: storage.StepFailed, Status: uint8(storage.ReasonTimeout),
		}, Detail: []byte(`{"error":"ü"}`)},
		{Run: fence.Run, N: 3, Fact: storage.Fact{
			At: math.MaxInt64, RetryAt: math.MinInt64, Step: math.MaxInt32, Attempt: math.MaxInt32, Cause: math.MinInt32,
			Kind: math.MaxUint8, Status: math.MaxUint8,
		}},
		{Run: fence.Run, N: 4, Fact: storage.Fact{At: -1, Kind: storage.StepSucceeded}, Asset: asset, Detail: []byte(`{}`)},
		{Run: fence.Run, N: math.MaxInt64, Fact: storage.Fact{Kind: storage.RunEnded, Status: uint8(storage.Success)}},
	}
	f.commit(&storage.Batch{Fence: fence, Events: want})
	list := must[[]storage.Event](f)
	f.equal("the events", list(f.ListEvents(f.ctx, storage.EventQuery{Run: fence.Run})), want)
	f.equal("the events of another run", list(f.ListEvents(f.ctx, storage.EventQuery{Run: fence.Run + 1})), []storage.Event(nil))

	f.commit(&storage.Batch{Fence: fence, Events: []storage.Event{{Run: fence.Run, N: 5, Detail: []byte{}}}})
	got := list(f.ListEvents(f.ctx, storage.EventQuery{Run: fence.Run, After: 4, Limit: 1}))
	f.equal("an empty detail", got, []storage.Event{{Run: fence.Run, N: 5}})
}

func checkEventPages(f *fixture) {
	fence := f.run("r")
	b := storage.Batch{Fence: fence}
	for n := int64(1); n <= 25; n++ {
		b.Events = append(b.Events, event(fence.Run, n))
	}
	f.commit(&b)
	q := storage.EventQuery{Run: fence.Run, Limit: 10}
	var got []storage.Event
	for {
		page := must[[]storage.Event](f)(f.ListEvents(f.ctx, q))
		got = append(got, page...)
		if len(page) < q.Limit {
			break
		}
		q.After = page[len(page)-1].N
	}
	f.equal("the events in pages", got, b.Events)
}

func checkEventTwice(f *fixture) {
	fence, asset := f.run("r"), f.assets("users")[0]
	success := event(fence.Run, 2)
	success.Kind, success.Asset, success.Detail = storage.StepSucceeded, asset, []byte(`{"error":"x"}`)
	events := []storage.Event{event(fence.Run, 1), success}
	f.commit(&storage.Batch{Fence: fence, Events: events})
	f.commit(&storage.Batch{Fence: fence, Events: events})
	f.commit(&storage.Batch{Fence: fence, Events: append(events, events...)})
	list := must[[]storage.Event](f)
	f.equal("events written four times", list(f.ListEvents(f.ctx, storage.EventQuery{Run: fence.Run})), events)
	f.equal("their asset's history", list(f.ListAssetEvents(f.ctx, storage.AssetEventQuery{Asset: asset})), events[1:])

	other := event(fence.Run, 2)
	other.Attempt = 2
	f.commit(&storage.Batch{Fence: fence, Events: []storage.Event{other}})
	f.equal("another event of the same key", list(f.ListEvents(f.ctx, storage.EventQuery{Run: fence.Run, After: 1})), []storage.Event{other})
	f.equal("the history that it left", list(f.ListAssetEvents(f.ctx, storage.AssetEventQuery{Asset: asset})), []storage.Event(nil))
}

func checkAssetEvents(f *fixture) {
	keys := f.assets("users", "orders")
	var fences []storage.Fence
	for i := range 3 {
		fences = append(fences, f.run(fmt.Sprintf("r%d", i)))
	}
	var users []storage.Event // oldest first
	for round := range int64(3) {
		for _, i := range []int{2, 0, 1} { // runs do not write in the order of their keys
			fence := fences[i]
			e := event(fence.Run, 2*round+1)
			e.Kind, e.Asset = storage.AssetMaterialized, keys[0]
			o := event(fence.Run, 2*round+2)
			o.Kind, o.Asset = storage.AssetObserved, keys[1]
			f.commit(&storage.Batch{Fence: fence, Events: []storage.Event{e, o}})
		}
	}
	for _, fence := range fences {
		for round := range int64(3) {
			e := event(fence.Run, 2*round+1)
			e.Kind, e.Asset = storage.AssetMaterialized, keys[0]
			users = append(users, e)
		}
	}
	q := storage.AssetEventQuery{Asset: keys[0], Limit: 4}
	var got []storage.Event
	for {
		page := must[[]storage.Event](f)(f.ListAssetEvents(f.ctx, q))
		got = append(got, page...)
		if len(page) < q.Limit {
			break
		}
		last := page[len(page)-1]
		q.BeforeRun, q.BeforeN = last.Run, last.N
	}
	for i, j := 0, len(users)-1; i < j; i, j = i+1, j-1 {
		users[i], users[j] = users[j], users[i]
	}
	f.equal("the history in pages", got, users)
	orders := must[[]storage.Event](f)(f.ListAssetEvents(f.ctx, storage.AssetEventQuery{Asset: keys[1]}))
	f.equal("the number of observations", len(orders), 9)
	none := must[[]storage.Event](f)(f.ListAssetEvents(f.ctx, storage.AssetEventQuery{Asset: max(keys[0], keys[1]) + 1}))
	f.equal("the history of no asset", none, []storage.Event(nil))
}
