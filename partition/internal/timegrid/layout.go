package timegrid

import (
	"strings"

	"github.com/rivers-go/rivers/internal/civil"
)

// field is one number or name that a format writes.
type field uint

const (
	yearField    field = iota
	century            // the first two digits of the year
	shortYear          // its last two digits
	isoYear            // the year that weeks of the calendar of ISO 8601 belong to
	shortISOYear       // its last two digits
	monthField         // from 1
	dayField           // of the month, from 1
	yearDay            // day of the year, from 1
	sundayWeek         // week of the year, the first Sunday begins week 1
	mondayWeek         // the same from Mondays
	isoWeek            // week of the ISO year, from 1
	weekday            // from 0, which is Sunday
	hourField          // from 0 to 23
	halfDayHour        // from 1 to 12
	afternoon          // 0 or 1
	minuteField        // from 0
	secondField        // from 0
	fraction           // of the second, always 0
	fields             // their number
)

// directive tells how a letter after % is written.
type directive struct {
	field       field
	width       int // digits
	least, most int
	spaced      bool     // a space stands for the first digit of two
	names       []string // in place of digits, the first one for least
}

// directiveOf returns the directive of a letter. It returns false for a letter that is none, or
// that writes what a key cannot be read from.
func directiveOf(letter byte) (directive, bool) {
	switch letter {
	case 'Y':
		return directive{field: yearField, width: 4, least: 1, most: 9999}, true
	case 'C':
		return directive{field: century, width: 2, most: 99}, true
	case 'y':
		return directive{field: shortYear, width: 2, most: 99}, true
	case 'G':
		return directive{field: isoYear, width: 4, least: 1, most: 9999}, true
	case 'g':
		return directive{field: shortISOYear, width: 2, most: 99}, true
	case 'm':
		return directive{field: monthField, width: 2, least: 1, most: 12}, true
	case 'B':
		return directive{field: monthField, least: 1, names: months()}, true
	case 'b', 'h':
		return directive{field: monthField, least: 1, names: shortened(months())}, true
	case 'd', 'e':
		return directive{field: dayField, width: 2, least: 1, most: 31, spaced: letter == 'e'}, true
	case 'j':
		return directive{field: yearDay, width: 3, least: 1, most: 366}, true
	case 'U':
		return directive{field: sundayWeek, width: 2, most: 53}, true
	case 'W':
		return directive{field: mondayWeek, width: 2, most: 53}, true
	case 'V':
		return directive{field: isoWeek, width: 2, least: 1, most: 53}, true
	case 'w':
		return directive{field: weekday, width: 1, most: 6}, true
	case 'u':
		return directive{field: weekday, width: 1, least: 1, most: 7}, true
	case 'A':
		return directive{field: weekday, names: weekdays()}, true
	case 'a':
		return directive{field: weekday, names: shortened(weekdays())}, true
	default:
		return clockOf(letter)
	}
}

// clockOf returns the directive of a letter that writes a part of the time of day.
func clockOf(letter byte) (directive, bool) {
	switch letter {
	case 'H', 'k':
		return directive{field: hourField, width: 2, most: 23, spaced: letter == 'k'}, true
	case 'I', 'l':
		return directive{field: halfDayHour, width: 2, least: 1, most: 12, spaced: letter == 'l'}, true
	case 'p', 'P':
		return directive{field: afternoon, names: []string{"AM", "PM"}}, true
	case 'M':
		return directive{field: minuteField, width: 2, most: 59}, true
	case 'S':
		return directive{field: secondField, width: 2, most: 59}, true
	case 'f':
		return directive{field: fraction, width: 6}, true
	default:
		return directive{}, false
	}
}

// group returns what a letter that stands for several directives writes, "" for any other.
// Letters in it are directives.
func group(letter byte) string {
	switch letter {
	case 'c':
		return "a b e H:M:S Y"
	case 'v':
		return "e-b-Y"
	case 'r':
		return "I:M:S p"
	case 'F':
		return "Y-m-d"
	case 'D', 'x':
		return "m/d/y"
	case 'T', 'X':
		return "H:M:S"
	case 'R':
		return "H:M"
	default:
		return ""
	}
}

