package fault

// marked is an error with another kind.
type marked struct{ kind, err error }

// Mark returns an error that reads as err, and that [errors.Is] finds as kind too.
func Mark(kind, err error) error { return &marked{kind, err} }

// Error reads as the error that is marked.
func (e *marked) Error() string { return e.err.Error() }

// Unwrap returns the kind and the error.
func (e *marked) Unwrap() []error { return []error{e.kind, e.err} }
