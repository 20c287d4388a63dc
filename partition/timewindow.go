package partition

import (
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/internal/cron"
	"github.com/rivers-go/rivers/partition/internal/timegrid"
)

// Cadence defines when windows start: [Cron] or [Every]. The zero Cadence is a mistake that
// Validate reports.
type Cadence struct {
	cron  string
	every time.Duration
}

// Cron starts a window whenever a cron expression fires, in the zone of the definition. The
// expression has five fields (minute, hour, day of the month, month of the year, weekday) or six
// with the second first.
func Cron(expression string) Cadence { return Cadence{cron: expression} }

// Every starts a window every d from the start of the definition on. d is a whole number of seconds
// of the civil timeline.
func Every(d time.Duration) Cadence { return Cadence{every: d} }

// Option is an option of a definition of time windows.
type Option func(*timeSpec)

// In sets the IANA time zone in which labels are read, such as "Europe/Berlin". The default is UTC.
func In(zone string) Option { return func(s *timeSpec) { s.zone = zone } }

// Until ends the definition: windows start before end, and the last one may reach beyond it.
// Without Until the definition has no end.
func Until(end Civil) Option { return func(s *timeSpec) { s.end = end } }

// EndOffset makes n more windows exist than have ended: 1 adds the window that is open now. A
// negative n withholds that many.
func EndOffset(n int) Option { return func(s *timeSpec) { s.endOffset = n } }

// Format sets the strftime-style format of keys, such as "%Y-%m-%d". It writes every field from the
// year down to the one that tells the windows apart: "%Y-%m" for months, "%G-W%V" for weeks. Two
// digits of a year stand for 1969 to 2068, so %y needs [Until]. Flags and widths are refused.
func Format(format string) Option { return func(s *timeSpec) { s.format = format } }

// AtMinute starts hourly, daily, weekly and monthly windows at a minute of the hour.
func AtMinute(minute int) Option {
	return func(s *timeSpec) { s.minute, s.given = minute, s.given|givenMinute }
}

// AtHour starts daily, weekly and monthly windows at an hour of the day.
func AtHour(hour int) Option {
	return func(s *timeSpec) { s.hour, s.given = hour, s.given|givenHour }
}

// OnWeekday starts weekly windows on a day of the week. The default is Sunday.
func OnWeekday(day time.Weekday) Option {
	return func(s *timeSpec) { s.weekday, s.given = day, s.given|givenWeekday }
}

// OnDay starts monthly windows on a day of the month, from 1 to 28. The default is 1.
func OnDay(day int) Option {
	return func(s *timeSpec) { s.day, s.given = day, s.given|givenDay }
}

// The offsets that can be given to a definition.
const (
	givenMinute = 1 << iota
	givenHour
	givenWeekday
	givenDay
)

// timeSpec collects a constructor and its options.
type timeSpec struct {
	word      string // how the definition was made, for messages
	cadence   Cadence
	fixed     timegrid.Steps // in place of a cadence, where it has a step
	start     Civil
	end       Civil
	zone      string
	format    string
	endOffset int

	given, takes      int
	minute, hour, day int
	weekday           time.Weekday
}

// Hourly returns a definition with one partition per hour from start on. Keys look like
// 2026-01-31-12:00. It takes [AtMinute] and the options of all windows: [In], [Until], [EndOffset],
// [Format].
func Hourly(start Civil, options ...Option) Definition {
	s := timeSpec{word: "hourly", start: start, takes: givenMinute}.with(options)
	s.fixed = timegrid.Steps{Step: civil.Hour, First: s.clock()}
	return s.build()
}

// Daily returns a definition with one partition per day from start on. Keys look like 2026-01-31.
// It takes [AtHour], [AtMinute] and the options of all windows: [In], [Until], [EndOffset],
// [Format].
func Daily(start Civil, options ...Option) Definition {
	s := timeSpec{word: "daily", start: start, takes: givenMinute | givenHour, format: timegrid.FormatDay}.with(options)
	s.fixed = timegrid.Steps{Step: civil.Day, First: s.clock()}
	return s.build()
}

// Weekly returns a definition with one partition per week. The first week starts on the first
// Sunday not before start. Keys are the first day of the week, 2026-02-01. It takes [OnWeekday],
// [AtHour], [AtMinute] and the options of all windows: [In], [Until], [EndOffset], [Format].
func Weekly(start Civil, options ...Option) Definition {
	s := timeSpec{word: "weekly", start: start, takes: givenMinute | givenHour | givenWeekday, format: timegrid.FormatDay}.with(options)
	sinceMonday := civil.Time(s.weekday+6) % 7 // the civil timeline begins on a Monday
	s.fixed = timegrid.Steps{Step: civil.Week, First: sinceMonday*civil.Day + s.clock()}
	return s.build()
}

// Monthly returns a definition with one partition per month from start on. Keys are the first day,
// 2026-02-01. It takes [OnDay], [AtHour], [AtMinute] and the options of all windows: [In], [Until],
// [EndOffset], [Format].
func Monthly(start Civil, options ...Option) Definition {
	s := timeSpec{word: "monthly", start: start, takes: givenMinute | givenHour | givenDay, format: timegrid.FormatDay, day: 1}.with(options)
	s.cadence = Cron(fmt.Sprintf("%d %d %d * *", s.minute, s.hour, s.day))
	return s.build()
}

