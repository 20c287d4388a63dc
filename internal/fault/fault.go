package fault

import (
	"errors"
	"strings"
)

// Fault is one mistake in a definition.
type Fault struct {
	// At is the part at fault: "input Users", "retry", "dep orders". Empty means the definition
	// itself.
	At string
	// Message describes what is wrong and what would be right, without the definition's name.
	Message string
	// Kind is the sentinel that errors.Is finds, such as [ErrGraphValidation].
	Kind error
}

// Below returns the fault as one of a larger part: at comes before its own.
func (f Fault) Below(at string) Fault {
	f.At = strings.TrimSpace(at + " " + f.At)
	return f
}

// The kinds of mistakes and refusals, which the root package exports under the same names.
var (
	// ErrDefinition is the kind of every mistake in a definition.
	ErrDefinition = errors.New("invalid definition")
	// ErrGraphValidation is the kind of a definition that does not fit the others.
	ErrGraphValidation = errors.New("invalid graph")
	// ErrAssetNotFound is the kind of a request for an unknown asset or task.
	ErrAssetNotFound = errors.New("no asset or task of that name")
	// ErrJobNotFound is the kind of a request for an unknown job.
	ErrJobNotFound = errors.New("no job of that name")
	// ErrConfig is the kind of a config that does not fit its struct or breaks one of its rules.
	ErrConfig = errors.New("invalid config")
	// ErrPartitionValidation is the kind of an invalid partition definition or of unknown partitions.
	ErrPartitionValidation = errors.New("invalid partitions")
	// ErrNotObservable is the kind of an observation of an asset without an Observe function.
	ErrNotObservable = errors.New("not observable")
	// ErrClosed is the kind of a call on a repository that was shut down.
	ErrClosed = errors.New("the repository is closed")
)

// Each returns the errors that err joins, at any depth, or err itself. It returns nothing for nil.
//
// Only joins are taken apart. An error that wraps several others in a text of its own stays whole.
func Each(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || !isJoin(err, joined.Unwrap()) {
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, Each(one)...)
	}
	return all
}

// isJoin reports whether an error's text is only its members' texts, as errors.Join makes it.
func isJoin(err error, members []error) bool {
	texts := make([]string, len(members))
	for i, one := range members {
		texts[i] = one.Error()
	}
	return err.Error() == strings.Join(texts, "\n")
}
