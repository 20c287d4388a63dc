package subprocess

import (
	"errors"
	"os"
	"syscall"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/storage"
)

// outcome describes what came of the process, once it is gone. Its report counts where there is
// one, whatever happened afterwards; else why it was killed here; else how it ended.
func (c *child) outcome(state *os.ProcessState) (engine.Report, error) {
	c.mu.Lock()
	report, why, stopping, greeted, lost := c.report, c.why, c.stopping, c.greeted, c.lost
	c.mu.Unlock()
	last := c.stderr.last.Text()
	var status syscall.WaitStatus
	if state != nil { // nil where the program has another who waits for all of its children
		status, _ = state.Sys().(syscall.WaitStatus)
	}
	if report != nil {
		c.remark(report, why, status)
		if report.Kind == storage.StepCanceled && !stopping {
			return engine.Report{}, &SignalError{Signal: syscall.SIGTERM, Last: last}
		}
		return *report, nil
	}
	if c.eaten != nil {
		return engine.Report{}, withLast(c.eaten, last)
	}
	var stubborn *NotStoppedError
	switch {
	case errors.As(why, &stubborn):
		return engine.Report{}, &NotStoppedError{After: stubborn.After, Last: last}
	case stopping:
		return engine.Report{}, &stoppedError{c.cause()}
	case why != nil:
		return engine.Report{}, withLast(why, last)
	case !greeted:
		return engine.Report{}, &NoHandshakeError{How: "ended (" + state.String() + ")", Last: last}
	case lost != nil:
		return engine.Report{}, &LostError{What: lost.Error(), Last: last}
	case status.Signaled() && status.Signal() == syscall.SIGKILL && systemKills() > c.kills:
		return engine.Report{}, &MemoryError{Last: last}
	case status.Signaled():
		return engine.Report{}, &SignalError{Signal: status.Signal(), Last: last}
	}
	if err := c.stderr.crash.err(); err != nil && status.ExitStatus() == crashCode {
		return engine.Report{}, err
	}
	return engine.Report{}, &ExitError{Code: status.ExitStatus(), Last: last}
}

// crashCode is the exit code of a program that the Go runtime ends.
const crashCode = 2

// remark logs what went wrong after the report, which changes nothing.
func (c *child) remark(report *engine.Report, why error, status syscall.WaitStatus) {
	want := exitDone
	if report.Kind == storage.StepFailed || report.Kind == storage.StepCanceled {
		want = exitFailed
	}
	switch {
	case why != nil:
		c.say("the step was done, and its process did not end by itself", "error", why)
	case status.Signaled():
		c.say("the step was done, and then a signal ended its process", "signal", status.Signal())
	case status.ExitStatus() != want:
		c.say("the step was done, and its process ended with another exit code than it should", "code", status.ExitStatus())
	}
}

// withLast adds the last lines of stderr to an error that was made before they were known.
func withLast(err error, last string) error {
	switch e := err.(type) { //nolint:errorlint // made by this package, and never wrapped
	case *MemoryError:
		return &MemoryError{Limit: e.Limit, Peak: e.Peak, Last: last}
	case *LostError:
		return &LostError{What: e.What, Last: last}
	case *NoHandshakeError:
		return &NoHandshakeError{How: e.How, Last: last}
	}
	return err
}
