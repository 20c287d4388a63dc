package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
	"github.com/rivers-go/rivers/storage/storagetest"
)

// isolated plans the steps of a run into processes of their own: guests does each attempt with definitions
// that were made anew, as another process would have them.
func isolated(c engine.Config, workers int, anew func() *graph.Graph) engine.Config {
	c.Plan = plan.New(c.Plan.Graph, plan.Options{Executor: executor.Subprocess(workers)})
	c.Isolate = func(ctx context.Context, t engine.Task, to engine.Sink) (engine.Report, error) {
		// That the time of an attempt is over ends its own context there, not that of the run.
		there, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
		defer cancel(nil)
		stop := context.AfterFunc(ctx, func() {
			if _, late := errors.AsType[*engine.TimeoutError](context.Cause(ctx)); !late {
				cancel(context.Cause(ctx))
			}
		})
		defer stop()
		remoteSink := engine.RemoteAttempt{Graph: anew(), Shared: &graph.Run{ID: c.Record.ID}, Retry: c.Retry}
		return engine.Serve(there, remoteSink, t, to), nil
	}
	return c
}

// A run whose steps have processes of their own comes to the same as one of goroutines, with as many attempts,
// and so does one that is resumed from any of its writes.
func TestIsolatedStepsComeToTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := drawRepeatable(rt)
		for i := range r.steps {
			r.steps[i].outlives = true // nothing else gets from one process to another
		}
		_, want := r.start(t, rt, storagetest.NewJournal(), lasting{iohandler.Memory()})
		calls := r.calls

		kept := lasting{iohandler.Memory()}
		r.calls = map[string]int{}
		j := storagetest.NewJournal()
		anew := func() *graph.Graph { return r.process(kept).config(t, memory.New()).Plan.Graph }
		if err := j.Commit(t.Context(), &storage.Batch{Pools: []storage.PoolUpdate{{Name: "db", Slots: 1}}}); err != nil {
			rt.Fatal(err)
		}
		c := r.process(kept).config(t, j)
		c.Record.Owner = "first"
		began := j.Len() + 1
		whole, err := engine.Execute(t.Context(), isolated(c, r.workers, anew))
		if err != nil || attempts(whole) != attempts(want) || fmt.Sprint(r.calls) != fmt.Sprint(calls) {
			rt.Fatalf("%s, %v, calls %v\nwant %s, calls %v", attempts(whole), err, r.calls, attempts(want), calls)
		}
		n := rapid.IntRange(began, j.Len()-1).Draw(rt, "cut")
		cut, err := j.Cut(n)
		if err != nil {
			rt.Fatal(err)
		}
		rec, err := cut.ClaimRun(t.Context(), storage.RunClaim{ID: whole.Record.ID, Owner: "second", Lease: engine.Lease, Gone: "first"})
		if err != nil {
			rt.Fatal(err)
		}
		past, err := cut.ListEvents(t.Context(), storage.EventQuery{Run: rec.Key})
		if err != nil {
			rt.Fatal(err)
		}
		c = r.process(kept).config(t, cut)
		c.Record, c.History = rec, past
		again, err := engine.Execute(t.Context(), isolated(c, r.workers, anew))
		if err != nil || ends(again) != ends(want) {
			rt.Fatalf("cut at write %d: %s, %v, want %s", n, ends(again), err, ends(want))
		}
		checkResumed(rt, t.Context(), r, cut, again, past)
	})
}

// attempts are the outcomes with the number of attempts, by key.
func attempts(res *engine.Result) string {
	words := strings.Fields(outcomes(res))
	slices.Sort(words) // maps that do not wait for each other unfold in any order
	return fmt.Sprint(res.State, words)
}

// alone runs one asset in a process of its own, which do stands for.
func alone(ctx context.Context, t *testing.T, change func(*pipeline, *graph.Node), do func(context.Context, engine.Task, engine.Sink) (engine.Report, error)) (*engine.Result, storage.Storage) {
	t.Helper()
	p, store := newPipeline(), memory.New()
	p.retry = retry.Policy{Max: 2, On: []error{retry.OutOfMemory, retry.Timeout, retry.Infrastructure}}
	n := p.asset("a", one)
	n.Emits = true
	change(p, n)
	c := p.config(t, store)
	c.Plan = plan.New(c.Plan.Graph, plan.Options{Executor: executor.Subprocess(1)})
	c.Isolate = do
	res, err := engine.Execute(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return res, store
}

func asIs(*pipeline, *graph.Node) {}

// reasoned is an error that knows its reason.
type reasoned struct{ reason storage.FailureReason }

func (e reasoned) Error() string                        { return "reason " + e.reason.String() }
func (e reasoned) FailureReason() storage.FailureReason { return e.reason }
func (e reasoned) Hint() string                         { return "look there" }
func (e reasoned) StackText() string                    { return "where it stood" }

// How a process ended is what retry policies see, and what its error knows is recorded.
func TestTheEndOfAProcessIsClassified(t *testing.T) {
	for reason, want := range map[storage.FailureReason]string{
		storage.ReasonOutOfMemory:    "a:failed/3",
		storage.ReasonInfrastructure: "a:failed/3",
		storage.ReasonError:          "a:failed/1",
	} {
		res, store := alone(t.Context(), t, asIs, func(context.Context, engine.Task, engine.Sink) (engine.Report, error) {
			return engine.Report{}, fmt.Errorf("it ended: %w", reasoned{reason})
		})
		expect(t, res, nil, storage.Failure, want)
		events, err := store.ListEvents(t.Context(), storage.EventQuery{Run: res.Record.Key})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Kind != storage.StepFailed {
				continue
			}
			d, err := storage.ParseDetail(e.Detail)
			if err != nil || storage.FailureReason(e.Status) != reason || d.Error != "it ended: reason "+reason.String() || d.Hint != "look there" || d.Stack != "where it stood" {
				t.Errorf("%+v, %v", d, err)
			}
		}
	}
}

