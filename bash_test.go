package rivers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/storage"
)

// logged collects the lines of a step.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) write(stream storage.LogStream, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, stream.String()+":"+line)
}

func runBash(ctx context.Context, spec BashTaskSpec, grace time.Duration) (string, []string, error) {
	var l logged
	value, err := spec.run(&graph.Invocation{Context: ctx, Write: l.write}, grace)
	slices.Sort(l.lines)
	return value, l.lines, err
}

func TestBashTaskRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	long := strings.Repeat("x", proc.MaxLine+10)
	for _, tt := range []struct {
		name  string
		spec  BashTaskSpec
		value string
		lines []string
		err   string
	}{
		{name: "shell", spec: BashTaskSpec{Command: `echo "a b" | tr a-z A-Z`}, value: "A B", lines: []string{"stdout:A B"}},
		{name: "one line break is taken off", spec: BashTaskSpec{Command: `printf 'a\n\n'`}, value: "a\n", lines: []string{"stdout:", "stdout:a"}},
		{name: "no line break", spec: BashTaskSpec{Command: `printf 'a\nb'`}, value: "a\nb", lines: []string{"stdout:a", "stdout:b"}},
		{name: "windows", spec: BashTaskSpec{Command: `printf 'a\r\n'`}, value: "a", lines: []string{"stdout:a"}},
		{name: "argv", spec: BashTaskSpec{Command: "printf", Args: []string{"%s|", "$HOME", "a b"}}, value: "$HOME|a b|", lines: []string{"stdout:$HOME|a b|"}},
		{name: "argv without arguments", spec: BashTaskSpec{Command: "true", Args: []string{}}},
		{name: "environment", spec: BashTaskSpec{Command: `echo $A$B`, Env: map[string]string{"A": "1", "B": "$A"}}, value: "1$A", lines: []string{"stdout:1$A"}},
		{name: "directory", spec: BashTaskSpec{Command: `test "$(pwd -P)" = "$(cd "$WANT" && pwd -P)"`, Dir: dir, Env: map[string]string{"WANT": dir}}},
		{name: "both streams", spec: BashTaskSpec{Command: `echo out; echo err >&2`}, value: "out", lines: []string{"stderr:err", "stdout:out"}},
		{
			name: "a long line", spec: BashTaskSpec{Command: "cat", Args: []string{write(t, dir, long)}},
			value: long, lines: []string{"stdout:" + long[:10], "stdout:" + long[:proc.MaxLine]},
		},
		{
			name: "exit code", spec: BashTaskSpec{Command: "echo kept >&2; exit 7"}, lines: []string{"stderr:kept"},
			err: `command "echo kept >&2; exit 7": exit status 7: kept`,
		},
		{name: "silent", spec: BashTaskSpec{Command: "exit 1"}, err: `command "exit 1": exit status 1`},
		{name: "signal", spec: BashTaskSpec{Command: "kill -9 $$"}, err: `command "kill -9 $$": signal: killed`},
		{
			name: "no program", spec: BashTaskSpec{Command: "no-such-program", Args: []string{}},
			err: `command "no-such-program": starting it: exec: "no-such-program": executable file not found in $PATH`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			value, lines, err := runBash(t.Context(), tt.spec, time.Second)
			if got := errorText(err); got != tt.err {
				t.Errorf("err  %s\nwant %s", got, tt.err)
			}
			if value != tt.value || !slices.Equal(lines, tt.lines) {
				t.Errorf("value %.40q, lines %.200q\nwant  %.40q, lines %.200q", value, lines, tt.value, tt.lines)
			}
		})
	}
}

func write(t *testing.T, dir, text string) string {
	t.Helper()
	file := filepath.Join(dir, "text")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestBashTaskKeepsTheLastLinesOfStderr(t *testing.T) {
	t.Parallel()
	_, lines, err := runBash(t.Context(), BashTaskSpec{Command: "seq 1 15 >&2; exit 2"}, time.Second)
	want := "exit status 2: 6\n7\n8\n9\n10\n11\n12\n13\n14\n15"
	if err == nil || !strings.HasSuffix(err.Error(), want) || len(lines) != 15 {
		t.Errorf("%d lines, %v", len(lines), err)
	}
}

// A command that is told to stop takes its children with it, also those that do not listen.
func TestBashTaskStopsTheWholeGroup(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, command string }{
		{"listens", `sleep 1000 & echo $!; wait`},
		{"does not listen", `trap '' TERM; sh -c "trap '' TERM; echo \$\$; exec sleep 1000"; echo more`},
		{"closed its output", `trap '' TERM; sh -c "trap '' TERM; echo \$\$; exec sleep 1000 >/dev/null 2>&1" & exec sleep 1000`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			child := 0
			inv := &graph.Invocation{Context: ctx, Write: func(_ storage.LogStream, line string) {
				child, _ = strconv.Atoi(line)
				cancel(errors.New("enough"))
			}}
			spec := BashTaskSpec{Command: tt.command}
			_, err := spec.run(inv, 100*time.Millisecond)
			if want := fmt.Sprintf("command %q: stopped: enough", tt.command); errorText(err) != want {
				t.Errorf("%v\nwant %s", err, want)
			}
			if child == 0 {
				t.Fatal("the child did not say who it is")
			}
			awaitEnd(t, child)
		})
	}
}

// awaitEnd waits until a process that was killed has left: it is a zombie until its parent, here
// the system's first process, has taken note.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		state, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // there is no such file on macOS
		if syscall.Kill(pid, 0) != nil || strings.Contains(string(state), ") Z ") {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("process %d is still there", pid)
		}
	}
}

func TestBashTaskSaysWhoHoldsItsOutput(t *testing.T) {
	t.Parallel()
	const command = "sleep 1000 & echo started"
	_, lines, err := runBash(t.Context(), BashTaskSpec{Command: command}, 50*time.Millisecond)
	want := `command "sleep 1000 & echo started": it ended, and 50ms later a process that it left behind still had its output open: wait for that process, or redirect its output`
	if errorText(err) != want || len(lines) != 1 {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func TestBashTaskFaults(t *testing.T) {
	t.Parallel()
	w := new(world).build(
		NewBashTask(BashTaskSpec{Name: "empty", Command: " ", Env: map[string]string{"": "x", "A=B": "y"}}),
		NewBashTask(BashTaskSpec{Name: "reads", Command: "true", Deps: []Dep{{On: "empty"}}}),
	)
	want := []string{
		`empty: Command: it is empty: give a shell text, or a program with Args`,
		`empty: Env[""]: the name of a variable is not empty and holds no =: rename it`,
		`empty: Env["A=B"]: the name of a variable is not empty and holds no =: rename it`,
		`reads: dep "empty": no field receives its value: add one, name one as Field, or set OrderOnly`,
	}
	if !slices.Equal(w.faults, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(w.faults, "\n"), strings.Join(want, "\n"))
	}
}
