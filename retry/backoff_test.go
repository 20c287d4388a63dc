package retry_test

import (
	"math"
	"testing"
	"time"

	"github.com/rivers-go/rivers/retry"
	"pgregory.net/rapid"
)

const longest = time.Duration(math.MaxInt64)

func TestBackoffDelay(t *testing.T) {
	t.Parallel()
	s := time.Second
	for _, c := range []struct {
		backoff retry.Backoff
		want    map[int]time.Duration // by failures
	}{
		{retry.Backoff{}, map[int]time.Duration{0: 0, 1: 0, 9: 0}},
		{retry.Constant(5 * s), map[int]time.Duration{-1: 0, 0: 0, 1: 5 * s, 9: 5 * s}},
		{retry.Linear(s, 2*s), map[int]time.Duration{0: 0, 1: 3 * s, 2: 5 * s, 3: 7 * s, math.MaxInt: longest}},
		{retry.Linear(s, 0), map[int]time.Duration{1: s, math.MaxInt: s}},
		{retry.Linear(longest, 1), map[int]time.Duration{1: longest, 2: longest}},
		{retry.Exponential(s, 2), map[int]time.Duration{1: s, 2: 2 * s, 3: 4 * s, 11: 1024 * s, 99: longest, math.MaxInt: longest}},
		{retry.Exponential(s, 0.5), map[int]time.Duration{1: s, 2: s / 2, math.MaxInt: 0}},
		{retry.Exponential(s, 1.5), map[int]time.Duration{1: s, 2: 1500 * time.Millisecond}},
		{retry.Exponential(s, math.Inf(1)), map[int]time.Duration{1: s, 2: longest}},
		{retry.Exponential(0, math.Inf(1)), map[int]time.Duration{1: 0, 2: 0}},
		{retry.Exponential(s, -2), map[int]time.Duration{1: 0, 2: 0}},
		{retry.Fixed(s, 5*s, 60*s), map[int]time.Duration{0: 0, 1: s, 2: 5 * s, 3: 60 * s, 4: 60 * s, math.MaxInt: 60 * s}},
		{retry.Fixed(), map[int]time.Duration{1: 0}},
		{retry.Constant(-s), map[int]time.Duration{1: 0}},
	} {
		for failures, want := range c.want {
			if got := c.backoff.Delay(failures); got != want {
				t.Errorf("%s after %d failures: %s, want %s", c.backoff, failures, got, want)
			}
		}
	}
}

func TestBackoffIsComparable(t *testing.T) {
	t.Parallel()
	if retry.Fixed(1, 2) != retry.Fixed(1, 2) || retry.Fixed(1, 2) == retry.Fixed(2, 1) || retry.Fixed() == (retry.Backoff{}) {
		t.Error("fixed schedules compare wrongly")
	}
	if retry.Linear(1, 2) != retry.Linear(1, 2) || retry.Constant(0) == (retry.Backoff{}) {
		t.Error("backoffs compare wrongly")
	}
}

// backoffs are all backoffs that a program may write, sensible or not.
func backoffs() *rapid.Generator[retry.Backoff] {
	durations := rapid.Map(rapid.Int64(), func(n int64) time.Duration { return time.Duration(n) })
	return rapid.OneOf(
		rapid.Just(retry.Backoff{}),
		rapid.Map(durations, retry.Constant),
		rapid.Custom(func(t *rapid.T) retry.Backoff {
			return retry.Linear(durations.Draw(t, "initial"), durations.Draw(t, "step"))
		}),
		rapid.Custom(func(t *rapid.T) retry.Backoff {
			return retry.Exponential(durations.Draw(t, "initial"), rapid.Float64().Draw(t, "factor"))
		}),
		rapid.Map(rapid.SliceOfN(durations, 0, 5), func(schedule []time.Duration) retry.Backoff {
			return retry.Fixed(schedule...)
		}),
	)
}

func TestBackoffTextRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := backoffs().Draw(t, "backoff")
		text, err := want.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var got retry.Backoff
		if err := got.UnmarshalText(text); err != nil || got != want {
			t.Fatalf("%s came back as %s (%v)", want, got, err)
		}
	})
}

// Delays grow with the failures, whatever the numbers, unless a schedule says
// otherwise.
func TestBackoffGrows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		initial := time.Duration(rapid.Int64Min(0).Draw(t, "initial"))
		b := rapid.SampledFrom([]retry.Backoff{
			retry.Linear(initial, time.Duration(rapid.Int64Min(0).Draw(t, "step"))),
			retry.Exponential(initial, rapid.Float64Range(1, 1e9).Draw(t, "factor")),
		}).Draw(t, "backoff")
		n := rapid.IntRange(1, math.MaxInt-1).Draw(t, "failures")
		if b.Delay(n) > b.Delay(n+1) {
			t.Fatalf("%s: %s after %d failures, then %s", b, b.Delay(n), n, b.Delay(n+1))
		}
	})
}

func TestParseBackoffErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, err string }{
		{
			"exponental(1s,2)",
			`backoff "exponental(1s,2)": no backoff of that name (did you mean "exponential"?): write one like none, constant(5s), linear(1s,2s), exponential(1s,2), fixed(1s,5s,1m)`,
		},
		{"", `backoff "": no backoff of that name: write one like none, constant(5s), linear(1s,2s), exponential(1s,2), fixed(1s,5s,1m)`},
		{"constant(1s", `backoff "constant(1s": the parenthesis is not closed`},
		{"constant", `backoff "constant": the number of arguments is 0 where it should be 1: write it like constant(5s)`},
		{"linear(1s)", `backoff "linear(1s)": the number of arguments is 1 where it should be 2: write it like linear(1s,2s)`},
		{"constant(5)", `backoff "constant(5)": delay 1 is "5": write a number with its unit, as in 1m30s`},
		{"exponential(1s,two)", `backoff "exponential(1s,two)": the factor is "two": write a number, as in exponential(1s,2)`},
	} {
		if _, err := retry.ParseBackoff(c.text); err == nil || err.Error() != c.err {
			t.Errorf("%v\nwant %s", err, c.err)
		}
	}
}

func FuzzParseBackoff(f *testing.F) {
	for _, seed := range []string{"none", "constant(5s)", "linear(1s,2s)", "exponential(1s,2)", "fixed(1s,5s,1m)", "fixed()", "fixed(,)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := retry.ParseBackoff(text)
		if err != nil {
			return
		}
		// The texts are compared, for a factor that is no number equals nothing.
		if again, err := retry.ParseBackoff(b.String()); err != nil || again.String() != b.String() {
			t.Errorf("%q is %s, which is %s (%v)", text, b, again, err)
		}
		if b.Delay(1) < 0 || b.Delay(math.MaxInt) < 0 {
			t.Errorf("%s is negative", b)
		}
	})
}
