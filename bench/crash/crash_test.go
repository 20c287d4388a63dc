package main

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"testing"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/storage"
)

// kills is how often a process is killed in all, shared out among executors and stores.
var kills = flag.Int("kills", defaultKills, "how many times the program is killed in all")

// killsOfRun is how often a run is killed, or less where its last kill comes after its end.
const killsOfRun = 10

// TestKilledRunsEndAsIfTheyHadNotBeen kills the program with SIGKILL at random moments, goes on with
// the run each time, and looks at the records when it has succeeded.
func TestKilledRunsEndAsIfTheyHadNotBeen(t *testing.T) {
	t.Parallel()
	executors := []executor.Executor{executor.InProcess(), executor.Parallel(4), executor.Subprocess(4)}
	combinations := len(executors) * len(places())
	for i, p := range places() {
		for j, e := range executors {
			share := (*kills + i*len(executors) + j) / combinations // which are all of them together
			t.Run(p.name+"/"+e.String(), func(t *testing.T) {
				t.Parallel()
				c := &crasher{victim: newVictim(t, p, "CRASH_EXECUTOR="+e.String()), kills: share}
				c.whole()
				for run := 1; c.killed < share; run++ {
					c.crash(fmt.Sprintf("r%d", run))
				}
				t.Logf("seed %d: %d kills in %d runs", c.seed, c.killed, c.runs)
			})
		}
	}
}

// crasher kills the pipeline on one store with one executor.
type crasher struct {
	*victim

	// versions is what an undisturbed run makes.
	versions map[string]string
	// kills is how often the runs of this test are killed, runs how many there were.
	kills, runs int
}

// whole makes a run that nobody disturbs.
func (c *crasher) whole() {
	c.Helper()
	p := c.program("materialize", "--run-id", "r0")
	if err := p.Wait(); err != nil {
		c.Fatalf("an undisturbed run: %v\n%s", err, p.said)
	}
	c.versions = c.verify("r0")
}

// crash makes a run, which is killed and gone on with until it has ended.
func (c *crasher) crash(id string) {
	c.Helper()
	args := []string{"materialize", "--run-id", id}
	for {
		p := c.prepared(args...)
		lines := c.telling(p, func(w *os.File) { p.Stdout = w })
		moment := c.after(lines, '\n', layers*width, min(c.kills, killsOfRun))
		if c.killed == c.kills {
			moment = nil // never
		}
		if !c.kill(p, moment) {
			if p.ProcessState.ExitCode() != 0 {
				c.Fatalf("seed %d: run %s: %v\n%s", c.seed, id, p.ProcessState, p.said)
			}
			break
		}
		if c.begun(id) {
			args = []string{"materialize", "--resume", id}
		}
	}
	c.runs++
	if got := c.verify(id); !maps.Equal(got, c.versions) {
		c.Errorf("seed %d: run %s made other values than a run that nobody disturbed", c.seed, id)
	}
}

// begun reports whether a run was recorded before its process died.
func (c *crasher) begun(id string) bool {
	c.Helper()
	store := c.look()
	_, err := store.GetRun(c.Context(), id)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		c.Fatal(err)
	}
	return err == nil
}

// verify looks at what is recorded of a run that has ended, and returns the data versions that it made.
func (c *crasher) verify(id string) map[string]string {
	c.Helper()
	store := c.look()
	run, err := store.GetRun(c.Context(), id)
	if err != nil {
		c.Fatal(err)
	}
	if run.State != storage.Success || run.Counts != (storage.StepCounts{Succeeded: layers * width}) {
		c.Errorf("seed %d: run %s is %s with %+v, want %d successes", c.seed, id, run.State, run.Counts, layers*width)
	}
	events, err := store.ListEvents(c.Context(), storage.EventQuery{Run: run.Key})
	if err != nil {
		c.Fatal(err)
	}
	ends := 0
	succeeded := map[int32]bool{}
	for i := range events {
		e := &events[i]
		switch e.Kind {
		case storage.RunEnded:
			ends++
		case storage.StepStarted, storage.StepReopened:
			if succeeded[e.Step] {
				c.Errorf("seed %d: run %s: step %d was %s after its success was recorded", c.seed, id, e.Step, e.Kind)
			}
		case storage.StepSucceeded:
			if succeeded[e.Step] {
				c.Errorf("seed %d: run %s: step %d succeeded twice", c.seed, id, e.Step)
			}
			succeeded[e.Step] = true
		}
	}
	if ends != 1 || len(succeeded) != layers*width {
		c.Errorf("seed %d: run %s has %d ends and %d steps that succeeded, want 1 and %d", c.seed, id, ends, len(succeeded), layers*width)
	}
	if held, err := store.ListSlots(c.Context(), storage.SlotQuery{Run: run.Key}); err != nil || len(held) > 0 {
		c.Errorf("seed %d: run %s has ended and still has slots: %+v, %v", c.seed, id, held, err)
	}
	if problems, err := store.Check(c.Context()); err != nil || len(problems) > 0 {
		c.Errorf("seed %d: after run %s the store is not sound: %q, %v", c.seed, id, problems, err)
	}
	return c.made(store, id)
}

// made returns the data version of each asset, all of which a run has made.
func (c *crasher) made(store checked, id string) map[string]string {
	c.Helper()
	assets, err := store.ListAssets(c.Context(), storage.AssetQuery{})
	if err != nil {
		c.Fatal(err)
	}
	versions := map[string]string{}
	for _, a := range assets {
		if a.Materialization == nil || a.Materialization.RunID != id {
			c.Errorf("seed %d: asset %s was not made by run %s: %+v", c.seed, a.Name, id, a.Materialization)
			continue
		}
		versions[a.Name] = a.Materialization.DataVersion
	}
	return versions
}
