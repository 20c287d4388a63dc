package timegrid

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/internal/cron"
)

// formats draws formats of all directives, sensible and not.
func formats() *rapid.Generator[string] {
	whole := []string{"%Y-%m-%d", "%Y-%m-%d-%H", "%Y-%m-%d-%H:%M", "%Y-%M-%d-%H", "%G-W%V", "%G%V%u", "%Y-%W", "%Y-%U", "%Y %U %a", "%Y %W %w", "%Y/%j", "%y%m%d", "%g-%V", "%C%y%m", "%c", "%v %r", "%D %R", "%F %T", "%x%X", "%Y-%m", "%Y", "%Y-%m-%d%", "%Y-%m-%d %I", "%Y-%m-%d %l%p", "%B %Y", "%Y-%V", "%G-%m-%d", "%Y%m%e%k", "%y %G-%V"}
	pieces := []string{"%Y", "%C", "%y", "%G", "%g", "%m", "%B", "%b", "%h", "%d", "%e", "%j", "%U", "%W", "%V", "%w", "%u", "%A", "%a", "%H", "%k", "%I", "%l", "%p", "%P", "%M", "%S", "%f", "%t", "%n", "%%", "%F", "%T", "%R", "%D", "%c", "%r", "%v", "-", "5", " ", "%-d", "%3Y", "%Q", "%s", "%z", "%", "%_", "x"}
	return rapid.Custom(func(t *rapid.T) string {
		if rapid.Bool().Draw(t, "whole") {
			return rapid.SampledFrom(whole).Draw(t, "format") + strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 1).Draw(t, "more"), "")
		}
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 7).Draw(t, "format"), "")
	})
}

// grids draws grids whose windows come to lie together within some thousands, if they ever do.
func grids() *rapid.Generator[Grid] {
	const minute, hour, day = civil.Minute, civil.Hour, civil.Day
	steps := []civil.Time{1, 15, minute, 7 * minute, 30 * minute, 45 * minute, 50 * minute, hour, 90 * minute, 7 * hour, 12 * hour, 23 * hour, day, 36 * hour, 6 * day, 7 * day, 8 * day, 14 * day, 28 * day, 30 * day, 31 * day, 365 * day, 366 * day}
	crons := []string{"0 0 1 * *", "0 6 15 * *", "0 0 1 1 *", "0 0 29 2 *", "0 9 * * 1-5", "*/30 9 * * *", "30 9 * * *", "0 9,15 * * *", "0 0 1,15 * *", "0 0 * * 0,6", "15 30 9 1 * *", "*/7 * * * *", "0 0 28-31 * *", "0 0 1,31 1,12 *"}
	return rapid.Custom(func(t *rapid.T) Grid {
		if rapid.Bool().Draw(t, "fixed") {
			first := civil.Time(rapid.SampledFrom([]int64{0, 1, 30 * civil.Minute, 6 * civil.Hour, 3*civil.Day + 90}).Draw(t, "first"))
			return Every(rapid.SampledFrom(steps).Draw(t, "step"), civil.Date(2026, time.January, 1)+first)
		}
		e, err := cron.Parse(rapid.SampledFrom(crons).Draw(t, "cron"))
		if err != nil {
			t.Fatal(err)
		}
		return Of(e)
	})
}

// A format that is accepted writes any two windows differently, and every text is read as its
// window. One that is refused writes a window so that its text is not read as that window.
func TestFormatsAreAcceptedIfAndOnlyIfTheyLoseNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		format, g := formats().Draw(t, "format"), grids().Draw(t, "grid")
		start, end := civil.Date(2026, time.January, 1), civil.Last+1
		if rapid.Bool().Draw(t, "ends") {
			end = civil.Date(2069, time.January, 1)
		}
		comesBack := func(label civil.Time) bool {
			back, err := Read(g, format, Write(format, label))
			return err == nil && back == label
		}
		if err := CheckFormat(format, g, start, end); err != nil {
			label := Ceil(g, start)
			for range 5000 {
				if !comesBack(label) {
					return
				}
				label = Shift(g, label, 1)
			}
			if !comesBack(Floor(g, end-1)) {
				return
			}
			t.Fatalf("%v, but every window of %s is read back", err, g)
		}
		day := int64(civil.Day)
		label := Ceil(g, start+civil.Time(rapid.Int64Range(0, 40*366*day).Draw(t, "at")))
		for _, away := range []int64{0, 1, 60, 3600, 43200, day, 7 * day, 28 * day, 30 * day, 31 * day, 365 * day, 366 * day, 36524 * day, 36525 * day, 146097 * day, rapid.Int64Range(1, 3000*366*day).Draw(t, "away")} {
			other := Ceil(g, label+civil.Time(away))
			if other >= end {
				continue
			}
			if !comesBack(other) {
				back, err := Read(g, format, Write(format, other))
				t.Fatalf("%q of %s: %s is written %q and read as %s: %v", format, g, other, Write(format, other), back, err)
			}
			if other != label && Write(format, other) == Write(format, label) {
				t.Fatalf("%q of %s: %s and %s are both written %q", format, g, label, other, Write(format, other))
			}
		}
	})
}
