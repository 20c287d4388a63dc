package storage

import (
	"fmt"
	"strconv"
	"strings"
)

// CheckState says what is known of an asset check, on one partition or the whole. Values are stored: they are only
// ever added. The words are those of Dagster's AssetCheckExecutionResolvedStatus.
type CheckState uint8

// The states of a check.
const (
	// CheckUnknown: it never ran.
	CheckUnknown CheckState = iota
	// CheckInProgress: a run that has not ended is to judge, or is at it.
	CheckInProgress
	// CheckSucceeded: the asset passed.
	CheckSucceeded
	// CheckFailed: the asset did not pass, with the severity that the check said.
	CheckFailed
	// CheckExecutionFailed: the check itself failed before it could say.
	CheckExecutionFailed
	// CheckSkipped: a run was to judge and did not come to it.
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

// Severity says how bad it is that an asset did not pass a check.
type Severity string

// The severities.
const (
	// SeverityError is what an empty severity means. With it a blocking check stops what is downstream.
	SeverityError Severity = "error"
	// SeverityWarn never stops anything.
	SeverityWarn Severity = "warn"
)

// Verdict is what a check said of an asset, or of partitions of it. It is part of a [Detail].
type Verdict struct {
	// Passed says whether the asset is as it should be.
	Passed bool `json:"passed"`
	// Severity is how bad it is where it is not; empty is [SeverityError].
	Severity Severity `json:"severity,omitempty"`
	// Description says for people what was found.
	Description string `json:"description,omitempty"`
	// Blocking says that the check was to stop what is downstream.
	Blocking bool `json:"blocking,omitempty"`
	// Run is the run that had made what was judged; empty where it is not known, and for several partitions. The
	// data version that was judged is that of the asset among the inputs of the detail.
	Run string `json:"of_run,omitempty"`
}

// Bad reports whether the asset did not pass, with the severity of an error.
func (v *Verdict) Bad() bool { return !v.Passed && v.Severity != SeverityWarn }

// Blocks reports whether what is downstream must not start.
func (v *Verdict) Blocks() bool { return v.Blocking && v.Bad() }

// CheckMode says which asset checks a run has.
type CheckMode string

// The modes.
const (
	// ChecksOfMade runs the checks of what the run makes. It is what an empty mode means.
	ChecksOfMade CheckMode = ""
	// ChecksNone runs no checks, and is not stopped by those that failed before.
	ChecksNone CheckMode = "none"
	// ChecksOnly runs the checks of the selection, and makes nothing.
	ChecksOnly CheckMode = "only"
)

// checkMark stands between an asset's name and that of its check. No name has it.
const checkMark = ":"

// CheckName is the name under which the state of a check is kept beside those of assets, and the key of its
// step: the one of the asset, a colon, and the check's own. Of a check the state [Materialized] says that it
// passed, [Failed] that it did not, or failed itself, and [Observed] that a run did not come to it: the one with
// the greatest Seq holds.
func CheckName(asset, check string) string { return asset + checkMark + check }

// SplitCheck takes the name of a check apart; ok is false for that of an asset.
func SplitCheck(name string) (asset, check string, ok bool) { return strings.Cut(name, checkMark) }

// CheckState returns the state of a check, and the evaluation that says so, nil for one that never was: the newest of
// what is kept under its [CheckName]. Of one that judges partitions it is that of the partition judged last.
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

// ActionName is the key of the step of an action: the name of the asset, an exclamation mark, and the action's own.
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
