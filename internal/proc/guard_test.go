package proc

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// guarded is the environment variable by which this test's program starts a guarded command.
const guarded = "RIVERS_TEST_GUARDED"

// startGuarded starts a command, and either lets it go or waits to be killed.
func startGuarded() {
	cmd := exec.Command("sh", "-c", "sleep 1000 & echo $!; wait")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		panic(err)
	}
	release, err := Guard(cmd.Process.Pid)
	if err != nil {
		panic(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	fmt.Println(cmd.Process.Pid, strings.TrimSpace(line), err)
	if os.Getenv(guarded) == "release" {
		release()
		os.Exit(0)
	}
	select {}
}

// A group of processes dies with the one that started it, and goes on where it was let go.
func TestGuardKillsAGroupWithItsParent(t *testing.T) {
	for _, how := range []string{"kill", "release"} {
		t.Run(how, func(t *testing.T) {
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			parent := exec.CommandContext(t.Context(), self)
			parent.Env = append(os.Environ(), guarded+"="+how)
			out, err := parent.StdoutPipe()
			if err == nil {
				err = parent.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			fields := strings.Fields(line)
			group, err := strconv.Atoi(fields[0])
			if err != nil {
				t.Fatal(err)
			}
			g := Group{ID: group}
			if how == "kill" {
				if err := parent.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			_ = parent.Wait() // killed, or done
			if how == "release" {
				if err := g.Signal(syscall.Signal(0)); err != nil {
					t.Errorf("a group that was let go is gone: %v", err)
				}
				if err := g.Signal(syscall.SIGKILL); err != nil {
					t.Error(err)
				}
			}
			for alive(fields[:2]) { // until the system has done it
				if t.Context().Err() != nil {
					t.Fatalf("the processes %v go on", fields[:2])
				}
			}
		})
	}
}

// alive reports whether one of some processes is there and no zombie.
func alive(pids []string) bool {
	for _, pid := range pids {
		text, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X") {
			return true
		}
	}
	return false
}
