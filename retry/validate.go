package retry

import (
	"errors"
	"fmt"
	"math"
)

// Validate returns every fault of the policy, joined, each a sentence of its own.
// It does not know which names are registered: a [Named] policy is faulty only
// without a name.
func (p Policy) Validate() error {
	switch p.role {
	case never, reference:
		return p.validateBare()
	}
	if p.IsZero() {
		return nil
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch {
	case p.Max < 0:
		fault("retry: Max is %d: give the number of retries after the first attempt, or use retry.Never() for none", p.Max)
	case p.Max == 0:
		fault("retry: Max is 0, so the rest of the policy has no effect: give the number of retries, or use retry.Never() for none")
	}
	if p.MaxDelay < 0 {
		fault("retry: MaxDelay is %s: give a positive duration, or 0 for no limit", p.MaxDelay)
	}
	if !(p.Jitter >= 0 && p.Jitter <= 1) { // also when it is NaN
		fault("retry: Jitter is %v: give a share between 0 and 1", p.Jitter)
	}
	faults = append(faults, p.Backoff.faults()...)
	for i, target := range p.On {
		switch target {
		case nil:
			fault("retry: On[%d] is nil: name a reason or an error", i)
		case Canceled:
			fault("retry: On[%d] is canceled: what was canceled is never tried again", i)
		case Reason(0):
			fault("retry: On[%d] is the zero Reason: name a reason, such as retry.Timeout", i)
		}
	}
	return errors.Join(faults...)
}

// validateBare checks a policy made by a function, whose fields must be left alone.
func (p Policy) validateBare() error {
	if p.role == reference && p.name == "" {
		return errors.New("retry: the named policy has no name: give the name it is registered under")
	}
	bare := p
	bare.role, bare.name = written, ""
	if !bare.IsZero() {
		return fmt.Errorf("retry: the policy %s has fields of its own, which have no effect: leave them out", p)
	}
	return nil
}

// faults are the faults of a backoff, one for each number that makes no sense.
func (b Backoff) faults() []error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if b.initial < 0 {
		fault("retry: the backoff %s begins with %s: give a duration of 0 or more", b, b.initial)
	}
	if b.step < 0 {
		fault("retry: the backoff %s grows by %s: give a duration of 0 or more", b, b.step)
	}
	if b.shape == exponential && (!(b.factor > 0) || math.IsInf(b.factor, 1)) { // also when it is NaN
		fault("retry: the backoff %s has the factor %v: give a number above 0, such as 2", b, b.factor)
	}
	if b.shape == fixed && b.schedule == "" {
		fault("retry: the backoff %s has an empty schedule: give at least one duration", b)
	}
	for i := range b.entries() {
		if d := b.entry(i); d < 0 {
			fault("retry: the backoff %s has the delay %s at %d: give a duration of 0 or more", b, d, i+1)
		}
	}
	return faults
}
