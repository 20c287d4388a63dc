package decide

import (
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Event is what the decider folds of a recorded event: its typed columns, and the parts of its
// detail that decide.
type Event struct {
	storage.Fact

	// Partitions are those that the event is about; empty for a step without partitions.
	Partitions partition.Set
	// Output is the position of the output that an AssetMaterialized is about, among those of its
	// step.
	Output int32
	// Rejected marks a CheckEvaluated whose asset, or its partitions, did not pass a blocking check.
	Rejected bool
}

// The kinds of events that are folded and not stored. None is a kind of storage.
const (
	// StepClaiming means that an attempt asked for its pool slots.
	StepClaiming storage.EventKind = 0xf0 + iota
	// StepClaimed means that they were granted. A crash frees them, and the next owner of the run
	// claims them anew.
	StepClaimed
	// StepMade means that an attempt made partitions of a step none of whose outputs is an asset. The
	// step's success has them too; after a crash before it, they are made again.
	StepMade
)
