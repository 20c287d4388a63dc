package partition

import (
	"math"
	"testing"
	"time"
)

// At the ends of time, and with the largest numbers there may be, everything has an
// answer.
func TestAtTheEndsOfTime(t *testing.T) {
	t.Parallel()
	for _, start := range []Civil{Date(1, time.January, 1).Clock(0, 0, 1), Date(1, time.January, 2), Date(1969, time.December, 31), Date(9999, time.December, 31)} {
		for _, define := range []func(...Option) Definition{
			func(o ...Option) Definition { return TimeWindow(Every(time.Second), start, o...) },
			func(o ...Option) Definition { return TimeWindow(Every(maxEvery), start, o...) },
			func(o ...Option) Definition { return TimeWindow(Cron("0 0 29 2 *"), start, o...) },
			func(o ...Option) Definition { return Weekly(start, o...) },
		} {
			for _, offset := range []int{0, maxOffset, -maxOffset} {
				for _, zone := range []string{"UTC", "Australia/Lord_Howe", "America/New_York"} {
					d := define(In(zone), EndOffset(offset))
					for _, now := range []time.Time{{}, time.Unix(0, 0), time.Unix(math.MaxInt32, 0), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(200_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-200_000, 1, 1, 0, 0, 0, 0, time.UTC)} {
						askEverything(t, d, now)
					}
				}
			}
		}
	}
}

// askEverything asks a space all there is to ask.
func askEverything(t *testing.T, d Definition, now time.Time) {
	t.Helper()
	s, err := NewSpace(d, now, Tables{})
	if err != nil {
		return // the first window lies beyond year 9999
	}
	n := s.Len()
	if n < 0 || s.Count(s.All()) != n || !s.Complement(s.All()).IsEmpty() {
		t.Fatalf("%s at %s has %d partitions, of which %d are counted", d, now, n, s.Count(s.All()))
	}
	if n > 0 {
		for _, i := range []int64{0, n / 2, n - 1} {
			key := ok(s.Key(i))
			if back := ok(s.Index(key)); back != i {
				t.Fatalf("%q of %s is partition %d, not %d", key, d, back, i)
			}
			if w := ok(s.Window(key)); w.End.Before(w.Start) {
				t.Fatalf("%q of %s is %s", key, d, w)
			}
		}
	}
	if next, more := s.Next(); more && !next.After(now) {
		t.Fatalf("%s has more at %s, which is before %s", d, next, now)
	}
	for _, m := range []Mapping{TimeOffset(maxOffset), TimeOffset(-maxOffset), Overlap(), Identity()} {
		edge := ok(m.Connect(s, s))
		needs, lacking := edge.Upstream(s.All())
		if s.Count(needs.Union(lacking)) > n || s.Count(edge.Downstream(s.All())) > n {
			t.Fatalf("%s of %s reads %s and lacks %s", m, d, needs, lacking)
		}
		if err := edge.Explain(lacking); (err == nil) != lacking.IsEmpty() {
			t.Fatalf("%s of %s: %s lacks because %v", m, d, lacking, err)
		}
	}
	if !s.Latest(math.MaxInt64).Equal(s.All()) || !s.Part(s.All(), math.MaxInt64, math.MaxInt64).IsEmpty() || !s.All().Contains(s.LatestWithin(math.MaxInt64)) {
		t.Fatalf("%s at %s has other latest windows than windows", d, now)
	}
}
