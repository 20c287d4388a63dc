package subprocess

import (
	"fmt"
	"syscall"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// How the process of a step can end without a report: each way is an error with the reason that
// retry policies see, and what to do about it. Last has the last lines of its stderr.

// ExitError is a process that ended by itself before its step was done.
type ExitError struct {
	Code int
	Last string
}

// Error reports with which code.
func (e *ExitError) Error() string {
	return fmt.Sprintf("the step's process ended with exit code %d before the step was done%s", e.Code, e.Last)
}

// FailureReason is that of user code: somebody called for the end.
func (e *ExitError) FailureReason() storage.FailureReason { return storage.ReasonError }

// Hint names what mostly does it.
func (e *ExitError) Hint() string {
	return "return an error in place of os.Exit, log.Fatal and the like: they end the process before anything can be reported"
}

// CrashError is a process that the Go runtime ended: a panic in a goroutine that the body had
// started, or a fatal error.
type CrashError struct {
	// Message is the line that the runtime printed, Stack all that was printed from there on.
	Message, Stack string
}

// Error is what the runtime said.
func (e *CrashError) Error() string { return e.Message }

// FailureReason is that of user code.
func (e *CrashError) FailureReason() storage.FailureReason { return storage.ReasonError }

// StackText returns the stacks that the runtime printed.
func (e *CrashError) StackText() string { return e.Stack }

// Hint explains why the whole process ended.
func (e *CrashError) Hint() string {
	return "a panic in a goroutine that the function starts ends the process: recover in that goroutine and hand the error over"
}

// SignalError is a process that a signal ended which nobody here has sent.
type SignalError struct {
	Signal syscall.Signal
	Last   string
}

// Error names the signal.
func (e *SignalError) Error() string {
	return fmt.Sprintf("the step's process was ended by signal %d (%s), which the run did not send%s", int(e.Signal), e.Signal, e.Last)
}

// FailureReason is that of what surrounds the step.
func (e *SignalError) FailureReason() storage.FailureReason { return storage.ReasonInfrastructure }

// Hint explains what to look for.
func (e *SignalError) Hint() string {
	if e.Signal == syscall.SIGKILL {
		return "somebody killed it, or the system did for want of memory: look into the system's log, and bound what steps use with Compute.Memory"
	}
	return "look into the system's log for who sends it"
}

// MemoryError is a process that was killed for its memory.
type MemoryError struct {
	// Limit is what the step may have, zero where the machine itself ran out. Peak is the most that
	// was seen, zero where nobody looked.
	Limit, Peak int64
	Last        string
}

// Error reports how much it had and how much it may have.
func (e *MemoryError) Error() string {
	switch {
	case e.Limit == 0:
		return "the step's process was killed while the machine, or the container, ran out of memory" + e.Last
	case e.Peak > e.Limit && amount(e.Peak) != amount(e.Limit): // the kernel stops it at the limit
		return fmt.Sprintf("the step's processes had %s of memory, may have %s, and were killed%s", amount(e.Peak), amount(e.Limit), e.Last)
	default:
		return fmt.Sprintf("the step's processes wanted more than the %s of memory that they may have, and were killed%s", amount(e.Limit), e.Last)
	}
}

// FailureReason is the memory.
func (e *MemoryError) FailureReason() storage.FailureReason { return storage.ReasonOutOfMemory }

// Hint explains where the limit stands.
func (e *MemoryError) Hint() string {
	if e.Limit == 0 {
		return "run fewer steps at once, or bound each with Compute.Memory so that the one that needs too much is the one that is killed"
	}
	return "raise Compute.Memory, or let the function hold less at a time"
}

// LostError is a process that lives and can no longer be heard.
type LostError struct {
	// What happened to the connection.
	What string
	Last string
}

// Error reports what happened to the connection.
func (e *LostError) Error() string {
	return fmt.Sprintf("the connection to the step's process is lost: %s%s", e.What, e.Last)
}

// FailureReason is that of what surrounds the step.
func (e *LostError) FailureReason() storage.FailureReason { return storage.ReasonInfrastructure }

// Hint names the descriptor.
func (e *LostError) Hint() string {
	return fmt.Sprintf("file descriptor %d of a step's process is its connection to the run: do not close it or write to it", childFD)
}

// StartError is a process that could not be started.
type StartError struct{ Err error }

// Error reports what the system said.
func (e *StartError) Error() string {
	return fmt.Sprintf("starting a process for the step: %v", e.Err)
}

// Unwrap returns what the system said.
func (e *StartError) Unwrap() error { return e.Err }

// FailureReason is that of what surrounds the step.
func (e *StartError) FailureReason() storage.FailureReason { return storage.ReasonInfrastructure }

// NoHandshakeError is a process that did not ask for its step.
type NoHandshakeError struct {
	// How it ended, or that it did not.
	How  string
	Last string
}

// Error reports what it did instead.
func (e *NoHandshakeError) Error() string {
	return fmt.Sprintf("the process that was started for the step did not ask for it and %s%s", e.How, e.Last)
}

// FailureReason is that of the program.
func (e *NoHandshakeError) FailureReason() storage.FailureReason { return storage.ReasonError }

// Hint names the missing line.
func (e *NoHandshakeError) Hint() string {
	return "the program is started anew for each step: let its main call repo.ServeStep before it does anything else, as cli.Main does"
}

// BuildMismatchError is a process of another build than this one.
type BuildMismatchError struct{ This, Other string }

// Error names both builds.
func (e *BuildMismatchError) Error() string {
	return fmt.Sprintf("the program's file was replaced while it runs: this process is of %s, the one that was started for the step of %s", e.This, e.Other)
}

// FailureReason is that of what surrounds the step.
func (e *BuildMismatchError) FailureReason() storage.FailureReason {
	return storage.ReasonInfrastructure
}

// Hint explains what to do.
func (e *BuildMismatchError) Hint() string {
	return "start the program anew, and resume the run: builds that differ might misunderstand each other"
}

// NotStoppedError is a process that did not stop when it was told to.
type NotStoppedError struct {
	// After is how long it was waited for; Last as everywhere.
	After time.Duration
	Last  string
}

// Error reports how long it was waited for.
func (e *NotStoppedError) Error() string {
	return fmt.Sprintf("the step's process was still running %s after it was told to stop, and was killed%s", e.After, e.Last)
}

// Hint explains what a body has to do.
func (e *NotStoppedError) Hint() string { return "let the function end when its context does" }

// stoppedError is a process that ended when it was told to, without a report.
type stoppedError struct{ cause error }

func (e *stoppedError) Error() string { return fmt.Sprintf("stopped: %v", e.cause) }
func (e *stoppedError) Unwrap() error { return e.cause }

// amount is a number of bytes for people.
func amount(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	default:
		return fmt.Sprintf("%d KiB", n>>10)
	}
}
