package timegrid

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rivers-go/rivers/internal/civil"
)

// Read returns the tick that a format writes as text: the first one in the stretch of time that
// the text names. It accepts only the text that Write produces.
func Read(g Grid, format, text string) (civil.Time, error) {
	read, last, err := readTime(format, text)
	if err != nil {
		return 0, err
	}
	if read > civil.Last {
		return 0, fmt.Errorf("%q lies outside the years 1 to 9999", text)
	}
	label := Ceil(g, read)
	if Write(format, label) == text {
		return label, nil
	}
	if written := Write(format, read); written != text && Write(format, last) != text {
		return 0, &MisspeltError{text, format, written}
	}
	return label, &OffGridError{Text: text, format: format, before: g.Tick(g.Rank(label) - 1), After: label}
}

// OffGridError reports a text that is a time at which no window starts. Text is the text, After
// the next tick.
type OffGridError struct {
	Text, format  string
	before, After civil.Time
}

// Error names the nearest windows.
func (e *OffGridError) Error() string {
	return fmt.Sprintf("%q: no window starts then: the nearest are %q and %q", e.Text, Write(e.format, e.before), Write(e.format, e.After))
}

// MisspeltError reports a text that does not have the form of a format.
type MisspeltError struct {
	Text, format string
	right        string // how the time is written, "" where the text names none
}

// Error names the format and the right text.
func (e *MisspeltError) Error() string {
	if e.right == "" {
		return fmt.Sprintf("%q is not written as %s", e.Text, e.format)
	}
	return fmt.Sprintf("%q is not written as %s: write %q", e.Text, e.format, e.right)
}

// readTime returns the beginning of the stretch of time that a text names, and a time in it: the
// last day of a week, which may begin in the year before.
func readTime(format, text string) (first, last civil.Time, err error) {
	var w written
	rest := text
	for s := (scanner{rest: format}); ; {
		one, more := s.next()
		if !more {
			break
		}
		d, is := directiveOf(one.letter)
		ok := true
		switch {
		case is:
			var value int
			value, rest, ok = d.read(rest)
			if ok && d.names == nil && (value < d.least || value > d.most) {
				return 0, 0, fmt.Errorf("%q: there is no %s %d: give one from %d to %d", text, d.field, value, d.least, d.most)
			}
			w.has[d.field], w.value[d.field] = true, value
		case one.letter != 0 || rest == "" || rest[0] != one.literal:
			ok = false
		default:
			rest = rest[1:]
		}
		if !ok {
			return 0, 0, &MisspeltError{Text: text, format: format}
		}
	}
	if rest != "" {
		return 0, 0, &MisspeltError{Text: text, format: format}
	}
	if first, last, err = w.time(); err != nil {
		return 0, 0, fmt.Errorf("%q: %w", text, err)
	}
	return max(first, civil.First), last, nil
}

// read reads the value of a directive from the beginning of a text. It takes fewer digits where
// the number is no year, so that an error can tell how it is written.
func (d *directive) read(text string) (value int, rest string, ok bool) {
	for i, name := range d.names {
		if len(text) >= len(name) && strings.EqualFold(text[:len(name)], name) {
			return d.least + i, text[len(name):], true
		}
	}
	if d.names != nil {
		return 0, text, false
	}
	width := d.width
	if d.spaced && text != "" && text[0] == ' ' {
		text, width = text[1:], width-1
	}
	n := 0
	for n < width && n < len(text) && text[n] >= '0' && text[n] <= '9' {
		value = 10*value + int(text[n]-'0')
		n++
	}
	switch d.field {
	case yearField, isoYear, shortYear, shortISOYear, century:
		return value, text[n:], n == width
	default:
		return value, text[n:], n > 0
	}
}

// String returns the field as a word.
func (f field) String() string {
	switch f {
	case monthField:
		return "month"
	case dayField, yearDay:
		return "day"
	case sundayWeek, mondayWeek, isoWeek:
		return "week"
	case weekday:
		return "day of the week"
	case hourField, halfDayHour, afternoon:
		return "hour"
	case minuteField:
		return "minute"
	case secondField, fraction:
		return "second"
	default:
		return "year"
	}
}

