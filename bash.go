package rivers

import (
	"bufio"
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
	"sync"
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
}

// bashGrace is how long a command may go on after SIGTERM.
const bashGrace = 10 * time.Second

// NewBashTask defines a task that runs a command. Its value is what the command wrote to stdout,
// without the last line break; both streams are kept in the step's log. An exit code other than
// zero is an error that ends with the last lines of stderr. When the run is canceled, the command and
// all that it started get SIGTERM, and SIGKILL ten seconds later.
func NewBashTask(spec BashTaskSpec) *Task[NoInput, string] {
	t := newTask[NoInput, string](TaskSpec{
		Name: spec.Name, Description: spec.Description, Deps: spec.Deps, Retry: spec.Retry, Timeout: spec.Timeout, Hooks: spec.Hooks,
	}, graph.BashTask)
	if strings.TrimSpace(spec.Command) == "" {
		t.d.fault("Command", "it is empty: give a shell text, or a program with Args")
	}
	spec.Args, spec.Env = slices.Clone(spec.Args), maps.Clone(spec.Env)
	t.call = func(*filling) graph.Call {
		return func(inv *graph.Invocation, _ []any) (graph.Result, error) {
			text, err := spec.run(inv)
			return graph.Result{Value: text}, err
		}
	}
	return t
}

// command makes the command, in a process group of its own so that all of it can be stopped.
func (s *BashTaskSpec) command(ctx context.Context) *exec.Cmd {
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
	cmd.WaitDelay = bashGrace
	cmd.Cancel = func() error {
		group := -cmd.Process.Pid
		time.AfterFunc(bashGrace, func() { _ = syscall.Kill(group, syscall.SIGKILL) }) // gone already is what we want
		return syscall.Kill(group, syscall.SIGTERM)
	}
	return cmd
}

func (s *BashTaskSpec) run(inv *graph.Invocation) (string, error) {
	cmd := s.command(inv.Context)
	out, err1 := cmd.StdoutPipe()
	errs, err2 := cmd.StderrPipe()
	if err := errors.Join(err1, err2); err != nil {
		return "", fmt.Errorf("command %q: %w", s.Command, err)
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("command %q: starting it: %w", s.Command, err)
	}
	var stdout bytes.Buffer
	var last tail
	var reading sync.WaitGroup
	reading.Go(func() { copyLines(io.TeeReader(out, &stdout), inv, storage.StreamStdout, nil) })
	reading.Go(func() { copyLines(errs, inv, storage.StreamStderr, &last) })
	reading.Wait()
	if err := cmd.Wait(); err != nil {
		if cause := context.Cause(inv.Context); cause != nil {
			return "", fmt.Errorf("command %q: stopped: %w", s.Command, cause)
		}
		return "", fmt.Errorf("command %q: %w%s", s.Command, err, last.text())
	}
	return strings.TrimSuffix(strings.TrimSuffix(stdout.String(), "\n"), "\r"), nil
}

// copyLines copies a stream into the step's log, line by line.
func copyLines(r io.Reader, inv *graph.Invocation, stream storage.LogStream, last *tail) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line != "" || err == nil {
			if inv.Write != nil {
				inv.Write(stream, line)
			}
			if last != nil {
				last.add(line)
			}
		}
		if err != nil {
			return
		}
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
