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

// EventKind says what happened. Values are stored: they are only ever added.
type EventKind uint8

// The kinds of events. A step has exactly one outcome: the last of its succeeded, failed (without
// a retry), skipped and canceled events.
const (
	// RunStarted opens a run.
	RunStarted EventKind = 1 + iota
	// RunCanceling says that somebody asked for the run to stop.
	RunCanceling
	// RunAdopted says that the steps in progress lost their process and nobody runs them.
	RunAdopted
	// RunEnded closes a run; Status is its [RunState].
	RunEnded
	// StepStarted says that an attempt began.
	StepStarted
	// StepExpanded says into how many instances a mapped step unfolds: Cause is the count.
	StepExpanded
	// StepSucceeded is the success of a step. Asset is set where it made exactly one.
	StepSucceeded
	// StepFailed is a failed attempt; Status is the [FailureReason]. It is the step's outcome
	// where RetryAt is zero. Cause is then 1 for a step with partitions, of which some may be there.
	StepFailed
	// StepSkipped is the outcome of a step that was not run; Cause is the step it goes
	// back to, or its own index when its body asked for it. Status is 1 for a step with partitions, of which some may
	// be there.
	StepSkipped
	// StepCanceled is the outcome of a step that the cancellation of its run stopped.
	StepCanceled
	// StepReopened says that the value of a success is gone and the step runs again.
	StepReopened
	// AssetMaterialized records one of several assets, or one of several partitions, that a step makes.
	AssetMaterialized
	// AssetObserved records an observation of an external asset.
	AssetObserved
	// StepReused is the outcome of a step that had succeeded in the run that this one retries: its
	// value is loaded. Of a mapped step Cause is the count of its instances.
	StepReused
	// PartitionFailed records that one of several partitions of a step failed in this attempt; Status
	// is the [FailureReason].
	PartitionFailed
	// AssetWiped records that somebody wiped an asset or partitions of it.
	AssetWiped
	// CheckEvaluated records what a check came to, of an asset or of partitions: Asset is the check, see [CheckName],
	// and Status its [CheckState].
	CheckEvaluated
	// ActionPerformed records an action that left what is known of its asset as it was. What an action changed is
	// recorded as what it did: that the asset was materialized, observed or wiped.
	ActionPerformed
)

var eventKindWords = [...]string{
	"", "run_started", "run_canceling", "run_adopted", "run_ended", "step_started", "step_expanded",
	"step_succeeded", "step_failed", "step_skipped", "step_canceled", "step_reopened",
	"asset_materialized", "asset_observed", "step_reused", "partition_failed", "asset_wiped", "check_evaluated", "action_performed",
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

// Fact is the part of an event that a decider folds: typed columns only, 32 bytes.
type Fact struct {
	// At is when it happened, RetryAt when a failed attempt is tried again (zero: never).
	At, RetryAt Micros
	// Step is the index of the step in the run's plan, -1 for events of the run itself.
	Step int32
	// Attempt is the ordinal of the attempt, from 1; zero where there was none.
	Attempt int32
	// Cause is the step that a skip goes back to, the count of an expansion, or 1 for a failure that leaves
	// partitions.
	Cause int32
	// Kind says what happened.
	Kind EventKind
	// Status is the reason of a failure or the state of an ended run.
	Status uint8
}

// NoStep is the Step of events that belong to the run as a whole.
const NoStep int32 = -1

// Event is one recorded fact of a run. N counts from 1 within its run; (Run, N) is the key, and
// writing the same key twice leaves one event.
type Event struct {
	Run RunKey
	N   int64
	Fact
	// Asset is the asset that was materialized, observed or wiped, or whose partition failed; zero for all
	// other events.
	Asset AssetKey
	// Partition is the text of the key of the partition that the event is about; empty where it is about none, or
	// about several, which are in its detail.
	Partition string
	// Detail is what only people read, a JSON object, see [Detail]; nil for none.
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
	// Partition keeps the events of one partition, by the text of its key; empty keeps all. It costs by the
	// events of the asset that are passed over.
	Partition string
	// BeforeRun and BeforeN continue a listing after its last event; zero begins at the newest.
	BeforeRun RunKey
	BeforeN   int64
	// Limit bounds the answer; zero means 100.
	Limit int
}
