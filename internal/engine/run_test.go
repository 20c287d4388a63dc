package engine_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// pipeline is a graph under construction for a test.
type pipeline struct {
	nodes   []graph.Node
	handler iohandler.Handler
	workers int
	retry   retry.Policy
	hooks   []graph.Hook
	grace   time.Duration
	watch   engine.Observer
}

// asset adds a node that reads the named upstreams and returns what fn does.
func (p *pipeline) asset(name string, fn func(inv *graph.Invocation, args []any) (any, error), ups ...string) *graph.Node {
	n := graph.Node{
		Name: name, Definition: name, Settings: &graph.Settings{},
		Outputs: []graph.Output{{Name: name, Asset: true, Handler: p.handler}},
		Call: func(inv *graph.Invocation, args []any) (graph.Result, error) {
			v, err := fn(inv, args)
			return graph.Result{Value: v}, err
		},
	}
	for _, u := range ups {
		n.Inputs = append(n.Inputs, graph.Input{Field: u, From: u})
	}
	p.nodes = append(p.nodes, n)
	return &p.nodes[len(p.nodes)-1]
}

func (p *pipeline) run(ctx context.Context, tb testing.TB, store storage.Storage) (*engine.Result, error) {
	tb.Helper()
	c := p.config(tb, store)
	return engine.Execute(ctx, c)
}

func (p *pipeline) config(tb testing.TB, store storage.Storage) engine.Config {
	tb.Helper()
	g, faults := graph.Build(slices.Clone(p.nodes))
	if len(faults) > 0 {
		tb.Fatalf("faults: %+v", faults)
	}
	names := make([]string, g.Outputs())
	for v := range names {
		out, _ := g.Output(int32(v))
		names[v] = out.Name
	}
	if err := store.Commit(tb.Context(), &storage.Batch{Topologies: []storage.Topology{{Location: "test", Hash: "1", Assets: names, Doc: []byte("{}")}}}); err != nil {
		tb.Fatal(err)
	}
	keys, err := store.AssetKeys(tb.Context(), names)
	if err != nil {
		tb.Fatal(err)
	}
	return engine.Config{
		Plan: plan.New(g, plan.Options{Workers: max(p.workers, 1)}), Store: store, AssetKeys: keys,
		Record: storage.RunRecord{ID: uuid.NewString(), Location: "test"}, Shared: &graph.Run{},
		Retry: p.retry, Hooks: p.hooks, Grace: p.grace, Observer: p.watch,
	}
}

func newPipeline() *pipeline { return &pipeline{handler: iohandler.Memory(), workers: 4} }

func one(*graph.Invocation, []any) (any, error) { return 1, nil }

func outcomes(res *engine.Result) string {
	var words []string
	for _, s := range res.Steps {
		words = append(words, fmt.Sprintf("%s:%s/%d", s.Key, strings.TrimPrefix(s.Outcome.String(), "step_"), s.Attempts))
	}
	return strings.Join(words, " ")
}

func expect(tb testing.TB, res *engine.Result, err error, state storage.RunState, want string) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
	if got := outcomes(res); res.State != state || got != want {
		tb.Errorf("run %s: %s\nwant %s: %s", res.State, got, state, want)
	}
}

