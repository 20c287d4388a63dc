package subprocess

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/storage"
)

func TestAStepIsDoneInAProcess(t *testing.T) {
	t.Parallel()
	heard := try(t.Context(), &Launcher{}, "says", nil)
	if heard.err != nil || heard.report.Kind != storage.StepSucceeded {
		t.Fatalf("%+v, %v", heard.report, heard.err)
	}
	slices.Sort(heard.lines)
	if want := []string{"logged", "stderr:to stderr", "stderr:without an end", "stdout:to stdout"}; !slices.Equal(heard.lines, want) {
		t.Errorf("%q\nwant %q", heard.lines, want)
	}
	f := heard.report.Facts[0]
	if f.DataVersion != "v1" || f.Tags["k"] != "v" {
		t.Errorf("%+v", f)
	}
	if rows, _ := f.Metadata.Int("rows"); rows != 3 || fmt.Sprint(f.Metadata["took"]) != "1s" {
		t.Errorf("%v", f.Metadata)
	}
	if _, err := f.Metadata.Normalize(); err == nil || !strings.HasPrefix(err.Error(), `metadata "bad": a value of Go type func() has no JSON form`) {
		t.Errorf("what cannot be kept is said where it is kept: %v", err)
	}
	if heard := try(t.Context(), &Launcher{}, "does not do it", nil); heard.err != nil || heard.report.Failure.Message != "no" || len(heard.lines) != 0 {
		t.Errorf("%+v, %v, %q", heard.report, heard.err, heard.lines)
	}
	if heard := try(t.Context(), &Launcher{}, "is not there", nil); heard.err != nil || heard.report.Failure.Message != `no body is called "is not there"` {
		t.Errorf("%+v, %v", heard.report, heard.err)
	}
}

