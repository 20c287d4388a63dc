package freshness

import (
	"fmt"
	"time"

	"github.com/rivers-go/rivers/partition"
)

// Evaluate judges an asset at an instant, by facts that are not newer than it. The policy must be
// valid, and fit the partitions ([Policy.Check]). It costs arithmetic, whatever the number of
// partitions, and by their intervals where windows have other dimensions.
func (p Policy) Evaluate(f Facts, now time.Time) Result {
	switch {
	case p.p == nil || p.p.kind == none:
		return Result{State: NotApplicable, Reason: "there is no freshness policy"}
	case f.Last.IsZero():
		return Result{State: Unknown, Reason: "never " + f.verb()}
	}
	switch p.p.kind {
	case timeWindow:
		return p.p.byAge(f, now)
	case cronDeadline:
		return p.p.byDeadline(f, now)
	default:
		return p.p.byWindow(f, now)
	}
}

func (f *Facts) verb() string {
	if f.Observed {
		return "observed"
	}
	return "materialized"
}

// byAge compares the age with the limits.
func (p *policy) byAge(f Facts, now time.Time) Result {
	warns, fails := f.Last.Add(p.warn), f.Last.Add(p.fail)
	is := fmt.Sprintf("last %s %s ago", f.verb(), about(now.Sub(f.Last)))
	switch {
	case !now.Before(fails):
		return Result{Fail, fails, time.Time{}, fmt.Sprintf("%s, not within %s", is, short(p.fail))}
	case p.warn > 0 && !now.Before(warns):
		return Result{Warn, warns, fails, fmt.Sprintf("%s, not within %s, and late at %s", is, short(p.warn), short(p.fail))}
	case p.warn > 0:
		return Result{Pass, f.Last, warns, fmt.Sprintf("%s, within %s", is, short(p.warn))}
	default:
		return Result{Pass, f.Last, fails, fmt.Sprintf("%s, within %s", is, short(p.fail))}
	}
}

// byDeadline looks for the first deadline that the last materialization is too old for. All before
// it are met, all after it are not: that is what the state was, is and will be.
func (p *policy) byDeadline(f Facts, now time.Time) Result {
	zone := p.clocks
	if p.expr == nil || zone == nil {
		return Result{State: Unknown, Reason: "the freshness policy is not valid"}
	}
	missed := p.expr.NextIn(f.Last.Add(p.lower), zone)
	passed := p.expr.LatestIn(now, zone)
	reason := fmt.Sprintf("last %s %s, and the deadline at %s wants %s or later", f.verb(),
		f.Last.In(zone).Format(time.RFC3339), passed.Format(time.RFC3339), passed.Add(-p.lower).Format(time.RFC3339))
	if missed.After(now) {
		return Result{Pass, f.Last, missed, reason}
	}
	return Result{Fail, missed, time.Time{}, reason}
}

// byWindow looks at the newest window that is due.
func (p *policy) byWindow(f Facts, now time.Time) Result {
	line, ok := f.Space.Timeline()
	if !ok {
		return Result{State: Unknown, Reason: "the partitions have no windows of time"}
	}
	d := due{line: line, width: line.Width(), delay: p.delay}
	d.need = d.width
	if p.keys > 0 {
		d.need = min(p.keys, d.width)
	}
	d.cover = line.Coverage(f.Materialized, d.need)
	newest := d.newest(now)
	if newest < 0 {
		r := Result{State: Pass, NextChange: d.change(newest, true)}
		r.Reason = "no window is due"
		if line.Len() > 0 {
			r.Reason += " before " + d.at(0).Format(time.RFC3339)
		}
		return r
	}
	if d.cover.Has(newest) {
		return Result{State: Pass, NextChange: d.change(newest, true), Reason: d.reason(newest)}
	}
	return Result{State: Fail, Since: d.since(newest), NextChange: d.change(newest, false), Reason: d.reason(newest)}
}

// due is which windows are due when, and which are there.
type due struct {
	line        partition.Timeline
	cover       partition.Coverage
	width, need int64
	delay       time.Duration
}

// newest is the newest window that is due at an instant, -1 for none.
func (d *due) newest(now time.Time) int64 { return d.line.Ended(now.Add(-d.delay)) - 1 }

// at is the instant at which a window falls due.
func (d *due) at(window int64) time.Time { return d.line.Over(window).Add(d.delay) }

// counts reports whether a window is ever the newest that is due: one is not if the window after it
// is empty, for the clocks leap over it, and falls due at the same instant.
func (d *due) counts(window int64) bool { return d.line.Ended(d.line.Over(window))-1 == window }

// change is the instant at which a window is due that is there or not, unlike the one that is
// newest now.
func (d *due) change(newest int64, there bool) time.Time {
	for w := newest + 1; ; w++ {
		next, ok := d.cover.Next(w, !there)
		if !ok {
			return time.Time{}
		}
		if d.counts(next) {
			return d.at(next)
		}
		w = next
	}
}

// since is the instant at which the first of the windows was due that are all not there up to the
// newest.
func (d *due) since(newest int64) time.Time {
	for w := newest; ; w-- {
		last, ok := d.cover.Previous(w, true)
		if !ok {
			return d.at(0)
		}
		if d.counts(last) {
			return d.at(last + 1)
		}
		w = last
	}
}

// reason describes what there is of a window that is due.
func (d *due) reason(window int64) string {
	is := fmt.Sprintf("window %s, due since %s,", d.line.Key(window), d.at(window).Format(time.RFC3339))
	n := d.cover.Count(window)
	switch {
	case d.width == 0:
		return is + " has no keys that could be missing"
	case d.width == 1 && n == 1:
		return is + " is materialized"
	case n == 0:
		return is + " is missing"
	case n == d.width:
		return fmt.Sprintf("%s has all of its %d partitions", is, d.width)
	default:
		return fmt.Sprintf("%s has %d of its %d partitions, and %d are wanted", is, n, d.width, d.need)
	}
}
