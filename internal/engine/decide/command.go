package decide

import "github.com/rivers-go/rivers/storage"

// CommandKind describes what the driver is to do.
type CommandKind uint8

// The commands. Applying the event that a command leads to consumes it.
const (
	// Start an attempt of a step; StepStarted consumes it.
	Start CommandKind = iota
	// Claim the pool slots that an attempt needs; StepClaiming consumes it.
	Claim
	// Skip records that a step does not run; StepSkipped consumes it.
	Skip
	// Cancel records that a step stops with its run; StepCanceled consumes it.
	Cancel
	// End closes the run; RunEnded consumes it.
	End
)

// Command is one thing to do now.
type Command struct {
	Kind CommandKind
	// Step is the step, NoStep for End. Attempt is the ordinal to start or to claim for.
	Step, Attempt int32
	// Cause is the step that a skip goes back to.
	Cause int32
	// Partial means that the step is skipped for the partitions that Cause did not make. Its readers
	// are not skipped with it: they may read partitions that were made before.
	Partial bool
	// State is the state in which the run ends.
	State storage.RunState
}

// Consume returns the event that obeying the command leads to. It carries no instant.
func (c Command) Consume() Event {
	f := storage.Fact{Step: c.Step}
	switch c.Kind {
	case Start:
		f.Kind, f.Attempt = storage.StepStarted, c.Attempt
	case Claim:
		f.Kind, f.Attempt = StepClaiming, c.Attempt
	case Skip:
		f.Kind, f.Cause = storage.StepSkipped, c.Cause
		if c.Partial {
			f.Status = 1
		}
	case Cancel:
		f.Kind, f.Attempt = storage.StepCanceled, c.Attempt
	case End:
		f.Kind, f.Status = storage.RunEnded, uint8(c.State)
	}
	return Event{Fact: f}
}
