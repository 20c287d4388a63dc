package storagetest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rivers-go/rivers/storage"
)

func checkAppendThenCommit(f *fixture) {
	fence, key := f.run("r"), f.assets("users")[0]
	var b storage.Batch
	for n := int64(1); n <= 700; n++ {
		b.Reset()
		b.Fence = fence
		b.Events = append(b.Events, event(fence.Run, n))
		b.Assets = append(b.Assets, storage.AssetUpdate{Asset: key, Run: fence.Run, N: n, DataVersion: fmt.Sprint(n)})
		b.Logs = append(b.Logs, storage.LogLine{Run: fence.Run, N: n, Message: fmt.Sprint(n)})
		if err := f.Append(&b); err != nil {
			f.Fatal(err)
		}
	}
	f.commit(&storage.Batch{
		Fence: fence, Events: []storage.Event{event(fence.Run, 701)},
		RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Success, At: epoch}},
	})
	var want []int64
	for n := int64(1); n <= 701; n++ {
		want = append(want, n)
	}
	f.equal("the events", f.numbers(fence.Run), want)
	rec := must[storage.AssetRecord](f)(f.GetAsset(f.ctx, "users"))
	f.equal("the asset's state", rec.Materialization.DataVersion, "700")
	f.equal("the number of lines", len(must[[]storage.LogLine](f)(f.ListLogs(f.ctx, storage.LogQuery{Run: fence.Run}))), 700)
}

// checkAppendAlone waits for records that no commit carries.
func checkAppendAlone(f *fixture) {
	fence := f.run("r")
	if err := f.Append(&storage.Batch{Fence: fence, Events: []storage.Event{event(fence.Run, 1)}}); err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(f.ctx, 10*time.Second)
	defer cancel()
	for len(f.numbers(fence.Run)) == 0 {
		if ctx.Err() != nil {
			f.Fatal("what was appended was not written within 10 s")
		}
	}
}

// checkAppendedStart starts a run that was inserted before its start: that rides with its first
// records.
func checkAppendedStart(f *fixture) {
	b := storage.Batch{Runs: []storage.RunRecord{{ID: "r", State: storage.NotStarted, Token: 1}}}
	f.commit(&b)
	fence := storage.Fence{Run: b.Runs[0].Key, Token: 1}
	start := storage.Batch{
		Fence: fence, Events: []storage.Event{event(fence.Run, 1)},
		RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Running, At: epoch}},
	}
	if err := f.Append(&start); err != nil {
		f.Fatal(err)
	}
	f.commit(&storage.Batch{Fence: fence, Events: []storage.Event{event(fence.Run, 2)}})
	rec := must[storage.RunRecord](f)(f.GetRun(f.ctx, "r"))
	f.equal("the state", rec.State, storage.Running)
	f.equal("the start", rec.StartedAt, epoch)
	f.equal("the events", f.numbers(fence.Run), []int64{1, 2})
	end := start
	end.RunUpdates = []storage.RunUpdate{{Run: fence.Run, State: storage.Success}}
	if err := f.Append(&end); err == nil {
		f.Error("the end of a run was appended, and nobody waits for it")
	}
}

// checkCallerReuses overwrites the slices of a batch as soon as the call is back.
func checkCallerReuses(f *fixture) {
	fence := f.run("r")
	b := storage.Batch{Fence: fence, Events: []storage.Event{event(fence.Run, 1)}, Logs: []storage.LogLine{{Run: fence.Run, N: 1, Message: "a"}}}
	if err := f.Append(&b); err != nil {
		f.Fatal(err)
	}
	b.Events[0], b.Logs[0] = event(fence.Run, 99), storage.LogLine{Run: fence.Run, N: 99}
	b.Reset()
	b.Fence = fence
	f.commit(&b)
	f.equal("the events", f.numbers(fence.Run), []int64{1})
	lines := must[[]storage.LogLine](f)(f.ListLogs(f.ctx, storage.LogQuery{Run: fence.Run}))
	f.equal("the lines", lines, []storage.LogLine{{Run: fence.Run, N: 1, Message: "a"}})
}

