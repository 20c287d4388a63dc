package timegrid

import (
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/itchyny/timefmt-go"
	"github.com/rivers-go/rivers/internal/civil"
)

// The default formats of keys, by what they tell apart.
const (
	FormatDay    = "%Y-%m-%d"
	FormatMinute = "%Y-%m-%d-%H:%M"
	FormatSecond = "%Y-%m-%d-%H:%M:%S"
)

// DefaultFormat returns the coarsest format that tells the ticks of a grid apart.
func DefaultFormat(g Grid) string {
	switch clock, seconds := finest(g); {
	case seconds:
		return FormatSecond
	case clock:
		return FormatMinute
	default:
		return FormatDay
	}
}

// Write writes a label as a key.
func Write(format string, label civil.Time) string { return timefmt.Format(label.Std(), format) }

// CheckFormat checks that Read reverses Write for the windows of a grid. It follows from the fields
// that the format writes and from the grid: all fields from the year down to the one that tells the
// ticks apart are there. So a later end never takes a format away, unless the year has two digits.
func CheckFormat(format string, g Grid, start civil.Time, end civil.Time) error {
	if err := checkDirectives(format); err != nil {
		return err
	}
	w := writes(format)
	if l := w.level(); !single(g, l) {
		return fmt.Errorf("format %q: without %s a key does not name one window: write it, as in %s", format, w.lacks(l), DefaultFormat(g))
	}
	if whole := w.has[yearField] || w.has[century]; w.byISO() && w.has[isoYear] || !w.byISO() && whole {
		return nil
	}
	const last = firstShortYear + 99
	from, to := Ceil(g, start), Floor(g, end-1)
	if w.pivots(from, firstShortYear, last) && w.pivots(to, firstShortYear, last) {
		return nil
	}
	return fmt.Errorf("format %q: two digits of a year stand for %d to %d, and windows lie outside them: write %%Y or %%G, or end the definition before %d", format, firstShortYear, last, last+1)
}

// pivots reports whether the year of a time, as the format counts it, lies between two years.
func (w *written) pivots(at civil.Time, first, last int) bool {
	year := at.Std().Year()
	if w.byISO() {
		year, _ = at.Std().ISOWeek()
	}
	return year >= first && year <= last
}

// lacks names the field that a format of a level does not write.
func (w *written) lacks(l level) string {
	switch {
	case l == always && w.has[isoYear]:
		return "the year (%G is the year of %V)"
	case l == always:
		return "the year"
	case l == yearly && w.has[isoWeek]:
		return "the year of the week (%G is the year of %V)"
	case l == yearly:
		return "the month"
	case l == monthly, l == weekly:
		return "the day"
	case l == daily && w.has[halfDayHour]:
		return "the half of the day (%p is that of %I)"
	case l == daily:
		return "the hour"
	case l == hourly:
		return "the minute"
	default:
		return "the second"
	}
}

// checkDirectives checks that a key can be read from every directive of a format.
func checkDirectives(format string) error {
	for at, letter := range directives(format) {
		switch {
		case at == "%":
			return fmt.Errorf("format %q: a %% at the end begins nothing: write %%%% for the sign itself", format)
		case letter == 's':
			return fmt.Errorf("format %q: %s writes an instant, which keys do not have: write the date and the time of day", format, at)
		case strings.ContainsRune("zZ+", letter):
			return fmt.Errorf("format %q: %s writes a zone, which keys do not have: leave it out", format, at)
		}
	}
	for at, letter := range directives(format) {
		plain := letter < utf8.RuneSelf && len(at) == len("%Y")
		if known := strings.ContainsRune("%tn", letter) || letter < utf8.RuneSelf && isDirective(byte(letter)); plain && known {
			continue
		}
		return fmt.Errorf("format %q: %s is nothing that a key can be read from: use %%Y, %%m, %%d, %%H, %%M, %%S, or others of strftime without a flag or a width", format, at)
	}
	return nil
}

func isDirective(letter byte) bool {
	_, one := directiveOf(letter)
	return one || group(letter) != ""
}

// directives yields the directives of a format, each as it is written and by its letter. The letter
// of a last one that lacks it is 0.
func directives(format string) iter.Seq2[string, rune] {
	return func(yield func(string, rune) bool) {
		for rest := format; ; {
			_, after, found := strings.Cut(rest, "%")
			width := strings.IndexFunc(after, func(r rune) bool { return !strings.ContainsRune("-_^#:0123456789", r) })
			if !found {
				return
			}
			if width < 0 {
				yield("%"+after, 0)
				return
			}
			letter, size := utf8.DecodeRuneInString(after[width:])
			if !yield("%"+after[:width+size], letter) {
				return
			}
			rest = after[width+size:]
		}
	}
}

// months returns the names that %B writes.
func months() []string {
	return []string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
}

// weekdays returns the names that %A writes.
func weekdays() []string {
	return []string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
}

// shortened returns the first three letters of each name, as %b and %a write them.
func shortened(names []string) []string {
	for i, name := range names {
		names[i] = name[:3]
	}
	return names
}