// time returns the beginning of the stretch of time that the fields name, and a time on its last
// day if it is a week.
func (w *written) time() (first, last civil.Time, err error) {
	at := w.level()
	switch w.date() {
	case daily:
		first, err = w.day()
	case weekly:
		first, err = w.week()
		return first, first + 6*civil.Day, err
	case monthly:
		first = civil.Date(w.year(), time.Month(w.value[monthField]), 1)
	case yearly:
		first = civil.Date(w.year(), time.January, 1)
	default:
		return 0, 0, errors.New("the year is missing")
	}
	if at >= hourly {
		first += civil.Time(w.hour()) * civil.Hour
	}
	if at >= minutely {
		first += civil.Time(w.value[minuteField]) * civil.Minute
	}
	if at >= secondly {
		first += civil.Time(w.value[secondField])
	}
	return first, first, err
}

// firstShortYear is the year that two digits begin with: 69 is 1969, and 68 is 2068.
const firstShortYear = 1969

func (w *written) year() int { return w.yearOf(yearField, shortYear) }

func (w *written) yearOf(long, short field) int {
	switch {
	case w.has[long]:
		return w.value[long]
	case w.has[century] && short == shortYear:
		return 100*w.value[century] + w.value[short]
	default:
		return firstShortYear + (w.value[short]-firstShortYear%100+100)%100
	}
}

func (w *written) hour() int {
	const noon = 12
	if w.has[hourField] {
		return w.value[hourField]
	}
	return w.value[halfDayHour]%noon + noon*w.value[afternoon]
}

// day returns the day that the fields name.
func (w *written) day() (civil.Time, error) {
	switch year := w.year(); {
	case w.namesYear() && w.has[monthField] && w.has[dayField]:
		month := time.Month(w.value[monthField])
		day := civil.Date(year, month, w.value[dayField])
		if day.Std().Month() != month {
			return 0, fmt.Errorf("%s %d has no day %d", month, year, w.value[dayField])
		}
		return day, nil
	case w.namesYear() && w.has[yearDay]:
		day := civil.Date(year, time.January, w.value[yearDay])
		if day.Std().Year() != year {
			return 0, fmt.Errorf("the year %d has no day %d", year, w.value[yearDay])
		}
		return day, nil
	default:
		week, err := w.week()
		at := civil.Time(w.value[weekday] % 7) // 7 is a Sunday too
		if !w.fromSunday() {
			at = (at + 6) % 7
		}
		return week + at*civil.Day, err
	}
}

// fromSunday reports whether the week is counted from Sundays.
func (w *written) fromSunday() bool { return w.namesYear() && !w.has[mondayWeek] && w.has[sundayWeek] }

// week returns the first day of the week that the fields name.
func (w *written) week() (civil.Time, error) {
	year, n := w.year(), w.value[mondayWeek]
	monday := func(t civil.Time) civil.Time { return t - t%civil.Week } // the civil timeline begins on a Monday
	next := func(day civil.Time) civil.Time { return monday(day + civil.Week - civil.Day) }
	newYear := civil.Date(year, time.January, 1)
	week := next(newYear)
	switch {
	case w.namesYear() && w.has[mondayWeek]:
	case w.fromSunday():
		n = w.value[sundayWeek]
		week = next(newYear+civil.Day) - civil.Day
	default:
		n, year = w.value[isoWeek], w.yearOf(isoYear, shortISOYear)
		week = monday(civil.Date(year, time.January, 4)) + civil.Time(n-1)*civil.Week
		if y, _ := week.Std().ISOWeek(); y != year {
			return 0, fmt.Errorf("the year %d has no week %d", year, n)
		}
		return week, nil
	}
	week += civil.Time(n-1) * civil.Week
	if week > civil.Date(year, time.December, 31) || week+civil.Week <= newYear {
		return 0, fmt.Errorf("the year %d has no week %d", year, n)
	}
	return week, nil
}
