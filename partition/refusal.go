package partition

import (
	"errors"
	"fmt"
	"strings"
)

// refusal is a mistake in what a person gave, as opposed to an error of a key table.
type refusal struct {
	what string
	err  error
}

// Error names the text once, also where the error begins with it.
func (r *refusal) Error() string {
	if rest, same := strings.CutPrefix(r.err.Error(), strings.TrimPrefix(r.what, "partition ")); same {
		return r.what + rest
	}
	return r.what + ": " + r.err.Error()
}
func (r *refusal) Unwrap() error { return r.err }

// refuse is the refusal of a key or a selection.
func refuse(text string, err error) error {
	return &refusal{what: fmt.Sprintf("partition %q", text), err: err}
}

// mostRefusals is the number of mistakes that are listed; more are counted.
const mostRefusals = 20

// joinRefusals joins the first refusals and counts the others.
func joinRefusals(faults []error) error {
	if more := len(faults) - mostRefusals; more > 0 {
		faults = append(faults[:mostRefusals:mostRefusals], &refusal{what: "partitions", err: fmt.Errorf("%d more are refused", more)})
	}
	return errors.Join(faults...)
}

// refused reports whether an error is about the request and not from a key table.
func refused(err error) bool {
	r := (*refusal)(nil)
	return errors.As(err, &r)
}
