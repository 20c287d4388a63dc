package freshness

import (
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/cron"
	"github.com/rivers-go/rivers/partition"
)

// Policy describes how old the data of an asset may be. It is made by [TimeWindow], [Cron] or
// [LatestPartition], never changes, and is compared by [Policy.Equal]. The zero Policy is none:
// nothing is asked of the asset.
type Policy struct{ p *policy }

// policy is the content of a Policy.
type policy struct {
	kind  kind
	given refinement // what was reported by methods, for those that make no sense

	fail, warn time.Duration // time window: ages

	deadline string // cron: the expression as it was written, and as it was read, nil if it makes no sense
	expr     *cron.Expr
	lower    time.Duration
	zone     string         // IANA name, none for UTC
	clocks   *time.Location // of the zone, nil if there is none of that name

	delay time.Duration // latest partition
	keys  int64         // how many are enough; 0 is all
}

// kind is a kind of policy.
type kind uint8

const (
	none kind = iota
	timeWindow
	cronDeadline
	latestPartition
)

// words are the names of the kinds, in text and JSON, in their order.
func words() []string { return []string{"none", "time_window", "cron", "latest_partition"} }

// titles name the kinds in messages.
func (k kind) title() string {
	return [...]string{"no policy", "time window", "cron deadline", "latest partition"}[k]
}

// refinement is a method that refines a policy.
type refinement uint8

const (
	refinedWarn refinement = 1 << iota
	refinedZone
	refinedKeys
)

// takes is the refinement that each kind of policy has a meaning for.
func (k kind) takes() refinement { return [...]refinement{0, refinedWarn, refinedZone, refinedKeys}[k] }

// TimeWindow passes while the asset was made less than fail ago, and fails from that age on. fail
// is a minute or more. [Policy.WarnAfter] adds an age from which on it warns.
func TimeWindow(fail time.Duration) Policy { return Policy{&policy{kind: timeWindow, fail: fail}} }

// Cron passes if the asset was made at most lowerBound before the last deadline, or after it;
// deadlines are the instants at which a cron expression fires, in UTC unless [Policy.In] names
// another zone. With Cron("0 9 * * *", 2*time.Hour) it must be made each day between 7 and 9, and
// fails from 9 on until it is. lowerBound is from a minute to the smallest time between two
// deadlines. The expression has five fields, or six with the second before them.
func Cron(deadline string, lowerBound time.Duration) Policy {
	p := &policy{kind: cronDeadline, deadline: deadline, lower: lowerBound, clocks: time.UTC}
	p.expr, _ = cron.Parse(deadline) // Validate reports what is wrong with it
	return Policy{p}
}

// LatestPartition passes if the newest window that ended at least delay ago is materialized, with
// all keys of the other dimensions where there are some, or as many as [Policy.AtLeast] asks for.
// It is for assets whose partitions have exactly one dimension of time. delay is how long the
// window may take to be made after its end; zero allows no time.
func LatestPartition(delay time.Duration) Policy {
	return Policy{&policy{kind: latestPartition, delay: delay}}
}

// WarnAfter returns the policy with an age from which on a time window warns: a minute or more, and
// less than the age at which it fails.
func (p Policy) WarnAfter(age time.Duration) Policy {
	return p.refined(refinedWarn, func(q *policy) { q.warn = age })
}

// In returns the policy with its deadlines read as clocks in an IANA time zone show them, such as
// "Europe/Berlin". The empty zone is UTC.
func (p Policy) In(zone string) Policy {
	return p.refined(refinedZone, func(q *policy) {
		if q.zone, q.clocks = zone, location(zone); zone == "" {
			q.given &^= refinedZone & q.kind.takes()
		}
	})
}

// AtLeast returns the policy that is content with so many partitions of the latest window, one or
// more.
func (p Policy) AtLeast(keys int) Policy {
	return p.refined(refinedKeys, func(q *policy) { q.keys = int64(keys) })
}

func (p Policy) refined(r refinement, change func(*policy)) Policy {
	var q policy
	if p.p != nil {
		q = *p.p
	}
	q.given |= r
	change(&q)
	return Policy{&q}
}

// IsZero reports whether there is no policy.
func (p Policy) IsZero() bool { return p.p == nil }

// Equal reports whether two policies say the same.
func (p Policy) Equal(q Policy) bool {
	if p.p == nil || q.p == nil {
		return p.p == q.p
	}
	a, b := *p.p, *q.p
	a.expr, b.expr, a.clocks, b.clocks = nil, nil, nil, nil // they follow from the texts
	return a == b
}

// NeedsPartitions reports whether the policy looks at which partitions are materialized, so that
// [Facts] must say it.
func (p Policy) NeedsPartitions() bool { return p.p != nil && p.p.kind == latestPartition }

