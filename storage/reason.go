package storage

import "fmt"

// FailureReason classifies why an attempt failed, as retry policies see it.
type FailureReason uint8

// The reasons of a failure.
const (
	// ReasonError is an error returned by user code, or a panic.
	ReasonError FailureReason = iota
	// ReasonOutOfMemory is a process stopped for its memory.
	ReasonOutOfMemory
	// ReasonTimeout is a step that ran longer than its timeout.
	ReasonTimeout
	// ReasonInfrastructure is a fault around the step: a lost process, an unreachable store.
	ReasonInfrastructure
	// ReasonCanceled is a step stopped with its run.
	ReasonCanceled
	// ReasonCheck is a blocking check that the asset did not pass: the check itself did its work,
	// and is not tried again.
	ReasonCheck
)

var reasonWords = [...]string{"error", "out_of_memory", "timeout", "infrastructure", "canceled", "check"}

// String returns the word of the reason, such as "out_of_memory".
func (r FailureReason) String() string {
	if int(r) < len(reasonWords) {
		return reasonWords[r]
	}
	return fmt.Sprintf("failure_reason(%d)", uint8(r))
}

// MarshalText writes the word of the reason.
func (r FailureReason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
