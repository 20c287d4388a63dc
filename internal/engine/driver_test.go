package engine_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// starts runs one asset that always fails and returns when its attempts began.
func starts(t *testing.T, policy retry.Policy) []time.Duration {
	t.Helper()
	var at []time.Duration
	synctest.Test(t, func(t *testing.T) {
		p, began := newPipeline(), time.Now()
		p.asset("a", func(*graph.Invocation, []any) (any, error) {
			at = append(at, time.Since(began))
			return nil, errors.New("no")
		}).Retry = policy
		res, err := p.run(t.Context(), t, memory.New())
		if err != nil || res.State != storage.Failure || res.Steps[0].Attempts != len(at) {
			t.Errorf("%s: %s after %d calls, %v", policy, outcomes(res), len(at), err)
		}
	})
	return at
}

func TestEveryBackoffWaitsExactly(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		policy retry.Policy
		waits  []time.Duration
	}{
		{retry.Policy{Max: 3}, []time.Duration{0, 0, 0}},
		{retry.Policy{Max: 3, Backoff: retry.Constant(5 * s)}, []time.Duration{5 * s, 5 * s, 5 * s}},
		{retry.Policy{Max: 3, Backoff: retry.Linear(s, 2*s)}, []time.Duration{3 * s, 5 * s, 7 * s}},
		{retry.Policy{Max: 4, Backoff: retry.Exponential(s, 3)}, []time.Duration{s, 3 * s, 9 * s, 27 * s}},
		{retry.Policy{Max: 4, Backoff: retry.Fixed(s, 10*s)}, []time.Duration{s, 10 * s, 10 * s, 10 * s}},
		{retry.Policy{Max: 3, Backoff: retry.Exponential(s, 10), MaxDelay: 15 * s}, []time.Duration{s, 10 * s, 15 * s}},
		{retry.Policy{Max: 3, On: []error{retry.Timeout}}, nil},
		{retry.Never(), nil},
	} {
		at := starts(t, c.policy)
		var waits []time.Duration
		for i := 1; i < len(at); i++ {
			waits = append(waits, at[i]-at[i-1])
		}
		if !slices.Equal(waits, c.waits) {
			t.Errorf("%s: waits %v, want %v", c.policy, waits, c.waits)
		}
	}
}

func TestJitterStaysInItsShare(t *testing.T) {
	at := starts(t, retry.Policy{Max: 40, Backoff: retry.Constant(10 * time.Second), Jitter: 0.2})
	differ := map[time.Duration]bool{}
	for i := 1; i < len(at); i++ {
		wait := at[i] - at[i-1]
		differ[wait] = true
		if wait < 8*time.Second || wait > 12*time.Second {
			t.Errorf("wait %d is %s, want 10s and 20 percent at most around it", i, wait)
		}
	}
	if len(at) != 41 || len(differ) < 20 {
		t.Errorf("%d attempts, %d different waits", len(at), len(differ))
	}
}

// A step that waits for its retry takes no worker, and is canceled at once with its run.
func TestCancelWhileRetrying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		p.workers = 1
		p.retry = retry.Policy{Max: 1, Backoff: retry.Constant(time.Hour)}
		ctx, cancel := context.WithCancelCause(t.Context())
		p.asset("flaky", func(*graph.Invocation, []any) (any, error) { return nil, errors.New("no") })
		p.asset("b", one)
		p.asset("after", one, "flaky")
		time.AfterFunc(time.Minute, func() { cancel(errors.New("enough")) })
		began := time.Now()
		res, err := p.run(ctx, t, memory.New())
		expect(t, res, err, storage.Canceled, "flaky:canceled/1 b:succeeded/1 after:canceled/0")
		if took := time.Since(began); took != time.Minute {
			t.Errorf("took %s, want 1m", took)
		}
	})
}

func TestStepSeesWhyItsRunIsCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		enough := errors.New("the user pressed ctrl-c")
		ctx, cancel := context.WithCancelCause(t.Context())
		p := newPipeline()
		var cause error
		p.asset("a", func(inv *graph.Invocation, _ []any) (any, error) {
			<-inv.Context.Done()
			cause = context.Cause(inv.Context)
			return nil, inv.Context.Err()
		}).Timeout = time.Hour // has a context of its own
		time.AfterFunc(time.Second, func() { cancel(enough) })
		store := memory.New()
		res, err := p.run(ctx, t, store)
		expect(t, res, err, storage.Canceled, "a:canceled/1")
		if !errors.Is(cause, engine.ErrCanceled) || !errors.Is(cause, enough) {
			t.Errorf("cause %v, want that the run was canceled, and %q", cause, enough)
		}
		rec, err := store.GetRun(t.Context(), res.Record.ID)
		if err != nil || rec.State != storage.Canceled || rec.Counts.Canceled != 1 {
			t.Errorf("record %+v, %v", rec, err)
		}
	})
}

// A body that is told to stop and has its value all the same keeps it.
func TestSuccessWhileCancelingIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := newPipeline()
		p.asset("a", func(inv *graph.Invocation, _ []any) (any, error) {
			<-inv.Context.Done()
			return 1, nil
		})
		p.asset("b", one, "a")
		time.AfterFunc(time.Second, cancel)
		res, err := p.run(ctx, t, memory.New())
		expect(t, res, err, storage.Canceled, "a:succeeded/1 b:canceled/0")
	})
}

// A timeout is a reason of its own, each attempt has the whole of it, and one that does not stop
// is given up after the grace period and tried again.
func TestTimeoutIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipeline()
		p.grace = time.Minute
		p.retry = retry.Policy{Max: 2, Backoff: retry.Constant(time.Second), On: []error{retry.Timeout}}
		release := make(chan struct{})
		var mu sync.Mutex // the deaf attempt goes on beside the next one
		var began []time.Time
		p.asset("a", func(inv *graph.Invocation, _ []any) (any, error) {
			mu.Lock()
			began = append(began, time.Now())
			attempt := len(began)
			mu.Unlock()
			switch attempt {
			case 1:
				<-release // deaf
			case 2:
				<-inv.Context.Done()
				var timeout *engine.TimeoutError
				if !errors.As(context.Cause(inv.Context), &timeout) || timeout.After != 10*time.Second {
					t.Errorf("cause %v, want the timeout of 10s", context.Cause(inv.Context))
				}
				return nil, inv.Context.Err()
			}
			return 1, nil
		}).Timeout = 10 * time.Second
		store := memory.New()
		res, err := p.run(t.Context(), t, store)
		expect(t, res, err, storage.Success, "a:succeeded/3")
		if len(began) != 3 || began[1].Sub(began[0]) != 71*time.Second || began[2].Sub(began[1]) != 11*time.Second {
			t.Errorf("attempts began at %v", began)
		}
		events, err := store.ListEvents(t.Context(), storage.EventQuery{Run: res.Record.Key})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Kind == storage.StepFailed && storage.FailureReason(e.Status) != storage.ReasonTimeout {
				t.Errorf("event %d: reason %v, want timeout", e.N, storage.FailureReason(e.Status))
			}
		}
		close(release)
		synctest.Wait()
	})
}

// emitter is a multi-asset of x and y that hands its outputs over as it goes.
func emitter(p *pipeline, body func(inv *graph.Invocation) error) {
	p.multi("split", func(inv *graph.Invocation, _ []any) (graph.Result, error) {
		return graph.Result{Emitted: true}, body(inv)
	}, "x", "y").Emits = true
}

func TestEmittedOutputsAreThereBeforeTheBodyEnds(t *testing.T) {
	p, store := newPipeline(), memory.New()
	emitter(p, func(inv *graph.Invocation) error {
		if err := inv.Emit(0, "first"); err != nil {
			return err
		}
		rec, err := store.GetAsset(inv.Context, "x")
		if err != nil || rec.Materialization == nil {
			t.Errorf("x after its emit: %+v, %v", rec, err)
		}
		if err := inv.Emit(0, "again"); err == nil || !strings.Contains(err.Error(), `"x" was emitted before`) {
			t.Errorf("emitted twice: %v", err)
		}
		return inv.Emit(1, "second")
	})
	res, err := p.run(t.Context(), t, store)
	expect(t, res, err, storage.Success, "split:succeeded/1")
	for name, want := range map[string]any{"x": "first", "y": "second"} {
		if got, err := p.handler.LoadInput(t.Context(), &iohandler.InputContext{Name: name}); got != want {
			t.Errorf("%s = %v, %v; want %v", name, got, err, want)
		}
	}
}

