package civil

import "time"

// reach is more than any two clocks differ: who looks this far to either side sees
// every instant at which some clock reads a time.
const reach = 26 * time.Hour

// In returns the first instant at which clocks in the zone read c. If none ever
// does, because they were put forward over c, it is the instant at which they were.
func (c Time) In(zone *time.Location) time.Time {
	if zone == time.UTC {
		return c.Std()
	}
	asUTC := time.Unix(int64(c)-epoch, 0)
	t := asUTC.Add(reach).In(zone)
	var first, ends time.Time
	for { // from the latest offset that may have been in use back to the earliest
		_, offset := t.Zone()
		opens, _ := t.ZoneBounds()
		at := asUTC.Add(-time.Duration(offset) * time.Second)
		switch after := !ends.IsZero() && !at.Before(ends); {
		case after && first.IsZero():
			return ends.In(zone) // clocks were put forward there, over c
		case !after && (opens.IsZero() || !at.Before(opens)):
			first = at
		}
		if opens.IsZero() || asUTC.Sub(opens) > reach {
			return first.In(zone)
		}
		ends = opens
		t = opens.Add(-time.Second).In(zone)
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

// Bounds returns an interval around t in which clocks in the location of t are not
// changed; an end that does not exist is the zero time. It is that of
// [time.Time.ZoneBounds], which far from any change ends at a year's end that is a day
// early in leap years.
func Bounds(t time.Time) (opens, ends time.Time) {
	opens, ends = t.ZoneBounds()
	if !ends.IsZero() && !ends.After(t) {
		ends = ends.Add(Day * time.Second)
	}
	return opens, ends
}
