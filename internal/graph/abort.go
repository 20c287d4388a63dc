package graph

// Abort is what a value panics with that was to be loaded while a body runs, and could not be: its error is
// the step's, as that of any input.
type Abort struct{ Err error }

// Error returns the text of the error.
func (a *Abort) Error() string { return a.Err.Error() }

// Unwrap returns the error.
func (a *Abort) Unwrap() error { return a.Err }
