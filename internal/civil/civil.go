// Package civil is the timeline of calendars and clocks: dates and times of day
// without a zone, on which every day has 24 hours.
//
// Partitions are labelled on it and cron expressions are written on it, because a
// label must not depend on where the program runs, and no label may be lost or
// doubled when a zone changes its clocks. A [Time] is an integer, so a regular
// grid of labels is arithmetic.
//
// What such a reading means on the line of instants is decided in one place, by two
// functions that are each other's inverse:
//
//	instants     ──────────┬─────────────────────┬──▶
//	clock reads  … 01:59:59│03:00:00 …  02:59:59 │02:00:00 …
//	                   a gap│                 a fold│
//
// [Time.In] is the first instant at which a clock in the zone reads the time or, for
// a time in a gap, the instant at which the gap opens. It never decreases as the
// time grows, so the windows between neighbouring labels tile the line of instants:
// one that lies in a gap is empty, one that holds a fold is longer. [Reached] is
// the last time that has come by an instant.
package civil

import "time"

// Time is a reading of calendar and clock, to the second, in seconds since the
// beginning of year 1 of the Gregorian calendar. The zero Time is 0001-01-01T00:00:00.
type Time int64

// Lengths on this timeline, in seconds.
const (
	Minute = 60
	Hour   = 60 * Minute
	Day    = 24 * Hour
	Week   = 7 * Day
)

// First and Last are the ends of the years that have four digits.
const (
	First Time = 0
	Last  Time = 315537897599 // 9999-12-31T23:59:59
)

// epoch is 1970-01-01T00:00:00.
const epoch = 62135596800

const layout = "2006-01-02T15:04:05"

// Date returns the beginning of a day. Values outside their usual ranges are
// normalized as [time.Date] does.
func Date(year int, month time.Month, day int) Time {
	return Of(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

// Of returns what a clock reads at t in the location of t, without the fraction of
// the second.
func Of(t time.Time) Time {
	_, offset := t.Zone()
	return Time(t.Unix() + int64(offset) + epoch)
}

// Std returns the instant at which clocks in UTC read c: the form that the
// packages of the standard library format and take apart.
func (c Time) Std() time.Time { return time.Unix(int64(c)-epoch, 0).UTC() }

// Midnight returns the beginning of the day of c.
func (c Time) Midnight() Time { return c - c.Clock() }

// Clock returns the seconds since the beginning of the day of c.
func (c Time) Clock() Time { return ((c % Day) + Day) % Day }

// String writes a date as 2026-01-31 and any other time as 2026-01-31T12:30:00.
func (c Time) String() string {
	if c.Clock() == 0 {
		return c.Std().Format(time.DateOnly)
	}
	return c.Std().Format(layout)
}

// Parse reads what [Time.String] writes, and 2026-01-31T00:00:00 as well.
func Parse(text string) (Time, bool) {
	for _, form := range [...]string{time.DateOnly, layout} {
		if t, err := time.Parse(form, text); err == nil && t.Nanosecond() == 0 {
			return Of(t), true
		}
	}
	return 0, false
}
