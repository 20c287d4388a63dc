package civil

import "time"

// reach is more than any two clocks differ: who looks this far back sees every
// instant at which some clock reads a time.
const reach = 26 * time.Hour

// In returns the first instant at which clocks in the zone read c. If none ever
// does, because they were put forward over c, it is the instant at which they were.
func (c Time) In(zone *time.Location) time.Time {
	if zone == time.UTC {
		return c.Std()
	}
	asUTC := int64(c) - epoch
	t := time.Unix(asUTC, 0).Add(-reach).In(zone)
	for {
		_, offset := t.Zone()
		opens, ends := t.ZoneBounds()
		at := asUTC - int64(offset)
		switch {
		case !opens.IsZero() && at < opens.Unix():
			return opens.In(zone)
		case ends.IsZero() || at < ends.Unix():
			return time.Unix(at, 0).In(zone)
		}
		t = ends
	}
}

// Reached returns the last time c for which c.In(zone) is not after t. It is what
// clocks read at t, or more where they were put back a short while ago.
func Reached(t time.Time, zone *time.Location) Time {
	t = t.In(zone)
	best := Of(t)
	opens, _ := t.ZoneBounds()
	for !opens.IsZero() && t.Sub(opens) < reach {
		before := opens.Add(-time.Second).In(zone)
		best = max(best, Of(before))
		opens, _ = before.ZoneBounds()
	}
	return best
}
