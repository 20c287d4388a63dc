package subprocess

import (
	"context"
	"errors"
	"io/fs"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Order tells a process which attempt it is to do, and what of its run it must know. No secret is
// in it: configs are decoded from the environment of the process that uses them.
type Order struct {
	// Location is the repository that the run is of.
	Location string
	// RunID, Job and Tags are the run's.
	RunID, Job string
	Tags       map[string]string
	// Config is what the request overrides of the node's config, a JSON object; nil for nothing.
	Config []byte
	// ValuesDir is the folder of the default IO handler.
	ValuesDir string
	Task      engine.Task
}

// stop asks a child to end. Timeout means that it is the attempt's time that is over, else it is
// the run.
type stop struct {
	Timeout bool
	Cause   string
}

// call asks the parent for something by name. Answers carry its ID.
type call struct {
	ID     uint64
	Method string
	Args   []byte
}

// cancelCall takes a call back.
type cancelCall struct{ ID uint64 }

// answer is the result of a call, or what was wrong. More means that others follow.
type answer struct {
	ID     uint64
	Fault  *fault
	Result []byte
	More   bool
}

// emitted is an output that was written while the body runs: the arguments of the call "Emit".
type emitted struct {
	Pos   int
	Facts graph.Facts
}

// madeParts are partitions that were made while the step continues with others: the arguments of
// the call "Made".
type madeParts struct {
	Key        partition.Key
	Partitions partition.Set
	Facts      []graph.Facts
}

// failedPart is a partition that was not made: the arguments of the call "Failed".
type failedPart struct {
	Key    partition.Key
	Why    *engine.RemoteError
	Reason storage.FailureReason
}

// fault is an error that crosses: its words, and which of the kinds it is that programs ask for.
type fault struct {
	Message string
	Kinds   []int
}

// kinds are the errors that keep their identity across processes. The order is that of the numbers
// on the wire, which both sides have from the same build.
func kinds() []error {
	return []error{
		storage.ErrNotFound, storage.ErrFenced, storage.ErrRunExists, storage.ErrRunEnded, storage.ErrOwned,
		storage.ErrPoolTooSmall, storage.ErrClosed, iohandler.ErrNoValue, engine.ErrCanceled, engine.ErrSkip,
		context.Canceled, context.DeadlineExceeded, fs.ErrNotExist,
	}
}

// faultOf puts an error into words; nil for nil.
func faultOf(err error) *fault {
	if err == nil {
		return nil
	}
	f := &fault{Message: err.Error()}
	for i, kind := range kinds() {
		if errors.Is(err, kind) {
			f.Kinds = append(f.Kinds, i)
		}
	}
	return f
}

// err returns the error that the words stand for, nil for none.
func (f *fault) err() error {
	if f == nil {
		return nil
	}
	return &crossed{f}
}

// crossed is an error of the parent in a child.
type crossed struct{ *fault }

func (e *crossed) Error() string { return e.Message }

// Is reports whether the error was one of that kind where it happened.
func (e *crossed) Is(target error) bool {
	all := kinds()
	for _, k := range e.Kinds {
		if k < len(all) && all[k] == target {
			return true
		}
	}
	return false
}
