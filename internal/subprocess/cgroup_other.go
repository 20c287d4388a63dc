//go:build !linux

package subprocess

import "syscall"

// newCgroup returns nil: this system has none.
func newCgroup(int64, *syscall.SysProcAttr) bound { return nil }
