package storage

import (
	"fmt"
	"time"
)

// Micros is an instant as microseconds since 1970-01-01 UTC. Zero is no instant.
type Micros int64

// MicrosOf returns t as microseconds; the zero time is zero.
func MicrosOf(t time.Time) Micros {
	if t.IsZero() {
		return 0
	}
	return Micros(t.UnixMicro())
}

// Time returns the instant in UTC; zero is the zero time.
func (m Micros) Time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(m)).UTC()
}

// EventKind is the kind of an event. Values are stored: add new ones at the end.
type EventKind uint8

// The kinds of events. A step has exactly one outcome: the last of its succeeded, failed (without
// a retry), skipped and canceled events.
const (
	// RunStarted opens a run.
	RunStarted EventKind = 1 + iota
	// RunCanceling records a request to stop the run.
	RunCanceling
	// RunAdopted means that the steps in progress lost their process and are not running.
	RunAdopted
	// RunEnded closes a run in a [Fact.RunState].
	RunEnded
	// StepStarted begins an attempt.
	StepStarted
	// StepExpanded expands a mapped step into [Fact.Instances].
	StepExpanded
	// StepSucceeded is the success of a step. Asset is set if it made exactly one.
	StepSucceeded
	// StepFailed is a failed attempt, with a [Fact.Reason]. With RetryAt zero it is the step's
	// outcome, and [Fact.Partial] if some partitions of the step may exist.
	StepFailed
	// StepSkipped is the outcome of a step that did not run, [Fact.DueTo] another step or to its
	// own body. It is [Fact.Partial] if some partitions of the step may exist.
	StepSkipped
	// StepCanceled is the outcome of a step that a cancellation stopped.
	StepCanceled
	// StepReopened means that the value of a success is gone and the step runs again.
	StepReopened
	// AssetMaterialized records one of several assets, or one of several partitions, that a step
	// makes.
	AssetMaterialized
	// AssetObserved records an observation of an external asset.
	AssetObserved
	// StepReused is the outcome of a step that had succeeded in the retried run: its value is
	// loaded. A mapped step has [Fact.Instances].
	StepReused
	// PartitionFailed records the failure of one of several partitions of a step in this attempt,
	// with a [Fact.Reason].
	PartitionFailed
	// AssetWiped records the wipe of an asset or of its partitions.
	AssetWiped
	// CheckEvaluated records a check result of an asset or of partitions: Asset is the check, see
	// [CheckName], with a [Fact.CheckState].
	CheckEvaluated
	// ActionPerformed records an action that did not change the state of its asset. An action that
	// did is recorded as a materialization, observation or wipe.
	ActionPerformed
	// PartitionSkipped records that a step has nothing to do for one of several partitions.
	PartitionSkipped
)

var eventKindWords = [...]string{
	"", "run_started", "run_canceling", "run_adopted", "run_ended", "step_started", "step_expanded",
	"step_succeeded", "step_failed", "step_skipped", "step_canceled", "step_reopened",
	"asset_materialized", "asset_observed", "step_reused", "partition_failed", "asset_wiped", "check_evaluated", "action_performed", "partition_skipped",
}

// String returns the word of the kind, such as "step_started".
func (k EventKind) String() string {
	if k > 0 && int(k) < len(eventKindWords) {
		return eventKindWords[k]
	}
	return fmt.Sprintf("event_kind(%d)", uint8(k))
}