// Validate returns everything that is wrong with the policy by itself, joined, or nil. The zero
// Policy is valid.
func (p Policy) Validate() error {
	if p.p == nil {
		return nil
	}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: "+format, append([]any{p.p.kind.title()}, args...)...))
	}
	p.p.misplaced(fault)
	switch p.p.kind {
	case none: // only what is misplaced
	case timeWindow:
		p.p.checkAges(fault)
	case cronDeadline:
		p.p.checkDeadline(fault)
	case latestPartition:
		if p.p.delay < 0 {
			fault("the allowed delay is %s: give a positive duration, or 0 for none", short(p.p.delay))
		}
		if p.p.given&refinedKeys != 0 && p.p.keys < 1 {
			fault("at least %d partitions: give 1 or more, or leave AtLeast out for all", p.p.keys)
		}
	}
	return errors.Join(faults...)
}

// misplaced reports what was reported that has no meaning for the kind.
func (p *policy) misplaced(fault func(string, ...any)) {
	wrong := p.given &^ p.kind.takes()
	for _, one := range [...]struct {
		bit  refinement
		name string
		kind kind
	}{{refinedWarn, "WarnAfter", timeWindow}, {refinedZone, "In", cronDeadline}, {refinedKeys, "AtLeast", latestPartition}} {
		if wrong&one.bit != 0 {
			fault("%s has no meaning here, it is for a %s: leave it out", one.name, one.kind.title())
		}
	}
}

// shortest is the least age and the least lower bound: what is recorded is no finer than the work
// that makes it.
const shortest = time.Minute

func (p *policy) checkAges(fault func(string, ...any)) {
	if p.fail < shortest {
		fault("it fails at an age of %s: give a minute or more", short(p.fail))
	}
	switch warns := p.given&refinedWarn != 0; {
	case !warns:
	case p.warn < shortest:
		fault("it warns at an age of %s: give a minute or more", short(p.warn))
	case p.warn >= p.fail && p.fail >= shortest:
		fault("it warns at an age of %s and fails at %s: the warning comes first, give it a smaller age", short(p.warn), short(p.fail))
	}
}

func (p *policy) checkDeadline(fault func(string, ...any)) {
	if p.lower < shortest {
		fault("the lower bound is %s: give a minute or more", short(p.lower))
	}
	if p.expr == nil {
		_, err := cron.Parse(p.deadline)
		for _, err := range split(err) {
			fault("%w", err)
		}
	} else if gap := time.Duration(p.expr.SmallestGap()) * time.Second; p.lower > gap {
		fault("the lower bound is %s, and %q has deadlines that are %s apart: give that or less", short(p.lower), p.deadline, short(gap))
	}
	if p.clocks == nil {
		fault("no time zone is called %q: give an IANA name such as %q", p.zone, "Europe/Berlin")
	}
}

// split takes a joined error apart.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// location finds a time zone by its IANA name, nil if there is none of that name.
func location(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil
	}
	return zone
}

// Check returns an error if the policy makes no sense for an asset that is partitioned in this way,
// which may be nil for not at all. The definition must be valid and resolved.
func (p Policy) Check(d partition.Definition) error {
	if !p.NeedsPartitions() {
		return nil
	}
	fault := func(format string, args ...any) error {
		return fmt.Errorf("%s: "+format, append([]any{latestPartition.title()}, args...)...)
	}
	const instead = "use a TimeWindow or Cron policy, or LatestPartition on partitions of time"
	if d == nil {
		return fault("the asset has no partitions: %s", instead)
	}
	times, most := timesOf(partition.Describe(d))
	switch {
	case times == 0:
		return fault("%s has no windows of time: %s", d, instead)
	case times > 1:
		return fault("%s has %d dimensions of time, and which of them is due is not said: use a TimeWindow or Cron policy", d, times)
	case most >= 0 && p.p.keys > most:
		return fault("at least %d partitions, and a window of %s has %d: give that or less", p.p.keys, d, most)
	}
	return nil
}

// timesOf counts the dimensions of time of a definition, and how many partitions a window has, -1
// where keys come and go.
func timesOf(d partition.Description) (times int, most int64) {
	most = 1
	dims := map[string]partition.Description{"": d}
	if d.Kind == partition.KindMulti {
		dims = d.Dimensions
	}
	open := false
	for _, one := range dims {
		switch one.Kind {
		case partition.KindTimeWindow:
			times++
		case partition.KindStatic:
			most *= int64(len(one.Keys))
		default:
			open = true
		}
	}
	if open {
		most = -1
	}
	return times, most
}
