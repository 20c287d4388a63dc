// Package health describes how well an asset is, by what is recorded of it: whether it is there,
// whether its checks hold and whether it is fresh. rivers.CodeRepository.Health judges, and what it
// answers is in the words of this package.
//
//	                 DEGRADED             WARNING        UNKNOWN       HEALTHY     NOT_APPLICABLE
//	materialization  failed, or           –              never made    exists      made elsewhere,
//	                 some partitions did                                           never observed
//	checks           failed or crashed    only warnings  some not run  all passed  none defined
//	freshness        FAIL                 WARN           UNKNOWN       PASS        no policy
//
// The asset has the worst of DEGRADED and WARNING that one of the three has. Otherwise it is
// UNKNOWN if it was never made, since nothing that does not exist is healthy; else HEALTHY if one
// of the three is. What is left has nothing healthy to show: it is UNKNOWN if something is asked of
// it, and NOT_APPLICABLE if nothing is.
//
// Missing partitions do not make an asset unhealthy, failed ones do. A definition of partitions
// describes what may exist, not what must: one that begins in 1990 is no worse for being filled
// from the newest window back, and on the day on which it is defined nothing is wrong with it. A
// freshness policy defines what must be there by when, and a missing window that is due degrades
// the asset through it. A partition that failed was wanted and is not there, or is older than
// wanted. Dagster decides the same (a failed partition degrades, missing ones are only counted), so
// who comes from there finds the same assets red.
package health

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/internal/nearest"
)

// State is how healthy an asset is. The zero State is that of an asset with nothing to judge.
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

func stateWords() []string {
	return []string{"NOT_APPLICABLE", "HEALTHY", "UNKNOWN", "WARNING", "DEGRADED"}
}

// String returns the word of the state: NOT_APPLICABLE, HEALTHY, UNKNOWN, WARNING or DEGRADED.
func (s State) String() string {
	if all := stateWords(); int(s) < len(all) {
		return all[s]
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// Unhealthy reports whether somebody should look: the state is Warning or Degraded.
func (s State) Unhealthy() bool { return s >= Warning }

// MarshalText returns the word of the state. It never fails.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word of a state.
func (s *State) UnmarshalText(text []byte) error {
	at := slices.Index(stateWords(), string(text))
	if at < 0 {
		hint := ": write one of " + strings.Join(stateWords(), ", ")
		if near, ok := nearest.Name(string(text), slices.Values(stateWords())); ok {
			hint = fmt.Sprintf(" (did you mean %q?)", near)
		}
		return fmt.Errorf("state of health %q: there is none of that name%s", text, hint)
	}
	*s = State(at)
	return nil
}

// Result is a state and, in words, what it rests on. The zero Result is that of what nothing is
// asked of.
type Result struct {
	State  State  `json:"state"`
	Reason string `json:"reason"`
}

// Report is the health of an asset, and the three things that it is the worst of.
type Report struct {
	// Result is that of the asset: its Reason has all that is as bad as it, the materialization first.
	Result
	// Materialization reports whether it is there, Checks what they said last, Freshness whether it is
	// late.
	Materialization Result `json:"materialization"`
	Checks          Result `json:"checks"`
	Freshness       Result `json:"freshness"`
}
