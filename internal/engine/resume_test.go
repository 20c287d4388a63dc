package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/internal/engine/decide/decidetest"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/storagetest"
)

// lasting is a handler whose values outlive the process, as far as a test can tell.
type lasting struct{ *iohandler.MemoryHandler }

func (lasting) CrossesProcesses() bool { return true }

// Release keeps what was made: another process may still read it.
func (lasting) Release(string, partition.Key) {}

// script of a repeatable pipeline: what each step does in each of its attempts.
type repeatable struct {
	steps   []repeatableStep
	workers int
	mu      sync.Mutex
	calls   map[string]int // bodies called since the last reset, by step key
}

type repeatableStep struct {
	ups      []int
	failures int // attempts that fail before one succeeds
	outlives bool
	mapped   int // instances, -1 for none
	pool     bool
}

func drawRepeatable(t *rapid.T) *repeatable {
	r := &repeatable{workers: rapid.IntRange(1, 3).Draw(t, "workers")}
	for i := range rapid.IntRange(1, 6).Draw(t, "steps") {
		s := repeatableStep{
			failures: rapid.SampledFrom([]int{0, 0, 0, 1, 2, 9}).Draw(t, "failures"),
			outlives: rapid.Bool().Draw(t, "outlives"), mapped: -1, pool: rapid.IntRange(0, 3).Draw(t, "pool") == 0,
		}
		for u := range i {
			if rapid.IntRange(0, 2).Draw(t, "edge") == 0 {
				s.ups = append(s.ups, u)
			}
		}
		if len(s.ups) > 0 && rapid.IntRange(0, 2).Draw(t, "mapped") == 0 {
			s.mapped = rapid.IntRange(0, 3).Draw(t, "instances")
		}
		r.steps = append(r.steps, s)
	}
	return r
}

// process is the pipeline as one process has it: values in memory are its own.
func (r *repeatable) process(kept lasting) *pipeline {
	p := newPipeline()
	p.workers, p.retry = r.workers, retry.Policy{Max: 2}
	own := iohandler.Memory()
	for i, s := range r.steps {
		p.handler = own
		if s.outlives {
			p.handler = kept
		}
		var ups []string
		for _, u := range s.ups {
			ups = append(ups, fmt.Sprintf("a%d", u))
		}
		n := p.asset(fmt.Sprintf("a%d", i), r.body(s.failures), ups...)
		if s.pool {
			n.Pools = []storage.PoolSlots{{Pool: "db", Slots: 1}}
		}
		for k := range n.Inputs {
			if r.steps[s.ups[k]].mapped >= 0 {
				n.Inputs[k].Mode = graph.Collect
				n.Inputs[k].Gather = func(values []any) (any, error) { return fmt.Sprint(values), nil }
			}
		}
		if s.mapped >= 0 {
			n.Map = &graph.Map{Elements: func(v any) ([]any, []string, error) {
				elements := make([]any, s.mapped)
				for i := range elements {
					elements[i] = fmt.Sprintf("%v/%d", v, i)
				}
				return elements, nil, nil
			}}
		}
	}
	return p
}

// body fails so many attempts, then joins its inputs with its own name.
func (r *repeatable) body(failures int) func(*graph.Invocation, []any) (any, error) {
	return func(inv *graph.Invocation, args []any) (any, error) {
		r.mu.Lock()
		r.calls[inv.Step]++
		r.mu.Unlock()
		if inv.Attempt <= failures {
			return nil, errors.New("not yet")
		}
		return fmt.Sprintf("%s(%v)", inv.Step, args), nil
	}
}

