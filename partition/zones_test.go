package partition

import (
	_ "embed"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/partition/internal/timegrid"
)

// The IANA zones whose clocks have changed since 2000.
//
//go:embed testdata/zones.txt
var changingZones string

// Around every change of clocks since 2000, in every zone that has had one: no key is
// lost or doubled, windows tile the line of instants, and a window exists once it has
// ended.
func TestChangesOfClocksInAllZones(t *testing.T) {
	t.Parallel()
	names := strings.Fields(changingZones)
	changes := 0
	for _, name := range names {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		definitions := []Definition{
			Hourly(Date(1999, time.December, 1), In(name)), Daily(Date(1999, time.December, 1), In(name)),
			TimeWindow(Every(15*time.Minute), Date(1999, time.December, 1), In(name)),
		}
		at := time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC).In(zone)
		for {
			_, change := civil.Bounds(at)
			if change.IsZero() || change.Year() > 2037 {
				break
			}
			at = change.In(zone)
			if civil.Of(at)-civil.Of(change.Add(-time.Second).In(zone)) == 1 {
				continue // a year's end, or another name: no change
			}
			changes++
			for _, d := range definitions {
				checkChange(t, d, change)
			}
		}
	}
	if len(names) < 300 || changes < 10_000 {
		t.Errorf("%d zones and %d changes were looked at: where are the others?", len(names), changes)
	}
}

// checkChange looks at the windows around a change of clocks.
func checkChange(t *testing.T, d Definition, change time.Time) {
	t.Helper()
	w := d.(*timeWindow)
	s := ok(NewSpace(d, change.Add(72*time.Hour), Tables{}))
	one := s.dims[0].(*timeDimension)
	lo := w.grid.Rank(civil.Reached(change.Add(-time.Second), w.zone)-4*civil.Hour) - 1
	hi := w.grid.Rank(civil.Reached(change, w.zone)+4*civil.Hour) + 1
	var last Window
	for rank := lo; rank < hi; rank++ {
		label := w.grid.Tick(rank)
		text := timegrid.Write(w.format, label)
		if back, err := timegrid.Read(w.grid, w.format, text); err != nil || back != label {
			t.Fatalf("%s: %q is %s, not %s (%v)", d, text, back, label, err)
		}
		win := one.window(int64(label), int64(w.grid.Tick(rank+1)))
		if win.End.Before(win.Start) || rank > lo && !win.Start.Equal(last.End) {
			t.Fatalf("%s: %q is %s after %s", d, text, win, last)
		}
		last = win
		// It exists from its end on, and not a second earlier.
		if before, after := newTimeDimension("", w, win.End.Add(-time.Second)), newTimeDimension("", w, win.End); before.end > rank || after.end <= rank {
			t.Fatalf("%s: %q ends at %s; before, %d windows exist, then %d, it is number %d", d, text, win.End, before.end, after.end, rank)
		}
	}
}

func TestWindowsOnTheDayClocksChange(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, time.January, 1, 0, 0, 0, 0, time.UTC)
	start := Date(2024, time.January, 1)
	for _, c := range []struct {
		def       Definition
		key, want string
		length    time.Duration
	}{
		{Daily(start, In("Europe/Berlin")), "2026-03-29", "[2026-03-29T00:00:00+01:00, 2026-03-30T00:00:00+02:00)", 23 * time.Hour},
		{Daily(start, In("Europe/Berlin")), "2026-10-25", "[2026-10-25T00:00:00+02:00, 2026-10-26T00:00:00+01:00)", 25 * time.Hour},
		{Hourly(start, In("Europe/Berlin")), "2026-03-29-02:00", "[2026-03-29T03:00:00+02:00, 2026-03-29T03:00:00+02:00)", 0},
		{Hourly(start, In("Europe/Berlin")), "2026-10-25-02:00", "[2026-10-25T02:00:00+02:00, 2026-10-25T03:00:00+01:00)", 2 * time.Hour},
		{Hourly(start, In("Australia/Lord_Howe")), "2026-10-04-02:00", "[2026-10-04T02:30:00+11:00, 2026-10-04T03:00:00+11:00)", time.Hour / 2},
		{Daily(start), "2024-02-29", "[2024-02-29T00:00:00Z, 2024-03-01T00:00:00Z)", 24 * time.Hour},
		{Monthly(start), "2024-02-01", "[2024-02-01T00:00:00Z, 2024-03-01T00:00:00Z)", 29 * 24 * time.Hour},
	} {
		s := ok(NewSpace(c.def, now, Tables{}))
		w := ok(s.Window(SingleKey(c.key)))
		if w.String() != c.want || w.Duration() != c.length || w.Contains(w.Start) != (c.length > 0) || w.Contains(w.End) {
			t.Errorf("%s of %s: %s, %s long, want %s, %s", c.key, c.def, w, w.Duration(), c.want, c.length)
		}
	}
}