func TestValuesFlowAndAreRecorded(t *testing.T) {
	p, store := newPipeline(), memory.New()
	p.asset("a", one)
	p.asset("b", func(inv *graph.Invocation, args []any) (any, error) {
		inv.Log().Info("adding", "to", args[0])
		inv.AddMetadata(0, "rows", 7)
		return args[0].(int) + 1, nil
	}, "a")
	res, err := p.run(t.Context(), t, store)
	expect(t, res, err, storage.Success, "a:succeeded/1 b:succeeded/1")

	rec, err := store.GetAsset(t.Context(), "b")
	if err != nil || rec.Materialization == nil {
		t.Fatalf("asset b: %+v, %v", rec, err)
	}
	up, err := store.GetAsset(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	m := rec.Materialization
	if m.Inputs["a"] == "" || m.Inputs["a"] != up.Materialization.DataVersion || m.RunID != res.Record.ID {
		t.Errorf("materialization of b: %+v; a is %+v", m, up.Materialization)
	}
	if got := fmt.Sprint(m.Metadata["rows"]); got != "7" {
		t.Errorf("metadata rows = %s, want 7", got)
	}
	logs, err := store.ListLogs(t.Context(), storage.LogQuery{Run: res.Record.Key})
	if err != nil || len(logs) != 1 || logs[0].Message != "adding" || logs[0].Attrs != `{"to":1}` {
		t.Errorf("logs: %+v, %v", logs, err)
	}
	run, err := store.GetRun(t.Context(), res.Record.ID)
	if err != nil || run.State != storage.Success || run.Counts.Succeeded != 2 || run.EndedAt.IsZero() {
		t.Errorf("run: %+v, %v", run, err)
	}
}

func TestFailureSkipsOnlyWhatDependsOnIt(t *testing.T) {
	p := newPipeline()
	p.asset("bad", func(*graph.Invocation, []any) (any, error) { return nil, errors.New("no disk") })
	p.asset("after", one, "bad")
	p.asset("last", one, "after")
	p.asset("other", one)
	store := memory.New()
	res, err := p.run(t.Context(), t, store)
	expect(t, res, err, storage.Failure, "bad:failed/1 after:skipped/0 last:skipped/0 other:succeeded/1")
	if got := res.Steps[2].Err.Error(); got != `upstream "bad" failed` {
		t.Errorf("last: %s", got)
	}
	run, err := store.GetRun(t.Context(), res.Record.ID)
	if err != nil || run.Error != `step "bad": no disk` {
		t.Errorf("run error %q, %v", run.Error, err)
	}
}

func TestPanicAndGoexitFailTheStep(t *testing.T) {
	p := newPipeline()
	p.asset("panics", func(*graph.Invocation, []any) (any, error) { panic("oh") })
	p.asset("exits", func(*graph.Invocation, []any) (any, error) { runtime.Goexit(); return nil, nil })
	res, err := p.run(t.Context(), t, memory.New())
	expect(t, res, err, storage.Failure, "panics:failed/1 exits:failed/1")
	var panicked *fault.PanicError
	if !errors.As(res.Steps[0].Err, &panicked) || !strings.Contains(panicked.Stack, "run_test.go") {
		t.Errorf("panics: %v", res.Steps[0].Err)
	}
	if got := res.Steps[1].Err.Error(); !strings.Contains(got, "runtime.Goexit") {
		t.Errorf("exits: %s", got)
	}
}

func TestBodySkipsItself(t *testing.T) {
	p := newPipeline()
	p.asset("idle", func(*graph.Invocation, []any) (any, error) { return nil, fmt.Errorf("%w: nothing new", engine.ErrSkip) })
	p.asset("after", one, "idle")
	res, err := p.run(t.Context(), t, memory.New())
	expect(t, res, err, storage.Success, "idle:skipped/1 after:skipped/0")
}

func TestRetryWaitsAndCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		p.retry = retry.Policy{Max: 3, Backoff: retry.Linear(time.Minute, time.Hour)}
		var starts []time.Duration
		began := time.Now()
		p.asset("flaky", func(*graph.Invocation, []any) (any, error) {
			starts = append(starts, time.Since(began))
			if len(starts) < 4 {
				return nil, errors.New("not yet")
			}
			return 1, nil
		})
		res, err := p.run(t.Context(), t, memory.New())
		expect(t, res, err, storage.Success, "flaky:succeeded/4")
		want := []time.Duration{0, 61 * time.Minute, 182 * time.Minute, 363 * time.Minute} // 1m + 1h·n after each
		if !slices.Equal(starts, want) {
			t.Errorf("starts %v, want %v", starts, want)
		}
	})
}

func TestCancelStopsAndAbandonsAfterGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		p.grace = time.Minute
		release := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		p.asset("obeys", func(inv *graph.Invocation, _ []any) (any, error) {
			<-inv.Context.Done()
			return nil, context.Cause(inv.Context)
		})
		p.asset("deaf", func(*graph.Invocation, []any) (any, error) { <-release; return 1, nil })
		p.asset("after", one, "deaf")
		go func() { time.Sleep(time.Second); cancel() }()
		began := time.Now()
		store := memory.New()
		res, err := p.run(ctx, t, store)
		expect(t, res, err, storage.Canceled, "obeys:canceled/1 deaf:canceled/1 after:canceled/0")
		if took := time.Since(began); took != time.Minute+time.Second {
			t.Errorf("took %s, want the second and the grace period", took)
		}
		close(release)
		synctest.Wait()
		logs, err := store.ListLogs(t.Context(), storage.LogQuery{Run: res.Record.Key})
		if err != nil || len(logs) != 1 || !strings.Contains(logs[0].Message, "given up") {
			t.Errorf("the late report is logged: %+v, %v", logs, err)
		}
	})
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		p.grace = time.Minute
		release := make(chan struct{})
		p.asset("slow", func(inv *graph.Invocation, _ []any) (any, error) {
			<-inv.Context.Done()
			return nil, inv.Context.Err()
		}).Timeout = time.Second
		p.asset("deaf", func(*graph.Invocation, []any) (any, error) { <-release; return 1, nil }).Timeout = time.Second
		res, err := p.run(t.Context(), t, memory.New())
		expect(t, res, err, storage.Failure, "slow:failed/1 deaf:failed/1")
		if got := res.Steps[0].Err.Error(); got != "timeout after 1s" {
			t.Errorf("slow: %s", got)
		}
		close(release)
		synctest.Wait()
	})
}

