package term

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Duration formats a duration to a readable precision, "-" if it is not positive.
func Duration(d time.Duration) string {
	switch {
	case d <= 0:
		return "-"
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(10 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}

// Instant formats a time in the local zone, "-" for the zero time.
func Instant(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// Words returns an identifier with spaces for underscores.
func Words(identifier string) string { return strings.ReplaceAll(identifier, "_", " ") }

// OneLine returns the first line of a text, shortened to width runes.
func OneLine(text string, width int) string {
	text, _, more := strings.Cut(text, "\n")
	if utf8.RuneCountInString(text) > width {
		return string([]rune(text)[:max(width-1, 0)]) + "…"
	}
	if more {
		text += " …"
	}
	return text
}

// seconds formats a duration to tenths of a second, or to seconds from a minute on.
func seconds(d time.Duration) string {
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.1fs", max(d, 0).Seconds())
}

// Attempt returns " (attempt n)", or nothing for the first attempt.
func Attempt(n int) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(" (attempt %d)", n)
}

// Count returns a number with its noun.
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Counted is Count for an int64.
func Counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Dash returns a text, "-" for an empty one.
func Dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// rateText formats a rate per second.
func rateText(rate float64) string {
	if rate < 10 {
		return fmt.Sprintf("%.1f", rate)
	}
	return fmt.Sprintf("%.0f", rate)
}
