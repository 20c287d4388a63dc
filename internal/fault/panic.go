package fault

import (
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
)

// PanicError is a panic of user code.
type PanicError struct {
	Value any
	// Place is the line that panicked, such as "marts/users.go:12"; empty if unknown.
	Place string
	Stack string
}

// Guard calls f and returns its error. A panic of f becomes a [PanicError].
func Guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = NewPanicError(p)
		}
	}()
	return f()
}

// NewPanicError returns the error for a recovered value. Call it in the deferred function that
// recovered the value: until that function returns, the goroutine's stack still shows the panic.
func NewPanicError(value any) *PanicError {
	return &PanicError{Value: value, Place: panicPlace(), Stack: string(debug.Stack())}
}

// Error returns the place of the panic and its value.
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

// panicPlace returns the first line below the panic that is outside the standard library.
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
