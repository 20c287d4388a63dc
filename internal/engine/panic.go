package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/rivers-go/rivers/internal/graph"
)

// PanicError is a panic of user code.
type PanicError struct {
	Value any
	// Place is where it began, such as "marts/users.go:12"; empty where that is not known.
	Place string
	Stack string
}

// NewPanicError is the error for a recovered value. The deferred function that recovered it calls this
// itself: the goroutine's stack still has the panic then.
func NewPanicError(value any) *PanicError {
	return &PanicError{Value: value, Place: panicPlace(), Stack: string(debug.Stack())}
}

// aborted returns the error of a body that was ended since a value could not be loaded, nil for a panic of its own.
func aborted(p any) error {
	if abort, ok := p.(*graph.AbortError); ok {
		return abort.Err
	}
	return nil
}

// Error says where the code panicked and with what.
func (e *PanicError) Error() string {
	if e.Place == "" {
		return fmt.Sprintf("panic: %v", e.Value)
	}
	return fmt.Sprintf("panic at %s: %v", e.Place, e.Value)
}

// StackText returns the stack of the goroutine that panicked.
func (e *PanicError) StackText() string { return e.Stack }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// panicPlace is the first line below the panic that is not the standard library's.
func panicPlace() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	library, panicked := "", false
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			library, panicked = strings.TrimSuffix(filepath.ToSlash(f.File), "runtime/panic.go"), true
		case panicked && !strings.HasPrefix(f.Function, "runtime.") && (library == "" || !strings.HasPrefix(f.File, library)):
			return fmt.Sprintf("%s:%d", shortPath(f.File), f.Line)
		}
		if !more {
			return ""
		}
	}
}

// shortPath is relative to the working directory for a file below it.
func shortPath(file string) string {
	if dir, err := os.Getwd(); err == nil {
		if below, ok := strings.CutPrefix(file, dir+string(filepath.Separator)); ok {
			return below
		}
	}
	return file
}
