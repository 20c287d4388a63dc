package partition

import (
	"errors"
	"fmt"
)

// refusal is what is wrong with something that a person gave, as opposed to a key
// table that did not answer.
type refusal struct {
	what string
	err  error
}

func (r *refusal) Error() string { return r.what + ": " + r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// refuse is the refusal of a key or a selection.
func refuse(text string, err error) error {
	return &refusal{what: fmt.Sprintf("partition %q", text), err: err}
}

// mostRefusals is how many mistakes of one kind are explained; more are counted.
const mostRefusals = 20

// joinRefusals joins the first refusals and says how many there are more.
func joinRefusals(faults []error) error {
	if more := len(faults) - mostRefusals; more > 0 {
		faults = append(faults[:mostRefusals:mostRefusals], &refusal{what: "partitions", err: fmt.Errorf("%d more are refused", more)})
	}
	return errors.Join(faults...)
}

// refused reports whether an error is about what was given, and not of a key table.
func refused(err error) bool {
	r := (*refusal)(nil)
	return errors.As(err, &r)
}
