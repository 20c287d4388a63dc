package subprocess

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCgroupDir(t *testing.T) {
	t.Parallel()
	const (
		unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
		hybrid  = "31 24 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n32 24 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		bound   = "40 23 0:26 /user.slice/user-7.slice /mnt/mine rw - cgroup2 cgroup2 rw\n"
		odd     = "- - -\n9 9 9:9 / /x\n"
	)
	for _, c := range []struct{ name, mounts, own, top, dir string }{
		{"unified", odd + unified, "0::/user.slice/app.scope\n", "/sys/fs/cgroup", "/sys/fs/cgroup/user.slice/app.scope"},
		{"the topmost", unified, "0::/\n", "/sys/fs/cgroup", "/sys/fs/cgroup"},
		{"hybrid", hybrid, "4:memory:/a\n0::/b\n", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/unified/b"},
		{"a part is mounted", bound, "0::/user.slice/user-7.slice/app\n", "/mnt/mine", "/mnt/mine/app"},
		{"another part is mounted", bound, "0::/system.slice/app\n", "", ""},
		{"version 1", "32 24 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", "4:memory:/a\n", "", ""},
		{"nothing", "", "", "", ""},
	} {
		if top, dir := cgroupDir(c.mounts, c.own); top != c.top || dir != c.dir {
			t.Errorf("%s: %q %q, want %q %q", c.name, top, dir, c.top, c.dir)
		}
	}
}

// A group is made with its limit, and read as the kernel writes.
func TestCgroupFiles(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	c, err := makeCgroup(home, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"memory.max": "1048576", "memory.swap.max": "0", "memory.oom.group": "1"} {
		if got, err := os.ReadFile(filepath.Join(c.dir, file)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", file, got, err)
		}
	}
	for _, tt := range []struct {
		events, peak string
		exceeded     bool
		most         int64
	}{
		{"low 0\nhigh 0\nmax 12\noom 0\noom_kill 0\noom_group_kill 0\n", "1000\n", false, 1000},
		{"low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 1\n", "", true, 0},
		{"", "", false, 0},
	} {
		for file, text := range map[string]string{"memory.events": tt.events, "memory.peak": tt.peak} {
			if err := c.write(file, text); err != nil {
				t.Fatal(err)
			}
		}
		if c.exceeded() != tt.exceeded || c.peak() != tt.most {
			t.Errorf("%+v: %t %d", tt, c.exceeded(), c.peak())
		}
	}
	if err := c.handle.Close(); err != nil {
		t.Error(err)
	}
	if _, err := makeCgroup(filepath.Join(home, "missing"), 1<<20); err == nil {
		t.Error("a group was made where there is nothing")
	}
	if mayBound(filepath.Join(home, "missing")) {
		t.Error("groups can be made where there is nothing")
	}
}
