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

// Read returns the tick that a format writes as text. Parsing sets what the format leaves out to
// its least value, so the tick is the next one. Read accepts only the text that Write produces.
func Read(g Grid, format, text string) (civil.Time, error) {
	t, err := timefmt.Parse(text, format)
	if err != nil {
		return 0, fmt.Errorf("%q is not written as %s", text, format)
	}
	read := civil.Of(t)
	if read < civil.First || read > civil.Last {
		return 0, fmt.Errorf("%q lies outside the years 1 to 9999", text)
	}
	label := Ceil(g, read)
	if Write(format, label) == text {
		return label, nil
	}
	if written := Write(format, read); written != text {
		return 0, fmt.Errorf("%q is not written as %s: write %q", text, format, written)
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

// CheckFormat checks that Read reverses Write for the windows of a grid from start to end. It tries
// those of the first four years, at most 1024. A format that plainly writes the whole tick needs no
// trial.
func CheckFormat(format string, g Grid, start civil.Time, end civil.Time) error {
	for at, directive := range directives(format) {
		if strings.ContainsRune("zZs+", directive) {
			return fmt.Errorf("format %q: %s writes a zone, which keys do not have: leave it out", format, at)
		}
	}
	if complete(format, g) {
		return nil
	}
	const most, years = 1024, 4 * 366
	label := Ceil(g, start)
	stop := min(end, label+years*civil.Day)
	for i := 0; i < most && label < stop; i++ {
		text := Write(format, label)
		if _, err := timefmt.Parse(text, format); err != nil {
			return fmt.Errorf("format %q: %s is written %q, which is not read back: use %%Y, %%m, %%d, %%H, %%M, %%S, or others that a date can be read from", format, label, text)
		}
		back, err := Read(g, format, text)
		if err != nil || back != label {
			return fmt.Errorf("format %q: the window that starts at %s is written %q, which is read as %s: write more of the time, as in %s", format, label, text, back, DefaultFormat(g))
		}
		label = g.Tick(g.Rank(label) + 1)
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
func complete(format string, g Grid) bool {
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
