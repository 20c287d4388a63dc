package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/storage"
)

// The exit codes. ExitCodes describes them.
const (
	exitOK         = 0
	exitFailed     = 1
	exitUsage      = 2
	exitDefinition = 3
	exitStorage    = 4
	exitOther      = 5
	exitCanceled   = 130
)

// ExitCodes documents the exit codes of every program made by this package.
const ExitCodes = `Exit codes:
  0    success
  1    a run, an observation or a check failed; with --exit-code, an asset is late
  2    invalid request: a flag, a selection, a config or an unknown name
  3    invalid definitions (validate lists every mistake)
  4    the store is not available: its path, its schema version, the disk
  5    another error: a resource, a file, the output
  130  canceled by Ctrl-C or SIGTERM`

// failedError is a failure that was already shown.
type failedError struct {
	err  error
	code int
}

func (e *failedError) Error() string { return e.err.Error() }
func (e *failedError) Unwrap() error { return e.err }

// usageError is an invalid request.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usagef returns a usageError.
func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// BadRequest marks an error as a mistake in the request, so that the program exits with code 2. Use
// it in commands added to those of this package. Nil stays nil.
func BadRequest(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

// storageError is a store that could not be opened, read or written.
type storageError struct{ err error }

func (e *storageError) Error() string { return e.err.Error() }
func (e *storageError) Unwrap() error { return e.err }

// exitCode returns the exit code of an error. The most specific kind wins.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if failed, ok := errors.AsType[*failedError](err); ok {
		return failed.code
	}
	for _, kind := range exitKinds {
		if kind.fits(err) {
			return kind.code
		}
	}
	return exitOther
}

// exitKinds maps kinds of errors to exit codes.
var exitKinds = []struct {
	code int
	fits func(error) bool
}{
	{exitCanceled, isAny(rivers.ErrRunCanceled, term.ErrInterrupted, context.Canceled)},
	{exitOther, isAny(term.ErrOutput)},
	{exitFailed, isAny(rivers.ErrCheckBlocked, iohandler.ErrNoValue)},
	{exitDefinition, isAny(rivers.ErrDefinition)},
	{exitUsage, as[*usageError]},
	{exitUsage, as[*view.RequestError]},
	{exitUsage, isAny(rivers.ErrAssetNotFound, rivers.ErrJobNotFound, rivers.ErrConfig, rivers.ErrNotObservable, rivers.ErrPartitionValidation, storage.ErrRunExists)},
	{exitStorage, as[*storageError]},
	{exitStorage, as[*storage.SchemaError]},
	{exitStorage, isAny(storage.ErrClosed, storage.ErrFenced)},
}

func as[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func isAny(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, target := range targets {
			if errors.Is(err, target) {
				return true
			}
		}
		return false
	}
}

// shownError returns the text of an error, empty for a failure that was already shown.
func shownError(err error) string {
	if as[*failedError](err) {
		return ""
	}
	return strings.TrimRight(err.Error(), "\n")
}

// requestError marks an error of a resume or a retry as an invalid request, unless it has another
// kind.
func requestError(err error) error {
	if err == nil || exitCode(err) != exitOther || errors.Is(err, context.Canceled) {
		return err
	}
	return BadRequest(err)
}
