package storage

import (
	"fmt"
	"strconv"
	"strings"
)

// CheckState is the result of an asset check, on one partition or the whole. Values are stored: add
// new ones at the end. The words are those of Dagster's AssetCheckExecutionResolvedStatus.
type CheckState uint8

// The states of a check.
const (
	// CheckUnknown: it never ran.
	CheckUnknown CheckState = iota
	// CheckInProgress: a run in progress has planned the check or is running it.
	CheckInProgress
	// CheckSucceeded: the asset passed.
	CheckSucceeded
	// CheckFailed: the asset did not pass, with the severity of the result.
	CheckFailed
	// CheckExecutionFailed: the check itself failed.
	CheckExecutionFailed
	// CheckSkipped: a run had planned the check and did not run it.
	CheckSkipped
)

var checkStateWords = [...]string{"unknown", "in_progress", "succeeded", "failed", "execution_failed", "skipped"}

// String returns the word of the state, such as "execution_failed".
func (s CheckState) String() string {
	if int(s) < len(checkStateWords) {
		return checkStateWords[s]
	}
	return fmt.Sprintf("check_state(%d)", uint8(s))
}

// MarshalText writes the word of the state.
func (s CheckState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word of a state; any other text is an error that lists the words.
func (s *CheckState) UnmarshalText(text []byte) error {
	for i, w := range checkStateWords {
		if w == string(text) {
			*s = CheckState(i)
			return nil
		}
	}
	return fmt.Errorf("check state %q: want one of %v", text, checkStateWords)
}

// Severity is the weight of a failed check.
type Severity string

// The severities.
const (
	// SeverityError stops downstream assets if the check is blocking. An empty severity means the
	// same.
	SeverityError Severity = "error"
	// SeverityWarn never stops anything.
	SeverityWarn Severity = "warn"
)

// Verdict is the check result of an asset or of its partitions. It is part of a [Detail].
type Verdict struct {
	// Passed is true if the asset passed.
	Passed bool `json:"passed"`
	// Severity is the weight of a failure; empty means [SeverityError].
	Severity Severity `json:"severity,omitempty"`
	// Description tells people what the check found.
	Description string `json:"description,omitempty"`
	// Blocking is true for a check that stops downstream assets.
	Blocking bool `json:"blocking,omitempty"`
	// Run is the run that made the checked value; empty if unknown and for several partitions. The
	// checked data version is the asset's entry in the inputs of the detail.
	Run string `json:"of_run,omitempty"`
}

// Bad reports whether the asset did not pass, with the severity of an error.
func (v *Verdict) Bad() bool { return !v.Passed && v.Severity != SeverityWarn }

// Blocks reports whether downstream assets must not start.
func (v *Verdict) Blocks() bool { return v.Blocking && v.Bad() }

// CheckMode selects the asset checks of a run.
type CheckMode string

// The modes.
const (
	// ChecksOfMade runs the checks of the assets that the run makes. An empty mode means the same.
	ChecksOfMade CheckMode = ""
	// ChecksNone runs no checks, and is not stopped by those that failed before.
	ChecksNone CheckMode = "none"
	// ChecksOnly runs the checks of the selection, and makes nothing.
	ChecksOnly CheckMode = "only"
)

// checkMark stands between an asset's name and that of its check. No name has it.
const checkMark = ":"

// CheckName is the name of a check beside those of assets, and the key of its step: the asset's
// name, a colon and the check's. The state [Materialized] means that the asset passed, [Failed]
// that it did not or that the check itself failed, [Observed] that a run skipped the check. The
// state with the greatest Seq holds.
func CheckName(asset, check string) string { return asset + checkMark + check }

// SplitCheck takes the name of a check apart; ok is false for that of an asset.
func SplitCheck(name string) (asset, check string, ok bool) { return strings.Cut(name, checkMark) }

// CheckState returns the state of a check and its newest evaluation under its [CheckName], nil for
// a check that never ran. A partitioned check has the state of the partition that it evaluated
// last.
func (r *AssetRecord) CheckState() (CheckState, *AssetState) {
	state, latest := CheckUnknown, (*AssetState)(nil)
	for _, of := range []struct {
		state CheckState
		at    *AssetState
	}{{CheckSucceeded, r.Materialization}, {CheckFailed, r.Failure}, {CheckSkipped, r.Observation}} {
		if of.at != nil && (latest == nil || of.at.Seq > latest.Seq) {
			state, latest = of.state, of.at
		}
	}
	if state == CheckFailed && latest.Check == nil {
		state = CheckExecutionFailed
	}
	return state, latest
}

// actionMark stands between an asset's name and that of an action. No name has it.
const actionMark = "!"

// ActionName is the key of the step of an action: the name of the asset, an exclamation mark, and
// the action's own.
func ActionName(asset, action string) string { return asset + actionMark + action }

// SplitAction takes the key of the step of an action apart; ok is false for that of any other step.
func SplitAction(name string) (asset, action string, ok bool) { return strings.Cut(name, actionMark) }

// appendJSON appends the verdict as a JSON object.
func (v *Verdict) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"passed":`...)
	dst = strconv.AppendBool(dst, v.Passed)
	dst = appendTextField(dst, `,"severity":`, string(v.Severity))
	dst = appendTextField(dst, `,"description":`, v.Description)
	if v.Blocking {
		dst = append(dst, `,"blocking":true`...)
	}
	dst = appendTextField(dst, `,"of_run":`, v.Run)
	return append(dst, '}')
}
