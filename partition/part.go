package partition

import (
	"time"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/partition/internal/sets"
)

// Part returns n partitions of a set, after the first skip of it, in the order of the
// definition; fewer if the set has no more. What does not exist does not count. It is
// how a set is cut into pieces: its cost is that of the intervals, not of n.
func (s Space) Part(set Set, skip, n int64) Set {
	if skip < 0 || n <= 0 {
		return Set{}
	}
	return s.set(s.dims.part(s.here(set), 0, skip, plus(skip, n)))
}

// Last returns the last n partitions of a set in the order of the definition.
func (s Space) Last(set Set, n int64) Set {
	total := s.Count(set)
	return s.Part(set, max(total-n, 0), n)
}

// Latest returns, of the partitions that exist, those of the latest n windows: for a
// [Multi] definition with all keys of its other dimensions, and the latest n windows
// of each time dimension. Of a definition without time it is everything.
func (s Space) Latest(n int64) Set {
	if s.all == nil {
		return Set{}
	}
	return s.set(s.dims.product(func(one dimension) *sets.Node {
		if t, ok := one.(*timeDimension); ok {
			return t.from(max(t.first, t.end-max(n, 0)))
		}
		return one.exists()
	}))
}

// LatestWithin returns, of the partitions that exist, those of the windows that lie
// wholly in the given time before the end of the latest window; without time left, of
// the latest window. Other dimensions are as in [Space.Latest].
func (s Space) LatestWithin(lookback time.Duration) Set {
	if s.all == nil {
		return Set{}
	}
	return s.set(s.dims.product(func(one dimension) *sets.Node {
		t, ok := one.(*timeDimension)
		if !ok {
			return one.exists()
		}
		if lookback <= 0 {
			return t.from(t.end - 1)
		}
		opens := t.tick(t.end).In(t.def.zone).Add(-lookback)
		// The first window that starts no earlier: the one after the last label that was
		// reached before.
		reached := civil.Reached(opens.Add(-time.Nanosecond), t.def.zone)
		return t.from(min(max(t.def.grid.Rank(reached+1), t.first), t.end))
	}))
}

// from is the windows that exist from a rank on.
func (t *timeDimension) from(rank int64) *sets.Node {
	return sets.Interval(int64(t.tick(rank)), int64(t.tick(t.end)), sets.Unit)
}

// Next returns the next instant at which another window exists, and false if none
// ever will, also for a definition without time.
func (s Space) Next() (time.Time, bool) {
	var next time.Time
	for _, one := range s.dims {
		t, ok := one.(*timeDimension)
		if !ok || t.end >= t.last {
			continue
		}
		// The window of rank end exists once it, less the end offset, has ended.
		at := t.tick(t.end + 1 - t.def.endOffset).In(t.def.zone)
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next, !next.IsZero()
}
