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

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/launch"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// BashTaskSpec describes what command a bash task runs. Name and Command are needed.
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
	// Compute bounds what the command may use, as in [AssetSpec].
	Compute executor.Compute
}

// bashGrace is how long a command may go on after SIGTERM.
const bashGrace = 10 * time.Second

// NewBashTask defines a task that runs a command. Its value is what the command wrote to stdout,
// without the last line break; both streams are kept in the step's log. An exit code other than
// zero is an error that ends with the last lines of stderr. When the run is canceled, the command
// and all that it started get SIGTERM, and SIGKILL ten seconds later.
func NewBashTask(spec BashTaskSpec) *Task[NoInput, string] {
	t := newTask[NoInput, string](TaskSpec{
		Name: spec.Name, Description: spec.Description, Deps: spec.Deps, Retry: spec.Retry, Timeout: spec.Timeout, Hooks: spec.Hooks, Pools: spec.Pools, Compute: spec.Compute,
	}, graph.BashTask, false)
	if strings.TrimSpace(spec.Command) == "" {
		t.t.Fault("Command", "it is empty: give a shell text, or a program with Args")
	}
	for _, k := range slices.Sorted(maps.Keys(spec.Env)) {
		if k == "" || strings.ContainsAny(k, "=\x00") {
			t.t.Fault(fmt.Sprintf("Env[%q]", k), "the name of a variable is not empty and holds no =: rename it")
		}
	}
	spec.Args, spec.Env = slices.Clone(spec.Args), maps.Clone(spec.Env)
	t.t.Call = func(define.FieldSetters) graph.Call {
		return func(inv *graph.Invocation, _ []any) (graph.Result, error) {
			text, err := spec.run(inv, bashGrace)
			return graph.Result{Value: text}, err
		}
	}
	return t
}

// command makes the command.
func (s *BashTaskSpec) command(ctx context.Context, grace time.Duration) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sh", "-c", s.Command)
	if s.Args != nil {
		cmd = exec.CommandContext(ctx, s.Command, s.Args...)
	}
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), launch.EnvironOf(ctx)...)
	for _, k := range slices.Sorted(maps.Keys(s.Env)) {
		cmd.Env = append(cmd.Env, k+"="+s.Env[k])
	}
	cmd.WaitDelay = grace
	cmd.Cancel = func() error { return stopCommand(cmd, syscall.SIGTERM) }
	return cmd
}

// stopCommand sends a signal to a command: to all of its group where it has one of its own.
func stopCommand(cmd *exec.Cmd, s syscall.Signal) error {
	if cmd.SysProcAttr == nil {
		return cmd.Process.Signal(s)
	}
	g := proc.Group{ID: cmd.Process.Pid}
	return g.Signal(s)
}

// run runs the command; grace is how long it may go on once it was told to stop.
func (s *BashTaskSpec) run(inv *graph.Invocation, grace time.Duration) (string, error) {
	cmd := s.command(inv.Context, grace)
	if inv.Run == nil || !inv.Run.Isolated {
		// A group of its own, so that all of it can be stopped. A step that has a process of its own has
		// such a group already, and the command must not leave it: it would not end with it.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	}
	var value bytes.Buffer
	var last proc.Tail
	stdout := proc.Lines{Line: func(text string) { writeLine(inv, storage.StreamStdout, text) }}
	stderr := proc.Lines{Line: func(text string) { last.Add(text); writeLine(inv, storage.StreamStderr, text) }}
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&value, &stdout), &stderr
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("command %q: starting it: %w", s.Command, err)
	}
	if cmd.SysProcAttr != nil {
		release, err := proc.Guard(cmd.Process.Pid)
		if err != nil {
			writeLine(inv, storage.StreamStderr, "if this process dies, the command goes on: "+err.Error())
		} else {
			defer release()
		}
	}
	err := cmd.Wait()
	stdout.End()
	stderr.End()
	if err == nil {
		return strings.TrimSuffix(strings.TrimSuffix(value.String(), "\n"), "\r"), nil
	}
	_ = stopCommand(cmd, syscall.SIGKILL) // what outlived the command; gone already is what we want
	switch cause := context.Cause(inv.Context); {
	case cause != nil:
		return "", fmt.Errorf("command %q: stopped: %w", s.Command, cause)
	case errors.Is(err, exec.ErrWaitDelay):
		return "", fmt.Errorf("command %q: it ended, and %s later a process that it left behind still had its output open: wait for that process, or redirect its output", s.Command, grace)
	}
	return "", fmt.Errorf("command %q: %w%s", s.Command, err, last.Text())
}

// writeLine copies a line into the step's log.
func writeLine(inv *graph.Invocation, stream storage.LogStream, text string) {
	if inv.Write != nil {
		inv.Write(stream, text)
	}
}
