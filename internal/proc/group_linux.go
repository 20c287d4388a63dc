package proc

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Look finds the processes of the group, which costs a look at every process of the machine.
func (g *Group) Look() {
	g.members = g.members[:0]
	dir, err := os.Open("/proc")
	if err != nil {
		return
	}
	defer dir.Close() //nolint:errcheck // it was read
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err == nil && groupOf(pid) == g.ID {
			g.members = append(g.members, pid)
		}
	}
}

// groupOf returns the group of a process, 0 for one that is gone.
func groupOf(pid int) int {
	const group = 2 // field 5
	fields := stat(pid)
	if len(fields) <= group {
		return 0
	}
	id, _ := strconv.Atoi(fields[group])
	return id
}

// Memory returns how many bytes the processes of the group have that nobody can take back from
// them: what is in memory or swapped out and backed by no file. Pages of programs and of mapped
// files, which the system drops when it needs the room and which processes share, are not counted.
// Processes that were started since the last Look are not seen.
func (g *Group) Memory(context.Context) (int64, error) {
	var sum int64
	g.members = slices.DeleteFunc(g.members, func(pid int) bool {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return true // it has ended
		}
		sum += kibibytes(string(text), "RssAnon:") + kibibytes(string(text), "VmSwap:")
		return false
	})
	return sum << 10, nil
}

// kibibytes reads one size of a process's status; 0 where it is not there.
func kibibytes(status, name string) int64 {
	_, rest, _ := strings.Cut(status, "\n"+name)
	line, _, _ := strings.Cut(rest, "\n")
	n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(line, "kB")), 10, 64)
	return n
}