// What was handed over cannot be taken back, so the body is not called again.
func TestPartialEmitIsNotRetried(t *testing.T) {
	p, store := newPipeline(), memory.New()
	p.retry = retry.Policy{Max: 5}
	calls := 0
	emitter(p, func(inv *graph.Invocation) error {
		if calls++; calls == 1 {
			return errors.New("nothing emitted yet") // this one is tried again
		}
		if err := inv.Emit(0, 1); err != nil {
			return err
		}
		return errors.New("in the middle")
	})
	res, err := p.run(t.Context(), t, store)
	expect(t, res, err, storage.Failure, "split:failed/2")
	for name, made := range map[string]bool{"x": true, "y": false} {
		if rec, err := store.GetAsset(t.Context(), name); err != nil || (rec.Materialization != nil) != made {
			t.Errorf("%s: %+v, %v; want made: %v", name, rec.Materialization, err, made)
		}
	}
}

func TestForgottenEmitFailsTheStep(t *testing.T) {
	p := newPipeline()
	emitter(p, func(inv *graph.Invocation) error { return inv.Emit(1, 1) })
	res, err := p.run(t.Context(), t, memory.New())
	expect(t, res, err, storage.Failure, "split:failed/1")
	if got := res.Steps[0].Err.Error(); !strings.Contains(got, `"x" is selected, and the function returned without emitting it`) {
		t.Errorf("split: %s", got)
	}
}

// After its run was canceled, and after it was left behind, a body hands nothing over any more.
func TestLateEmitIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newPipeline(), memory.New()
		p.grace = time.Minute
		ctx, cancel := context.WithCancel(t.Context())
		emitter(p, func(inv *graph.Invocation) error {
			<-inv.Context.Done()
			time.Sleep(time.Hour)
			err := inv.Emit(0, 1)
			if err == nil {
				t.Error("a late emit was taken")
			}
			return err
		})
		time.AfterFunc(time.Second, cancel)
		res, err := p.run(ctx, t, store)
		expect(t, res, err, storage.Canceled, "split:canceled/1")
		time.Sleep(2 * time.Hour)
		if rec, err := store.GetAsset(t.Context(), "x"); err != nil || rec.Materialization != nil {
			t.Errorf("x: %+v, %v", rec, err)
		}
	})
}

// A store that takes no more records of a run, whenever that begins, stops it with an error that
// the steps see too.
func TestFencedRunStops(t *testing.T) {
	for from := int64(1); from <= 7; from++ {
		synctest.Test(t, func(t *testing.T) {
			p, store := newPipeline(), &refusing{Store: memory.New(), from: from}
			var cause error
			p.asset("a", one)
			p.asset("b", func(inv *graph.Invocation, _ []any) (any, error) {
				select {
				case <-inv.Context.Done():
					cause = context.Cause(inv.Context)
					return nil, inv.Context.Err()
				case <-time.After(time.Hour):
					return 1, nil
				}
			}, "a")
			p.asset("c", one, "b")
			res, err := p.run(t.Context(), t, store)
			if !errors.Is(err, storage.ErrFenced) || res == nil {
				t.Fatalf("refused from event %d: %v, %v", from, res, err)
			}
			if !strings.Contains(err.Error(), res.Record.ID) {
				t.Errorf("refused from event %d: %q does not name the run", from, err)
			}
			if cause != nil && (!errors.Is(cause, storage.ErrFenced) || !errors.Is(cause, engine.ErrCanceled)) {
				t.Errorf("refused from event %d: cause %v", from, cause)
			}
			if (from == 3 || from == 4) && (cause == nil || res.State != storage.Canceled) {
				t.Errorf("refused from event %d: run %s, cause of b %v; want it canceled", from, res.State, cause)
			}
		})
	}
}

// handling is a handler whose calls do what the test says.
type handling struct {
	iohandler.Handler
	output, input func(name string) error
}

func (h *handling) HandleOutput(ctx context.Context, octx *iohandler.OutputContext, value any) error {
	if h.output != nil {
		if err := h.output(octx.Name); err != nil {
			return err
		}
	}
	return h.Handler.HandleOutput(ctx, octx, value)
}

