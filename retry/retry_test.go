package retry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"testing"
	"time"

	"github.com/rivers-go/rivers/retry"
	"pgregory.net/rapid"
)

func TestZeroPolicyIsInherited(t *testing.T) {
	t.Parallel()
	set := retry.Policy{Max: 2}
	for _, p := range []retry.Policy{
		set, retry.Never(), retry.Named("slow"), retry.Named(""),
		{Backoff: retry.Constant(0)},
		{MaxDelay: 1},
		{Jitter: 0.1},
		{On: []error{io.EOF}},
		{Max: -1},
	} {
		if p.IsZero() {
			t.Errorf("%s says something", p)
		}
	}
	if got := retry.Nearest(retry.Policy{}, retry.Policy{On: []error{}}, set, retry.Policy{Max: 5}); got.Max != 2 {
		t.Errorf("the nearest was %s", got)
	}
	if got := retry.Nearest(retry.Never(), set); got.String() != "never" {
		t.Errorf("never was overruled by %s", got)
	}
	if !retry.Nearest().IsZero() || !retry.Nearest(retry.Policy{}).IsZero() {
		t.Error("nothing said became something")
	}
	if p := retry.Named("slow"); p.Name() != "slow" || !p.IsNamed() || set.Name() != "" || set.IsNamed() {
		t.Error("a named policy lost its name, or another one got it")
	}
}

func TestDecideSpendsTheBudget(t *testing.T) {
	t.Parallel()
	p := retry.Policy{Max: 2, Backoff: retry.Linear(time.Second, time.Second)}
	for failures, want := range []struct {
		delay time.Duration
		retry bool
	}{{2 * time.Second, true}, {2 * time.Second, true}, {3 * time.Second, true}, {0, false}, {0, false}} {
		delay, again := p.Decide(failures, io.EOF, retry.Error, 1)
		if delay != want.delay || again != want.retry {
			t.Errorf("after %d failures: %s, %v; want %s, %v", failures, delay, again, want.delay, want.retry)
		}
	}
	for _, p := range []retry.Policy{{}, retry.Never(), retry.Named("slow"), {Max: -1}} {
		for failures := range 3 {
			if _, again := p.Decide(failures, io.EOF, retry.Error, 1); again {
				t.Errorf("%s tried again after %d failures", p, failures)
			}
		}
	}
}

// weird is an error that equality panics on.
type weird struct {
	notes []string //nolint:unused // a slice is what makes equality panic
}

func (weird) Error() string { return "weird" }

// slow is an error that knows itself to be a timeout.
type slow struct{}

func (slow) Error() string { return "slow" }
func (slow) Timeout() bool { return true }

func TestMatches(t *testing.T) {
	t.Parallel()
	missing := fmt.Errorf("reading: %w", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist})
	for _, c := range []struct {
		on     []error
		err    error
		reason retry.Reason
		want   bool
	}{
		{nil, io.EOF, retry.Error, true},
		{nil, nil, retry.Infrastructure, true},
		{nil, io.EOF, 0, true},
		{nil, io.EOF, retry.Canceled, false},
		{nil, fmt.Errorf("give up: %w", retry.Canceled), retry.Error, false},
		{[]error{retry.Canceled}, io.EOF, retry.Canceled, false},
		{[]error{retry.Transient}, nil, retry.OutOfMemory, true},
		{[]error{retry.Transient}, nil, retry.Timeout, true},
		{[]error{retry.Transient}, nil, retry.Infrastructure, true},
		{[]error{retry.Transient}, io.EOF, retry.Error, false},
		{[]error{retry.Transient}, io.EOF, 0, false},
		{[]error{retry.Transient}, fmt.Errorf("gone: %w", retry.Infrastructure), retry.Error, true},
		{[]error{retry.Timeout}, nil, retry.OutOfMemory, false},
		{[]error{retry.Error}, io.EOF, 0, true},
		{[]error{retry.OutOfMemory, io.EOF}, fmt.Errorf("reading: %w", io.EOF), retry.Error, true},
		{[]error{retry.OutOfMemory, io.EOF}, io.ErrUnexpectedEOF, retry.Error, false},
		{[]error{retry.Type[*fs.PathError]()}, missing, retry.Error, true},
		{[]error{retry.Type[*os.SyscallError]()}, missing, retry.Error, false},
		{[]error{retry.Type[*fs.PathError]()}, nil, retry.Error, false},
		{[]error{nil}, nil, retry.Error, false},
		{[]error{weird{}}, weird{}, retry.Error, false},
		{[]error{io.EOF}, weird{}, retry.Error, false},
	} {
		p := retry.Policy{Max: 1, On: c.on}
		if got := p.Matches(c.err, c.reason); got != c.want {
			t.Errorf("%s with %v (%s): %v, want %v", p, c.err, c.reason, got, c.want)
		}
	}
}

func TestReasonOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want retry.Reason
	}{
		{nil, 0},
		{io.EOF, retry.Error},
		{context.Canceled, retry.Error},
		{context.DeadlineExceeded, retry.Timeout},
		{fmt.Errorf("asking: %w", os.ErrDeadlineExceeded), retry.Timeout},
		{fmt.Errorf("asking: %w", slow{}), retry.Timeout},
		{fmt.Errorf("killed: %w", retry.OutOfMemory), retry.OutOfMemory},
		{errors.Join(io.EOF, retry.Canceled), retry.Canceled},
		{retry.Reason(0), retry.Error},
	} {
		if got := retry.ReasonOf(c.err); got != c.want {
			t.Errorf("%v is %q, want %q", c.err, got, c.want)
		}
	}
}

func TestReasonText(t *testing.T) {
	t.Parallel()
	for r := range retry.Canceled + 1 {
		text, err := r.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back retry.Reason
		if err := back.UnmarshalText(text); err != nil || back != r {
			t.Errorf("%q came back as %q (%v)", r, back, err)
		}
	}
	if got := retry.OutOfMemory.String(); got != "out_of_memory" {
		t.Errorf("out of memory is %s", got)
	}
	if got := retry.Reason(9).Error(); got != "reason(9)" {
		t.Errorf("an unknown reason is %s", got)
	}
	if got := retry.Transient.Error(); got != "out_of_memory or timeout or infrastructure" {
		t.Errorf("transient is %s", got)
	}
	var r retry.Reason
	const want = `reason "time_out": no reason of that name (did you mean "timeout"?): one of error, out_of_memory, timeout, infrastructure, canceled`
	if err := r.UnmarshalText([]byte("time_out")); err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func TestDelayIsHeldAndSpread(t *testing.T) {
	t.Parallel()
	p := retry.Policy{Max: 9, Backoff: retry.Exponential(time.Second, 10), MaxDelay: time.Minute}
	if got := p.Delay(3, 1); got != time.Minute {
		t.Errorf("held: %s", got)
	}
	p.Jitter = 0.5
	var low, high int
	for attempt := range 1000 {
		d := p.Delay(3, retry.Seed("run", "step", attempt))
		if d < 30*time.Second || d > 90*time.Second {
			t.Fatalf("attempt %d waits %s", attempt, d)
		}
		if d < 45*time.Second {
			low++
		}
		if d > 75*time.Second {
			high++
		}
	}
	if low < 200 || low > 300 || high < 200 || high > 300 {
		t.Errorf("of 1000, %d are in the first quarter and %d in the last", low, high)
	}
}

// A replay by a later release must wait as long as the original did: these numbers
// never change.
func TestSeedIsForEver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		run, step string
		attempt   int
		seed      uint64
		delay     time.Duration
	}{
		{"", "", 0, 0xfe1d0b1349ced1c3, 5673081341366},
		{"0198c0de", "users", 1, 0xa663a6fa7719ac80, 4733728586211},
		{"0198c0de", "graph/task[7]", 2, 0x56c9400c505b84c0, 2113673762380},
	} {
		seed := retry.Seed(c.run, c.step, c.attempt)
		delay := retry.Policy{Max: 1, Backoff: retry.Constant(time.Hour), Jitter: 1}.Delay(1, seed)
		if seed != c.seed || delay != c.delay {
			t.Errorf("%q %q %d: seed %#x, delay %d", c.run, c.step, c.attempt, seed, delay)
		}
	}
	if retry.Seed("ab", "c", 1) == retry.Seed("a", "bc", 1) {
		t.Error("the boundary between run and step is lost")
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	never := retry.Never()
	never.Max = 3
	for _, c := range []struct {
		policy retry.Policy
		err    string
	}{
		{policy: retry.Policy{}},
		{policy: retry.Never()},
		{policy: retry.Named("slow")},
		{policy: retry.Policy{Max: 1, Backoff: retry.Fixed(0, time.Second), Jitter: 1, On: []error{retry.Transient, weird{}}}},
		{
			policy: retry.Policy{Max: -1, MaxDelay: -time.Second, Jitter: math.NaN(), Backoff: retry.Linear(-1, -2), On: []error{nil, retry.Canceled, retry.Reason(0)}},
			err: `retry: Max is -1: give the number of retries after the first attempt, or use retry.Never() for none
retry: MaxDelay is -1s: give a positive duration, or 0 for no limit
retry: Jitter is NaN: give a share between 0 and 1
retry: the backoff linear(-1ns,-2ns) begins with -1ns: give a duration of 0 or more
retry: the backoff linear(-1ns,-2ns) grows by -2ns: give a duration of 0 or more
retry: On[0] is nil: name a reason or an error
retry: On[1] is canceled: what was canceled is never tried again
retry: On[2] is the zero Reason: name a reason, such as retry.Timeout`,
		},
		{
			policy: retry.Policy{Jitter: 1.5, Backoff: retry.Exponential(time.Second, math.NaN())},
			err: `retry: Max is 0, so the rest of the policy has no effect: give the number of retries, or use retry.Never() for none
retry: Jitter is 1.5: give a share between 0 and 1
retry: the backoff exponential(1s,NaN) has the factor NaN: give a number above 0, such as 2`,
		},
		{policy: retry.Policy{Max: 1, Backoff: retry.Fixed()}, err: `retry: the backoff fixed() has an empty schedule: give at least one duration`},
		{policy: retry.Policy{Max: 1, Backoff: retry.Fixed(1, -1)}, err: `retry: the backoff fixed(1ns,-1ns) has the delay -1ns at 2: give a duration of 0 or more`},
		{policy: retry.Named(""), err: `retry: the named policy has no name: give the name it is registered under`},
		{policy: never, err: `retry: the policy never has fields of its own, which have no effect: leave them out`},
	} {
		got := ""
		if err := c.policy.Validate(); err != nil {
			got = err.Error()
		}
		if got != c.err {
			t.Errorf("%s:\n%s\nwant\n%s", c.policy, got, c.err)
		}
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy retry.Policy
		want   string
	}{
		{retry.Policy{}, "not set"},
		{retry.Policy{Max: 1}, "1 retry"},
		{retry.Named("slow"), `named "slow"`},
		{
			retry.Policy{Max: 3, Backoff: retry.Exponential(time.Second, 2), MaxDelay: time.Minute, Jitter: 0.2, On: []error{retry.Timeout, retry.Type[*fs.PathError]()}},
			"3 retries, exponential(1s,2), at most 1m0s, jitter 0.2, on timeout or *fs.PathError",
		},
	} {
		if got := c.policy.String(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// Whatever the numbers, a delay lies within its bounds.
func TestDelayProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := retry.Policy{
			Max:      1,
			Backoff:  backoffs().Draw(t, "backoff"),
			MaxDelay: time.Duration(rapid.Int64().Draw(t, "max")),
			Jitter:   rapid.Float64().Draw(t, "jitter"),
		}
		failures := rapid.Int().Draw(t, "failures")
		d := p.Delay(failures, rapid.Uint64().Draw(t, "seed"))
		if d < 0 || failures < 1 && d != 0 {
			t.Fatalf("%s: %s", p, d)
		}
		if p.MaxDelay > 0 && float64(d) > float64(p.MaxDelay)*(1+max(p.Jitter, 0)) {
			t.Fatalf("%s exceeds its limit by more than its jitter: %s", p, d)
		}
	})
}
