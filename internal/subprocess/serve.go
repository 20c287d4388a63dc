package subprocess

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Variable is the environment variable that makes a program do a step. Its value reports where to
// find who started it, "fd:3", and nothing else.
const Variable = "RIVERS_STEP"

// What the process was started with, before its main could change any of it.
var (
	inherited = os.Getenv(Variable)
	arguments = slices.Clone(os.Args)
)

// Inside reports whether this process was started to do a step of a run in another one.
func Inside() bool { return inherited != "" }

// The exit codes of a process that does a step, for who looks at it from outside. Its parent reads
// the report in their place.
const (
	exitDone   = 0 // the step succeeded, or had nothing to do
	exitFailed = 1 // it did not, and that was reported
	exitLost   = 3 // there is nobody to report to
)

// Step is what a process must know to do a step.
type Step struct {
	Order

	// Storage reads what is recorded, by asking the parent.
	Storage storage.Reader
	// Sink takes what happens while the step is at work.
	Sink engine.Sink
}

// Serve does the step that this process was started for and returns the code to exit with, if it is
// a step of the repository of that name; else it returns false. do does the step, with a context
// that ends when the parent asks for it, and returns what is to be done once the outcome is known;
// it must not start what outlives it.
func Serve(location string, do func(ctx context.Context, s Step) (r engine.Report, after func())) (code int, mine bool) {
	s, err := join()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return exitLost, true
	}
	if s.order.Location != location {
		return 0, false
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	s.listen(cancel)
	report, after := do(ctx, Step{Order: s.order, Storage: remoteReader{s}, Sink: s.sink(ctx)})
	err = s.send(kindReport, report)
	after()
	switch {
	case err != nil:
		_, _ = fmt.Fprintln(os.Stderr, "reporting the outcome of the step:", err)
		return exitLost, true
	case report.Kind == storage.StepFailed || report.Kind == storage.StepCanceled:
		return exitFailed, true
	}
	return exitDone, true
}

// join finds the parent, once: of several repositories in a program each asks whether the step is
// its.
var join = sync.OnceValues(func() (*session, error) {
	number, ok := strings.CutPrefix(inherited, "fd:")
	fd, err := strconv.Atoi(number)
	if !ok || err != nil || !isSocket(fd) {
		return nil, fmt.Errorf("environment variable %s is %q, and there is no connection: rivers sets it for the processes of steps, unset it", Variable, inherited)
	}
	// What the step starts is no step.
	syscall.CloseOnExec(fd)
	if err := os.Unsetenv(Variable); err != nil {
		return nil, fmt.Errorf("unsetting %s: %w", Variable, err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, fmt.Errorf("the connection to the run: %w", err)
	}
	build, err := identity()
	if err != nil {
		return nil, err
	}
	s := &session{conn: newConn(os.NewFile(uintptr(fd), "run"))}
	if err := s.greet(build); err != nil {
		return nil, fmt.Errorf("the connection to the run: %w", err)
	}
	k, message, err := s.receive()
	switch {
	case err != nil:
		return nil, fmt.Errorf("hearing from the run what to do: %w", err)
	case k != kindOrder:
		return nil, fmt.Errorf("hearing from the run what to do: a message of kind %d came first", k)
	}
	if err := decode(message, &s.order); err != nil {
		return nil, fmt.Errorf("hearing from the run what to do: %w", err)
	}
	return s, nil
})

// isSocket reports whether a descriptor is one.
func isSocket(fd int) bool {
	var st syscall.Stat_t
	return syscall.Fstat(fd, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFSOCK
}

// wordAfter is how long after a SIGTERM the parent's word is waited for. It sends both; a service
// manager that stops everything at once does too, and then the parent's word is the better one.
const wordAfter = 500 * time.Millisecond

// listen obeys the parent, and ends the process when the parent is gone.
func (s *session) listen(cancel context.CancelCauseFunc) {
	parent := os.Getppid()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	stopped := make(chan struct{})
	go func() {
		for range signals {
			if os.Getppid() != parent {
				die() // the signal is the system's, for the parent has died
			}
			select {
			case <-stopped:
			case <-time.After(wordAfter):
				cancel(errTerminated)
			}
		}
	}()
	go func() {
		told := sync.OnceFunc(func() { close(stopped) })
		for {
			err := s.obey(told, cancel)
			switch {
			case err == nil:
			case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
				die()
			case errors.Is(err, syscall.EBADF):
				return // the step has closed what is not its own: the parent notices, and ends the process
			default:
				_, _ = fmt.Fprintln(os.Stderr, "the connection to the run:", err)
				os.Exit(exitLost)
			}
		}
	}()
}

// obey obeys one message of the parent.
func (s *session) obey(told func(), cancel context.CancelCauseFunc) error {
	k, message, err := s.receive()
	switch {
	case err != nil:
		return err
	case k == kindAnswer:
		return s.deliver(message)
	case k != kindStop:
		return fmt.Errorf("a message of kind %d, which only a step sends", k)
	}
	var why stop
	if err := decode(message, &why); err != nil {
		return err
	}
	told()
	if !why.Timeout { // the attempt's own context ends with its deadline
		cancel(&stopError{why.Cause})
	}
	return nil
}

// errTerminated is why a step ends that somebody asked to end who is not its parent.
var errTerminated = errors.New("the process of the step was asked to end by a SIGTERM")

// stopError is why a step ends whose run does, in the parent's words.
type stopError struct{ cause string }

func (e *stopError) Error() string { return e.cause }

// Is reports whether target is that the run was canceled.
func (e *stopError) Is(target error) bool { return target == engine.ErrCanceled }

// die ends this process and all that it started, at once: its run goes on elsewhere, or nowhere.
func die() {
	if proc.OwnGroup() {
		_ = syscall.Kill(0, syscall.SIGKILL)
	}
	os.Exit(exitLost)
}

// sink passes on to the parent what the step tells.
func (s *session) sink(ctx context.Context) engine.Sink {
	return engine.Sink{
		Log: func(line storage.LogLine) { _ = s.send(kindLog, line) }, // without a parent the process ends
		Emit: func(pos int, f graph.Facts) error {
			return s.tell(ctx, emitMethod, emitted{Pos: pos, Facts: f})
		},
		Made: func(key partition.Key, set partition.Set, f []graph.Facts) error {
			return s.tell(ctx, madeMethod, madeParts{Key: key, Partitions: set, Facts: f})
		},
		Failed: func(key partition.Key, why *engine.RemoteError, reason storage.FailureReason) error {
			return s.tell(ctx, failedMethod, failedPart{Key: key, Why: why, Reason: reason})
		},
	}
}

// tell has the parent record something, and returns once it has.
func (s *session) tell(ctx context.Context, method string, what any) error {
	args, err := encode(nil, what)
	if err != nil {
		return err
	}
	answers, err := s.call(context.WithoutCancel(ctx), method, args)
	if err != nil {
		return err
	}
	got := <-answers
	return got.Fault.err()
}

// The calls that record the result of the step so far. They are answered in the order of the
// messages.
const (
	emitMethod   = "Emit"
	madeMethod   = "Made"
	failedMethod = "Failed"
)