// start runs the pipeline in a new process on a new store.
func (r *repeatable) start(tb testing.TB, t *rapid.T, j *storagetest.Journal, kept lasting) (engine.Config, *engine.Result) {
	tb.Helper()
	r.calls = map[string]int{}
	c := r.process(kept).config(tb, j)
	if err := j.Commit(tb.Context(), &storage.Batch{Pools: []storage.PoolUpdate{{Name: "db", Slots: 1}}}); err != nil {
		t.Fatal(err)
	}
	c.Record.Owner = "first"
	res, err := engine.Execute(tb.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return c, res
}

// takeOver resumes the run of a journal in a new process.
func (r *repeatable) takeOver(tb testing.TB, t *rapid.T, j *storagetest.Journal, kept lasting, id string) (*engine.Result, []storage.Event) {
	tb.Helper()
	r.calls = map[string]int{}
	rec, err := j.ClaimRun(tb.Context(), storage.RunClaim{ID: id, Owner: "second", Lease: engine.Lease, Gone: "first"})
	if err != nil {
		t.Fatal(err)
	}
	past, err := j.ListEvents(tb.Context(), storage.EventQuery{Run: rec.Key})
	if err != nil {
		t.Fatal(err)
	}
	c := r.process(kept).config(tb, j)
	c.Record, c.History = rec, past
	res, err := engine.Execute(tb.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return res, past
}

// The process dies before any of its writes. Another one goes on from what is recorded, and the run comes
// to what it would have come to: nothing that had succeeded is run again, unless its value died with
// the process and somebody still reads it.
func TestResumeFromAnyWrite(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, kept := drawRepeatable(rt), lasting{iohandler.Memory()}
		j := storagetest.NewJournal()
		began := 0
		c, whole := r.start(t, rt, j, kept)
		for began < j.Len() { // the writes up to the run's insert
			began++
			cut, err := j.Cut(began)
			if err != nil {
				rt.Fatal(err)
			}
			if _, err := cut.GetRun(t.Context(), c.Record.ID); err == nil {
				break
			}
		}
		for n := began; n < j.Len(); n++ {
			cut, err := j.Cut(n)
			if err != nil {
				rt.Fatal(err)
			}
			res, past := r.takeOver(t, rt, cut, kept, c.Record.ID)
			if got, want := ends(res), ends(whole); got != want {
				rt.Fatalf("cut at write %d of %d: %s, want %s", n, j.Len(), got, want)
			}
			checkResumed(rt, t.Context(), r, cut, res, past)
		}
	})
}

// ends are the outcomes of a run's steps by key, without the attempts.
func ends(res *engine.Result) string {
	var words []string
	for _, s := range res.Steps {
		words = append(words, s.Key+":"+strings.TrimPrefix(s.Outcome.String(), "step_"))
	}
	slices.Sort(words)
	return res.State.String() + " " + strings.Join(words, " ")
}

func checkResumed(t *rapid.T, ctx context.Context, r *repeatable, s storage.Storage, res *engine.Result, past []storage.Event) {
	events, err := s.ListEvents(ctx, storage.EventQuery{Run: res.Record.Key})
	if err != nil {
		t.Fatal(err)
	}
	facts := make([]decide.Event, len(events))
	for i := range events {
		if events[i].N != int64(i+1) {
			t.Fatalf("event %d has the number %d", i+1, events[i].N)
		}
		facts[i] = decide.Event{Fact: events[i].Fact}
	}
	decidetest.CheckOnce(t, facts, len(past))
	reopened := map[int32]bool{}
	for _, f := range facts[len(past):] {
		if f.Kind == storage.StepReopened {
			reopened[f.Step] = true
		}
	}
	for _, e := range past { // what a handler kept is not made again
		if e.Kind == storage.StepSucceeded && reopened[e.Step] && int(e.Step) < len(r.steps) && r.steps[e.Step].outlives {
			t.Fatalf("step %d is reopened, and its value is kept", e.Step)
		}
	}
	slots, err := s.ListSlots(ctx, storage.SlotQuery{})
	if err != nil || len(slots) > 0 {
		t.Fatalf("slots that are still held: %+v, %v", slots, err)
	}
	rec, err := s.GetRun(ctx, res.Record.ID)
	if err != nil || rec.State != res.State || rec.Counts != res.Counts {
		t.Fatalf("recorded: %s %+v, %v; came to %s %+v", rec.State, rec.Counts, err, res.State, res.Counts)
	}
}

