package subprocess

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/storage"
)

func init() { //nolint:gochecknoinits // a role starts steps, whose bodies must not refer to roles
	roles["parent"] = func() int { return parent("") }
	roles["parent of one that does not ask"] = func() int { return parent("mute") }
	roles["mute"] = func() int {
		fmt.Println("pid", os.Getpid())
		<-time.After(time.Hour) // it listens to no signal
		return 0
	}
}

// parent runs three steps that do not end, and prints who their processes are.
func parent(role string) int {
	_ = os.Unsetenv(roleVariable)
	env := os.Environ()
	if role != "" {
		env = append(env, roleVariable+"="+role)
	}
	l := &Launcher{Order: Order{Location: "test"}, env: env}
	sink := engine.Sink{Log: func(line storage.LogLine) {
		if strings.HasPrefix(line.Message, "pid ") {
			fmt.Println(line.Message)
		}
	}}
	for range 2 {
		go func() { _, _ = l.Do(context.Background(), engine.Task{Node: "does not listen"}, sink) }()
	}
	_, err := l.Do(context.Background(), engine.Task{Node: "does not listen"}, sink)
	fmt.Println(err)
	return 1
}

// A parent that is killed takes its steps with it, and all that these have started: they see that the
// connection ends. On Linux also one that has not come so far as to look.
func TestOrphansEnd(t *testing.T) {
	t.Parallel()
	for role, pids := range map[string]int{"parent": 6, "parent of one that does not ask": 3} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			if pids == 3 && runtime.GOOS != "linux" {
				t.Skip("only Linux tells a process that its parent has died")
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), roleVariable+"="+role)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait() //nolint:errcheck // it is killed
			var all []int
			for lines := bufio.NewScanner(out); len(all) < pids && lines.Scan(); {
				pid, err := strconv.Atoi(strings.TrimPrefix(lines.Text(), "pid "))
				if err != nil {
					t.Fatalf("%q", lines.Text())
				}
				all = append(all, pid)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if len(all) < pids {
				t.Fatalf("%d processes, want %d", len(all), pids)
			}
			awaitEnd(t, all...)
		})
	}
}
