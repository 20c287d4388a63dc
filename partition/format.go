package partition

import (
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/itchyny/timefmt-go"
	"github.com/rivers-go/rivers/internal/civil"
)

// The formats of keys where none is given, by what they must tell apart.
const (
	formatDay    = "%Y-%m-%d"
	formatMinute = "%Y-%m-%d-%H:%M"
	formatSecond = "%Y-%m-%d-%H:%M:%S"
)

// defaultFormat is the coarsest format that tells the ticks of a grid apart.
func defaultFormat(g grid) string {
	switch clock, seconds := finest(g); {
	case seconds:
		return formatSecond
	case clock:
		return formatMinute
	default:
		return formatDay
	}
}

// writeLabel writes a label as a key.
func writeLabel(format string, label civil.Time) string { return timefmt.Format(label.Std(), format) }

// readLabel returns the tick that is written as a text in a format. What a format
// does not write is least in the time that its text is read as, so the tick is the
// next one; and it counts only if it is written in exactly this way.
func readLabel(g grid, format, text string) (civil.Time, error) {
	t, err := timefmt.Parse(text, format)
	if err != nil {
		return 0, fmt.Errorf("%q is not written as %s", text, format)
	}
	read := civil.Of(t)
	if read < civil.First || read > civil.Last {
		return 0, fmt.Errorf("%q lies outside the years 1 to 9999", text)
	}
	label := ceil(g, read)
	if writeLabel(format, label) == text {
		return label, nil
	}
	if written := writeLabel(format, read); written != text {
		return 0, fmt.Errorf("%q is not written as %s: write %q", text, format, written)
	}
	return label, &offGridError{text: text, format: format, before: g.tick(g.rank(label) - 1), after: label}
}

// offGridError is a text that is a time, but not one at which a window starts.
type offGridError struct {
	text, format  string
	before, after civil.Time
}

func (e *offGridError) Error() string {
	return fmt.Sprintf("%q: no window starts then: the nearest are %q and %q", e.text, writeLabel(e.format, e.before), writeLabel(e.format, e.after))
}

// checkFormat checks that keys can be read back: over the first windows of a grid,
// as many as its first four years have, 1024 at most. Formats that write all of a
// date, and of the time as far as the grid has one, need no trial.
func checkFormat(format string, g grid, start civil.Time, end civil.Time) error {
	if err := checkKeyText(format); err != nil {
		return fmt.Errorf("format %w", err)
	}
	for at, directive := range directives(format) {
		if strings.ContainsRune("zZs+", directive) {
			return fmt.Errorf("format %q: %s writes a zone, which keys do not have: leave it out", format, at)
		}
	}
	if complete(format, g) {
		return nil
	}
	const most, years = 1024, 4 * 366
	label := ceil(g, start)
	stop := min(end, label+years*civil.Day)
	for i := 0; i < most && label < stop; i++ {
		text := writeLabel(format, label)
		if _, err := timefmt.Parse(text, format); err != nil {
			return fmt.Errorf("format %q: %s is written %q, which is not read back: use %%Y, %%m, %%d, %%H, %%M, %%S, or others that a date can be read from", format, label, text)
		}
		back, err := readLabel(g, format, text)
		if err != nil || back != label {
			return fmt.Errorf("format %q: the window that starts at %s is written %q, which is read as %s: write more of the time, as in %s", format, label, text, back, defaultFormat(g))
		}
		label = g.tick(g.rank(label) + 1)
	}
	return nil
}

// directives yields the directives of a format, each as it is written and by its letter.
func directives(format string) iter.Seq2[string, rune] {
	return func(yield func(string, rune) bool) {
		for rest := format; ; {
			_, after, found := strings.Cut(rest, "%")
			width := strings.IndexFunc(after, func(r rune) bool { return !strings.ContainsRune("-_^#:0123456789", r) })
			if !found || width < 0 {
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

// complete reports whether a format plainly writes everything that tells the ticks
// of a grid apart, in numbers of fixed width.
func complete(format string, g grid) bool {
	writes := map[string]bool{}
	for written, letter := range directives(format) {
		if !strings.ContainsRune("YmdFHMRST", letter) {
			return false
		}
		writes[written] = true // with a width or a flag it is none of those asked for
	}
	date := writes["%F"] || writes["%Y"] && writes["%m"] && writes["%d"]
	minute := writes["%T"] || writes["%R"] || writes["%H"] && writes["%M"]
	second := writes["%T"] || writes["%S"]
	clock, seconds := finest(g)
	return date && (minute || !clock) && (second || !seconds)
}