// A run whose owner is gone can be settled from any of its writes: every step has an outcome, the run an
// end, and nothing runs.
func TestSettleFromAnyWrite(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, kept := drawRepeatable(rt), lasting{iohandler.Memory()}
		j := storagetest.NewJournal()
		c, _ := r.start(t, rt, j, kept)
		for n := range j.Len() {
			cut, err := j.Cut(n)
			if err != nil {
				rt.Fatal(err)
			}
			rec, err := cut.ClaimRun(t.Context(), storage.RunClaim{ID: c.Record.ID, Owner: "second", Lease: engine.Lease, Gone: "first"})
			if errors.Is(err, storage.ErrNotFound) {
				continue
			}
			past, listErr := cut.ListEvents(t.Context(), storage.EventQuery{Run: rec.Key})
			if err := errors.Join(err, listErr); err != nil {
				rt.Fatal(err)
			}
			r.calls = map[string]int{}
			s := r.process(kept).config(t, cut)
			s.Record, s.History = rec, past
			res, err := engine.Settle(t.Context(), s, "its process is gone")
			if err != nil || len(r.calls) > 0 || !res.State.Terminal() || res.State == storage.Canceled {
				rt.Fatalf("cut at write %d: %s, %v, called %v", n, res.State, err, r.calls)
			}
			checkResumed(rt, t.Context(), r, cut, res, past)
			if rec, err := cut.GetRun(t.Context(), c.Record.ID); err != nil || res.State == storage.Failure && rec.Error == "" {
				rt.Fatalf("cut at write %d: %+v, %v, want a reason", n, rec, err)
			}
		}
	})
}

// A retried run runs what did not succeed, and never what did, unless its value is gone.
func TestRetryRunsWhatDidNotSucceed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, kept := drawRepeatable(rt), lasting{iohandler.Memory()}
		j := storagetest.NewJournal()
		_, first := r.start(t, rt, j, kept)
		events, err := j.ListEvents(t.Context(), storage.EventQuery{Run: first.Record.Key})
		if err != nil {
			rt.Fatal(err)
		}
		for i := range r.steps { // what failed is mended
			r.steps[i].failures = 0
		}
		mode := rapid.SampledFrom(storage.RetryModes[:]).Draw(rt, "mode")
		c := r.process(kept).config(t, j)
		c.Reuse = &engine.Reuse{RunID: first.Record.ID, Events: events, Mode: mode}
		r.calls = map[string]int{}
		res, err := engine.Execute(t.Context(), c)
		if err != nil || res.State != storage.Success {
			rt.Fatalf("%s: %s, %v", mode, outcomes(res), err)
		}
		was := map[string]storage.EventKind{}
		for _, s := range first.Steps {
			was[s.Key] = s.Outcome
		}
		for i, s := range res.Steps {
			called := r.calls[s.Key] > 0
			unfolds := i < len(r.steps) && r.steps[i].mapped >= 0
			outlives := i < len(r.steps) && r.steps[i].outlives
			switch {
			case mode == storage.RetryAll && !called && !unfolds:
				rt.Fatalf("%s: %s was not run", mode, s.Key)
			case mode != storage.RetryAll && was[s.Key] == storage.StepSucceeded && called && outlives:
				rt.Fatalf("%s: %s had succeeded, its value is kept, and it was run again", mode, s.Key)
			case was[s.Key] == storage.StepFailed && !called && !unfolds:
				rt.Fatalf("%s: %s had failed and was not run", mode, s.Key)
			case mode == storage.RetryFailed && was[s.Key] == storage.StepSkipped && s.Outcome != storage.StepSkipped:
				rt.Fatalf("%s: %s was skipped and is %v now", mode, s.Key, s.Outcome)
			}
		}
	})
}

func TestResumeRefusesAnotherPlan(t *testing.T) {
	j := storagetest.NewJournal()
	p := newPipeline()
	p.asset("a", one)
	p.asset("b", one, "a")
	c := p.config(t, j)
	c.Record.Owner = "first"
	if _, err := engine.Execute(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	cut, err := j.Cut(j.Len() - 1)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := cut.ClaimRun(t.Context(), storage.RunClaim{ID: c.Record.ID, Owner: "second", Lease: engine.Lease, Gone: "first"})
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []struct {
		change func(*pipeline)
		want   string
	}{
		{func(p *pipeline) { p.nodes = p.nodes[:1] }, `step "b" is no longer planned`},
		{func(p *pipeline) { p.asset("c", one) }, `step "c" is new`},
		{func(p *pipeline) { p.nodes[1].Name = "c" }, `step 2 is "c" and was "b"`},
		{func(p *pipeline) { p.nodes[1].Inputs = nil }, `step "b" waits for other steps than it did`},
	} {
		q := newPipeline()
		q.asset("a", one)
		q.asset("b", one, "a")
		other.change(q)
		c := q.config(t, cut)
		c.Record, c.History = rec, nil
		res, err := engine.Execute(t.Context(), c)
		if !errors.Is(err, engine.ErrPlanChanged) || res != nil || !strings.Contains(err.Error(), other.want) {
			t.Errorf("%v, %v, want %s", res, err, other.want)
		}
	}
}
