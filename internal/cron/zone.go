package cron

import (
	"time"

	"github.com/rivers-go/rivers/internal/civil"
)

// NextIn returns the first instant after t at which the expression fires in a zone.
func (e *Expr) NextIn(t time.Time, zone *time.Location) time.Time {
	if !e.hour.star {
		return e.Next(civil.Reached(t, zone)).In(zone)
	}
	t = t.Truncate(time.Second).Add(time.Second).In(zone)
	for {
		c := civil.Of(t)
		tick := e.Tick(e.Rank(c))
		at := t.Add(time.Duration(tick-c) * time.Second)
		_, ends := civil.Bounds(t)
		if ends.IsZero() || at.Before(ends) {
			return at
		}
		t = ends.In(zone)
	}
}

// LatestIn returns the last instant not after t at which the expression fired in a
// zone.
func (e *Expr) LatestIn(t time.Time, zone *time.Location) time.Time {
	if !e.hour.star {
		return e.Latest(civil.Reached(t, zone)).In(zone)
	}
	t = t.Truncate(time.Second).In(zone)
	for {
		c := civil.Of(t)
		at := t.Add(time.Duration(e.Latest(c)-c) * time.Second)
		opens, _ := civil.Bounds(t)
		if opens.IsZero() || !at.Before(opens) {
			return at
		}
		t = opens.Add(-time.Second).In(zone)
	}
}
