package subprocess

import (
	"fmt"
	"os"
	"sync"
	"syscall"
)

// Remember notes which file this program is, before another can take its place. It costs a look at
// the file.
func Remember() { _, _ = identity() } // what is wrong with it is reported when a step is to be started

// identity tells this build of the program from others: by its file, which every build is a new one
// of.
var identity = sync.OnceValues(func() (string, error) {
	path, err := image()
	if err != nil {
		return "", fmt.Errorf("finding the program's file: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("looking at the program's file: %w", err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", fmt.Errorf("looking at the program's file %s: the system does not tell it from others", path)
	}
	return fmt.Sprintf("file %d:%d of %d bytes from %s", st.Dev, st.Ino, info.Size(), info.ModTime().UTC().Format("2006-01-02T15:04:05.000000000Z")), nil
})
