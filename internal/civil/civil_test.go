package civil_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/rivers-go/rivers/internal/civil"
	"pgregory.net/rapid"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]civil.Time{
		"0001-01-01":          0,
		"1970-01-01":          62135596800,
		"2026-01-31T12:30:05": civil.Date(2026, time.January, 31) + 12*civil.Hour + 30*civil.Minute + 5,
		"9999-12-31T23:59:59": civil.Last,
	} {
		got, ok := civil.Parse(text)
		if !ok || got != want || got.String() != text {
			t.Errorf("%s: %d, written %s, want %d", text, got, got, want)
		}
	}
	for _, text := range []string{"", "2026-02-30", "2026-01-31 12:30:05", "2026-01-31T12:30:05.5", "2026-01-31T12:30:05Z", "2026-1-3"} {
		if got, ok := civil.Parse(text); ok {
			t.Errorf("%q was read as %s", text, got)
		}
	}
	if got, ok := civil.Parse("2026-01-31T00:00:00"); !ok || got.String() != "2026-01-31" {
		t.Errorf("midnight is written %s", got)
	}
}

func TestBeforeTheFirstYear(t *testing.T) {
	t.Parallel()
	c := civil.First - 1
	if c.Clock() != civil.Day-1 || c.Midnight() != -civil.Day || c.String() != "0000-12-31T23:59:59" {
		t.Errorf("%s: clock %d, midnight %d", c, c.Clock(), c.Midnight())
	}
}

// The instants of times around changes of the clocks, whole hours, half hours and
// a whole day.
func TestInAroundChanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, civil, want string }{
		{"UTC", "2026-03-29T02:30:00", "2026-03-29T02:30:00Z"},
		{"Europe/Berlin", "2026-03-29T01:59:59", "2026-03-29T00:59:59Z"},
		{"Europe/Berlin", "2026-03-29T02:00:00", "2026-03-29T01:00:00Z"}, // in the gap: as it opens
		{"Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:00:00Z"},
		{"Europe/Berlin", "2026-03-29T03:00:00", "2026-03-29T01:00:00Z"},
		{"Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"}, // twice: the first time
		{"Europe/Berlin", "2026-10-25T03:00:00", "2026-10-25T02:00:00Z"},
		{"Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:30:00Z"},
		{"Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-04T14:45:00Z"},
		{"Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T10:00:00Z"}, // a day that was left out
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"},
		{"Asia/Tokyo", "2026-01-01", "2025-12-31T15:00:00Z"},
	} {
		at, ok := civil.Parse(c.civil)
		if !ok {
			t.Fatal(c.civil)
		}
		if got := at.In(zone(t, c.zone)).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s in %s is %s, want %s", c.civil, c.zone, got, c.want)
		}
	}
}

func TestReachedAroundChanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, at, want string }{
		{"UTC", "2026-03-29T02:30:00Z", "2026-03-29T02:30:00"},
		{"Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-29T01:59:59"},
		{"Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00"},
		{"Europe/Berlin", "2026-10-25T00:59:59Z", "2026-10-25T02:59:59"},
		{"Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25T02:59:59"}, // the clock reads 02:30 again
		{"Europe/Berlin", "2026-10-25T02:00:00Z", "2026-10-25T03:00:00"},
		{"Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := civil.Reached(at, zone(t, c.zone)).String(); got != c.want {
			t.Errorf("at %s in %s, %s was reached, want %s", c.at, c.zone, got, c.want)
		}
	}
}

// In never decreases, and Reached is its inverse: c.In ≤ t exactly for c ≤ Reached(t).
func TestReachedIsTheInverseOfIn(t *testing.T) {
	t.Parallel()
	zones := []*time.Location{time.UTC}
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo", "Asia/Tehran", "Africa/Casablanca", "Antarctica/Troll", "America/Caracas"} {
		zones = append(zones, zone(t, name))
	}
	from, to := civil.Date(1900, 1, 1), civil.Date(2400, 1, 1)
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(t, "zone")
		c := civil.Time(rapid.Int64Range(int64(from), int64(to)).Draw(t, "civil"))
		if rapid.Bool().Draw(t, "near a change") {
			if _, ends := civil.Bounds(c.In(loc)); !ends.IsZero() {
				c = civil.Of(ends) + civil.Time(rapid.Int64Range(-8000, 8000).Draw(t, "off"))
			}
		}
		at := c.In(loc)
		if next := (c + 1).In(loc); next.Before(at) {
			t.Fatalf("%s is %s, a second later it is %s", c, at, next)
		}
		if r := civil.Reached(at, loc); r < c || r.In(loc).After(at) || !(r + 1).In(loc).After(at) {
			t.Fatalf("%s is at %s, when %s was reached", c, at, r)
		}
		if before := civil.Reached(at.Add(-time.Second), loc); before >= c {
			t.Fatalf("%s is at %s, but %s was reached a second before", c, at, before)
		}
	})
}

// Around the ends of years, where the standard library is a day early in leap years.
func TestEndsOfYears(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"America/New_York", "Australia/Lord_Howe", "Europe/Berlin", "UTC", "Asia/Tokyo"} {
		loc := zone(t, name)
		for year := 2025; year < 2500; year++ {
			for c := civil.Date(year, time.December, 29); c < civil.Date(year+1, time.January, 3); c += 6*civil.Hour + 59 {
				at := c.In(loc)
				if civil.Of(at) != c || civil.Reached(at, loc) != c {
					t.Fatalf("%s in %s is at %s, when %s was reached", c, name, at, civil.Reached(at, loc))
				}
				if opens, ends := civil.Bounds(at); !opens.IsZero() && opens.After(at) || !ends.IsZero() && !ends.After(at) {
					t.Fatalf("%s lies outside %s to %s", at, opens, ends)
				}
			}
		}
	}
}