// part is one part of a format: the letter of a directive or, without one, a literal byte.
type part struct{ letter, literal byte }

// scanner takes a format apart.
type scanner struct{ rest, group string }

// next returns the next part, and false at the end. A letter may be no directive.
func (s *scanner) next() (part, bool) {
	if s.group != "" {
		b := s.group[0]
		s.group = s.group[1:]
		if strings.IndexByte(" :-/", b) >= 0 {
			return part{literal: b}, true
		}
		return part{letter: b}, true
	}
	if s.rest == "" {
		return part{}, false
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	if b != '%' {
		return part{literal: b}, true
	}
	if s.rest == "" {
		return part{letter: b}, true
	}
	letter := s.rest[0]
	s.rest = s.rest[1:]
	switch letter {
	case '%':
		return part{literal: '%'}, true
	case 't':
		return part{literal: '\t'}, true
	case 'n':
		return part{literal: '\n'}, true
	}
	if s.group = group(letter); s.group != "" {
		return s.next()
	}
	return part{letter: letter}, true
}

// written is what a format writes of a time: which fields, and in a text read with it their values.
type written struct {
	has   [fields]bool
	value [fields]int
}

// writes returns which fields a format writes.
func writes(format string) written {
	var w written
	for s := (scanner{rest: format}); ; {
		one, more := s.next()
		if !more {
			return w
		}
		if d, ok := directiveOf(one.letter); ok {
			w.has[d.field] = true
		}
	}
}

// level is how precisely a text names a time: the stretch of time that all fields from the year
// down to the level name. A field below one that is not written adds nothing.
type level int

const (
	always level = iota // no year is named
	yearly
	monthly
	weekly
	daily
	hourly
	minutely
	secondly
)

// level returns how precisely the fields name a time.
func (w *written) level() level {
	date := w.date()
	switch {
	case date < daily || !w.has[hourField] && !(w.has[halfDayHour] && w.has[afternoon]):
		return date
	case !w.has[minuteField]:
		return hourly
	case !w.has[secondField]:
		return minutely
	default:
		return secondly
	}
}

// date returns how precisely the fields name a date.
func (w *written) date() level {
	year, iso := w.namesYear(), w.namesISOYear()
	week := year && (w.has[mondayWeek] || w.has[sundayWeek]) || iso && w.has[isoWeek]
	switch {
	case year && (w.has[monthField] && w.has[dayField] || w.has[yearDay]) || week && w.has[weekday]:
		return daily
	case week:
		return weekly
	case year && w.has[monthField]:
		return monthly
	case year:
		return yearly
	default:
		return always
	}
}

// byISO reports whether the date follows from a week of ISO 8601.
func (w *written) byISO() bool {
	byYear := w.namesYear() && (w.has[monthField] && w.has[dayField] || w.has[yearDay] || w.has[mondayWeek] || w.has[sundayWeek])
	return w.date() >= weekly && !byYear
}

func (w *written) namesYear() bool    { return w.has[yearField] || w.has[shortYear] }
func (w *written) namesISOYear() bool { return w.has[isoYear] || w.has[shortISOYear] }

// single reports whether no two ticks of a grid lie in one stretch of a level.
func single(g Grid, l level) bool {
	switch g := g.(type) {
	case Steps:
		return l != always && g.Step >= longest(l)
	case Ticks:
		most := g.Most()
		switch l {
		case always:
			return false
		case yearly:
			return most.Year <= 1
		case monthly:
			return most.Month <= 1
		case weekly:
			return g.SmallestGap() >= civil.Week
		case daily:
			return most.Day <= 1
		case hourly:
			return most.Hour <= 1
		case minutely:
			return most.Minute <= 1
		default:
			return true
		}
	default:
		return l == secondly
	}
}

// longest returns the length of the longest stretch of a level. A shorter step puts two ticks into
// one such stretch sooner or later.
func longest(l level) civil.Time {
	const month, year = 31 * civil.Day, 366 * civil.Day
	switch l {
	case yearly:
		return year
	case monthly:
		return month
	case weekly:
		return civil.Week
	case daily:
		return civil.Day
	case hourly:
		return civil.Hour
	case minutely:
		return civil.Minute
	default:
		return 1
	}
}
