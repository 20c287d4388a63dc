package cron

import (
	"math/bits"
	"sort"
)

// The Gregorian calendar repeats after this many years.
const (
	cycleYears = 400
	cycleDays  = 146097
)

// calendar is a set of days, counted in closed form. Days are numbered from day 0,
// the first of January of year 1, a Monday.
type calendar struct {
	dom, month field
	weekdays   [7]uint32             // days of a month that fits by weekday, by the weekday of its first
	either     bool                  // a day need only fit its day of month or its weekday
	before     [2 * 7][12 + 1]int16  // matching days before a month, by kind of year
	years      [cycleYears + 1]int32 // matching days before a year of the cycle
}

// cycle is what all calendars share: of each year, the days of the cycle before it,
// and its kind, which is twice the weekday of its first day, and one more if it is a
// leap year.
var cycle = newCycle()

type cycleTable struct {
	starts [cycleYears + 1]int32
	kinds  [cycleYears]uint8
}

func newCycle() *cycleTable {
	var t cycleTable
	for y := range cycleYears {
		before := 365*y + y/4 - y/100 + y/400
		t.starts[y] = int32(before)
		t.kinds[y] = uint8(2 * ((1 + before) % 7))
		if n := y + 1; n%4 == 0 && (n%100 != 0 || n%400 == 0) {
			t.kinds[y]++
		}
	}
	t.starts[cycleYears] = cycleDays
	return &t
}

// lengths are the days of the months, in common years and in leap years.
var lengths = [2][12]int{
	{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31},
	{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31},
}

func newCalendar(dom, month, dow field) calendar {
	c := calendar{dom: dom, month: month, either: !dom.star && !dow.star}
	for first := range c.weekdays {
		for day := 1; day <= 31; day++ {
			if dow.has((first + day - 1) % 7) {
				c.weekdays[first] |= 1 << day
			}
		}
	}
	for kind := range c.before {
		n := int16(0)
		for m := range 12 {
			c.before[kind][m] = n
			n += int16(bits.OnesCount32(c.mask(kind, m)))
		}
		c.before[kind][12] = n
	}
	for y, kind := range cycle.kinds {
		c.years[y+1] = c.years[y] + int32(c.before[kind][12])
	}
	return c
}

// mask is the matching days of a month, counted from 0, of a kind of year: one bit a
// day, from bit 1.
func (c *calendar) mask(kind, month int) uint32 {
	if !c.month.has(month + 1) {
		return 0
	}
	first, leap := kind/2, kind%2
	for m := range month {
		first += lengths[leap][m]
	}
	byWeekday, byDay := c.weekdays[first%7], uint32(c.dom.bits)
	days := byDay & byWeekday
	if c.either {
		days = byDay | byWeekday
	}
	return days & (1<<(lengths[leap][month]+1) - 2)
}

// perCycle is how many days match in 400 years.
func (c *calendar) perCycle() int64 { return int64(c.years[cycleYears]) }

// rank is how many matching days come before a day, and whether the day itself
// matches.
func (c *calendar) rank(day int64) (int64, bool) {
	cycles := floorDiv(day, cycleDays)
	rest := int32(day - cycles*cycleDays)
	y := int(rest / 366)
	for cycle.starts[y+1] <= rest {
		y++
	}
	kind := int(cycle.kinds[y])
	rest -= cycle.starts[y]
	m := 0
	for n := int32(lengths[kind%2][0]); rest >= n; n = int32(lengths[kind%2][m]) {
		rest -= n
		m++
	}
	mask, bit := c.mask(kind, m), uint32(1)<<(rest+1)
	n := int64(c.years[y]) + int64(c.before[kind][m]) + int64(bits.OnesCount32(mask&(bit-1)))
	return cycles*c.perCycle() + n, mask&bit != 0
}

// nth is the matching day that has n matching days since day 0 before it; a negative
// n counts back from day 0.
func (c *calendar) nth(n int64) int64 {
	cycles := floorDiv(n, c.perCycle())
	rest := int32(n - cycles*c.perCycle())
	y := sort.Search(cycleYears, func(y int) bool { return c.years[y+1] > rest })
	rest -= c.years[y]
	kind := int(cycle.kinds[y])
	day := int64(cycle.starts[y])
	m := 0
	for ; int32(c.before[kind][m+1]) <= rest; m++ {
		day += int64(lengths[kind%2][m])
	}
	rest -= int32(c.before[kind][m])
	return cycles*cycleDays + day + int64(field{bits: uint64(c.mask(kind, m))}.nth(int(rest))) - 1
}

// floorDiv is the quotient rounded down.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
