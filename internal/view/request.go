package view

import "fmt"

// RequestError is a question about something that does not exist, such as an unknown name. Other
// errors are those of the store.
type RequestError struct{ err error }

// Error returns the text of the cause.
func (e *RequestError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *RequestError) Unwrap() error { return e.err }

// requestf returns a RequestError.
func requestf(format string, args ...any) error { return &RequestError{fmt.Errorf(format, args...)} }
