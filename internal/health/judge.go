package health

import (
	"fmt"
	"strings"

	"github.com/rivers-go/rivers/freshness"
)

// State is how healthy an asset is.
type State uint8

// The states. From Healthy on each is worse than the one before; NotApplicable is not compared.
const (
	// NotApplicable: nothing is asked of the asset.
	NotApplicable State = iota
	// Healthy: nothing is wrong.
	Healthy
	// Unknown: nobody can say yet.
	Unknown
	// Warning: somebody should look.
	Warning
	// Degraded: it is not to be relied on.
	Degraded
)

// String returns the word of the state: NOT_APPLICABLE, HEALTHY, UNKNOWN, WARNING or DEGRADED.
func (s State) String() string {
	words := [...]string{"NOT_APPLICABLE", "HEALTHY", "UNKNOWN", "WARNING", "DEGRADED"}
	if int(s) < len(words) {
		return words[s]
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// MarshalText returns the word of the state. It never fails.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Presence is what is recorded of an asset's materializations. The zero Presence is that of one that was never made.
type Presence struct {
	// Made says that it was materialized, at least in one partition, or observed where it is External.
	Made bool
	// Failed says that the last attempt failed, of an asset without partitions.
	Failed bool
	// FailedPartitions is how many partitions failed when they were last tried.
	FailedPartitions int64
	// External says that it is made elsewhere.
	External bool
}

// Checks counts the checks of an asset by what each said last. A check that is in progress counts by its result before.
// The zero Checks are those of an asset that has none.
type Checks struct {
	// Defined is how many there are.
	Defined int
	// Passed, Warned and Failed gave a result: Warned did not pass with the severity of a warning, Failed with that of an
	// error. Crashed ended without one. Unknown were never run, were skipped, or run for the first time.
	Passed, Warned, Failed, Crashed, Unknown int
}

// Facts are what an asset is judged by.
type Facts struct {
	Presence  Presence
	Checks    Checks
	Freshness freshness.Result
}

// Result is a state and, in words, what it rests on: all that is as bad as it, the materialization first.
type Result struct {
	State  State  `json:"state"`
	Reason string `json:"reason"`
}

// Judge says how healthy an asset is.
func Judge(f Facts) Result {
	parts := [...]Result{f.Presence.judge(), f.Checks.judge(), judgeFreshness(f.Freshness)}
	overall := NotApplicable
	for _, p := range parts {
		switch {
		case p.State >= Warning:
			overall = max(overall, p.State)
		case p.State == Unknown && overall == NotApplicable, p.State == Healthy && overall <= Unknown:
			overall = p.State
		}
	}
	if parts[0].State == Unknown && overall == Healthy { // never made: that what was asked of it holds means nothing
		overall = Unknown
	}
	var reasons []string
	for _, p := range parts {
		if p.State == overall {
			reasons = append(reasons, p.Reason)
		}
	}
	return Result{overall, strings.Join(reasons, "; ")}
}

func (p Presence) judge() Result {
	switch {
	case p.FailedPartitions == 1:
		return Result{Degraded, "1 partition failed"}
	case p.FailedPartitions > 1:
		return Result{Degraded, fmt.Sprintf("%d partitions failed", p.FailedPartitions)}
	case p.Failed:
		return Result{Degraded, "the last materialization failed"}
	case p.Made && p.External:
		return Result{Healthy, "it was observed"}
	case p.Made:
		return Result{Healthy, "it is materialized"}
	case p.External:
		return Result{NotApplicable, "it is made elsewhere and was never observed"}
	default:
		return Result{Unknown, "it was never materialized"}
	}
}

func (c Checks) judge() Result {
	of := func(n int, verb string) string { return fmt.Sprintf("%d of %d checks %s", n, c.Defined, verb) }
	ran := c.Passed + c.Warned + c.Failed + c.Crashed
	switch {
	case c.Failed > 0 && c.Crashed > 0:
		return Result{Degraded, of(c.Failed, "failed") + " and " + fmt.Sprint(c.Crashed) + " crashed"}
	case c.Failed > 0:
		return Result{Degraded, of(c.Failed, "failed")}
	case c.Crashed > 0:
		return Result{Degraded, of(c.Crashed, "crashed")}
	case c.Warned > 0:
		return Result{Warning, of(c.Warned, "warned")}
	case c.Unknown > 0 || ran < c.Defined:
		return Result{Unknown, of(max(c.Unknown, c.Defined-ran), "have no result")}
	case c.Defined == 0:
		return Result{NotApplicable, "it has no checks"}
	default:
		return Result{Healthy, of(c.Passed, "passed")}
	}
}

func judgeFreshness(r freshness.Result) Result {
	state := map[freshness.State]State{
		freshness.Pass: Healthy, freshness.Unknown: Unknown, freshness.Warn: Warning, freshness.Fail: Degraded,
	}[r.State]
	switch state {
	case Degraded:
		return Result{state, "it is late: " + r.Reason}
	case Warning:
		return Result{state, "it is about to be late: " + r.Reason}
	case Healthy:
		return Result{state, "it is fresh"}
	case Unknown:
		return Result{state, "its freshness is unknown: " + r.Reason}
	default:
		return Result{state, "it has no freshness policy"}
	}
}
