package partition

import (
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/civil"
)

// Civil is a date and time of day without a zone, to the second: the start and end of a definition.
// It is comparable. The zero Civil is unspecified.
type Civil struct{ at civil.Time }

// Date returns the start of a day: partition.Date(2026, time.January, 31). It normalizes values
// outside their usual ranges as [time.Date] does.
func Date(year int, month time.Month, day int) Civil { return Civil{civil.Date(year, month, day)} }

// CivilOf returns the date and time of day of t in the location of t, without fractions of a
// second.
func CivilOf(t time.Time) Civil { return Civil{civil.Of(t)} }

// Clock returns the same day at a time of day.
func (c Civil) Clock(hour, minute, second int) Civil {
	return Civil{c.at.Midnight() + civil.Time(hour*civil.Hour+minute*civil.Minute+second)}
}

// IsZero reports whether the time is unspecified.
func (c Civil) IsZero() bool { return c == Civil{} }

// String returns 2026-01-31 for the start of a day and 2026-01-31T12:30:00 otherwise.
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
