package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/storagetest"
)

// Each day of each step is made if it can be and what it reads was made, however steps are called; a day that
// fails stops what reads it and nothing else.
func TestPartitionsAgainstTheirModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawPartitioned(rt)
		j := storagetest.NewJournal()
		d.calls = map[string]int{}
		c := d.config(t, rt, j, lasting{iohandler.Memory()})
		res, err := engine.Execute(t.Context(), c)
		if err != nil {
			rt.Fatal(err)
		}
		want := d.made()
		made, failed := d.sets(rt, j, c)
		allMade := true
		for i := range d.steps {
			if w := onlyTrue(want[i]); !maps.Equal(made[i], w) {
				rt.Fatalf("step a%d made %v, want %v (%s)", i, made[i], w, outcomes(res))
			}
			for day, ok := range want[i] {
				allMade = allMade && ok
				if ok && failed[i][day] {
					rt.Fatalf("step a%d: day %d was made, and counts as failed", i, day)
				}
			}
		}
		if allMade != (res.State == storage.Success) {
			rt.Fatalf("the run is %s, and everything was made: %v", res.State, allMade)
		}
		d.checkEvents(t.Context(), rt, j, res)
	})
}

// checkEvents requires that no partition is made twice in a run, or made after its step has its outcome.
func (d *partitioned) checkEvents(ctx context.Context, t *rapid.T, store storage.Storage, res *engine.Result) {
	events, err := store.ListEvents(ctx, storage.EventQuery{Run: res.Record.Key})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int64{}
	for i := range events {
		e := &events[i]
		if e.Partition == "" || e.Kind == storage.PartitionFailed || e.Kind == storage.StepFailed {
			continue
		}
		at := fmt.Sprintf("%d@%s", e.Step, e.Partition)
		if first, again := seen[at]; again {
			t.Fatalf("event %d makes %s of step %d, which event %d had made", e.N, e.Partition, e.Step, first)
		}
		seen[at] = e.N
	}
}

// The process dies before any of its writes. Another goes on, and every day is made that can be, none that was
// recorded as made is made again.
func TestPartitionsResumeFromAnyWrite(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawPartitioned(rt)
		for i := range d.steps { // what is tried again after a crash has another attempt's number
			for day, n := range d.steps[i].fails {
				if n == 1 {
					delete(d.steps[i].fails, day)
				}
			}
		}
		j, kept := storagetest.NewJournal(), lasting{iohandler.Memory()}
		d.calls = map[string]int{}
		c := d.config(t, rt, j, kept)
		c.Record.Owner = "first"
		if _, err := engine.Execute(t.Context(), c); err != nil {
			rt.Fatal(err)
		}
		want := d.made()
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
			d.calls = map[string]int{}
			again := d.config(t, rt, cut, kept)
			again.Record, again.History = rec, past
			res, err := engine.Execute(t.Context(), again)
			if err != nil {
				rt.Fatal(err)
			}
			made, _ := d.sets(rt, cut, again)
			for i := range d.steps {
				if w := onlyTrue(want[i]); !maps.Equal(made[i], w) {
					rt.Fatalf("cut at write %d: step a%d made %v, want %v (%s)", n, i, made[i], w, outcomes(res))
				}
			}
			d.checkEvents(t.Context(), rt, cut, res)
			d.checkCalls(rt, past)
		}
	})
}

// checkCalls requires that what was recorded as made before was not called again.
func (d *partitioned) checkCalls(t *rapid.T, past []storage.Event) {
	for _, e := range past {
		if e.Partition == "" || e.Kind != storage.AssetMaterialized && e.Kind != storage.StepSucceeded {
			continue
		}
		if at := d.plan.Key(e.Step) + "@" + e.Partition; d.calls[at] > 0 {
			t.Fatalf("%s was made before the crash, and its body was called again", at)
		}
	}
}

// A retry makes what was not made, and nothing else.
func TestPartitionsRetry(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawPartitioned(rt)
		j, kept := storagetest.NewJournal(), lasting{iohandler.Memory()}
		d.calls = map[string]int{}
		c := d.config(t, rt, j, kept)
		first, err := engine.Execute(t.Context(), c)
		if err != nil {
			rt.Fatal(err)
		}
		was := d.made()
		for i := range d.steps { // what failed is mended
			d.steps[i].fails = map[int]int{}
		}
		rec, err := j.GetRun(t.Context(), first.Record.ID)
		events, listErr := j.ListEvents(t.Context(), storage.EventQuery{Run: rec.Key})
		if err := errors.Join(err, listErr); err != nil {
			rt.Fatal(err)
		}
		d.calls = map[string]int{}
		again := d.config(t, rt, j, kept)
		old := again
		old.Record = rec
		left, err := engine.Undone(old, events)
		if err != nil {
			rt.Fatal(err)
		}
		copy(again.Assignment.Sets, left)
		again.Reuse = &engine.Reuse{RunID: rec.ID, Events: events, Mode: storage.RetryFromFailure}
		res, err := engine.Execute(t.Context(), again)
		if err != nil {
			rt.Fatal(err)
		}
		made, _ := d.sets(rt, j, again)
		want := d.made()
		for i := range d.steps {
			if w := onlyTrue(want[i]); !maps.Equal(made[i], w) {
				rt.Fatalf("step a%d made %v, want %v (%s, then %s)", i, made[i], w, outcomes(first), outcomes(res))
			}
			for day, ok := range was[i] {
				at := fmt.Sprintf("a%d@", i)
				if day >= 0 {
					at += d.key(day).String()
				}
				if ok && d.calls[at] > 0 {
					rt.Fatalf("%s had been made, and was made again (%s, then %s)", at, outcomes(first), outcomes(res))
				}
			}
		}
	})
}

// What a plan reads that does not exist fails that partition, and says what there is.
func TestPartitionLacksItsUpstream(t *testing.T) {
	d := &partitioned{workers: 1, days: 3, calls: map[string]int{}, steps: []partitionedStep{
		{fails: map[int]int{}},
		{ups: []int{0}, offset: []int{-1}, fails: map[int]int{}},
	}}
	store := storagetest.NewJournal()
	var res *engine.Result
	var messages []string
	rapid.Check(t, func(rt *rapid.T) {
		store = storagetest.NewJournal()
		var err error
		if res, err = engine.Execute(t.Context(), d.config(t, rt, store, lasting{iohandler.Memory()})); err != nil {
			rt.Fatal(err)
		}
	})
	events, err := store.ListEvents(t.Context(), storage.EventQuery{Run: res.Record.Key})
	if err != nil {
		t.Fatal(err)
	}
	for i := range events {
		if events[i].Kind == storage.PartitionFailed {
			detail, err := storage.ParseDetail(events[i].Detail)
			if err != nil {
				t.Fatal(err)
			}
			messages = append(messages, events[i].Partition+": "+detail.Error)
		}
	}
	messages = slices.Compact(messages)
	if res.State != storage.Failure || len(messages) != 1 || !strings.HasPrefix(messages[0], "2026-01-01: input a0: ") {
		t.Errorf("run %s: %q, want a failure of the first day", res.State, messages)
	}
}
