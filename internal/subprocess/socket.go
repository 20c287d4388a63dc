package subprocess

import (
	"os"
	"syscall"
)

// socketPair makes a connection: this process's end and a child's. Neither has a name that anybody
// could find it by, and no other process gets either.
func socketPair() (ours, theirs *os.File, err error) {
	syscall.ForkLock.RLock() // nobody is started between making them and closing them to others
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs = os.NewFile(uintptr(fds[1]), "the step's end")
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		_ = syscall.Close(fds[0])
		_ = theirs.Close()
		return nil, nil, os.NewSyscallError("setnonblock", err)
	}
	return os.NewFile(uintptr(fds[0]), "the run's end"), theirs, nil
}