// What a process is told is what it hears, and no more than where to hear it is in its environment.
func TestWhatAProcessIsTold(t *testing.T) {
	t.Parallel()
	l := &Launcher{
		Order:  Order{RunID: "r1", Job: "nightly", Tags: map[string]string{"who": "me"}},
		Config: func(node string) []byte { return []byte(`{"of":"` + node + `"}`) },
		env:    append(os.Environ(), "GOMEMLIMIT=1GiB"),
	}
	task := engine.Task{
		Node: "told", Key: "told[2]", Attempt: 3, Pos: 2, Instance: true, Persist: []bool{true, false}, Failures: 1, Emitted: true,
		Maps: []engine.TaskMap{{Node: "up", Keys: []string{"up[0]"}, Order: []int{1, 0}}}, Deadline: time.Unix(1<<40, 0).UTC(), Memory: 2 << 30,
	}
	heard := tryTask(t.Context(), l, task, nil)
	if heard.err != nil {
		t.Fatal(heard.err)
	}
	want := []string{`test r1 nightly map[who:me] {"of":"told"}`, fmt.Sprintf("%+v", task), `"" "1GiB"`}
	if !slices.Equal(heard.lines, want) {
		t.Errorf("%q\nwant %q", heard.lines, want)
	}
	for _, c := range []struct {
		env    string
		memory int64
		want   string
	}{
		{"", 0, ""},
		{"", 100 << 20, "94371840"},
		{"off", 100 << 20, "94371840"},
		{"1GiB", 100 << 20, "94371840"},
		{"90MiB", 100 << 20, "90MiB"},
		{"1000", 100 << 20, "1000"},
		{"94371841B", 100 << 20, "94371840"},
	} {
		l := &Launcher{env: []string{"GOMEMLIMIT=" + c.env}}
		got := l.environment(c.memory)
		if last := strings.TrimPrefix(got[len(got)-1], "GOMEMLIMIT="); last != c.want && (last != "RIVERS_STEP=fd:3" || c.env != c.want) {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// Each way to die is told apart, with the last that was printed, the reason for retry policies, and a hint.
func TestHowProcessesEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		body   string
		want   string
		reason storage.FailureReason
	}{
		{"kills itself", "the step's process was ended by signal 9 (killed), which the run did not send: farewell", storage.ReasonInfrastructure},
		{"hangs up", "the step's process was ended by signal 1 (hangup), which the run did not send", storage.ReasonInfrastructure},
		{"asks for a term", "the step's process was ended by signal 15 (terminated), which the run did not send", storage.ReasonInfrastructure},
		{"exits", "the step's process ended with exit code 3 before the step was done: had enough", storage.ReasonError},
		{"exits well", "the step's process ended with exit code 0 before the step was done", storage.ReasonError},
		{"exits like a crash", "the step's process ended with exit code 2 before the step was done: panic: only words", storage.ReasonError},
		{"panics elsewhere", "panic: in a goroutine", storage.ReasonError},
		{"writes a map twice", "fatal error: concurrent map writes", storage.ReasonError},
		{"closes the connection", "the connection to the step's process is lost: the process closed it and went on", storage.ReasonInfrastructure},
		{"writes into the connection", "the connection to the step's process is lost: a message of kind 104, and there is none", storage.ReasonInfrastructure},
		{"dies in the middle of its report", "the step's process was ended by signal 9 (killed), which the run did not send", storage.ReasonInfrastructure},
		{"leaves and dies", "the step's process ended with exit code 4 before the step was done", storage.ReasonError},
	} {
		t.Run(tt.body, func(t *testing.T) {
			t.Parallel()
			heard := try(t.Context(), &Launcher{}, tt.body, nil)
			if heard.err == nil {
				t.Fatalf("%+v", heard.report)
			}
			if got := heard.err.Error(); got != tt.want && !(raceEnabled && strings.HasPrefix(got, "the step's process ended with exit code 66")) {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
			var known engine.Classified
			var hints engine.Hinter
			if !errors.As(heard.err, &known) || known.FailureReason() != tt.reason || !errors.As(heard.err, &hints) || hints.Hint() == "" {
				t.Errorf("%#v", heard.err)
			}
			if len(heard.pids(t)) > 0 {
				awaitEnd(t, heard.pids(t)...)
			}
		})
	}
}

func TestAPanicElsewhereHasItsStack(t *testing.T) {
	t.Parallel()
	heard := try(t.Context(), &Launcher{}, "panics elsewhere", nil)
	var stacked engine.Stacked
	if !errors.As(heard.err, &stacked) || !strings.HasPrefix(stacked.StackText(), "panic: in a goroutine\n") ||
		!strings.Contains(stacked.StackText(), "bodies_test.go:") {
		t.Errorf("%#v", heard.err)
	}
	if len(heard.lines) < 3 || heard.lines[0] != "stderr:panic: in a goroutine" {
		t.Errorf("the log has it too: %q", heard.lines)
	}
}

// A step that is told to stop hears why, and has time to do so.
func TestStop(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	heard := &launched{on: func(line storage.LogLine) {
		if strings.HasPrefix(line.Message, "pid ") {
			cancel(fmt.Errorf("%w: enough", engine.ErrCanceled))
		}
	}}
	try(ctx, &Launcher{}, "waits", heard)
	if heard.err != nil || heard.report.Kind != storage.StepCanceled || heard.report.Failure.Message != "gave up" {
		t.Errorf("%+v, %v", heard.report, heard.err)
	}
	if last := heard.lines[len(heard.lines)-1]; last != "because the run was canceled: enough" {
		t.Errorf("%q", heard.lines)
	}
	awaitEnd(t, heard.pids(t)...)
}

// What does not stop is killed when the grace period ends, with all that it has started.
func TestGraceEnds(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"does not listen", "stops reading"} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			var once sync.Once
			pids := 0
			heard := &launched{}
			heard.on = func(line storage.LogLine) {
				if strings.HasPrefix(line.Message, "pid ") {
					if pids++; pids == 2 || body == "stops reading" {
						once.Do(func() { cancel(engine.ErrCanceled) })
					}
				}
			}
			if body == "does not listen" { // two streams call it
				var mu sync.Mutex
				inner := heard.on
				heard.on = func(line storage.LogLine) { mu.Lock(); defer mu.Unlock(); inner(line) }
			}
			try(ctx, &Launcher{Grace: 100 * time.Millisecond, Storage: records{}}, body, heard)
			var stubborn *NotStoppedError
			if !errors.As(heard.err, &stubborn) || heard.err.Error() != "the step's process was still running 100ms after it was told to stop, and was killed" {
				t.Errorf("%+v, %v", heard.report, heard.err)
			}
			awaitEnd(t, heard.pids(t)...)
		})
	}
}

// A run that another process has taken over gives its steps no time: they would write beside each other.
func TestNoGraceForARunThatIsAnothers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	heard := &launched{on: func(line storage.LogLine) {
		if strings.HasPrefix(line.Message, "pid ") {
			cancel(errors.Join(engine.ErrCanceled, storage.ErrFenced))
		}
	}}
	try(ctx, &Launcher{Grace: time.Hour}, "waits", heard)
	if !errors.Is(heard.err, storage.ErrFenced) {
		t.Errorf("%+v, %v", heard.report, heard.err)
	}
	awaitEnd(t, heard.pids(t)...)
}

