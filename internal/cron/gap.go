package cron

import (
	"math/bits"

	"github.com/rivers-go/rivers/internal/civil"
)

// SmallestGap returns the shortest time between two ticks that follow each other, in seconds of the
// civil timeline. Two such ticks share a minute, an hour or a day, or lie on two days that follow
// each other, so it is the least of four gaps; nothing steps from tick to tick.
func (e *Expr) SmallestGap() civil.Time {
	gap := e.second.gap()
	within := span(e.second) // from the first tick of a minute to its last
	if d := e.minute.gap(); d > 0 {
		gap = least(gap, d*civil.Minute-within)
	}
	within += span(e.minute) * civil.Minute
	if d := e.hour.gap(); d > 0 {
		gap = least(gap, d*civil.Hour-within)
	}
	within += span(e.hour) * civil.Hour
	return least(gap, e.days.gap()*civil.Day-within)
}

// least is the smaller of two gaps; 0 is none.
func least(a, b civil.Time) civil.Time {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// gap is the least difference of two values of a field, 0 if it has only one.
func (f field) gap() civil.Time {
	var gap civil.Time
	for rest := f.bits; rest&(rest-1) != 0; rest &= rest - 1 {
		gap = least(gap, civil.Time(bits.TrailingZeros64(rest&(rest-1))-bits.TrailingZeros64(rest)))
	}
	return gap
}

// span is the difference of the last and the first value of a field.
func span(f field) civil.Time {
	return civil.Time(bits.Len64(f.bits) - 1 - bits.TrailingZeros64(f.bits))
}

// gap is the least number of days from one that matches to the next. It looks at the months of a
// cycle, each a mask, until no smaller one is possible.
func (c *calendar) gap() civil.Time {
	var gap civil.Time
	last := int64(-1) // the last matching day of the months before, none yet
	for y := range cycleYears + 1 {
		kind := int(cycle.kinds[y%cycleYears])
		first := int64(y/cycleYears)*cycleDays + int64(cycle.starts[y%cycleYears])
		for m := range 12 {
			days := field{bits: uint64(c.mask(kind, m))}
			if days.bits != 0 {
				if last >= 0 {
					gap = least(gap, civil.Time(first+int64(bits.TrailingZeros64(days.bits))-last))
				}
				if d := days.gap(); d > 0 {
					gap = least(gap, d)
				}
				last = first + int64(bits.Len64(days.bits)-1)
			}
			if gap == 1 {
				return gap
			}
			first += int64(lengths[kind%2][m])
		}
	}
	return gap
}
