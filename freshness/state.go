package freshness

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rivers-go/rivers/internal/nearest"
	"github.com/rivers-go/rivers/partition"
)

// State reports whether an asset is as fresh as its policy wants.
type State uint8

// The states, from the best to the worst but for the first, which is that of an asset without a
// policy.
const (
	NotApplicable State = iota
	Pass
	// Unknown is the state of an asset that was never made: it has no age.
	Unknown
	// Warn means that it is not late yet, and will be.
	Warn
	// Fail means that it is late.
	Fail
)

func stateWords() []string { return []string{"NOT_APPLICABLE", "PASS", "UNKNOWN", "WARN", "FAIL"} }

// String returns the word of the state: NOT_APPLICABLE, PASS, UNKNOWN, WARN or FAIL.
func (s State) String() string {
	if all := stateWords(); int(s) < len(all) {
		return all[s]
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// Late reports whether the asset is late: it fails. A warning is not late yet.
func (s State) Late() bool { return s == Fail }

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
		return fmt.Errorf("state of freshness %q: there is none of that name%s", text, hint)
	}
	*s = State(at)
	return nil
}

// Facts are what is recorded of an asset. The zero Facts are those of one that was never made.
type Facts struct {
	// Last is when the asset was last materialized, of whichever partition, or observed where it is
	// made elsewhere. Zero is never.
	Last time.Time
	// Observed means that the asset is made elsewhere: Last is an observation. It only changes words.
	Observed bool
	// Space is what exists of the asset's partitions, and Materialized which of them were made. Only a
	// policy that [Policy.NeedsPartitions] looks at them. Which windows are due follows from the
	// instant of the evaluation, not from that of the space.
	Space        partition.Space
	Materialized partition.Set
}

// Result is the answer of [Policy.Evaluate].
type Result struct {
	State State `json:"state"`
	// Since is the instant from which on it was in this state, by the facts: it was made then, or it
	// became too old then. It is zero where they do not say: when a partition landed that is there in
	// time is not among them.
	Since time.Time `json:"since,omitzero"`
	// NextChange is the instant at which the state will be another one if nothing lands until then;
	// zero is never.
	NextChange time.Time `json:"next_change,omitzero"`
	// Reason describes why.
	Reason string `json:"reason"`
}