// fanOut adds split -> each (mapped) -> join.
func fanOut(p *pipeline, n, most int, each func(inv *graph.Invocation, args []any) (any, error)) {
	p.asset("split", func(*graph.Invocation, []any) (any, error) {
		s := make([]int, n)
		for i := range s {
			s[i] = i
		}
		return s, nil
	})
	p.asset("each", each, "split").Map = &graph.Map{
		MaxConcurrency: most,
		Elements: func(v any) ([]any, []string, error) {
			var all []any
			for _, x := range v.([]int) {
				all = append(all, x)
			}
			return all, nil, nil
		},
	}
	p.asset("join", func(_ *graph.Invocation, args []any) (any, error) { return args[0], nil }, "each")
	join := &p.nodes[len(p.nodes)-1]
	join.Inputs[0].Mode = graph.Collect
	join.Inputs[0].Gather = func(values []any) (any, error) { return values, nil }
}

func TestFanOut(t *testing.T) {
	p := newPipeline()
	var running, most atomic.Int32
	fanOut(p, 20, 2, func(_ *graph.Invocation, args []any) (any, error) {
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		runtime.Gosched()
		return args[0].(int) * 10, nil
	})
	res, err := p.run(t.Context(), t, memory.New())
	if err != nil || res.State != storage.Success || res.Counts.Succeeded != 23 {
		t.Fatalf("%v %v", outcomes(res), err)
	}
	if most.Load() > 2 {
		t.Errorf("%d instances ran at once, at most 2 may", most.Load())
	}
	got, err := p.handler.LoadInput(t.Context(), &iohandler.InputContext{Name: "join"})
	if err != nil || len(got.([]any)) != 20 || got.([]any)[19] != 190 {
		t.Errorf("join = %v, %v", got, err)
	}
	if _, err := p.handler.LoadInput(t.Context(), &iohandler.InputContext{Name: "each[3]"}); !errors.Is(err, iohandler.ErrNoValue) {
		t.Errorf("each[3] after its last reader: %v, want no value", err)
	}
}

func TestFanOutFailureSkipsTheJoin(t *testing.T) {
	p := newPipeline()
	fanOut(p, 3, 0, func(_ *graph.Invocation, args []any) (any, error) {
		if args[0] == 1 {
			return nil, errors.New("odd")
		}
		return 0, nil
	})
	res, err := p.run(t.Context(), t, memory.New())
	expect(t, res, err, storage.Failure,
		"split:succeeded/1 each:succeeded/1 join:skipped/0 each[0]:succeeded/1 each[1]:failed/1 each[2]:succeeded/1")
	if got := res.Steps[2].Err.Error(); got != `upstream "each[1]" failed` {
		t.Errorf("join: %s", got)
	}
}

func TestHooksFollowTheOutcome(t *testing.T) {
	p := newPipeline()
	var mu sync.Mutex
	var called []string
	hook := func(name string, onFailure bool) graph.Hook {
		return graph.Hook{Name: name, OnFailure: onFailure, Call: func(inv *graph.Invocation, failure error) error {
			mu.Lock()
			defer mu.Unlock()
			called = append(called, fmt.Sprintf("%s %s %v", name, inv.Step, failure))
			panic("hooks may panic")
		}}
	}
	p.workers = 1
	p.hooks = []graph.Hook{hook("good", false), hook("bad", true)}
	p.asset("a", one)
	p.asset("b", func(*graph.Invocation, []any) (any, error) { return nil, errors.New("no") }, "a")
	res, err := p.run(t.Context(), t, memory.New())
	expect(t, res, err, storage.Failure, "a:succeeded/1 b:failed/1")
	slices.Sort(called)
	if want := []string{"bad b no", "good a <nil>"}; !slices.Equal(called, want) {
		t.Errorf("hooks %v, want %v", called, want)
	}
}

func BenchmarkWideMemory(b *testing.B) {
	p := newPipeline()
	p.workers = runtime.NumCPU()
	for i := range 1000 {
		p.asset(fmt.Sprintf("a%d", i), one)
	}
	b.ReportAllocs()
	store := memory.New()
	c := p.config(b, store)
	for b.Loop() {
		c.Record.ID = uuid.NewString()
		res, err := engine.Execute(b.Context(), c)
		if err != nil || res.Counts.Succeeded != 1000 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "steps/s")
}
