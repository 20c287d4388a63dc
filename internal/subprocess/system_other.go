//go:build !linux

package subprocess

import (
	"os"
	"syscall"
	"time"
)

// attributes puts a process into a group of its own.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// awaitExit waits until the process has ended.
func (c *child) awaitExit() {
	_, _ = c.cmd.Process.Wait()
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
}

// program is what to start: the file that this program was started from.
func program() (string, error) { return os.Executable() }

// image is the file that identity looks at.
func image() (string, error) { return os.Executable() }

// systemKills is not told by this system.
func systemKills() int64 { return 0 }

// watchEvery is how often a watcher looks at the memory of a group.
const watchEvery = time.Second // each look starts a program
