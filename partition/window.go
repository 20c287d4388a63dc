package partition

import "time"

// Window is a stretch of time from Start to before End, in the zone of the
// definition. It is empty, Start equal to End, for an hour that clocks leap over.
type Window struct{ Start, End time.Time }

// Duration returns the length of the window: 23 or 25 hours for the days on which
// clocks change.
func (w Window) Duration() time.Duration { return w.End.Sub(w.Start) }

// Contains reports whether an instant lies in the window.
func (w Window) Contains(t time.Time) bool { return !t.Before(w.Start) && t.Before(w.End) }

// String returns both ends, as in [2026-01-01T00:00:00Z, 2026-01-02T00:00:00Z).
func (w Window) String() string {
	return "[" + w.Start.Format(time.RFC3339) + ", " + w.End.Format(time.RFC3339) + ")"
}
