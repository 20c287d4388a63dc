package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/storage"
)

// The exit codes; the text below is what --help says of them.
const (
	exitOK         = 0
	exitFailed     = 1
	exitUsage      = 2
	exitDefinition = 3
	exitStorage    = 4
	exitCanceled   = 130
)

// ExitCodes documents the exit codes of every program made by this package.
const ExitCodes = `Exit codes:
  0    the command did what was asked
  1    a run, an observation or a check of the store found a failure
  2    the request is wrong: a flag, a selection, a config, a name that does not exist
  3    the definitions are wrong (validate lists every mistake)
  4    the store is not to be had: its path, its schema version, the disk
  130  canceled by Ctrl-C or SIGTERM`

var errInterrupted = errors.New("interrupted")

// failedError is a run that was carried out and did not succeed: it has been shown already.
type failedError struct{ err error }

func (e *failedError) Error() string { return e.err.Error() }
func (e *failedError) Unwrap() error { return e.err }

// storageError is a store that could not be opened or read.
type storageError struct{ err error }

func (e *storageError) Error() string { return e.err.Error() }
func (e *storageError) Unwrap() error { return e.err }

// exitCode maps an error to its exit code, the most telling kind first.
func exitCode(err error) int {
	var failed *failedError
	var schema *storage.SchemaError
	var store *storageError
	switch {
	case errors.Is(err, rivers.ErrRunCanceled), errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return exitCanceled
	case errors.As(err, &failed):
		return exitFailed
	case errors.Is(err, rivers.ErrDefinition):
		return exitDefinition
	case errors.As(err, &schema), errors.As(err, &store), errors.Is(err, storage.ErrClosed):
		return exitStorage
	}
	return exitUsage
}

// shownError is what is printed of an error; nothing of a failure that was shown.
func shownError(err error) string {
	if _, ok := errors.AsType[*failedError](err); ok {
		return ""
	}
	return strings.TrimRight(err.Error(), "\n")
}
