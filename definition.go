package rivers

import (
	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/storage"
)

// Node is anything that can be a member of a job: an asset or a task.
type Node interface {
	// Name is the registered name; a multi-asset has one beside those of its outputs.
	Name() string
	def() *define.Definition // sealed
}

// Asset is one of the kinds of assets that this package defines: single, multi, graph, external.
type Asset interface {
	Node
	asset() // sealed
}

// RunRequest asks for one run; see [storage.RunRequest].
type RunRequest = storage.RunRequest

// BackfillStrategy says how the partitions of a backfill become runs: [MultiRun], [SingleRun] or
// [PerDimension]; see [storage.BackfillStrategy].
type BackfillStrategy = storage.BackfillStrategy

// MultiRun makes a run for each partition.
func MultiRun() BackfillStrategy { return storage.MultiRun() }

// SingleRun makes one run for all partitions.
func SingleRun() BackfillStrategy { return storage.SingleRun() }

// PerDimension makes a run for each combination of keys of the dimensions in multi, with all keys of those in
// single. Together they must be all dimensions, each once, and neither may be empty.
func PerDimension(multi, single []string) BackfillStrategy {
	return storage.PerDimension(multi, single)
}
