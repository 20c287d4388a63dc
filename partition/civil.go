package partition

import (
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/civil"
)

// Civil is a reading of calendar and clock without a zone, to the second: where a
// definition starts and ends, whatever its zone. It is comparable; the zero Civil
// means that nothing was said.
type Civil struct{ at civil.Time }

// Date returns the beginning of a day: partition.Date(2026, time.January, 31). Values
// outside their usual ranges are normalized as [time.Date] does.
func Date(year int, month time.Month, day int) Civil { return Civil{civil.Date(year, month, day)} }

// CivilOf returns what a clock reads at t in the location of t, without the fraction
// of the second.
func CivilOf(t time.Time) Civil { return Civil{civil.Of(t)} }

// Clock returns the same day at a time of day.
func (c Civil) Clock(hour, minute, second int) Civil {
	return Civil{c.at.Midnight() + civil.Time(hour*civil.Hour+minute*civil.Minute+second)}
}

// IsZero reports whether nothing was said.
func (c Civil) IsZero() bool { return c == Civil{} }

// String returns 2026-01-31 for the beginning of a day and 2026-01-31T12:30:00 for
// any other time.
func (c Civil) String() string { return c.at.String() }

// MarshalText returns the text of String, and no text for the zero Civil. It never
// fails.
func (c Civil) MarshalText() ([]byte, error) {
	if c.IsZero() {
		return nil, nil
	}
	return []byte(c.String()), nil
}

// UnmarshalText reads what MarshalText wrote.
func (c *Civil) UnmarshalText(text []byte) error {
	*c = Civil{}
	if len(text) == 0 {
		return nil
	}
	at, ok := civil.Parse(string(text))
	if !ok {
		return fmt.Errorf("time %q: write it like 2026-01-31 or 2026-01-31T12:30:00", text)
	}
	c.at = at
	return nil
}
