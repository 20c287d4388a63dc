package storage

import "github.com/rivers-go/rivers/partition"

// RunRequest asks for one run. It is data: what a program passes to Materialize is what storage
// records. The zero value asks for every asset that is not external.
type RunRequest struct {
	// Selection is one or more sentences of the selection language ("users", "+report",
	// "group:marts and not tag:slow"); several are a union. Empty selects everything.
	Selection []string `json:"selection,omitempty"`
	// IncludeUpstream adds everything the selection depends on, directly or not.
	IncludeUpstream bool `json:"include_upstream,omitempty"`
	// Stale makes of all that only what is stale or missing, and what reads something that is made: of what is asked
	// for those assets, and those partitions. The run is recorded with the selection that this came to. It is for runs
	// that are no job's.
	Stale bool `json:"stale,omitempty"`
	// Partition names the partition to make, or several: a key may have several values. Range is a
	// stretch of partitions, Partitions any set of them, which is how a backfill says it. At most
	// one is given, and one must be where something partitioned is selected.
	Partition  partition.Key      `json:"partition,omitzero"`
	Range      partition.KeyRange `json:"range,omitzero"`
	Partitions partition.Set      `json:"partitions,omitzero"`
	// Config overrides the config of single assets and tasks, by node name.
	Config map[string]map[string]any `json:"config,omitempty"`
	// Tags are recorded with the run.
	Tags map[string]string `json:"tags,omitempty"`
	// Checks says which asset checks run: those of what is made, none, or only checks and nothing else.
	Checks CheckMode `json:"checks,omitempty"`
	// CheckNames keeps only these checks, by [CheckName]; empty keeps all.
	CheckNames []string `json:"check_names,omitempty"`
	// Action has this action done to the selection, in place of materializing it.
	Action string `json:"action,omitempty"`
	// RunID gives the run a name of the caller's instead of a new UUID. It must not be used yet, or
	// be that of a run that is recorded and was never started.
	RunID string `json:"run_id,omitempty"`
	// Resume goes on with the run named by RunID where its process left it: what has succeeded is not
	// run again. A run that has ended is not changed. All else of the request is the run's own.
	Resume bool `json:"resume,omitempty"`
	// RetryOf is the ID of a run that has ended: the new run has its steps, and what succeeded there
	// is loaded and not run again. The selection is the retried run's own.
	RetryOf string `json:"retry_of,omitempty"`
	// Retry says which steps of RetryOf run again.
	Retry RetryMode `json:"retry,omitempty"`
}

// RetryMode says which steps of a run are run again when it is retried.
type RetryMode string

// The modes.
const (
	// RetryFromFailure runs all that did not succeed: what failed, and what was skipped or canceled. It
	// is what an empty mode means.
	RetryFromFailure RetryMode = "from_failure"
	// RetryFailed runs what failed, and nothing behind it.
	RetryFailed RetryMode = "failed"
	// RetryAll runs everything again.
	RetryAll RetryMode = "all"
)

// RetryModes are all modes, in the order in which they are listed to people.
var RetryModes = [...]RetryMode{RetryFromFailure, RetryFailed, RetryAll}
