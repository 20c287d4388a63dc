package proc

import (
	"fmt"
	"os"
	"strings"
)

// boot names the present boot of the machine.
func boot() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(strings.TrimSpace(string(text)), "-", "")
}

// space names the namespace of process numbers, which a container has of its own:
// "pid:[4026531836]".
func space() string {
	link, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.Trim(strings.TrimPrefix(link, "pid:"), "[]")
}

// started returns when a process began, in clock ticks since the boot, and whether it has ended and
// only waits for its parent to hear of it. It is empty for an unknown process.
func started(pid int) (ticks string, zombie bool) {
	const state, start = 0, 19 // fields 3 and 22
	fields := stat(pid)
	if len(fields) <= start {
		return "", false
	}
	return fields[start], fields[state] == "Z" || fields[state] == "X"
}

// stat returns what is known of a process from the third field on, see proc_pid_stat(5); nothing
// for one that does not exist. The name in parentheses may hold anything, so what follows the last
// one is read.
func stat(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	line := string(text)
	return strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
}