// MarshalText writes the word of the kind.
func (k EventKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the word of a kind; any other text is an error that lists the words.
func (k *EventKind) UnmarshalText(text []byte) error {
	for i, w := range eventKindWords[1:] {
		if w == string(text) {
			*k = EventKind(i + 1)
			return nil
		}
	}
	return fmt.Errorf("event kind %q: want one of %v", text, eventKindWords[1:])
}

// Fact is the part of an event that a decider folds: typed columns only, 32 bytes. Two columns mean
// something else for each kind. Methods write and read them:
//
//	kind                          written by     Cause             Status          read by
//	RunEnded                      Ended                            run state       RunState
//	StepExpanded, StepReused      Expanded, …    instances                         Instances
//	StepFailed                    Failed         1 if partial      failure reason  Reason, Partial
//	StepSkipped                   Skipped        step it is due to 1 if partial    DueTo, Partial
//	PartitionFailed               Failed         0                 failure reason  Reason
//	CheckEvaluated                Evaluated      0                 check state     CheckState
//	ActionPerformed and its like  Performed      0                 effect
//
// Partial means that some partitions of the step may exist.
type Fact struct {
	// At is when it happened, RetryAt when a failed attempt is tried again (zero: never).
	At, RetryAt Micros
	// Step is the index of the step in the run's plan, -1 for events of the run itself.
	Step int32
	// Attempt is the ordinal of the attempt, from 1; zero if there was none.
	Attempt int32
	// Cause is a column of the store: use the methods.
	Cause int32
	// Kind is the kind of the event.
	Kind EventKind
	// Status is a column of the store: use the methods.
	Status uint8
}

// NoStep is the Step of events that belong to the run as a whole.
const NoStep int32 = -1

// Ended returns the end of a run in a state.
func (f Fact) Ended(state RunState) Fact {
	f.Kind, f.Step, f.Status = RunEnded, NoStep, uint8(state)
	return f
}

// Expanded returns the expansion of a mapped step into a number of instances.
func (f Fact) Expanded(instances int) Fact {
	f.Kind, f.Cause = StepExpanded, int32(instances)
	return f
}

// Reused returns the reuse of a step, with the number of its instances if it is mapped.
func (f Fact) Reused(instances int) Fact {
	f.Kind, f.Cause = StepReused, int32(instances)
	return f
}

// Failed returns a failed attempt, which is tried again at an instant or never. Partial means that
// some partitions of the step may exist.
func (f Fact) Failed(reason FailureReason, retryAt Micros, partial bool) Fact {
	f.Kind, f.Status, f.RetryAt, f.Cause = StepFailed, uint8(reason), retryAt, 0
	if partial {
		f.Cause = 1
	}
	return f
}

// FailedPartition returns the failure of one of several partitions.
func (f Fact) FailedPartition(reason FailureReason) Fact {
	f.Kind, f.Status = PartitionFailed, uint8(reason)
	return f
}

// Skipped returns the skip of a step, due to another step or to itself if its body asked for it.
// Partial means that some partitions of the step may exist.
func (f Fact) Skipped(dueTo int32, partial bool) Fact {
	f.Kind, f.Cause, f.Status = StepSkipped, dueTo, 0
	if partial {
		f.Status = 1
	}
	return f
}

// Evaluated returns the result of a check.
func (f Fact) Evaluated(state CheckState) Fact {
	f.Kind, f.Status, f.RetryAt, f.Cause = CheckEvaluated, uint8(state), 0, 0
	return f
}

// Performed returns what an action did, with the number of its effect. The caller changes the kind
// if the action materialized, observed or wiped the asset.
func (f Fact) Performed(effect uint8) Fact {
	f.Kind, f.Status = ActionPerformed, effect
	return f
}

// RunState returns the state in which the run ended.
func (f Fact) RunState() RunState { return RunState(f.Status) }

// Instances returns how many instances a mapped step has.
func (f Fact) Instances() int { return int(f.Cause) }

// Reason returns why the attempt or the partition failed.
func (f Fact) Reason() FailureReason { return FailureReason(f.Status) }

// DueTo returns the step that a skip is due to: the skipped step itself if its body asked for it.
func (f Fact) DueTo() int32 { return f.Cause }

// Partial reports whether some partitions of a failed or skipped step may exist.
func (f Fact) Partial() bool {
	return f.Kind == StepFailed && f.Cause > 0 || f.Kind == StepSkipped && f.Status != 0
}

// CheckState returns the result of a check.
func (f Fact) CheckState() CheckState { return CheckState(f.Status) }

// Event is one recorded fact of a run. N counts from 1 within its run; (Run, N) is the key, and
// writing the same key twice leaves one event.
type Event struct {
	Run RunKey
	N   int64
	Fact
	// Asset is the materialized, observed or wiped asset, or the one whose partition failed; zero
	// otherwise.
	Asset AssetKey
	// Partition is the text of the key of the event's partition. It is empty for none, and for
	// several, which are in the detail.
	Partition string
	// Detail holds the attributes of the event as JSON, see [Detail]; nil for none.
	Detail []byte
}

// EventQuery selects the events of a run in their order.
type EventQuery struct {
	Run RunKey
	// After keeps events with a larger N. Limit bounds the answer; zero means all.
	After int64
	Limit int
}

// AssetEventQuery selects the events of an asset (materializations, observations), newest first.
type AssetEventQuery struct {
	Asset AssetKey
	// Partition keeps the events of one partition, by the text of its key; empty keeps all. The
	// query reads the skipped events of the asset too.
	Partition string
	// BeforeRun and BeforeN continue a listing after its last event; zero begins at the newest.
	BeforeRun RunKey
	BeforeN   int64
	// Limit bounds the answer; zero means 100.
	Limit int
}