// The attempt of a process that emitted and died is not tried again, as for any other.
func TestNoRetryAfterAnEmitOfAProcessThatDied(t *testing.T) {
	var second error
	res, store := alone(t.Context(), t, asIs, func(_ context.Context, _ engine.Task, to engine.Sink) (engine.Report, error) {
		if err := to.Emit(0, graph.Facts{DataVersion: "v1"}); err != nil {
			t.Error(err)
		}
		second = to.Emit(0, graph.Facts{DataVersion: "v2"})
		if err := to.Emit(7, graph.Facts{}); err == nil || err.Error() != `output 7 of step "a": it has 1` {
			t.Error(err)
		}
		return engine.Report{}, reasoned{storage.ReasonInfrastructure}
	})
	expect(t, res, nil, storage.Failure, "a:failed/1")
	if second == nil || second.Error() != `output "a" was emitted before: emit each output once` {
		t.Error(second)
	}
	rec, err := store.GetAsset(t.Context(), "a")
	if err != nil || rec.Materialization == nil || rec.Materialization.DataVersion != "v1" {
		t.Errorf("%+v, %v", rec.Materialization, err)
	}
}

// What the process that ran the body has decided about another attempt counts.
func TestTheOtherProcessDecidesRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, tries := time.Now(), 0
		res, _ := alone(t.Context(), t, asIs, func(context.Context, engine.Task, engine.Sink) (engine.Report, error) {
			if tries++; tries == 3 {
				return engine.Report{Kind: storage.StepSkipped, Failure: &engine.RemoteError{Message: "nothing to do"}}, nil
			}
			return engine.Report{Kind: storage.StepFailed, Failure: &engine.RemoteError{Message: "no"}, Again: true, Delay: time.Hour}, nil
		})
		expect(t, res, nil, storage.Success, "a:skipped/3")
		if took := time.Since(began); took != 2*time.Hour || res.Steps[0].Err.Error() != "nothing to do" {
			t.Errorf("took %s, %v", took, res.Steps[0].Err)
		}
	})
}

// A process that says it was canceled, by nobody here, has failed.
func TestACancelThatNobodyAskedFor(t *testing.T) {
	res, _ := alone(t.Context(), t, asIs, func(context.Context, engine.Task, engine.Sink) (engine.Report, error) {
		return engine.Report{Kind: storage.StepCanceled, Failure: &engine.RemoteError{Message: "stopped"}}, nil
	})
	expect(t, res, nil, storage.Failure, "a:failed/1")
}

// The time of an attempt is over there as it is here, and is told once.
func TestDeadlineOfAProcess(t *testing.T) {
	for name, c := range map[string]struct {
		body func(ctx context.Context) error
		want string
	}{
		"its context ends":        {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, "timeout after 1m0s"},
		"it says more":            {func(ctx context.Context) error { <-ctx.Done(); return errors.New("half way") }, "timeout after 1m0s: half way"},
		"it has a deadline":       {func(ctx context.Context) error { _, ok := ctx.Deadline(); return fmt.Errorf("deadline: %t", ok) }, "deadline: true"},
		"its cause is known":      {func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }, "timeout after 1m0s: timeout after 1m0s"},
		"it takes no heed":        {func(context.Context) error { <-time.After(70 * time.Second); return errors.New("late") }, "timeout after 1m0s: late"},
		"it is done all the same": {func(context.Context) error { <-time.After(70 * time.Second); return nil }, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			p, store := newPipeline(), memory.New()
			p.asset("a", func(inv *graph.Invocation, _ []any) (any, error) { return 1, c.body(inv.Context) }).Timeout = time.Minute
			plain, err := p.run(t.Context(), t, memory.New())
			if err != nil {
				t.Fatal(err)
			}
			conf := p.config(t, store)
			conf = isolated(conf, 1, func() *graph.Graph { return conf.Plan.Graph })
			res, err := engine.Execute(t.Context(), conf)
			if err != nil {
				t.Fatal(err)
			}
			for how, r := range map[string]*engine.Result{"as a goroutine": plain, "in a process": res} {
				got := ""
				if r.Steps[0].Err != nil {
					got = r.Steps[0].Err.Error()
				}
				if got != c.want {
					t.Errorf("%s, %s: %q, want %q", name, how, got, c.want)
				}
			}
		})
	}
}

