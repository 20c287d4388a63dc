package proc

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// guardScript waits for a line of the process that started it. Where there is none, that process is
// gone, and the group is killed.
const guardScript = `read group; read end || kill -s KILL -- "-$group"`

// Guard kills a group of processes when this process dies, in whatever way, so that no command goes
// on beside the one that a later process starts. The system tells the death of a parent to one
// process only, and not to what that has started. So a small shell waits at a pipe. release ends it
// once the group has ended.
func Guard(group int) (release func(), err error) {
	cmd := exec.CommandContext(context.Background(), "sh", "-c", guardScript) // it ends with this process, or by release
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}                     // Ctrl-C is not for it
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("guarding process group %d: %w", group, err)
	}
	if err := cmd.Start(); err != nil {
		_ = pipe.Close()
		return nil, fmt.Errorf("guarding process group %d: %w", group, err)
	}
	_, err = fmt.Fprintln(pipe, group)
	release = func() {
		_, _ = io.WriteString(pipe, "end\n") // a guard that is gone needs no word
		_ = pipe.Close()
		_ = cmd.Wait()
	}
	if err != nil {
		release()
		return nil, fmt.Errorf("guarding process group %d: %w", group, err)
	}
	return release, nil
}