// What a step leaves behind ends with it; what it still has to say is heard.
func TestWhatIsLeftBehind(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"leaves a process":          "",
		"leaves one that speaks":    "stdout:late",
		"leaves one that is silent": "a process that the step left behind still had its output open, and was killed; after: 50ms; hint: wait for it, or start it in a session of its own with its output elsewhere",
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			l := &Launcher{}
			if body == "leaves one that is silent" {
				l.timeouts.late = 50 * time.Millisecond
			}
			heard := try(t.Context(), l, body, nil)
			if heard.err != nil || heard.report.Kind != storage.StepSucceeded {
				t.Errorf("%+v, %v", heard.report, heard.err)
			}
			if len(heard.lines) == 0 || want == "" && len(heard.lines) > 1 || want != "" && heard.lines[len(heard.lines)-1] != want {
				t.Fatalf("%q, want %q", heard.lines, want)
			}
			if body != "leaves one that is silent" || len(heard.pids(t)) > 0 { // it may be killed before it said who it is
				awaitEnd(t, heard.pids(t)...)
			}
		})
	}
}

// However much is printed, and in whatever form, it arrives in pieces of a bounded size.
func TestMuchOutput(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		stream         storage.LogStream
		total, longest int
	}{
		"floods":        {storage.StreamStdout, 50 << 20 * 1023 / 1024, 1023},
		"one long line": {storage.StreamStdout, 20 << 20, 64 << 10},
		"logs much":     {storage.StreamLog, 20<<20 + 2890, 20 << 20},
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			heard := try(t.Context(), &Launcher{}, body, &launched{quiet: true})
			if heard.err != nil || heard.report.Kind != storage.StepSucceeded {
				t.Errorf("%+v, %v", heard.report, heard.err)
			}
			if got := heard.streams[want.stream]; got != want.total || heard.longest != want.longest {
				t.Errorf("%d bytes in pieces of up to %d, want %d and %d", got, heard.longest, want.total, want.longest)
			}
		})
	}
}

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"eats", "has one eat"} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			limit := int64(256 << 20)
			heard := tryTask(t.Context(), &Launcher{}, engine.Task{Node: body, Memory: limit}, nil)
			var killed *MemoryError
			if !errors.As(heard.err, &killed) || killed.Limit != limit || killed.FailureReason() != storage.ReasonOutOfMemory {
				t.Fatalf("%+v, %v", heard.report, heard.err)
			}
			if !strings.Contains(killed.Error(), "256 MiB") {
				t.Error(killed)
			}
			t.Log(killed)
		})
	}
	if heard := tryTask(t.Context(), &Launcher{}, engine.Task{Node: "nothing", Memory: 256 << 20}, nil); heard.err != nil {
		t.Error(heard.err)
	}
}

// Outputs are recorded in the order of the messages, and the step hears whether they were.
func TestEmit(t *testing.T) {
	t.Parallel()
	heard := &launched{emit: func(pos int, f graph.Facts) error {
		if pos == 1 {
			return fmt.Errorf("output 1: %w", engine.ErrCanceled)
		}
		return nil
	}}
	try(t.Context(), &Launcher{}, "emits", heard)
	want := []string{"before 0", "0: <nil> false", "before 1", "1: output 1: the run was canceled true", "before 2", "2: <nil> false"}
	if !slices.Equal(heard.lines, want) || !slices.Equal(heard.emitted, []string{"0 v0", "1 v1", "2 v2"}) {
		t.Errorf("%q, %q, %v", heard.lines, heard.emitted, heard.err)
	}
}

// Once a step has reported, that is its outcome, whatever its process does.
func TestAfterTheReport(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"done and dawdles":         "the step was done, and its process did not end by itself; error: the step's process was still running 50ms after it was told to stop, and was killed",
		"done and exits otherwise": "the step was done, and its process ended with another exit code than it should; code: 7",
	} {
		heard := try(t.Context(), &Launcher{Grace: 50 * time.Millisecond}, body, nil)
		if heard.err != nil || heard.report.Kind != storage.StepSucceeded || !slices.Equal(heard.lines, []string{want}) {
			t.Errorf("%s: %+v, %v, %q", body, heard.report, heard.err, heard.lines)
		}
	}
}