// TimeWindow returns a definition with one partition per window from start on. A window ends where
// the next one starts. Without a [Format], keys write the day (2026-01-31), with minute or second
// if the windows need it (2026-01-31-12:00:30). It takes [In], [Until], [EndOffset] and [Format].
func TimeWindow(cadence Cadence, start Civil, options ...Option) Definition {
	s := timeSpec{word: "time window", cadence: cadence, start: start}.with(options)
	return s.build()
}

// with applies the options.
func (s timeSpec) with(options []Option) timeSpec {
	for _, option := range options {
		option(&s)
	}
	return s
}

// clock returns the time of day, or of the hour, at which windows start.
func (s timeSpec) clock() civil.Time {
	return civil.Time(s.hour*civil.Hour + s.minute*civil.Minute)
}

// build returns the definition and records mistakes in it.
func (s timeSpec) build() Definition {
	d := &timeWindow{start: s.start.at, end: s.end.at, hasEnd: !s.end.IsZero(), endOffset: int64(s.endOffset), zone: time.UTC, format: s.format}
	fault := func(err error) { d.faults = append(d.faults, fmt.Errorf("%s partitions: %w", s.word, err)) }
	for _, err := range s.faults() {
		fault(err)
	}
	if s.zone != "" {
		zone, err := loadZone(s.zone)
		if err != nil {
			fault(err)
		}
		d.zone = zone
	}
	g, err := s.grid()
	if err != nil && (len(d.faults) == 0 || s.given == 0) { // a wrong day was reported, and makes a wrong expression
		fault(err)
	}
	d.grid = g
	if d.format == "" {
		d.format = timegrid.DefaultFormat(g)
	}
	if len(d.faults) > 0 {
		return d
	}
	if first := timegrid.Ceil(g, d.start); d.hasEnd && first >= d.end {
		fault(fmt.Errorf("no window starts from %s to before %s: the first one after the start is at %s", s.start, s.end, first))
	}
	if err := checkKeyText(d.format); err != nil {
		fault(fmt.Errorf("format %w", err))
	} else if err := timegrid.CheckFormat(d.format, g, d.start, d.last()); err != nil {
		fault(err)
	}
	return d
}

// faults returns the mistakes in numbers and bounds.
func (s timeSpec) faults() []error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch {
	case s.start.IsZero():
		fault("the start is missing: give it as partition.Date(2026, time.January, 1)")
	case s.start.at < civil.First || s.start.at > civil.Last:
		fault("the start %s lies outside the years 1 to 9999", s.start)
	case !s.end.IsZero() && s.end.at <= s.start.at:
		fault("the end %s is not after the start %s", s.end, s.start)
	}
	for _, offset := range [...]struct {
		bit, value, least, most int
		name, hint              string
	}{
		{givenMinute, s.minute, 0, 59, "minute", ""},
		{givenHour, s.hour, 0, 23, "hour", ""},
		{givenWeekday, int(s.weekday), 0, 6, "weekday", ""},
		{givenDay, s.day, 1, 28, "day", ", which every month has; for later days write TimeWindow(Cron(…))"},
	} {
		switch {
		case s.given&offset.bit == 0:
		case s.takes&offset.bit == 0:
			fault("the %s has no meaning here: leave it out", offset.name)
		case offset.value < offset.least || offset.value > offset.most:
			fault("the %s is %d: give one from %d to %d%s", offset.name, offset.value, offset.least, offset.most, offset.hint)
		}
	}
	if s.endOffset > maxOffset || s.endOffset < -maxOffset {
		fault("the end offset is %d: give one from %d to %d", s.endOffset, -maxOffset, maxOffset)
	}
	return faults
}

// maxOffset bounds offsets, so that sums of them do not overflow.
const maxOffset = 1_000_000_000

// loadZone finds a time zone by its IANA name.
func loadZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		_, unknown := time.LoadLocation(knownZone)
		return time.UTC, zoneError(name, unknown != nil)
	}
	if zone.String() == "UTC" {
		return time.UTC, nil
	}
	return zone, nil
}

// knownZone is a name that every time zone database has.
const knownZone = "Europe/Berlin"

// zoneError returns the error for a name of a time zone that cannot be loaded. Without a database
// the name may be right.
func zoneError(name string, noDatabase bool) error {
	if noDatabase && name != "Local" {
		return fmt.Errorf("time zone %q: there is no time zone database: import _ %q in the program, or install tzdata", name, "time/tzdata")
	}
	return fmt.Errorf("no time zone is called %q: give an IANA name such as %q", name, knownZone)
}

// grid returns the grid of the cadence, or a grid of days with the mistake.
func (s timeSpec) grid() (timegrid.Grid, error) {
	days, every := timegrid.Steps{Step: civil.Day}, s.cadence.every
	switch {
	case s.fixed.Step > 0:
		return s.fixed, nil
	case s.cadence.cron != "":
		e, err := cron.Parse(s.cadence.cron)
		if err != nil {
			return days, err
		}
		return timegrid.Of(e), nil
	case every == 0:
		return days, errors.New("the cadence is missing: give Cron(\"0 6 * * *\") or Every(6 * time.Hour)")
	case every < time.Second || every%time.Second != 0 || every > maxEvery:
		return days, fmt.Errorf("every %s: give a whole number of seconds, one at least", every)
	default:
		return timegrid.Every(civil.Time(every/time.Second), s.start.at), nil
	}
}

// maxEvery is a century of seconds.
const maxEvery = 100 * 366 * 24 * time.Hour
