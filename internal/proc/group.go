package proc

import (
	"context"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Group is a process group by its number, which is that of its leader. Where the leader is still to
// be waited for, the number is nobody else's.
type Group struct {
	ID int
	// members are the processes that were found when somebody looked last.
	members []int
}

// Signal sends a signal to every process of the group. A group that is gone already is no error.
func (g *Group) Signal(s syscall.Signal) error {
	err := syscall.Kill(-g.ID, s)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// OwnGroup reports whether this process leads a group of its own, so that a signal to the group
// reaches nobody but what it has started.
func OwnGroup() bool { return syscall.Getpgrp() == syscall.Getpid() }

// listTimeout is how long the list of processes may take where the system has no better way.
const listTimeout = 10 * time.Second

// listed is the memory of a group as ps lists it, in bytes: all that is resident. It is for systems
// that have no /proc.
func listed(ctx context.Context, group int) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ps", "-A", "-o", "pgid=,rss=").Output()
	if err != nil {
		return 0, err
	}
	return sumOf(string(out), group), nil
}

// sumOf adds up the kibibytes that a list of groups and sizes has for one group.
func sumOf(list string, group int) int64 {
	var sum int64
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		if len(fields) != 2 || fields[0] != strconv.Itoa(group) {
			continue
		}
		kib, err := strconv.ParseInt(fields[1], 10, 64)
		if err == nil {
			sum += kib << 10
		}
	}
	return sum
}
