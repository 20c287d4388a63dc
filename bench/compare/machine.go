package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// machine returns one line: where and when the figures were made.
func machine(at time.Time) string {
	cpu := field("/proc/cpuinfo", "model name")
	if cpu == "" {
		cpu = "unnamed CPU"
	}
	return fmt.Sprintf("%s · %d cores · %s %s/%s · %s", cpu, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, at.Format(time.DateOnly))
}

// field returns the first value of a "name: value" line of a file, empty where there is none.
func field(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// peakMiB is the most memory that this process ever had. Linux counts into getrusage what the
// parent had before exec, so there the process's own figure is read.
func peakMiB() (float64, error) {
	if kib, ok := strings.CutSuffix(field("/proc/self/status", "VmHWM"), " kB"); ok {
		n, err := strconv.Atoi(strings.TrimSpace(kib))
		return float64(n) / 1024, err
	}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("peak memory: %w", err)
	}
	return float64(u.Maxrss) / (1 << 20), nil // bytes where there is no /proc
}
