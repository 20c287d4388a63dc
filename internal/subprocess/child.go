package subprocess

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/storage"
)

// child is the process of one attempt, as its parent sees it.
type child struct {
	launcher *Launcher
	ctx      context.Context //nolint:containedctx // a child lives as long as its attempt
	order    Order
	to       engine.Sink
	timeouts timeouts
	grace    time.Duration

	cmd    *exec.Cmd
	group  proc.Group
	socket *os.File
	conn   *conn
	stdout *output
	stderr *output
	bound  bound         // holds the group to its memory, nil where it is not bounded
	eaten  *MemoryError  // what it found, nil unless the group was killed for its memory
	kills  int64         // how many processes the system had killed for memory before
	heard  chan struct{} // closed when nothing more is to be heard

	mu       sync.Mutex
	exited   bool // the leader has ended
	over     bool // and was waited for: its number may be another's
	greeted  bool // it asked for its step
	ordered  bool // and was told
	stopping bool
	why      error // why it was killed here, nil if it was not
	report   *engine.Report
	lost     error // what happened to the connection, nil while it stands
	stuck    chan struct{}
	timers   []*time.Timer
	calls    map[uint64]context.CancelFunc
}

// do starts the process, sees it through and describes what came of it.
func (c *child) do() (engine.Report, error) {
	c.heard, c.stuck, c.calls = make(chan struct{}), make(chan struct{}), map[uint64]context.CancelFunc{}
	var state *os.ProcessState
	var failed error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		// The system tells a child of the end of the thread that started it: this one stays until it is
		// over.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if failed = c.start(); failed == nil {
			state = c.watch()
		}
	}()
	select {
	case <-ended:
	case <-c.stuck: // not even SIGKILL ends it: it waits for a device
		return engine.Report{}, &NotStoppedError{After: c.grace + c.timeouts.reap, Last: c.tail()}
	}
	if failed != nil {
		return engine.Report{}, failed
	}
	return c.outcome(state)
}

// start starts the process. What it leaves open on an error it closes.
func (c *child) start() (err error) {
	var theirs *os.File
	defer func() {
		_ = theirs.Close() // the child has its own by now
		if err != nil {
			c.close()
			err = &StartError{err}
		}
	}()
	if c.socket, theirs, err = socketPair(); err != nil {
		return err
	}
	c.conn = newConn(c.socket)
	if c.stdout, err = newOutput(); err != nil {
		return err
	}
	if c.stderr, err = newOutput(); err != nil {
		return err
	}
	path := c.launcher.program
	if path == "" {
		if path, err = program(); err != nil {
			return err
		}
	}
	memory := c.order.Task.Memory
	attr := attributes()
	if memory > 0 {
		c.bound = newBound(memory, attr)
	}
	c.kills = systemKills()
	command := func(attr *syscall.SysProcAttr) *exec.Cmd {
		return &exec.Cmd{
			Path: path, Args: arguments, Env: slices.Concat(c.launcher.environment(memory), c.order.Task.Environ),
			Stdout: c.stdout.to, Stderr: c.stderr.to, ExtraFiles: []*os.File{theirs}, SysProcAttr: attr,
		}
	}
	c.cmd = command(attr)
	err = c.cmd.Start()
	if _, watched := c.bound.(*watcher); err != nil && c.bound != nil && !watched {
		// Some sandboxes forbid to start a process in a group: then it is watched.
		c.bound.end()
		c.bound = newWatcher(memory)
		c.cmd = command(attributes())
		err = c.cmd.Start()
	}
	if err != nil {
		return err
	}
	c.group.ID = c.cmd.Process.Pid
	_, _ = c.stdout.to.Close(), c.stderr.to.Close()
	return nil
}

// watch sees the process through to its end, and takes its group with it.
func (c *child) watch() *os.ProcessState {
	go c.stdout.copy(storage.StreamStdout, c.to.Log)
	go c.stderr.copy(storage.StreamStderr, c.to.Log)
	go c.listen()
	c.after(c.timeouts.greeting, func() {
		if !c.is(&c.greeted) {
			c.kill(&NoHandshakeError{How: fmt.Sprintf("was still running %s later", c.timeouts.greeting)})
		}
	})
	stop := context.AfterFunc(c.ctx, c.stop)
	if c.bound != nil {
		c.bound.begin(&c.group, func(peak int64) { c.kill(&MemoryError{Limit: c.order.Task.Memory, Peak: peak}) })
	}
	c.awaitExit()
	stop()
	c.mu.Lock()
	c.exited = true
	c.mu.Unlock()
	// What it said is taken in first: whether it reported decides what becomes of what it left behind.
	_ = c.socket.SetReadDeadline(time.Now().Add(c.timeouts.exit)) // somebody outside may have what the child had
	<-c.heard
	c.awaitLateOutput()
	_ = c.group.Signal(syscall.SIGKILL) // what it left behind
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	_ = c.cmd.Wait() // the state tells it better
	c.settle()
	return c.cmd.ProcessState
}

