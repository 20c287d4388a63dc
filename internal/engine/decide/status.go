package decide

import "github.com/rivers-go/rivers/storage"

// Status is where a step is on its way to an outcome.
type Status uint8

// The statuses; the last four are outcomes.
const (
	Pending Status = iota
	Ready
	// Claiming steps wait for pool slots, and take no place in their lane.
	Claiming
	// Claimed steps have their slots, and wait for a place.
	Claimed
	Running
	Retrying
	Succeeded
	Failed
	Skipped
	Canceled
)

// IsOutcome reports whether a step in this status has ended.
func (s Status) IsOutcome() bool { return s >= Succeeded }

// Event returns the kind of the event that gives a step this outcome, StepCanceled for a status
// that is none.
func (s Status) Event() storage.EventKind {
	switch s {
	case Succeeded:
		return storage.StepSucceeded
	case Failed:
		return storage.StepFailed
	case Skipped:
		return storage.StepSkipped
	default:
		return storage.StepCanceled
	}
}
