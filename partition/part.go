package partition

import (
	"time"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/partition/internal/sets"
)

// Part returns n existing partitions of a set after skipping skip, in the order of the definition.
// It returns fewer if the set has no more. Use it to cut a set into pieces; the cost follows the
// intervals, not n.
func (s Space) Part(set Set, skip, n int64) Set {
	if skip < 0 || n <= 0 {
		return Set{}
	}
	return s.set(s.dims.part(s.here(set), 0, skip, plus(skip, n)))
}

// Last returns the last n existing partitions of a set, in the order of the definition.
func (s Space) Last(set Set, n int64) Set {
	total := s.Count(set)
	return s.Part(set, max(total-n, 0), n)
}

// Latest returns the existing partitions of the latest n windows, with all keys of other
// dimensions. With several time dimensions it takes the latest n of each. Without time it returns
// everything.
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

// LatestWithin returns the existing partitions of the windows that lie completely within lookback
// before the end of the latest window. With no lookback it returns the latest window. Other
// dimensions are as in [Space.Latest].
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

// from returns the existing windows from a rank on.
func (t *timeDimension) from(rank int64) *sets.Node {
	return sets.Interval(int64(t.tick(rank)), int64(t.tick(t.end)), sets.Unit)
}

// Next returns the instant at which the next window exists. It returns false if there will be none,
// and for a definition without time.
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