func (h *handling) LoadInput(ctx context.Context, ictx *iohandler.InputContext) (any, error) {
	if h.input != nil {
		if err := h.input(ictx.Name); err != nil {
			return nil, err
		}
	}
	return h.Handler.LoadInput(ctx, ictx)
}

// A handler is code of the user as well: its panic, and a goroutine that it ends, fail the step.
func TestHandlersMayPanic(t *testing.T) {
	panics := func(string) error { panic("oh") }
	exits := func(string) error { runtime.Goexit(); return nil }
	for _, c := range []struct {
		name          string
		output, input func(string) error
		want, says    string
	}{
		{"write panics", panics, nil, "a:failed/1 b:skipped/0", "panic at driver_test.go:341: oh"},
		{"write exits", exits, nil, "a:failed/1 b:skipped/0", "runtime.Goexit"},
		{"read panics", nil, panics, "a:succeeded/1 b:failed/1", "panic at driver_test.go:341: oh"},
		{"read exits", nil, exits, "a:succeeded/1 b:failed/1", "runtime.Goexit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPipeline()
			p.handler = &handling{Handler: iohandler.Memory(), output: c.output, input: c.input}
			p.asset("a", one)
			p.asset("b", one, "a")
			res, err := p.run(t.Context(), t, memory.New())
			expect(t, res, err, storage.Failure, c.want)
			for _, s := range res.Steps {
				if s.Outcome == storage.StepFailed && !strings.Contains(s.Err.Error(), c.says) {
					t.Errorf("%s: %v, want %q in it", s.Key, s.Err, c.says)
				}
			}
		})
	}
}

// So is what takes the value of a mapped step apart.
func TestUnfoldingMayPanic(t *testing.T) {
	p := newPipeline()
	p.asset("list", one)
	p.asset("each", one, "list").Map = &graph.Map{Elements: func(any) ([]any, []string, error) { panic("oh") }}
	res, err := p.run(t.Context(), t, memory.New())
	expect(t, res, err, storage.Failure, "list:succeeded/1 each:failed/1")
}

type brittle struct{ says string }

func (b *brittle) Error() string { return b.says }

// The classic mistake of a nil pointer in an error is a failure that says so, and no crash.
func TestNilPointerAsError(t *testing.T) {
	p := newPipeline()
	p.asset("a", func(*graph.Invocation, []any) (any, error) {
		var b *brittle
		return 1, b
	})
	res, err := p.run(t.Context(), t, memory.New())
	expect(t, res, err, storage.Failure, "a:failed/1")
	if _, ok := errors.AsType[*fault.PanicError](res.Steps[0].Err); !ok {
		t.Errorf("a: %v, want the panic of its error", res.Steps[0].Err)
	}
}

// A hook that ends its goroutine, or whose error does not bear reading, ends nothing else: the others
// are called in their order, and what went wrong is in the step's log.
func TestHookMayExit(t *testing.T) {
	p := newPipeline()
	var called []string
	hook := func(name string, call func() error) graph.Hook {
		return graph.Hook{Name: name, Call: func(inv *graph.Invocation, _ error) error {
			if inv.Step == "a" {
				called = append(called, name)
			}
			return call()
		}}
	}
	exits := func() error { runtime.Goexit(); return nil }
	p.hooks = []graph.Hook{
		hook("exits", exits), hook("works", func() error { return nil }),
		hook("errs", func() error { return (*brittle)(nil) }), hook("exits too", exits), hook("last", func() error { return nil }),
	}
	p.asset("a", one)
	p.asset("b", one, "a")
	store := memory.New()
	res, err := p.run(t.Context(), t, store)
	expect(t, res, err, storage.Success, "a:succeeded/1 b:succeeded/1")
	if got, want := strings.Join(called, ", "), "exits, works, errs, exits too, last"; got != want {
		t.Errorf("called %s, want %s", got, want)
	}
	step := int32(0)
	lines, err := store.ListLogs(t.Context(), storage.LogQuery{Run: res.Record.Key, Step: &step})
	if err != nil || len(lines) != 3 || !strings.Contains(lines[0].Attrs, "runtime.Goexit") || !strings.Contains(lines[1].Attrs, "panic at driver_test.go") {
		t.Errorf("the log has %v, %v, want what went wrong three times", lines, err)
	}
}
