package proc

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// eats is the variable that makes this test's program hold memory, or start another that does.
const eats = "PROC_TEST_EATS"

func TestMain(m *testing.M) {
	if os.Getenv(guarded) != "" {
		startGuarded()
	}
	switch what := os.Getenv(eats); what {
	case "":
		os.Exit(m.Run())
	case "child":
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), eats+"=memory")
		cmd.Stdout = os.Stdout
		_ = cmd.Run()
	default:
		held := make([]byte, 64<<20)
		for i := range held {
			held[i] = 1
		}
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM) // or waiting would be a deadlock
		fmt.Println("full")
		<-stop
		runtime.KeepAlive(held)
	}
}

// startGroup runs this program in a group of its own until it holds its memory.
func startGroup(t *testing.T, what string) (*exec.Cmd, *Group) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), eats+"="+what)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	g := &Group{ID: cmd.Process.Pid}
	t.Cleanup(func() {
		if err := g.Signal(syscall.SIGKILL); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait()
		if err := g.Signal(syscall.SIGKILL); err != nil {
			t.Errorf("a signal to a group that is gone: %v", err)
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "full\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return cmd, g
}

func TestGroupMemory(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"memory", "child"} {
		_, g := startGroup(t, what)
		g.Look()
		n, err := g.Memory(t.Context())
		if err != nil || n < 64<<20 || n > 400<<20 {
			t.Errorf("%s: the group has %d bytes, want 64 MiB and what a program needs, with the race detector some times as much; %v", what, n, err)
		}
	}
}

// What systems without /proc are asked says about the same where both can be asked.
func TestListedMemory(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ps"); err != nil {
		t.Skip("there is no ps here: install procps")
	}
	_, g := startGroup(t, "child")
	n, err := listed(t.Context(), g.ID)
	if err != nil || n < 64<<20 || n > 400<<20 {
		t.Errorf("the group has %d bytes, want 64 MiB and what two programs need, with the race detector some times as much; %v", n, err)
	}
	if n, err := listed(t.Context(), 1<<30); n != 0 || err != nil {
		t.Errorf("a group that there is not has %d bytes, %v", n, err)
	}
}

func TestSumOf(t *testing.T) {
	t.Parallel()
	list := strings.Join([]string{"    7    10", "   77   100", "7 5", "7", "7 many", ""}, "\n")
	if got := sumOf(list, 7); got != 15<<10 {
		t.Errorf("%d", got)
	}
}

func TestOwnGroup(t *testing.T) {
	t.Parallel()
	if got, want := OwnGroup(), syscall.Getpgrp() == os.Getpid(); got != want {
		t.Errorf("%t, want %t on %s", got, want, runtime.GOOS)
	}
}
