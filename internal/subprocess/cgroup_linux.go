package subprocess

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rivers-go/rivers/internal/proc"
)

// cgroup is a control group (version 2) for one process and all that it starts, also what leaves
// its process group. The kernel takes back what it can (mapped files, the cache) before it kills
// all of it at once.
type cgroup struct {
	dir    string
	handle *os.File
}

// newCgroup makes one, and has a process that is about to be started begin in it; nil where this
// process may not.
func newCgroup(limit int64, attr *syscall.SysProcAttr) bound {
	home := cgroupHome()
	if home == "" {
		return nil
	}
	c, err := makeCgroup(home, limit)
	if err != nil {
		return nil
	}
	attr.UseCgroupFD, attr.CgroupFD = true, int(c.handle.Fd())
	return c
}

func makeCgroup(home string, limit int64) (c *cgroup, err error) {
	c = &cgroup{}
	if c.dir, err = os.MkdirTemp(home, "rivers-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(c.dir)
		}
	}()
	for _, set := range []struct {
		file, value string
		optional    bool
	}{
		{"memory.max", strconv.FormatInt(limit, 10), false},
		{"memory.swap.max", "0", true}, // there is no such file where nothing is swapped
		{"memory.oom.group", "1", true},
	} {
		if err := c.write(set.file, set.value); err != nil && !(set.optional && errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
	}
	c.handle, err = os.Open(c.dir)
	return c, err
}

func (c *cgroup) write(file, value string) error {
	return os.WriteFile(filepath.Join(c.dir, file), []byte(value), 0)
}

func (c *cgroup) begin(*proc.Group, func(int64)) {} // the kernel does it

// exceeded reads whether the kernel killed what was in it.
func (c *cgroup) exceeded() bool {
	text, _ := os.ReadFile(filepath.Join(c.dir, "memory.events"))
	for line := range strings.Lines(string(text)) {
		name, n, _ := strings.Cut(strings.TrimSpace(line), " ")
		if (name == "oom_kill" || name == "oom_group_kill") && n != "0" {
			return true
		}
	}
	return false
}

// peak reads the most that it had; zero where the kernel does not keep it.
func (c *cgroup) peak() int64 {
	text, _ := os.ReadFile(filepath.Join(c.dir, "memory.peak"))
	n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n
}

// How long the kernel may take to let go of what was killed, and how often it is asked.
const (
	cgroupGone  = time.Second
	cgroupAgain = 5 * time.Millisecond
)

func (c *cgroup) end() {
	_ = c.write("cgroup.kill", "1") // what has left the process group is still in here
	_ = c.handle.Close()
	for deadline := time.Now().Add(cgroupGone); time.Now().Before(deadline); <-time.After(cgroupAgain) {
		if err := os.Remove(c.dir); err == nil || errors.Is(err, fs.ErrNotExist) {
			return
		}
	}
}

// cgroupHome is the control group in which this process may make others that bound memory, empty
// where there is none. It is found once: nobody moves a process about.
var cgroupHome = sync.OnceValue(func() string {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	top, dir := cgroupDir(string(mounts), string(own))
	if dir == "" {
		return ""
	}
	// A group that has processes cannot pass the memory on to groups below it, but for the topmost: so
	// mostly it is the one above, if that is ours as well.
	for _, home := range []string{dir, filepath.Dir(dir)} {
		if strings.HasPrefix(home, top) && mayBound(home) {
			return home
		}
	}
	return ""
})

// cgroupDir finds where version 2 is mounted and the folder of this process's group below, from
// what the system reports of mounts and of the process.
func cgroupDir(mounts, own string) (top, dir string) {
	path, ok := "", false
	for line := range strings.Lines(own) {
		if path, ok = strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			break
		}
	}
	if !ok {
		return "", ""
	}
	for line := range strings.Lines(mounts) {
		fields := strings.Fields(line)
		end := slices.Index(fields, "-")
		if end < 5 || len(fields) <= end+1 || fields[end+1] != "cgroup2" {
			continue
		}
		root, point := fields[3], fields[4]
		below, inside := strings.CutPrefix(path, strings.TrimSuffix(root, "/"))
		if inside {
			return point, filepath.Join(point, below)
		}
	}
	return "", ""
}

// mayBound reports whether groups with a bound on their memory can be made in a folder, and whether
// that is ours to do: what belongs to a service manager is not, even where the system would let us.
func mayBound(home string) bool {
	if os.Geteuid() == 0 && !delegated(home) {
		return false
	}
	passed, err := os.ReadFile(filepath.Join(home, "cgroup.subtree_control"))
	if err != nil {
		return false
	}
	if !slices.Contains(strings.Fields(string(passed)), "memory") {
		if os.WriteFile(filepath.Join(home, "cgroup.subtree_control"), []byte("+memory"), 0) != nil {
			return false
		}
	}
	c, err := makeCgroup(home, 1<<30)
	if err != nil {
		return false
	}
	c.end()
	return true
}

// delegated reports whether root may manage a group: systemd marks those that it leaves to others,
// and where there is no systemd they are nobody's.
func delegated(home string) bool {
	if _, err := os.Stat("/run/systemd/system"); errors.Is(err, fs.ErrNotExist) {
		return true
	}
	var mark [8]byte
	for _, name := range []string{"trusted.delegate", "user.delegate"} {
		if n, err := unix.Getxattr(home, name, mark[:]); err == nil && string(mark[:n]) == "1" {
			return true
		}
	}
	return false
}
