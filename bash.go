package rivers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// BashTaskSpec says what command a bash task runs. Name and Command are needed.
type BashTaskSpec struct {
	Name        string
	Description string
	// Command is a text for the shell (sh -c), or with Args a program.
	Command string
	// Args are the program's arguments; they are handed over as they are, without a shell.
	Args []string
	// Env is added to the environment of this process.
	Env map[string]string
	// Dir is the working directory; empty is this process's.
	Dir string
	// Deps are what the command waits for: all of them OrderOnly.
	Deps    []Dep
	Retry   retry.Policy
	Timeout time.Duration
	Hooks   []Hook
	// Pools are the concurrency slots that the command holds while it runs.
	Pools []Pool
}

// bashGrace is how long a command may go on after SIGTERM.
const bashGrace = 10 * time.Second

// NewBashTask defines a task that runs a command. Its value is what the command wrote to stdout,
// without the last line break; both streams are kept in the step's log. An exit code other than
// zero is an error that ends with the last lines of stderr. When the run is canceled, the command and
// all that it started get SIGTERM, and SIGKILL ten seconds later.
func NewBashTask(spec BashTaskSpec) *Task[NoInput, string] {
	t := newTask[NoInput, string](TaskSpec{
		Name: spec.Name, Description: spec.Description, Deps: spec.Deps, Retry: spec.Retry, Timeout: spec.Timeout, Hooks: spec.Hooks, Pools: spec.Pools,
	}, graph.BashTask)
	if strings.TrimSpace(spec.Command) == "" {
		t.d.fault("Command", "it is empty: give a shell text, or a program with Args")
	}
	for _, k := range slices.Sorted(maps.Keys(spec.Env)) {
		if k == "" || strings.ContainsAny(k, "=\x00") {
			t.d.fault(fmt.Sprintf("Env[%q]", k), "the name of a variable is not empty and holds no =: rename it")
		}
	}
	spec.Args, spec.Env = slices.Clone(spec.Args), maps.Clone(spec.Env)
	t.call = func(filling) graph.Call {
		return func(inv *graph.Invocation, _ []any) (graph.Result, error) {
			text, err := spec.run(inv, bashGrace)
			return graph.Result{Value: text}, err
		}
	}
	return t
}

// command makes the command, in a process group of its own so that all of it can be stopped.
func (s *BashTaskSpec) command(ctx context.Context, grace time.Duration) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sh", "-c", s.Command)
	if s.Args != nil {
		cmd = exec.CommandContext(ctx, s.Command, s.Args...)
	}
	cmd.Dir = s.Dir
	cmd.Env = os.Environ()
	for _, k := range slices.Sorted(maps.Keys(s.Env)) {
		cmd.Env = append(cmd.Env, k+"="+s.Env[k])
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = grace
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	return cmd
}

// run runs the command; grace is how long it may go on once it was told to stop.
func (s *BashTaskSpec) run(inv *graph.Invocation, grace time.Duration) (string, error) {
	cmd := s.command(inv.Context, grace)
	var value bytes.Buffer
	var last tail
	stdout := lineWriter{line: func(text string) { writeLine(inv, storage.StreamStdout, text) }}
	stderr := lineWriter{line: func(text string) { last.add(text); writeLine(inv, storage.StreamStderr, text) }}
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&value, &stdout), &stderr
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("command %q: starting it: %w", s.Command, err)
	}
	err := cmd.Wait()
	stdout.end()
	stderr.end()
	if err == nil {
		return strings.TrimSuffix(strings.TrimSuffix(value.String(), "\n"), "\r"), nil
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what outlived the command; gone already is what we want
	switch cause := context.Cause(inv.Context); {
	case cause != nil:
		return "", fmt.Errorf("command %q: stopped: %w", s.Command, cause)
	case errors.Is(err, exec.ErrWaitDelay):
		return "", fmt.Errorf("command %q: it ended, and %s later a process that it left behind still had its output open: wait for that process, or redirect its output", s.Command, grace)
	}
	return "", fmt.Errorf("command %q: %w%s", s.Command, err, last.text())
}

// writeLine copies a line into the step's log.
func writeLine(inv *graph.Invocation, stream storage.LogStream, text string) {
	if inv.Write != nil {
		inv.Write(stream, text)
	}
}

// maxLine bounds a line of the log: a longer one is several, so that a stream without line breaks
// is not held in memory twice.
const maxLine = 64 << 10

// lineWriter cuts a stream into lines.
type lineWriter struct {
	line func(text string)
	rest []byte
}

// Write hands over the lines that p completes. It never fails.
func (w *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for {
		text, after, found := bytes.Cut(p, []byte{'\n'})
		w.rest = append(w.rest, text...)
		for len(w.rest) > maxLine {
			w.line(string(w.rest[:maxLine]))
			w.rest = append(w.rest[:0], w.rest[maxLine:]...)
		}
		if !found {
			return n, nil
		}
		w.line(strings.TrimSuffix(string(w.rest), "\r"))
		w.rest, p = w.rest[:0], after
	}
}

// end hands over a last line without a line break.
func (w *lineWriter) end() {
	if len(w.rest) > 0 {
		w.line(strings.TrimSuffix(string(w.rest), "\r"))
	}
}

// tail keeps the last lines of a stream for an error.
type tail struct{ lines []string }

const tailLines = 10

func (t *tail) add(line string) {
	if t.lines = append(t.lines, line); len(t.lines) > tailLines {
		t.lines = slices.Delete(t.lines, 0, 1)
	}
}

func (t *tail) text() string {
	if len(t.lines) == 0 {
		return ""
	}
	return ": " + strings.Join(t.lines, "\n")
}
