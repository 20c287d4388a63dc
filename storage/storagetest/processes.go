package storagetest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rivers-go/rivers/storage"
)

// childVariable makes a test binary a writer: "workload worker url".
const childVariable = "RIVERS_STORAGETEST_CHILD"

// Open opens the store at a URL in another process.
type Open func(ctx context.Context, url string) (storage.Storage, error)

// Child is called first in the TestMain of a backend that several processes may use. In a process
// that the suite started it does its part and ends the process; in any other it does nothing.
func Child(open Open) {
	text, ok := os.LookupEnv(childVariable)
	if !ok {
		return
	}
	if err := child(open, text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func child(open Open, text string) error {
	part := strings.SplitN(text, " ", 3)
	worker, err := strconv.Atoi(part[1])
	if err != nil {
		return err
	}
	s, err := open(context.Background(), part[2])
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	w := workload{Storage: s, ctx: context.Background(), worker: worker, won: func(what string) { fmt.Fprintln(out, what) }}
	return errors.Join(workloads[part[0]](w), out.Flush(), s.Close())
}

// Processes is for backends that several processes may use at once: the function returns the URL of
// an open store, and the package's TestMain calls [Child]. The checks of several writers are then
// made a second time, with processes in place of goroutines.
func Processes(url func(storage.Storage) string) Option {
	return func(o *options) { o.url = url }
}

// spawned is a crowd of processes.
func spawned(url func(storage.Storage) string) crowd {
	return func(f *fixture, work string) map[string]int {
		f.Helper()
		var wg sync.WaitGroup
		outs, errs := make([]bytes.Buffer, processes), make([]error, processes)
		for w := range processes {
			cmd := exec.CommandContext(f.ctx, os.Args[0])
			cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %s", childVariable, work, w, url(f.Storage)))
			var said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &outs[w], &said
			wg.Go(func() {
				if err := cmd.Run(); err != nil {
					errs[w] = fmt.Errorf("process %d: %w: %s", w, err, said.String())
				}
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			f.Fatal(err)
		}
		won := map[string]int{}
		for w := range outs {
			for line := range strings.Lines(outs[w].String()) {
				won[strings.TrimSpace(line)]++
			}
		}
		return won
	}
}

func runCrowds(t *testing.T, open func(*testing.T) storage.Storage, o *options) {
	t.Helper()
	for _, c := range crowdChecks {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.check(newFixture(t, open), workers, goroutines)
		})
		if o.url != nil {
			t.Run(c.name+"InProcesses", func(t *testing.T) {
				t.Parallel()
				c.check(newFixture(t, open), processes, spawned(o.url))
			})
		}
	}
}
