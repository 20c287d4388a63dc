package retry

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/rivers-go/rivers/internal/nearest"
)

// Reason is why an attempt of a step failed. It is a small integer that is stored
// by its word, and it is an error, so that it can stand in [Policy.On] and so that
// a body can return or wrap one to say what kind of failure it met. The zero
// Reason means that none was recorded; it counts as [Error].
type Reason uint8

// The reasons, with the words they are stored by.
const (
	_              Reason = iota
	Error                 // error: the body returned an error or panicked
	OutOfMemory           // out_of_memory: the process that ran it was killed for its memory
	Timeout               // timeout: the attempt took longer than it may
	Infrastructure        // infrastructure: the process or machine that ran it was lost
	Canceled              // canceled: somebody stopped it; never tried again
)

// Transient stands in [Policy.On] for [OutOfMemory], [Timeout] and
// [Infrastructure]: what may well pass if the same thing is done again.
const Transient = group(1<<OutOfMemory | 1<<Timeout | 1<<Infrastructure)

// words are the words of the reasons, in their order.
func words() []string {
	return []string{"error", "out_of_memory", "timeout", "infrastructure", "canceled"}
}

// Error returns the word for the reason, "" for the zero Reason.
func (r Reason) Error() string {
	switch all := words(); {
	case r == 0:
		return ""
	case int(r) <= len(all):
		return all[r-1]
	default:
		return "reason(" + strconv.Itoa(int(r)) + ")"
	}
}

// String returns the word for the reason, "" for the zero Reason.
func (r Reason) String() string { return r.Error() }

// MarshalText returns the word for the reason. It never fails.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.Error()), nil }

// UnmarshalText reads the word for a reason; the empty text is the zero Reason.
func (r *Reason) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*r = 0
		return nil
	}
	all := words()
	at := slices.Index(all, string(text))
	if at < 0 {
		hint := ""
		if near, ok := nearest.Name(string(text), slices.Values(all)); ok {
			hint = fmt.Sprintf(" (did you mean %q?)", near)
		}
		return fmt.Errorf("reason %q: no reason of that name%s: one of %s", text, hint, strings.Join(all, ", "))
	}
	*r = Reason(at + 1)
	return nil
}

// ReasonOf returns the reason that an error carries: the [Reason] in its tree if
// there is one, [Timeout] for a deadline that passed ([context.DeadlineExceeded],
// and errors with a Timeout method that returns true, as network errors), else [Error]. A
// body's own [context.Canceled] is an ordinary error: whether the run was canceled
// is for the run to say. A nil error has the zero Reason.
func ReasonOf(err error) Reason {
	if err == nil {
		return 0
	}
	if r, ok := errors.AsType[Reason](err); ok && r != 0 {
		return r
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Timeout
	}
	if t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && t.Timeout() {
		return Timeout
	}
	return Error
}

// group is a set of reasons, one bit each.
type group uint8

// Error returns the words of the group's reasons.
func (g group) Error() string {
	var in []string
	for i, word := range words() {
		if g.has(Reason(i + 1)) {
			in = append(in, word)
		}
	}
	return strings.Join(in, " or ")
}

func (g group) has(r Reason) bool { return r <= Canceled && g&(1<<r) != 0 }

// typed matches the errors whose tree holds one of type E.
type typed[E error] struct{}

// Type returns a target for [Policy.On] that matches every error in whose tree
// there is one of type E, as [errors.As] finds it:
//
//	On: []error{retry.Type[*net.OpError]()}
func Type[E error]() error { return typed[E]{} }

// Error names the type.
func (typed[E]) Error() string { return reflect.TypeFor[E]().String() }

func (typed[E]) matches(err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// Matches reports whether the policy is for this failure, however many there were.
// err is what happened, or nil if only the reason is known. An empty On matches
// everything. What was canceled matches nothing, whether reason or err reports it; nor
// does anything match [Never] or a [Named] policy that was not replaced.
func (p Policy) Matches(err error, reason Reason) bool {
	if p.role != written || reason == Canceled || errors.Is(err, Canceled) {
		return false
	}
	if reason == 0 {
		reason = Error
	}
	return len(p.On) == 0 || slices.ContainsFunc(p.On, func(target error) bool { return matches(target, err, reason) })
}

// matches reports whether one target of a policy covers a failure.
func matches(target, err error, reason Reason) bool {
	switch t := target.(type) {
	case nil:
		return false // errors.Is(nil, nil) holds, but nothing happened is no failure
	case Reason:
		return t == reason || errors.Is(err, t)
	case group:
		said, ok := errors.AsType[Reason](err)
		return t.has(reason) || ok && t.has(said)
	case interface{ matches(error) bool }:
		return t.matches(err)
	default:
		return errors.Is(err, target)
	}
}
