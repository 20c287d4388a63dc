package rivers

import (
	"fmt"

	"github.com/rivers-go/rivers/internal/engine"
)

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
