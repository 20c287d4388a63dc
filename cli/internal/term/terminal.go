package term

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

// ErrOutput marks an error of writing the output.
var ErrOutput = errors.New("writing the output")

// ErrInterrupted is the cause of a context that a signal canceled.
var ErrInterrupted = errors.New("interrupted")

// Terminal is the output of a program: answers go to Out, everything else to Err.
type Terminal struct {
	Out, Err    io.Writer
	Interactive bool       // Out is a terminal that understands escapes
	Width       func() int // columns of the window
	NoColor     bool
	// QuietFor is the silence after which plain output lists the running steps.
	QuietFor time.Duration

	view        atomic.Pointer[live]   // the live view of the current run, nil for none
	onInterrupt atomic.Pointer[string] // printed at the first Ctrl-C, nil for the text of a run
}

// New returns the terminal of a process.
func New(out, errs *os.File) *Terminal {
	interactive := term.IsTerminal(int(out.Fd())) && os.Getenv("TERM") != "dumb"
	return &Terminal{
		Out: &cleaner{out, interactive}, Err: &cleaner{errs, term.IsTerminal(int(errs.Fd()))}, QuietFor: 30 * time.Second,
		Interactive: interactive,
		Width: func() int {
			w, _, err := term.GetSize(int(out.Fd()))
			if err != nil || w <= 0 {
				return 80
			}
			return w
		},
	}
}

// Printf formats to Out.
func (t *Terminal) Printf(format string, args ...any) { fmt.Fprintf(t.Out, format, args...) }

// Println writes a line to Out.
func (t *Terminal) Println(args ...any) { fmt.Fprintln(t.Out, args...) }

// Warnln writes a line to Err.
func (t *Terminal) Warnln(args ...any) { fmt.Fprintln(t.Err, args...) }

// Say prints a remark while a command works: above the live view if there is one, otherwise to Err.
func (t *Terminal) Say(text string) {
	if view := t.view.Load(); view != nil {
		view.above(t.Paint(Yellow, text))
		return
	}
	fmt.Fprintln(t.Err, text)
}

// PrintJSONLine prints a document on one line, for streams. An error wraps ErrOutput.
func (t *Terminal) PrintJSONLine(v any) error {
	enc := json.NewEncoder(t.Out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("%w: %w", ErrOutput, err)
	}
	return nil
}

// PrintJSON prints one indented document. An error wraps ErrOutput.
func (t *Terminal) PrintJSON(v any) error {
	enc := json.NewEncoder(t.Out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("%w: %w", ErrOutput, err)
	}
	return nil
}