// An attempt in a process of its own is left to who runs the process for the grace period and ten seconds
// more, and given up only then.
func TestAProcessThatDoesNotEndIsGivenUp(t *testing.T) {
	for _, timeout := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			began := time.Now()
			release := make(chan struct{})
			res, _ := alone(ctx, t, func(p *pipeline, n *graph.Node) {
				if p.retry = (retry.Policy{}); timeout {
					n.Timeout = time.Minute
				} else {
					time.AfterFunc(time.Minute, cancel)
				}
			}, func(context.Context, engine.Task, engine.Sink) (engine.Report, error) {
				<-release
				return engine.Report{}, errors.New("too late")
			})
			if took := time.Since(began); took != time.Minute+engine.Grace+15*time.Second {
				t.Errorf("took %s", took)
			}
			if err := res.Steps[0].Err; err == nil || !strings.Contains(err.Error(), "still running 35s after") {
				t.Error(err)
			}
			close(release)
		})
	}
}

// What an attempt needs made ready is a part of it: its failure is the attempt's, and is tried again.
func TestPrepareIsPartOfTheAttempt(t *testing.T) {
	var mu sync.Mutex
	tries := 0
	p := newPipeline()
	p.retry = retry.Policy{Max: 3}
	p.asset("a", func(inv *graph.Invocation, _ []any) (any, error) { return inv.Config, nil })
	c := p.config(t, memory.New())
	c.Plan = plan.New(c.Plan.Graph, plan.Options{Executor: executor.Subprocess(1)})
	c.Isolate = func(ctx context.Context, task engine.Task, to engine.Sink) (engine.Report, error) {
		remoteSink := engine.RemoteAttempt{Graph: c.Plan.Graph, Shared: &graph.Run{}, Retry: c.Retry}
		remoteSink.Prepare = func(_ context.Context, n *graph.Node) (any, error) {
			mu.Lock()
			defer mu.Unlock()
			switch tries++; tries {
			case 1:
				return nil, errors.New("no connection")
			case 2:
				panic("no driver")
			}
			return "config of " + n.Name, nil
		}
		return engine.Serve(ctx, remoteSink, task, to), nil
	}
	res, err := engine.Execute(t.Context(), c)
	expect(t, res, err, storage.Success, "a:succeeded/3")
	if v, err := p.handler.LoadInput(t.Context(), &iohandler.InputContext{Name: "a"}); err != nil || v != "config of a" {
		t.Errorf("%v, %v", v, err)
	}
}

// Definitions that differ from start to start are told by the name that is missing.
func TestATaskThatIsNotThere(t *testing.T) {
	p := newPipeline()
	p.asset("a", one)
	c := p.config(t, memory.New())
	remoteSink := engine.RemoteAttempt{Graph: c.Plan.Graph, Shared: &graph.Run{}}
	for _, task := range []engine.Task{{Node: "b"}, {Node: "a", Maps: []engine.TaskMap{{Node: "b"}}}, {Node: "a", Reads: []string{"b"}}} {
		r := engine.Serve(t.Context(), remoteSink, task, engine.Sink{})
		if r.Kind != storage.StepFailed || r.Again || !strings.HasPrefix(r.Failure.Error(), `step "b": the process that was started for it has no such step`) {
			t.Errorf("%+v", r)
		}
	}
}

// What to do about an input that is not there is told as for a goroutine.
func TestHintsAreTheSameInAProcess(t *testing.T) {
	for _, planned := range []bool{true, false} {
		var hints []string
		for _, isolate := range []bool{false, true} {
			p := newPipeline()
			p.asset("up", func(*graph.Invocation, []any) (any, error) { return 1, nil })
			p.asset("down", one, "up")
			p.nodes[1].Inputs[0].Handler = iohandler.Memory() // which has nothing
			c := p.config(t, memory.New())
			o := plan.Options{Workers: 1, Selected: []bool{planned, true}}
			if c.Plan = plan.New(c.Plan.Graph, o); isolate {
				o.Executor = executor.Subprocess(1)
				c = isolated(c, 1, func() *graph.Graph { return c.Plan.Graph })
				c.Plan = plan.New(c.Plan.Graph, o)
			}
			res, err := engine.Execute(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			hint := ""
			var hinter engine.Hinter
			if errors.As(res.Steps[len(res.Steps)-1].Err, &hinter) {
				hint = hinter.Hint()
			}
			hints = append(hints, hint)
		}
		if hints[0] != hints[1] || planned != (hints[0] == "") {
			t.Errorf("planned %t: %q", planned, hints)
		}
	}
}
