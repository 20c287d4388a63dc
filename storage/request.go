package storage

import "github.com/rivers-go/rivers/partition"

// RunRequest asks for one run. Storage records it as the program passed it to Materialize. The zero
// value asks for every asset that is not external.
type RunRequest struct {
	// Selection is one or more sentences of the selection language ("users", "+report",
	// "group:marts and not tag:slow"); several are a union. Empty selects everything.
	Selection []string `json:"selection,omitempty"`
	// IncludeUpstream adds everything the selection depends on, directly or not.
	IncludeUpstream bool `json:"include_upstream,omitempty"`
	// Stale keeps only stale and missing assets and partitions of the selection, and those that
	// read a value that the run makes. The run is recorded with the resulting selection. Jobs do
	// not take it.
	Stale bool `json:"stale,omitempty"`
	// Unpartitioned leaves the partitioned assets of the selection out, where it has others too. The
	// run is recorded with the resulting selection. It excludes a partition; jobs and actions do not
	// take it.
	Unpartitioned bool `json:"unpartitioned,omitempty"`
	// Partition names the partition to make, or several, as a key may have several values. Range is
	// a range of partitions, Partitions any set of them, as a backfill sets it. Set at most one; a
	// partitioned selection needs one.
	Partition  partition.Key      `json:"partition,omitzero"`
	Range      partition.KeyRange `json:"range,omitzero"`
	Partitions partition.Set      `json:"partitions,omitzero"`
	// Config overrides the config of single assets and tasks, by node name.
	Config map[string]map[string]any `json:"config,omitempty"`
	// Tags are recorded with the run.
	Tags map[string]string `json:"tags,omitempty"`
	// Checks selects the asset checks: those of the assets made, none, or checks alone.
	Checks CheckMode `json:"checks,omitempty"`
	// CheckNames keeps only these checks, by [CheckName]; empty keeps all.
	CheckNames []string `json:"check_names,omitempty"`
	// Action names an action to run on the selection instead of materializing it.
	Action string `json:"action,omitempty"`
	// RunID names the run; empty means a new UUID. The name must be unused, or that of a recorded
	// run that never started.
	RunID string `json:"run_id,omitempty"`
	// Resume continues the run named by RunID without repeating successes. It does not change an
	// ended run. The recorded request replaces the rest of this one.
	Resume bool `json:"resume,omitempty"`
	// RetryOf is the ID of an ended run. The new run has its selection and steps, and loads the
	// values of its successes.
	RetryOf string `json:"retry_of,omitempty"`
	// Retry selects the steps of RetryOf to run again.
	Retry RetryMode `json:"retry,omitempty"`
}

// RetryMode selects the steps that a retry runs again.
type RetryMode string

// The modes.
const (
	// RetryFromFailure runs all steps that failed or were skipped or canceled. An empty mode means
	// the same.
	RetryFromFailure RetryMode = "from_failure"
	// RetryFailed runs the failed steps and nothing downstream.
	RetryFailed RetryMode = "failed"
	// RetryAll runs everything again.
	RetryAll RetryMode = "all"
)

// RetryModes are all modes, in the order in which they are listed to people.
var RetryModes = [...]RetryMode{RetryFromFailure, RetryFailed, RetryAll}
