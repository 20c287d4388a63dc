package subprocess

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/storage"
)

// The program of these tests is also that of the steps: what a step does goes by its name.

// roleVariable makes the program another one than a test: see roles.
const roleVariable = "SUBPROCESS_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if do := roles[role]; do != nil {
		os.Exit(do())
	}
	if Inside() {
		if _, mine := Serve("another repository", nil); mine {
			os.Exit(99)
		}
		code, _ := Serve("test", func(ctx context.Context, s Step) (engine.Report, func()) {
			after := func() {}
			if f := afterwards[s.Task.Node]; f != nil {
				after = f
			}
			do, ok := bodies[s.Task.Node]
			if !ok {
				return engine.Refusal(fmt.Errorf("no body is called %q", s.Task.Node)), after
			}
			return do(ctx, s), after
		})
		os.Exit(code)
	}
	// A program with the race detector waits a second before it ends, for other threads to be heard: steps
	// need not.
	if err := os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0")); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

var done = engine.Report{Kind: storage.StepSucceeded}

func failed(err error) engine.Report {
	return engine.Report{Kind: storage.StepFailed, Failure: &engine.RemoteError{Message: err.Error()}}
}

// said writes a line into the log of a step.
func said(s Step, text string) { s.Sink.Log(storage.LogLine{Message: text}) }

// launched is one attempt from the parent's side, and what was heard of it.
type launched struct {
	mu      sync.Mutex
	lines   []string
	emitted []string
	streams map[storage.LogStream]int // bytes
	longest int
	report  engine.Report
	err     error
	// on is called with each line of the log.
	on func(line storage.LogLine)
	// quiet keeps no lines, only counts.
	quiet bool
	emit  func(pos int, f graph.Facts) error
}

func (l *launched) sink() engine.Sink {
	return engine.Sink{
		Log: func(line storage.LogLine) {
			l.mu.Lock()
			if !l.quiet {
				word := ""
				if line.Stream != storage.StreamLog {
					word = line.Stream.String() + ":"
				}
				l.lines = append(l.lines, word+line.Message)
			}
			if l.streams == nil {
				l.streams = map[storage.LogStream]int{}
			}
			l.streams[line.Stream] += len(line.Message)
			l.longest = max(l.longest, len(line.Message))
			l.mu.Unlock()
			if l.on != nil {
				l.on(line)
			}
		},
		Emit: func(pos int, f graph.Facts) error {
			l.mu.Lock()
			l.emitted = append(l.emitted, fmt.Sprint(pos, " ", f.DataVersion))
			l.mu.Unlock()
			if l.emit != nil {
				return l.emit(pos, f)
			}
			return nil
		},
	}
}

// try does one attempt of the body of that name.
func try(ctx context.Context, l *Launcher, body string, heard *launched) *launched {
	return tryTask(ctx, l, engine.Task{Node: body, Key: body, Attempt: 1}, heard)
}

func tryTask(ctx context.Context, l *Launcher, t engine.Task, heard *launched) *launched {
	if heard == nil {
		heard = &launched{}
	}
	l.Order.Location = "test"
	heard.report, heard.err = l.Do(ctx, t, heard.sink())
	return heard
}

// pids are the processes that a step said to be: "pid 42".
func (l *launched) pids(t *testing.T) []int {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []int
	for _, line := range l.lines {
		_, text, ok := strings.Cut(line, "pid ")
		if !ok {
			continue
		}
		pid, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, pid)
	}
	return all
}

// awaitEnd waits until processes have ended; one that was killed is a zombie until its new parent, the
// system's first process, has taken note.
func awaitEnd(t *testing.T, pids ...int) {
	t.Helper()
	if len(pids) == 0 {
		t.Fatal("no process said who it is")
	}
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for _, pid := range pids {
		for {
			state, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // there is no such file on macOS
			if syscall.Kill(pid, 0) != nil || strings.Contains(string(state), ") Z ") {
				break
			}
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("process %d is still there", pid)
			}
		}
	}
}

// openFiles are the descriptors of this process.
func openFiles(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if errors.Is(err, os.ErrNotExist) {
		return nil // macOS
	}
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, e := range entries {
		if name, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			open = append(open, name)
		}
	}
	slices.Sort(open)
	return open
}
