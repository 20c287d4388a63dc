package retry

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rivers-go/rivers/internal/nearest"
)

// Backoff is how the wait before a retry grows with the failures. It is a
// comparable value, made by [Constant], [Linear], [Exponential] or [Fixed]; the
// zero Backoff does not wait.
type Backoff struct {
	shape         shape
	initial, step time.Duration
	factor        float64
	schedule      string // eight bytes a delay, big-endian: a slice could not be compared
}

// shape is the formula of a Backoff.
type shape uint8

const (
	none shape = iota
	constant
	linear
	exponential
	fixed
)

// shapes are the words of the shapes, in their order.
func shapes() []string { return []string{"none", "constant", "linear", "exponential", "fixed"} }

// samples show how each shape is written, in their order.
func samples() []string {
	return []string{"none", "constant(5s)", "linear(1s,2s)", "exponential(1s,2)", "fixed(1s,5s,1m)"}
}

// Constant waits d before every retry.
func Constant(d time.Duration) Backoff { return Backoff{shape: constant, initial: d} }

// Linear waits initial + step·n after n failures: Linear(1s, 2s) is 3s, 5s, 7s.
func Linear(initial, step time.Duration) Backoff {
	return Backoff{shape: linear, initial: initial, step: step}
}

// Exponential waits initial·factorⁿ⁻¹ after n failures: Exponential(1s, 2) is 1s,
// 2s, 4s.
func Exponential(initial time.Duration, factor float64) Backoff {
	return Backoff{shape: exponential, initial: initial, factor: factor}
}

// Fixed waits by the schedule, and by its last entry from then on.
func Fixed(schedule ...time.Duration) Backoff {
	packed := make([]byte, 0, 8*len(schedule))
	for _, d := range schedule {
		packed = binary.BigEndian.AppendUint64(packed, uint64(d))
	}
	return Backoff{shape: fixed, schedule: string(packed)}
}

// entries is the length of a fixed schedule.
func (b Backoff) entries() int { return len(b.schedule) / 8 }

// entry is one delay of a fixed schedule.
func (b Backoff) entry(i int) time.Duration {
	return time.Duration(binary.BigEndian.Uint64([]byte(b.schedule[8*i : 8*i+8])))
}

// Delay returns the wait after so many failures, before [Policy.MaxDelay] and
// jitter. It is never negative, never overflows (it stays at the longest duration
// there is), and is 0 before the first failure.
func (b Backoff) Delay(failures int) time.Duration {
	if failures < 1 {
		return 0
	}
	switch b.shape {
	case none:
		return 0
	case constant:
		return max(b.initial, 0)
	case linear:
		return line(b.initial, b.step, failures)
	case exponential:
		if b.initial <= 0 || b.factor <= 0 { // a negative factor would swing, and 0·∞ is no number
			return 0
		}
		return saturated(float64(b.initial) * math.Pow(b.factor, float64(failures-1)))
	default:
		if b.schedule == "" {
			return 0
		}
		return max(b.entry(min(failures, b.entries())-1), 0)
	}
}

// line is initial + step·n, held between 0 and the longest duration.
func line(initial, step time.Duration, n int) time.Duration {
	initial, step = max(initial, 0), max(step, 0)
	if step > 0 && int64(n) > int64((math.MaxInt64-initial)/step) {
		return math.MaxInt64
	}
	return initial + step*time.Duration(n)
}

// String returns the text form: "none", "constant(5s)", "linear(1s,2s)",
// "exponential(1s,2)" or "fixed(1s,5s,1m0s)".
func (b Backoff) String() string {
	word := shapes()[b.shape]
	switch b.shape {
	case none:
		return word
	case constant:
		return word + "(" + b.initial.String() + ")"
	case linear:
		return word + "(" + b.initial.String() + "," + b.step.String() + ")"
	case exponential:
		return word + "(" + b.initial.String() + "," + strconv.FormatFloat(b.factor, 'g', -1, 64) + ")"
	default:
		delays := make([]string, b.entries())
		for i := range delays {
			delays[i] = b.entry(i).String()
		}
		return word + "(" + strings.Join(delays, ",") + ")"
	}
}

// MarshalText returns the text form. It never fails.
func (b Backoff) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads the text form as [ParseBackoff] does.
func (b *Backoff) UnmarshalText(text []byte) error {
	parsed, err := ParseBackoff(string(text))
	if err != nil {
		return err
	}
	*b = parsed
	return nil
}

// ParseBackoff reads the text form of a Backoff, such as exponential(1s,2). Delays
// are written as [time.ParseDuration] reads them. Numbers that make no sense, such
// as a negative delay, are read, and refused by [Policy.Validate].
func ParseBackoff(text string) (Backoff, error) {
	word, rest, opened := strings.Cut(strings.TrimSpace(text), "(")
	all := shapes()
	at := slices.Index(all, strings.TrimSpace(word))
	if at < 0 {
		hint := ""
		if near, ok := nearest.Name(word, slices.Values(all)); ok {
			hint = fmt.Sprintf(" (did you mean %q?)", near)
		}
		return Backoff{}, fmt.Errorf("backoff %q: no backoff of that name%s: write one like %s", text, hint, strings.Join(samples(), ", "))
	}
	inner, closed := strings.CutSuffix(rest, ")")
	if opened != closed {
		return Backoff{}, fmt.Errorf("backoff %q: the parenthesis is not closed", text)
	}
	var args []string
	if strings.TrimSpace(inner) != "" {
		args = strings.Split(inner, ",")
	}
	b, err := read(shape(at), args)
	if err != nil {
		return Backoff{}, fmt.Errorf("backoff %q: %w", text, err)
	}
	return b, nil
}

// read makes a backoff of a shape from its arguments as written.
func read(s shape, args []string) (Backoff, error) {
	want := [...]int{none: 0, constant: 1, linear: 2, exponential: 2, fixed: len(args)}[s]
	if len(args) != want {
		return Backoff{}, fmt.Errorf("the number of arguments is %d where it should be %d: write it like %s", len(args), want, samples()[s])
	}
	durations := args
	var factor float64
	if s == exponential {
		durations = args[:1]
		var err error
		if factor, err = strconv.ParseFloat(strings.TrimSpace(args[1]), 64); err != nil {
			return Backoff{}, fmt.Errorf("the factor is %q: write a number, as in exponential(1s,2)", args[1])
		}
	}
	delays := make([]time.Duration, len(durations))
	for i, arg := range durations {
		var err error
		if delays[i], err = time.ParseDuration(strings.TrimSpace(arg)); err != nil {
			return Backoff{}, fmt.Errorf("delay %d is %q: write a number with its unit, as in 1m30s", i+1, arg)
		}
	}
	switch s {
	case none:
		return Backoff{}, nil
	case constant:
		return Constant(delays[0]), nil
	case linear:
		return Linear(delays[0], delays[1]), nil
	case exponential:
		return Exponential(delays[0], factor), nil
	default:
		return Fixed(delays...), nil
	}
}