// awaitLateOutput gives what the step left behind a moment to write what it has to say. A step that
// did not end well, or is to stop, leaves nothing that is worth it.
func (c *child) awaitLateOutput() {
	c.mu.Lock()
	well := c.report != nil && c.why == nil && !c.stopping
	c.mu.Unlock()
	if !well {
		return
	}
	late := time.NewTimer(c.timeouts.late)
	defer late.Stop()
	for _, o := range [2]*output{c.stdout, c.stderr} {
		select {
		case <-o.done:
		case <-c.ctx.Done():
			return
		case <-late.C:
			c.say("a process that the step left behind still had its output open, and was killed",
				"after", c.timeouts.late.String(), "hint", "wait for it, or start it in a session of its own with its output elsewhere")
			return
		}
	}
}

// settle waits until what the process printed is taken in, and frees what it held.
func (c *child) settle() {
	deadline := time.Now().Add(c.timeouts.exit) // as above
	_ = c.stdout.from.SetReadDeadline(deadline)
	_ = c.stderr.from.SetReadDeadline(deadline)
	<-c.stdout.done
	<-c.stderr.done
	c.mu.Lock()
	for _, t := range c.timers {
		t.Stop()
	}
	for _, cancelCall := range c.calls {
		cancelCall()
	}
	c.mu.Unlock()
	if c.bound != nil && c.bound.exceeded() {
		c.eaten = &MemoryError{Limit: c.order.Task.Memory, Peak: c.bound.peak()}
	}
	c.close()
}

// close frees all that the process had here.
func (c *child) close() {
	_ = c.socket.Close()
	c.stdout.close()
	c.stderr.close()
	if c.bound != nil {
		c.bound.end()
	}
}

// after calls f once, unless the process is over by then.
func (c *child) after(d time.Duration, f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.timers = append(c.timers, time.AfterFunc(d, f))
	}
}

// cause is why the attempt is to end.
func (c *child) cause() error { return context.Cause(c.ctx) }

func (c *child) is(flag *bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *flag
}

// kill ends the whole group, and remembers the first reason.
func (c *child) kill(why error) {
	c.mu.Lock()
	if c.over {
		c.mu.Unlock()
		return
	}
	first := c.why == nil
	if first {
		c.why = why
	}
	_ = c.group.Signal(syscall.SIGKILL)
	c.mu.Unlock()
	if first {
		c.after(c.timeouts.reap, func() {
			if !c.is(&c.exited) {
				close(c.stuck)
			}
		})
	}
}

// stop tells the process that its run, or its time, is over. One that has not heard of a step has
// nothing to finish; one whose run is another's by now has nothing to say.
func (c *child) stop() {
	cause := c.cause()
	c.mu.Lock()
	c.stopping = true
	ordered := c.ordered
	c.mu.Unlock()
	if !ordered || errors.Is(cause, storage.ErrFenced) {
		c.kill(errNotStarted)
		return
	}
	var late *engine.TimeoutError
	told := make(chan struct{})
	go func() {
		defer close(told)
		_ = c.conn.send(kindStop, stop{Timeout: errors.As(cause, &late), Cause: cause.Error()})
	}()
	select {
	case <-told:
	case <-time.After(wordAfter / 2): // it reads nothing; the signal is another way
	}
	c.mu.Lock()
	if !c.over {
		_ = c.group.Signal(syscall.SIGTERM)
	}
	c.mu.Unlock()
	c.after(c.grace, func() { c.kill(&NotStoppedError{After: c.grace}) })
}

// say writes a line of our own into the log of the step.
func (c *child) say(text string, args ...any) {
	c.to.Log(warning(text, args...))
}

func warning(text string, args ...any) storage.LogLine {
	line := storage.LogLine{Level: slog.LevelWarn, Message: text}
	for i := 0; i+1 < len(args); i += 2 {
		line.Message += fmt.Sprintf("; %v: %v", args[i], args[i+1])
	}
	return line
}

// tail has the last lines of stderr, to stand behind a message.
func (c *child) tail() string {
	select {
	case <-c.stderr.done:
		return c.stderr.last.Text()
	default:
		return ""
	}
}
