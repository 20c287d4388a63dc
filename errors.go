package rivers

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/launch"
)

// The kinds of mistakes and refusals, matched with [errors.Is].
var (
	// ErrDefinition is what every mistake in a definition is: all that [CodeRepository.Validate]
	// reports.
	ErrDefinition = fault.ErrDefinition
	// ErrGraphValidation is a definition that does not fit the others: a name that is taken, an
	// upstream that does not exist or has another type, a cycle.
	ErrGraphValidation = fault.ErrGraphValidation
	// ErrAssetNotFound is a request that names an asset or task that the repository does not have.
	ErrAssetNotFound = fault.ErrAssetNotFound
	// ErrJobNotFound is a request that names a job that the repository does not have.
	ErrJobNotFound = fault.ErrJobNotFound
	// ErrConfig is a config that does not fit its struct, or breaks one of its rules.
	ErrConfig = fault.ErrConfig
	// ErrPartitionValidation is a definition of partitions that is wrong, or a request for unknown
	// partitions.
	ErrPartitionValidation = fault.ErrPartitionValidation
	// ErrNotObservable is an observation of what has no Observe function.
	ErrNotObservable = fault.ErrNotObservable
	// ErrClosed is a call on a repository that was shut down.
	ErrClosed = fault.ErrClosed
)

// DefinitionError is one mistake in a definition. [CodeRepository.Validate] returns all of them
// joined; [errors.As] finds the first, and an error's Unwrap() []error lists them.
type DefinitionError struct {
	// Kind is what was defined: "asset", "multi-asset", "graph asset", "external asset", "task",
	// "bash task", "job", "repository".
	Kind string
	// Name is the definition's.
	Name string
	// Position is where it stands in the source, such as "pipeline.go:14"; empty when not known.
	Position string
	// At is the part at fault, such as "input Users"; empty for the definition as a whole.
	At string
	// Message is the problem and its remedy.
	Message string
	// Err is the kind of mistake: [ErrDefinition] or a narrower one.
	Err error
}

// Error is one line: position, definition, part and message.
func (e *DefinitionError) Error() string {
	at := fault.LocatedError{
		Fault:    fault.Fault{At: e.At, Message: e.Message},
		KindName: e.Kind, Name: e.Name, Position: e.Position,
	}
	return at.Error()
}

// Unwrap returns Err.
func (e *DefinitionError) Unwrap() error { return e.Err }

// Is reports whether target is [ErrDefinition], which every mistake in a definition is.
func (e *DefinitionError) Is(target error) bool { return target == ErrDefinition }

// definitionErrors are all mistakes of a repository, in the order of its definitions.
type definitionErrors []*DefinitionError

// Error has one line for each mistake.
func (e definitionErrors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lists the mistakes for [errors.Is] and [errors.As].
func (e definitionErrors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// ErrCheckBlocked is wrapped by the error of a run that would load a value that failed a check with
// BlockLater; see [CheckSpec].
var ErrCheckBlocked = launch.ErrCheckBlocked

// ErrSkip is wrapped by the error of a function that has nothing to do: its step is recorded
// skipped, with what is downstream of it, and the run does not fail. See [Skip].
var ErrSkip = engine.ErrSkip

// Skip returns an error that wraps [ErrSkip]: a function returns it to skip itself, with a reason
// that people read.
func Skip(reason string) error {
	if reason == "" {
		return ErrSkip
	}
	return fmt.Errorf("%w: %s", ErrSkip, reason)
}

// newDefinitionErrors turns mistakes of a catalog into public ones.
func newDefinitionErrors(mistakes fault.LocatedErrors) definitionErrors {
	all := make(definitionErrors, len(mistakes))
	for i, m := range mistakes {
		all[i] = &DefinitionError{Kind: m.KindName, Name: m.Name, Position: m.Position, At: m.At, Message: m.Message, Err: m.Kind}
	}
	return all
}

// publicError makes mistakes of a definition inside err public. Most show in Validate, those of an
// action that an IO handler brings only when somebody asks for it.
func publicError(err error) error {
	var mistakes fault.LocatedErrors
	if !errors.As(err, &mistakes) {
		return err
	}
	return fault.Mark(newDefinitionErrors(mistakes), err)
}
