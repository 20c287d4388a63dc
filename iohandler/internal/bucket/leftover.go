package bucket

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"
)

// A writer holds a lock on its temporary file until it has renamed or removed it, and the system
// lets go of the lock when the process ends in whatever way. So a temporary file that can be locked
// is a dead process's; it must be an hour old too, since there is a moment between the making of a
// file and its locking. Where a file system knows no locks nothing is ever taken away.
const leftoverAge = time.Hour

// temporaryName is what [temporary] makes: a dot, the object's name, letters of rand.Text.
var temporaryName = regexp.MustCompile(`^\..+\.[A-Z2-7]{26}\.tmp$`)

// temporary is the name of a file that nobody takes for an object, since those begin with no dot.
func temporary(base string) string { return "." + base + "." + rand.Text() + ".tmp" }

// lock tells others that the file is somebody's, for as long as it is open.
func lock(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	controlErr := conn.Control(func(fd uintptr) { err = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB) })
	if controlErr != nil {
		return controlErr
	}
	return err
}

// sweeper removes what killed processes left in the directories that are written to, each once.
type sweeper struct {
	mu   sync.Mutex
	done map[string]bool
}

// sweep looks through a directory the first time it is given. What cannot be removed stays: it is
// in nobody's way.
func (s *sweeper) sweep(dir string) {
	s.mu.Lock()
	known := s.done[dir]
	if s.done == nil {
		s.done = map[string]bool{}
	}
	s.done[dir] = true
	s.mu.Unlock()
	if known {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.Type().IsRegular() && temporaryName.MatchString(e.Name()) {
			removeLeftover(filepath.Join(dir, e.Name()))
		}
	}
}

func removeLeftover(path string) {
	info, err := os.Lstat(path)
	if err != nil || time.Since(info.ModTime()) < leftoverAge {
		return
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	if lock(f) == nil {
		_ = os.Remove(path)
	}
}
