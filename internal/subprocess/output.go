package subprocess

import (
	"io"
	"os"
	"strings"

	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/storage"
)

// output copies one stream of a process into the log of its step.
type output struct {
	from  *os.File // the end that is read
	to    *os.File // the end that the process has, until it was started
	last  proc.Tail
	crash crash
	done  chan struct{} // closed when the stream has ended
}

func newOutput() (*output, error) {
	from, to, err := os.Pipe()
	return &output{from: from, to: to, done: make(chan struct{})}, err
}

// copy reads until nobody holds the other end, or until it is closed.
func (o *output) copy(stream storage.LogStream, log func(storage.LogLine)) {
	defer close(o.done)
	lines := proc.Lines{Line: func(text string) {
		if stream == storage.StreamStderr {
			o.last.Add(text)
			o.crash.add(text)
		}
		log(storage.LogLine{Stream: stream, Message: text})
	}}
	_, _ = io.Copy(struct{ io.Writer }{&lines}, o.from) // an error is the end that close made
	lines.End()
}

// close frees both ends.
func (o *output) close() {
	if o == nil {
		return
	}
	_ = o.from.Close()
	_ = o.to.Close()
}

// crash finds in stderr what the Go runtime prints when it ends a process: a line that explains
// why, then the stacks of goroutines.
type crash struct {
	text    strings.Builder
	message string
	stacks  bool
}

// maxCrash bounds the stacks that are kept.
const maxCrash = 64 << 10

func (c *crash) add(line string) {
	if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
		if !c.stacks { // a later one may be printed by a goroutine that still runs
			c.text.Reset()
			c.message = line
		}
	}
	if c.message == "" {
		return
	}
	c.stacks = c.stacks || strings.HasPrefix(line, "goroutine ")
	if c.text.Len() < maxCrash {
		c.text.WriteString(line)
		c.text.WriteByte('\n')
	}
}

// err returns the crash; nil where there was none.
func (c *crash) err() error {
	switch {
	case !c.stacks:
		return nil
	case strings.HasPrefix(c.message, "fatal error: runtime: out of memory"), strings.HasPrefix(c.message, "fatal error: runtime: cannot allocate memory"):
		return &MemoryError{Last: ": " + c.message}
	}
	return &CrashError{Message: c.message, Stack: c.text.String()}
}
