package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// kills is how often a process is killed in all, shared out among executors and stores.
var kills = flag.Int("kills", 50, "how many times the program is killed in all")

// childVariable makes the test binary the program.
const childVariable = "CRASH_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		main()
	}
	os.Exit(m.Run())
}

// place is a store that all processes of a test use.
type place struct {
	name string
	// url makes a new store for a directory and names it.
	url func(t *testing.T, dir string) string
	// open opens it to look.
	open func(url string) (checked, error)
}

// checked is a store that can verify itself.
type checked interface {
	storage.Storage
	Check(ctx context.Context) ([]string, error)
}

func places() []place {
	return []place{{
		name: "sqlite",
		url:  func(_ *testing.T, dir string) string { return filepath.Join(dir, "store") },
		open: func(url string) (checked, error) { return sqlite.Open(context.Background(), url) },
	}}
}

// TestKilledRunsEndAsIfTheyHadNotBeen kills the program with SIGKILL at random moments, goes on with
// the run each time, and looks at the records when it has succeeded.
func TestKilledRunsEndAsIfTheyHadNotBeen(t *testing.T) {
	t.Parallel()
	executors := []executor.Executor{executor.InProcess(), executor.Parallel(4), executor.Subprocess(4)}
	share := max(1, *kills/(len(executors)*len(places())))
	for _, p := range places() {
		for _, e := range executors {
			t.Run(p.name+"/"+e.String(), func(t *testing.T) {
				t.Parallel()
				c := &crasher{T: t, place: p, dir: t.TempDir(), executor: e, seed: rand.Uint64()}
				c.rng = rand.New(rand.NewPCG(c.seed, 0))
				c.address = p.url(t, c.dir)
				c.whole()
				for run := 1; c.killed < share; run++ {
					c.crash(fmt.Sprintf("r%d", run))
				}
				t.Logf("seed %d: %d kills in %d runs", c.seed, c.killed, c.runs)
			})
		}
	}
}

// crasher kills the program on one store with one executor.
type crasher struct {
	*testing.T
	place

	dir, address string
	executor     executor.Executor
	seed         uint64
	rng          *rand.Rand
	// took is how long an undisturbed run takes, versions what it made.
	took         time.Duration
	versions     map[string]string
	killed, runs int
}

// program starts the program as a process group of its own, so that all of it can be killed.
func (c *crasher) program(args ...string) (*exec.Cmd, *bytes.Buffer) {
	c.Helper()
	cmd := exec.CommandContext(c.Context(), os.Args[0], append([]string{"--storage", c.address}, args...)...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), childVariable+"=1", "CRASH_EXECUTOR="+c.executor.String(), "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		c.Fatal(err)
	}
	return cmd, &said
}

// whole makes a run that nobody disturbs.
func (c *crasher) whole() {
	c.Helper()
	began := time.Now()
	cmd, said := c.program("materialize", "--run-id", "r0")
	if err := cmd.Wait(); err != nil {
		c.Fatalf("an undisturbed run: %v\n%s", err, said)
	}
	c.took = time.Since(began)
	c.versions = c.verify("r0")
}

// crash makes a run, which is killed and gone on with until it has ended.
func (c *crasher) crash(id string) {
	c.Helper()
	args := []string{"materialize", "--run-id", id}
	for {
		cmd, said := c.program(args...)
		if !c.kill(cmd) {
			if cmd.ProcessState.ExitCode() != 0 {
				c.Fatalf("seed %d: run %s: %v\n%s", c.seed, id, cmd.ProcessState, said)
			}
			break
		}
		c.killed++
		if c.begun(id) {
			args = []string{"materialize", "--resume", id}
		}
	}
	c.runs++
	if got := c.verify(id); !maps.Equal(got, c.versions) {
		c.Errorf("seed %d: run %s made other values than a run that nobody disturbed", c.seed, id)
	}
}

// kill ends a process at a random moment, and reports whether it was there to be killed.
func (c *crasher) kill(cmd *exec.Cmd) bool {
	c.Helper()
	moment := time.After(time.Duration(c.rng.Int64N(int64(c.took))))
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is asked of its state
		close(ended)
	}()
	select {
	case <-ended:
		return false
	case <-moment:
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		c.Fatal(err)
	}
	<-ended
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled()
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

func (c *crasher) look() checked {
	c.Helper()
	store, err := c.open(c.address)
	if err != nil {
		c.Fatalf("seed %d: %v", c.seed, err)
	}
	c.Cleanup(func() {
		if err := store.Close(); err != nil {
			c.Error(err)
		}
	})
	return store
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