func checkLargeBatch(f *fixture) {
	fence := f.run("r")
	for _, size := range []int64{1, 3, 4, 5, 31, 33, 255, 256, 257, 5003} {
		b := storage.Batch{Fence: fence}
		for n := int64(1); n <= size; n++ {
			e := event(fence.Run, n)
			e.Detail = fmt.Appendf(nil, `{"hint":"%d of %d"}`, n, size)
			b.Events = append(b.Events, e)
		}
		f.commit(&b)
		list := must[[]storage.Event](f)(f.ListEvents(f.ctx, storage.EventQuery{Run: fence.Run}))
		f.equal(fmt.Sprintf("a batch of %d", size), list, b.Events)
	}
	long := strings.Repeat("x", 5<<20)
	f.commit(&storage.Batch{Fence: fence, Logs: []storage.LogLine{{Run: fence.Run, N: 1, Message: long}}})
	lines := must[[]storage.LogLine](f)(f.ListLogs(f.ctx, storage.LogQuery{Run: fence.Run}))
	f.equal("the length of a long line", len(lines[0].Message), len(long))
}

// checkText has what a text column could spoil.
func checkText(f *fixture) {
	for i, text := range []string{"plain", "ünïcødé", "日本語", "😀", "a\x00b", "\x00", "'; DROP TABLE run; --", `"quoted" \ back`, "line\nbreak\ttab", "\u2028", " ", "%_"} {
		id := fmt.Sprintf("%d %s", i, text)
		fence := f.run(id)
		d := storage.Detail{Error: text, Tags: map[string]string{text: text}}
		e := event(fence.Run, 1)
		e.Detail = d.AppendJSON(nil)
		f.commit(&storage.Batch{
			Fence: fence, Events: []storage.Event{e}, Logs: []storage.LogLine{{Run: fence.Run, N: 1, Message: text}},
			RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Running, Error: text}},
			KV:         []storage.KVPair{{Key: text, Value: []byte(text)}},
			Topologies: []storage.Topology{{Location: text, Assets: []string{text}}},
		})
		f.equal("the error of a run", must[storage.RunRecord](f)(f.GetRun(f.ctx, id)).Error, text)
		events := must[[]storage.Event](f)(f.ListEvents(f.ctx, storage.EventQuery{Run: fence.Run}))
		f.equal("the detail of an event", string(events[0].Detail), string(e.Detail))
		f.equal("its meaning", must[storage.Detail](f)(storage.ParseDetail(events[0].Detail)), d)
		f.equal("a line", must[[]storage.LogLine](f)(f.ListLogs(f.ctx, storage.LogQuery{Run: fence.Run}))[0].Message, text)
		f.equal("a value", string(must[[]byte](f)(f.GetKV(f.ctx, text))), text)
		f.equal("an asset", must[storage.AssetRecord](f)(f.GetAsset(f.ctx, text)).Name, text)
		f.equal("a topology", must[storage.Topology](f)(f.GetTopology(f.ctx, text)).Location, text)
	}
	f.commit(&storage.Batch{KV: []storage.KVPair{{Key: "bytes", Value: []byte{0, 0xff, 0xfe}}}})
	f.equal("bytes", must[[]byte](f)(f.GetKV(f.ctx, "bytes")), []byte{0, 0xff, 0xfe})
}

func checkTimes(f *fixture) {
	zone := time.FixedZone("east", 3*3600)
	for i, at := range []time.Time{
		{},
		time.Unix(0, 1000), time.Unix(0, 999), time.Unix(-1, 0), time.Date(1969, 7, 20, 20, 17, 40, 1000, time.UTC),
		time.Date(2026, 10, 25, 2, 30, 0, 123456789, zone), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
	} {
		want := storage.MicrosOf(at).Time()
		if !at.IsZero() && at.Sub(want).Abs() >= time.Microsecond && !want.IsZero() {
			f.Fatalf("%s is kept as %s", at, want)
		}
		id := fmt.Sprint(i)
		b := storage.Batch{Runs: []storage.RunRecord{{ID: id, CreatedAt: at, StartedAt: at, EndedAt: at, Token: 1}}}
		f.commit(&b)
		rec := must[storage.RunRecord](f)(f.GetRun(f.ctx, id))
		f.equal("the times of a run", []time.Time{rec.CreatedAt, rec.StartedAt, rec.EndedAt}, []time.Time{want, want, want})
		fence := storage.Fence{Run: rec.Key, Token: 1}
		f.commit(&storage.Batch{
			Fence: fence, Logs: []storage.LogLine{{Run: fence.Run, N: 1, At: at}}, Topologies: []storage.Topology{{Location: id, At: at}},
		})
		f.equal("the time of a line", must[[]storage.LogLine](f)(f.ListLogs(f.ctx, storage.LogQuery{Run: fence.Run}))[0].At, want)
		f.equal("the time of a topology", must[storage.Topology](f)(f.GetTopology(f.ctx, id)).At, want)
	}
}
