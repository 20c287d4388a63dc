package partition

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What a timeline answers by arithmetic is what counting each window says.
func TestTimelineAgainstTheWindows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t)
		line, ok := m.space.Timeline()
		var along string
		times := 0
		for _, one := range m.space.dims {
			if d, is := one.(*timeDimension); is {
				along, times = d.id.Name, times+1
			}
		}
		if ok != (times == 1) {
			t.Fatalf("%s has a timeline: %v", m.space.def, ok)
		}
		if !ok {
			return
		}
		set, has := m.drawSet(t, "set")
		width := line.Width()
		least := rapid.Int64Range(0, width+1).Draw(t, "least")
		c := line.Coverage(set, least)
		n := min(line.Len(), line.Ended(m.space.now)+3)
		enough := make([]bool, n)
		for w := range n {
			count := int64(0)
			for _, key := range m.keys {
				if has[key] && key.Values(along)[0] == line.Key(w) {
					count++
				}
			}
			enough[w] = count >= least
			if c.Count(w) != count || c.Has(w) != enough[w] {
				t.Fatalf("%s: window %s has %d of %d, want %d (least %d: %v)", m.space.def, line.Key(w), c.Count(w), width, count, least, c.Has(w))
			}
		}
		for w := range n {
			for _, want := range []bool{true, false} {
				requireNeighbour(t, c, enough, w, want)
			}
		}
	})
}

// requireNeighbour compares Next and Previous with a walk over the windows that are known.
func requireNeighbour(t *rapid.T, c Coverage, enough []bool, from int64, want bool) {
	next := from
	for next < int64(len(enough)) && enough[next] != want {
		next++
	}
	if got, ok := c.Next(from, want); next < int64(len(enough)) && (got != next || !ok) || next == int64(len(enough)) && ok && got < next {
		t.Fatalf("%v: the next %v from %d is %d (%v), want %d", enough, want, from, got, ok, next)
	}
	previous := from
	for previous >= 0 && enough[previous] != want {
		previous--
	}
	if got, ok := c.Previous(from, want); ok != (previous >= 0) || ok && got != previous {
		t.Fatalf("%v: the previous %v from %d is %d (%v), want %d", enough, want, from, got, ok, previous)
	}
}

// A window is over from one instant on, which is its end unless the end offset holds it back, and it exists then.
func TestTimelineInstants(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		offset := rapid.SampledFrom([]int{0, 0, 1, 3, -1, -2}).Draw(t, "offset")
		options := []Option{In(rapid.SampledFrom(testZones).Draw(t, "zone")), EndOffset(offset)}
		start := Date(2026, time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(1, 28).Draw(t, "day"))
		d := TimeWindow(Cron(rapid.SampledFrom(crons).Draw(t, "cron")), start, options...)
		s := ok(NewSpace(d, start.at.Std(), Tables{}))
		line, _ := s.Timeline()
		n := rapid.Int64Range(0, 400).Draw(t, "window")
		at := line.Over(n)
		if line.Ended(at.Add(-time.Nanosecond)) > n || line.Ended(at) <= n {
			t.Fatalf("%s: window %d is over at %s; %d are just before, %d then", d, n, at, line.Ended(at.Add(-time.Nanosecond)), line.Ended(at))
		}
		later := s.At(at)
		if later.Len() <= n {
			t.Fatalf("%s: window %d is over at %s and does not exist", d, n, at)
		}
		key := ok(later.Key(n))
		if key.String() != line.Key(n) {
			t.Fatalf("%s: window %d is %q, want %q", d, n, line.Key(n), key)
		}
		if w := ok(later.Window(key)); offset >= 0 && !w.End.Equal(at) || w.End.After(at) {
			t.Fatalf("%s: window %d is %s, and over at %s", d, n, w, at)
		}
		if before := s.At(at.Add(-time.Nanosecond)); offset <= 0 && before.Len() != line.Ended(at.Add(-time.Nanosecond)) {
			t.Fatalf("%s: %d windows exist before %s, %d are over", d, before.Len(), at, line.Ended(at.Add(-time.Nanosecond)))
		}
	})
}
