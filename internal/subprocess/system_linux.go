package subprocess

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// attributes puts a process into a group of its own, and has the system end it when its parent has
// died. The signal comes when the thread ends that started it (golang/go#27505), so that thread is
// kept until the process is gone. It is one that a process at work hears, for it must take its
// group with it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// awaitExit waits until the process has ended, and leaves it to be waited for: as long as nobody
// did, its number and its group's are nobody else's.
func (c *child) awaitExit() {
	for {
		err := unix.Waitid(unix.P_PID, c.group.ID, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// running is the file of the program that this process runs, also when another has its name by now.
const running = "/proc/self/exe"

// program is what to start: the file by its name while that is this program, else the program
// itself.
func program() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	named, err := os.Stat(path)
	if err == nil {
		if mine, err := os.Stat(running); err == nil && os.SameFile(named, mine) {
			return path, nil
		}
	}
	return running, nil
}

// image is the file that identity looks at.
func image() (string, error) { return running, nil }

// systemKills counts the processes that the system has killed for want of memory since it began;
// the count of a container's machine where there is one.
func systemKills() int64 {
	text, err := os.ReadFile("/proc/vmstat")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "\noom_kill ")
	line, _, _ := strings.Cut(rest, "\n")
	n, _ := strconv.ParseInt(line, 10, 64)
	return n
}

// watchEvery is how often a watcher looks at the memory of a group.
const watchEvery = 50 * time.Millisecond