// A program whose main does not ask for the step is told so: no matter whether it ends or goes on.
func TestAProgramThatDoesNotAsk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct{ program, want string }{
		{script("ends", "echo no idea >&2; exit 1"), "the process that was started for the step did not ask for it and ended (exit status 1): no idea"},
		{script("goes-on", "exec sleep 1000"), "the process that was started for the step did not ask for it and was still running 200ms later"},
		{script("says", "echo rivers step 1 another one >&3; exec sleep 1000"), "the program's file was replaced while it runs: this process is of THIS, the one that was started for the step of another one"},
		{script("newer", "echo rivers step 2 >&3; exec sleep 1000"), `the connection to the step's process is lost: it began with "rivers step 2", and not with "rivers step 1 "`},
		{script("long", "yes >&3"), "the connection to the step's process is lost: it began with \"y\", and not with \"rivers step 1 \""},
		{filepath.Join(dir, "missing"), "starting a process for the step: fork/exec " + dir + "/missing: no such file or directory"},
	} {
		this, err := identity()
		if err != nil {
			t.Fatal(err)
		}
		heard := try(t.Context(), &Launcher{program: tt.program, timeouts: timeouts{greeting: 200 * time.Millisecond}}, "nothing", nil)
		want := strings.ReplaceAll(tt.want, "THIS", this)
		if heard.err == nil || heard.err.Error() != want {
			t.Errorf("%v\nwant %s", heard.err, want)
		}
		var hints engine.Hinter
		if !errors.As(heard.err, &hints) && !strings.Contains(want, "missing") {
			t.Errorf("no hint: %#v", heard.err)
		}
	}
}

// Another build of the program is refused before it can misunderstand anything.
func TestAnotherBuildIsRefused(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if out, err := exec.CommandContext(t.Context(), "cp", self, other).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	heard := try(t.Context(), &Launcher{program: other}, "nothing", nil)
	var replaced *BuildMismatchError
	if !errors.As(heard.err, &replaced) || replaced.This == replaced.Other {
		t.Errorf("%+v, %v", heard.report, heard.err)
	}
}

// Many steps by many workers, some of which are stopped while they start, leave nothing behind: no process and
// no descriptor.
func TestManyLeaveNothing(t *testing.T) {
	before := openFiles(t)
	var workers sync.WaitGroup
	var mu sync.Mutex
	var pids []int
	l := &Launcher{Order: Order{Location: "test"}}
	for w := range 8 {
		workers.Go(func() {
			for i := range 25 {
				ctx, cancel := context.WithCancelCause(t.Context())
				body := []string{"nothing", "waits", "leaves a process", "kills itself", "nothing"}[i%5]
				heard := &launched{on: func(line storage.LogLine) { cancel(engine.ErrCanceled) }}
				if i%7 == w%7 {
					go cancel(engine.ErrCanceled) // whenever that is
				}
				heard.report, heard.err = l.Do(ctx, engine.Task{Node: body, Memory: int64(i%2) << 30}, heard.sink())
				cancel(nil)
				if body == "nothing" && i%7 != w%7 && heard.err != nil {
					t.Error(heard.err)
				}
				mu.Lock()
				pids = append(pids, heard.pids(t)...)
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	awaitEnd(t, pids...)
	var status syscall.WaitStatus
	if pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil); !errors.Is(err, syscall.ECHILD) {
		t.Errorf("process %d is still to be waited for (%v)", pid, err)
	}
	if after := openFiles(t); len(after) > len(before)+1 { // the poller may have come
		t.Errorf("open before\n%s\nafter\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
}

func TestCrash(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, message, stack string }{
		{"panic: no\nmore of it\n\ngoroutine 7 [running]:\nmain.f()\n", "panic: no", "panic: no\nmore of it\n\ngoroutine 7 [running]:\nmain.f()\n"},
		{"panic: a first\npanic: b\n\ngoroutine 1 [running]:\npanic: not this\n", "panic: b", "panic: b\n\ngoroutine 1 [running]:\npanic: not this\n"},
		{"fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [select]:\n", "fatal error: all goroutines are asleep - deadlock!", "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [select]:\n"},
		{"panic: said, not done\n", "", ""},
		{"goroutine 1 is fine\n", "", ""},
	} {
		var c crash
		for line := range strings.Lines(tt.text) {
			c.add(strings.TrimSuffix(line, "\n"))
		}
		err := c.err()
		var is *CrashError
		if tt.message == "" && err != nil || tt.message != "" && (!errors.As(err, &is) || is.Message != tt.message || is.Stack != tt.stack) {
			t.Errorf("%q: %#v", tt.text, err)
		}
	}
	var c crash
	for _, line := range []string{"fatal error: runtime: out of memory", "goroutine 1 [running]:"} {
		c.add(line)
	}
	var memory *MemoryError
	if err := c.err(); !errors.As(err, &memory) || memory.FailureReason() != storage.ReasonOutOfMemory {
		t.Errorf("%v", err)
	}
	var b crash
	b.add("panic: x")
	b.add("goroutine 1")
	for range 100 {
		b.add(strings.Repeat("s", 1<<10))
	}
	if n := b.text.Len(); n > maxCrash+2<<10 {
		t.Errorf("%d bytes of stacks are kept", n)
	}
}
