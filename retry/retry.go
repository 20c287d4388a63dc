// Package retry decides when a failed step is retried, and after which delay.
//
// A [Policy] is a plain value: how many retries, the [Backoff] between them, and
// for which failures. It is asked in two places, and they must agree. The process
// that ran the body matches the error, for an error does not survive an event or a
// socket; a later replay of the run's events reads the verdict and the delay it
// recorded. So a decision depends on nothing but its arguments: there is no clock
// here, and the jitter comes from a hash ([Seed]) of run, step and attempt, never
// from a random generator. The same failure gives the same delay in every process.
//
// # Which policy counts
//
// The nearest non-zero policy applies: the asset's, the job's, the repository's
// ([Nearest]). The zero Policy is unspecified. To stop a farther policy from
// counting, say [Never]; to use one that the repository registers, say [Named].
//
// # Why a step failed
//
// Each failure has a [Reason], and a Reason is an error, so [Policy.On] lists
// reasons and the program's own errors alike:
//
//	retry.Policy{
//		Max: 3, Backoff: retry.Exponential(time.Second, 2),
//		On: []error{retry.OutOfMemory, sql.ErrConnDone},
//	}
package retry

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Policy defines how often, when, and after which failures a step is retried. The
// zero Policy is unspecified, so that a farther one applies. A Policy is read only
// and may be shared by any number of goroutines.
type Policy struct {
	// Max is how many times a step is tried again after its first attempt. Zero
	// tries nothing again.
	Max int
	// Backoff is how long to wait before each retry. The zero Backoff does not wait.
	Backoff Backoff
	// MaxDelay is the longest Backoff may ask for; zero is no limit. Jitter is
	// applied afterwards and may exceed it by its share.
	MaxDelay time.Duration
	// Jitter spreads the delay evenly over its share on both sides: 0.2 is between
	// 80 and 120 percent. It lies between 0, none, and 1.
	Jitter float64
	// On lists the failures to try again: reasons such as [OutOfMemory], the group
	// [Transient], errors compared by [errors.Is], types made by [Type]. Empty
	// means every failure. What was canceled is never tried again.
	On []error

	role role
	name string
}

// role tells the policies that are made by functions from those that are written.
type role uint8

const (
	written role = iota
	never
	reference
)

// Never returns the policy that tries nothing again, whatever a farther policy
// would allow.
func Never() Policy { return Policy{role: never} }

// Named returns a reference to the policy that the repository registers under that
// name. It is replaced before a run begins; until then it tries nothing again.
func Named(name string) Policy { return Policy{role: reference, name: name} }

// Name returns the name that a [Named] policy refers to, and "" for any other.
func (p Policy) Name() string { return p.name }

// IsNamed reports whether the policy is a reference made by [Named].
func (p Policy) IsNamed() bool { return p.role == reference }

// IsZero reports whether the policy is unspecified, so that a farther one applies.
func (p Policy) IsZero() bool {
	return p.role == written && p.Max == 0 && p.Backoff == Backoff{} && p.MaxDelay == 0 && p.Jitter == 0 && len(p.On) == 0
}

// Nearest returns the first policy that is not zero, and the zero Policy if none
// does. The nearest is given first: the asset's, the job's, the repository's.
func Nearest(policies ...Policy) Policy {
	for _, p := range policies {
		if !p.IsZero() {
			return p
		}
	}
	return Policy{}
}

// Decide returns whether a failed step is retried, and after which delay.
// failures is how many failures count against the budget, the present one
// included; err is what happened, or nil if only the reason is known; seed is made
// by [Seed]. The delay is 0 when the answer is no.
func (p Policy) Decide(failures int, err error, reason Reason, seed uint64) (time.Duration, bool) {
	failures = max(failures, 1) // the current failure counts in any case
	if failures > p.Max || !p.Matches(err, reason) {
		return 0, false
	}
	return p.Delay(failures, seed), true
}

// Delay returns how long to wait after so many failures: the [Backoff], at most
// MaxDelay, times a factor between 1−Jitter and 1+Jitter that the seed decides. It
// is never negative and never overflows; it is 0 before the first failure.
func (p Policy) Delay(failures int, seed uint64) time.Duration {
	d := p.Backoff.Delay(failures)
	if p.MaxDelay > 0 {
		d = min(d, p.MaxDelay)
	}
	if !(p.Jitter > 0) || d == 0 { // NaN is no jitter
		return d
	}
	// The conversion keeps a compiler from fusing the product and the sum, which
	// would make the last bit depend on the machine.
	off := float64(min(p.Jitter, 1) * (2*unit(seed) - 1))
	return saturated(float64(d) * (1 + off))
}

// String describes the policy for people: "3 retries, exponential(1s,2), at most
// 1m0s, jitter 0.2, on out_of_memory".
func (p Policy) String() string {
	switch {
	case p.role == never:
		return "never"
	case p.role == reference:
		return "named " + strconv.Quote(p.name)
	case p.IsZero():
		return "not set"
	}
	parts := []string{strconv.Itoa(p.Max) + " retries"}
	if p.Max == 1 {
		parts[0] = "1 retry"
	}
	if p.Backoff != (Backoff{}) {
		parts = append(parts, p.Backoff.String())
	}
	if p.MaxDelay != 0 {
		parts = append(parts, "at most "+p.MaxDelay.String())
	}
	if p.Jitter != 0 {
		parts = append(parts, "jitter "+strconv.FormatFloat(p.Jitter, 'g', -1, 64))
	}
	if len(p.On) > 0 {
		on := make([]string, len(p.On))
		for i, target := range p.On {
			on[i] = fmt.Sprint(target)
		}
		parts = append(parts, "on "+strings.Join(on, " or "))
	}
	return strings.Join(parts, ", ")
}

// Seed returns the seed of the jitter of one retry: a hash of the run, the step's
// key and the attempt that failed. It is the same on every machine and in every
// release, so that a replay waits as long as the original.
func Seed(run, step string, attempt int) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := uint64(offset)
	for _, part := range [...]string{run, step} {
		for i := range len(part) {
			h = (h ^ uint64(part[i])) * prime
		}
		h = (h ^ 0xff) * prime // no UTF-8 text has this byte, so ("ab", "c") is not ("a", "bc")
	}
	n := uint64(attempt)
	for range 8 {
		h = (h ^ n&0xff) * prime
		n >>= 8
	}
	return h
}

// unit maps a seed to a number in [0, 1). FNV's low bits are good and its high ones
// are not, so the bits are mixed first (the finalizer of SplitMix64).
func unit(seed uint64) float64 {
	seed = (seed ^ seed>>30) * 0xbf58476d1ce4e5b9
	seed = (seed ^ seed>>27) * 0x94d049bb133111eb
	seed ^= seed >> 31
	return float64(seed>>11) / (1 << 53)
}

// saturated is the duration of so many nanoseconds, or the nearest one there is:
// never below 0, and what is no number is the longest, for waiting too long is
// fixed by an operator and hammering a database is not.
func saturated(nanoseconds float64) time.Duration {
	switch {
	case nanoseconds < 0:
		return 0
	case nanoseconds < math.MaxInt64: // as a float this is 2⁶³, just beyond what fits
		return time.Duration(nanoseconds)
	default:
		return math.MaxInt64
	}
}
