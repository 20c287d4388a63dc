package graph

// AbortError is what a value panics with that was to be loaded while a body runs, and could not be: its error is
// the step's, as that of any input.
type AbortError struct{ Err error }

// Error returns the text of the error.
func (a *AbortError) Error() string { return a.Err.Error() }

// Unwrap returns the error.
func (a *AbortError) Unwrap() error { return a.Err }
