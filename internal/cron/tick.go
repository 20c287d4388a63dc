package cron

import (
	"math/bits"

	"github.com/rivers-go/rivers/internal/civil"
)

// perDay is how many ticks a day has that has any.
func (e *Expr) perDay() int64 {
	return int64(e.hour.len()) * int64(e.minute.len()) * int64(e.second.len())
}

// Rank returns how many ticks lie before t since the beginning of year 1; it is
// negative for earlier times. The difference of two ranks is the number of ticks
// between two times.
func (e *Expr) Rank(t civil.Time) int64 {
	day := floorDiv(int64(t), civil.Day)
	days, matches := e.days.rank(day)
	n := days * e.perDay()
	if matches {
		n += e.rankOfClock(int(int64(t) - day*civil.Day))
	}
	return n
}

// rankOfClock is how many ticks of a day lie before a time of day.
func (e *Expr) rankOfClock(clock int) int64 {
	h, m, s := clock/civil.Hour, clock%civil.Hour/civil.Minute, clock%civil.Minute
	n := int64(e.hour.below(h)) * int64(e.minute.len())
	if e.hour.has(h) {
		n += int64(e.minute.below(m))
	}
	n *= int64(e.second.len())
	if e.hour.has(h) && e.minute.has(m) {
		n += int64(e.second.below(s))
	}
	return n
}

// Tick returns the tick of rank n: the first one in year 1 has rank 0.
func (e *Expr) Tick(n int64) civil.Time {
	day := floorDiv(n, e.perDay())
	rest := int(n - day*e.perDay())
	seconds, minutes := e.second.len(), e.minute.len()
	clock := e.hour.nth(rest/seconds/minutes)*civil.Hour + e.minute.nth(rest/seconds%minutes)*civil.Minute + e.second.nth(rest%seconds)
	return civil.Time(e.days.nth(day)*civil.Day + int64(clock))
}

// Next returns the first tick after t.
func (e *Expr) Next(t civil.Time) civil.Time { return e.Tick(e.Rank(t + 1)) }

// Latest returns the last tick that is not after t.
func (e *Expr) Latest(t civil.Time) civil.Time { return e.Tick(e.Rank(t+1) - 1) }

// Step reports whether the ticks are a fixed number of seconds apart throughout,
// and if so how many, and where the first one in year 1 lies. An expression for
// every day of the week at one time of day steps by a day, one for a single weekday
// by a week.
func (e *Expr) Step() (step, first civil.Time, ok bool) {
	n := e.perDay()
	switch {
	case e.days.perCycle() == cycleDays && civil.Day%n == 0:
		step = civil.Time(civil.Day / n)
	case n == 1 && e.days.weekly():
		return civil.Week, e.Tick(0), true
	default:
		return 0, 0, false
	}
	first = e.Tick(0)
	for i := range n {
		if e.Tick(i) != first+civil.Time(i)*step {
			return 0, 0, false
		}
	}
	return step, first, true
}

// Finest reports whether any tick is not at midnight, and whether any is not at the
// beginning of a minute.
func (e *Expr) Finest() (clock, seconds bool) {
	const zero = 1
	seconds = e.second.bits != zero
	return seconds || e.minute.bits != zero || e.hour.bits != zero, seconds
}

// Most is the largest number of ticks that any one minute, hour, day, month and year has.
type Most struct{ Minute, Hour, Day, Month, Year int64 }

// Most returns how many ticks lie together at most.
func (e *Expr) Most() Most {
	m := Most{Minute: int64(e.second.len()), Hour: int64(e.minute.len()) * int64(e.second.len()), Day: e.perDay()}
	for kind := range e.days.before {
		for month := range 12 {
			m.Month = max(m.Month, m.Day*int64(bits.OnesCount32(e.days.mask(kind, month))))
		}
		m.Year = max(m.Year, m.Day*int64(e.days.before[kind][12]))
	}
	return m
}

// weekly reports whether the days are all days of one weekday, and no others.
func (c *calendar) weekly() bool {
	return c.perCycle() == cycleDays/7 && c.dom.star && c.month.star
}
