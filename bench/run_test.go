package bench_test

import (
	"context"
	"runtime"
	"strconv"
	"testing"

	"github.com/rivers-go/rivers/bench"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
	"github.com/rivers-go/rivers/storage/sqlite"
)

func BenchmarkDecider(b *testing.B) {
	for _, s := range shapes {
		b.Run(string(s), func(b *testing.B) {
			const n = 10_000
			p := plan.New(build(b, s, n, iohandler.Memory()), plan.Options{Workers: 2})
			var cmds []decide.Command
			b.ReportAllocs()
			for b.Loop() {
				d := decide.New(decide.Work{Plan: p})
				for !d.Ended() {
					cmds = d.Next(1, cmds[:0])
					consume(d, cmds)
				}
				if got := d.Counts().Succeeded; got != n {
					b.Fatalf("%d steps succeeded, want %d", got, n)
				}
			}
			perItem(b, n, "step")
		})
	}
}

// consume obeys commands as a driver whose steps take no time: every start succeeds.
func consume(d *decide.Decider, cmds []decide.Command) {
	for _, c := range cmds {
		switch c.Kind {
		case decide.Start:
			d.Apply(decide.Event{Fact: storage.Fact{Kind: storage.StepStarted, Step: c.Step, Attempt: c.Attempt, At: 1}})
			d.Apply(decide.Event{Fact: storage.Fact{Kind: storage.StepSucceeded, Step: c.Step, Attempt: c.Attempt, At: 1}})
		case decide.End:
			d.Apply(decide.Event{Fact: storage.Fact{Kind: storage.RunEnded, Step: storage.NoStep, Status: uint8(c.State), At: 1}})
		}
	}
}

// eachStore runs a benchmark with every store of the process.
func eachStore(b *testing.B, run func(b *testing.B, s storage.Storage)) {
	b.Helper()
	b.Run("memory", func(b *testing.B) { run(b, memory.New()) })
	b.Run("sqlite", func(b *testing.B) {
		s, err := sqlite.Open(b.Context(), b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		defer func() {
			if err := s.Close(); err != nil {
				b.Error(err)
			}
		}()
		run(b, s)
	})
}

// config is a run of n assets against a store that knows them.
func config(tb testing.TB, s bench.Shape, n int, store storage.Storage) engine.Config {
	tb.Helper()
	g := build(tb, s, n, iohandler.Memory())
	names := make([]string, n)
	for i := range names {
		out, _ := g.Output(int32(i))
		names[i] = out.Name
	}
	doc := storage.Topology{Location: "bench", Hash: "1", Assets: names, Doc: []byte("{}")}
	if err := store.Commit(tb.Context(), &storage.Batch{Topologies: []storage.Topology{doc}}); err != nil {
		tb.Fatal(err)
	}
	keys, err := store.AssetKeys(tb.Context(), names)
	if err != nil {
		tb.Fatal(err)
	}
	return engine.Config{
		Plan: plan.New(g, plan.Options{Workers: runtime.NumCPU()}), Store: store, AssetKeys: keys,
		Record: storage.RunRecord{Location: "bench"}, Shared: &graph.Run{},
	}
}

// BenchmarkRun is a whole run of 1,000 steps: allocations are to be divided by that.
func BenchmarkRun(b *testing.B) {
	const n = 1000
	for _, s := range shapes {
		b.Run(string(s), func(b *testing.B) {
			eachStore(b, func(b *testing.B, store storage.Storage) { b.Helper(); runs(b, s, n, store) })
		})
	}
}

// BenchmarkOneStepRuns is runs in a row of one step each, which wait for the disk twice.
func BenchmarkOneStepRuns(b *testing.B) {
	eachStore(b, func(b *testing.B, store storage.Storage) { b.Helper(); runs(b, bench.Wide, 1, store) })
}

func runs(b *testing.B, s bench.Shape, n int, store storage.Storage) {
	b.Helper()
	c := config(b, s, n, store)
	b.ReportAllocs()
	next := 0
	for b.Loop() {
		next++
		c.Record.ID = strconv.Itoa(next)
		res, err := engine.Execute(context.Background(), c)
		if err != nil || res.Counts.Succeeded != n {
			b.Fatalf("%+v, %v", res.Counts, err)
		}
	}
	recorded(b, store, next, n)
	perItem(b, n, "step")
}

// recorded proves that the last run left what a run of n steps leaves.
func recorded(tb testing.TB, store storage.Storage, run, n int) {
	tb.Helper()
	events, err := store.ListEvents(context.Background(), storage.EventQuery{Run: storage.RunKey(run)})
	if err != nil || len(events) != 2*n+2 {
		tb.Fatalf("run %d has %d events (%v), want two a step and two of the run", run, len(events), err)
	}
}
