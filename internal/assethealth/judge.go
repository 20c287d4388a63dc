package assethealth

import (
	"fmt"
	"strings"

	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/health"
)

// Presence is what is recorded of an asset's materializations. The zero Presence is that of one
// that was never made.
type Presence struct {
	// Made means that it was materialized, at least in one partition, or observed where it is
	// External.
	Made bool
	// Failed means that the last attempt failed, of an asset without partitions.
	Failed bool
	// FailedPartitions is how many partitions failed when they were last tried.
	FailedPartitions int64
	// External means that it is made elsewhere.
	External bool
	// Gone means that what was made lay in the memory of another process.
	Gone bool
}

// Checks counts the checks of an asset by what each said last. A check that is in progress counts
// by its result before. The zero Checks are those of an asset that has none.
type Checks struct {
	// Defined is how many there are.
	Defined int
	// Passed, Warned and Failed gave a result: Warned did not pass with the severity of a warning,
	// Failed with that of an error. Crashed ended without one. Unknown were never run, were skipped,
	// or run for the first time.
	Passed, Warned, Failed, Crashed, Unknown int
}

// Facts are what an asset is judged by.
type Facts struct {
	Presence  Presence
	Checks    Checks
	Freshness freshness.Result
}

// Judge describes how healthy an asset is.
func Judge(f Facts) health.Report {
	r := health.Report{Materialization: f.Presence.judge(), Checks: f.Checks.judge(), Freshness: judgeFreshness(f.Freshness)}
	parts := [...]health.Result{r.Materialization, r.Checks, r.Freshness}
	for _, p := range parts {
		switch {
		case p.State.Unhealthy():
			r.State = max(r.State, p.State)
		case p.State == health.Unknown && r.State == health.NotApplicable, p.State == health.Healthy && r.State <= health.Unknown:
			r.State = p.State
		}
	}
	if r.Materialization.State == health.Unknown && r.State == health.Healthy { // never made: that what was asked of it holds means nothing
		r.State = health.Unknown
	}
	var reasons []string
	for _, p := range parts {
		if p.State == r.State {
			reasons = append(reasons, p.Reason)
		}
	}
	r.Reason = strings.Join(reasons, "; ")
	return r
}

func result(s health.State, reason string) health.Result {
	return health.Result{State: s, Reason: reason}
}

func (p Presence) judge() health.Result {
	switch {
	case p.FailedPartitions == 1:
		return result(health.Degraded, "1 partition failed")
	case p.FailedPartitions > 1:
		return result(health.Degraded, fmt.Sprintf("%d partitions failed", p.FailedPartitions))
	case p.Failed:
		return result(health.Degraded, "the last materialization failed")
	case p.Made && p.Gone:
		return result(health.Unknown, "its value lay in the memory of a process that is not this one")
	case p.Made && p.External:
		return result(health.Healthy, "it was observed")
	case p.Made:
		return result(health.Healthy, "it is materialized")
	case p.External:
		return result(health.NotApplicable, "it is made elsewhere and was never observed")
	default:
		return result(health.Unknown, "it was never materialized")
	}
}

func (c *Checks) judge() health.Result {
	of := func(n int, verb string) string { return fmt.Sprintf("%d of %d checks %s", n, c.Defined, verb) }
	ran := c.Passed + c.Warned + c.Failed + c.Crashed
	switch {
	case c.Failed > 0 && c.Crashed > 0:
		return result(health.Degraded, of(c.Failed, "failed")+" and "+fmt.Sprint(c.Crashed)+" crashed")
	case c.Failed > 0:
		return result(health.Degraded, of(c.Failed, "failed"))
	case c.Crashed > 0:
		return result(health.Degraded, of(c.Crashed, "crashed"))
	case c.Warned > 0:
		return result(health.Warning, of(c.Warned, "warned"))
	case c.Unknown > 0 || ran < c.Defined:
		return result(health.Unknown, of(max(c.Unknown, c.Defined-ran), "have no result"))
	case c.Defined == 0:
		return result(health.NotApplicable, "it has no checks")
	default:
		return result(health.Healthy, of(c.Passed, "passed"))
	}
}

func judgeFreshness(r freshness.Result) health.Result {
	state := map[freshness.State]health.State{
		freshness.Pass: health.Healthy, freshness.Unknown: health.Unknown, freshness.Warn: health.Warning, freshness.Fail: health.Degraded,
	}[r.State]
	switch state {
	case health.Degraded:
		return result(state, "it is late: "+r.Reason)
	case health.Warning:
		return result(state, "it is about to be late: "+r.Reason)
	case health.Healthy:
		return result(state, "it is fresh")
	case health.Unknown:
		return result(state, "its freshness is unknown: "+r.Reason)
	default:
		return result(state, "it has no freshness policy")
	}
}
