package engine

import (
	"errors"
	"fmt"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
)

// loadError is an input that could not be loaded, with what to do about it.
type loadError struct {
	field string
	err   error
	hint  string
}

// Error names the input and describes what its handler said.
func (e *loadError) Error() string { return fmt.Sprintf("input %s: %v", e.field, e.err) }

// Unwrap returns what the handler said.
func (e *loadError) Unwrap() error { return e.err }

// Hint explains what to do about it.
func (e *loadError) Hint() string { return e.hint }

// loadFailure is the error for input k, which reads output v. A handler that has a hint of its own
// knows better.
func (a *attempt) loadFailure(k int, v int32, err error) error {
	e := &loadError{field: a.of.Inputs[k].Field, err: err}
	var own Hinter
	if v < 0 || errors.As(err, &own) {
		return fmt.Errorf("input %s: %w", e.field, err)
	}
	out, node := a.graph.Output(v)
	_, made := a.plan.StepOf(node)
	switch missing := errors.Is(err, iohandler.ErrNoValue); {
	case a.ctx.Err() != nil:
	case a.graph.Node(node).Kind == graph.External:
		e.hint = fmt.Sprintf("%q is made elsewhere: see that it is there, and as its readers expect it", out.Name)
	case made: // this run has just stored it
	case missing:
		e.hint = fmt.Sprintf("materialize %q first, or together with this", out.Name)
	default:
		e.hint = fmt.Sprintf("if the stored value is damaged, materialize %q again", out.Name)
	}
	return e
}
