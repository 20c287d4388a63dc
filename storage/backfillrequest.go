package storage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/partition"
)

// BackfillRequest asks for many partitions of some assets, or for an action on them. Storage
// records it as the program passed it.
type BackfillRequest struct {
	// Selection is one or more sentences of the selection language, as in a [RunRequest]. Every
	// selected partitioned asset must have the requested partitions.
	Selection []string `json:"selection,omitempty"`
	// Action names an action to run on the partitions instead of materializing them. Every selected
	// asset must be partitioned and have the action. The action's dependencies then order the runs.
	Action string `json:"action,omitempty"`
	// Keys names partitions, Range a range of them; set at most one. Without either the backfill
	// takes all.
	Keys  []partition.Key    `json:"keys,omitempty"`
	Range partition.KeyRange `json:"range,omitzero"`
	// Only keeps the partitions that are missing, failed or stale in at least one of the assets.
	// Actions do not take it.
	Only BackfillFilter `json:"only,omitempty"`
	// Latest keeps the partitions of the latest n windows; zero keeps all.
	Latest int `json:"latest,omitempty"`
	// Strategy maps partitions to runs. The zero value takes the assets' own strategy, else a run
	// for each.
	Strategy BackfillStrategy `json:"strategy,omitzero"`
	// FailurePolicy is the reaction to a failure; empty means continue.
	FailurePolicy FailurePolicy `json:"failure_policy,omitempty"`
	// MaxConcurrency is the number of runs at once; zero means 4, or 1 for an exclusive action.
	MaxConcurrency int `json:"max_concurrency,omitempty"`
	// Tags are recorded with the backfill and its runs.
	Tags map[string]string `json:"tags,omitempty"`
	// Config overrides the config of single assets and tasks, by node name, or of actions, by
	// asset!action.
	Config map[string]map[string]any `json:"config,omitempty"`
	// NoBlock returns at once with the backfill's ID; the backfill continues in this process.
	NoBlock bool `json:"no_block,omitempty"`
	// DryRun returns the plan and writes nothing.
	DryRun bool `json:"dry_run,omitempty"`
}

// BackfillFilter selects among the requested partitions.
type BackfillFilter string

// The filters. An empty one keeps all.
const (
	// OnlyMissing keeps partitions that were never materialized.
	OnlyMissing BackfillFilter = "missing"
	// OnlyFailed keeps partitions whose last attempt failed.
	OnlyFailed BackfillFilter = "failed"
	// OnlyStale keeps stale and missing partitions.
	OnlyStale BackfillFilter = "stale"
)

// BackfillFilters are all filters, in the order in which they are listed to people.
var BackfillFilters = [...]BackfillFilter{OnlyMissing, OnlyFailed, OnlyStale}

// FailurePolicy is what a backfill does after a failure.
type FailurePolicy string

// The policies.
const (
	// ContinueOnFailure continues with the other partitions. An empty policy means the same.
	ContinueOnFailure FailurePolicy = "continue"
	// StopOnFailure cancels partitions that have not started.
	StopOnFailure FailurePolicy = "stop_on_failure"
)

// FailurePolicies are all policies, in the order in which they are listed to people.
var FailurePolicies = [...]FailurePolicy{ContinueOnFailure, StopOnFailure}

// BackfillStrategy maps the partitions of a backfill to runs. The zero value takes the asset's
// strategy, else a run for each partition. Functions of the root make strategies.
type BackfillStrategy struct {
	kind   string
	multi  string // names of dimensions, sorted and joined by commas, so that strategies are comparable
	single string
}

// The words of strategies.
const (
	multiRun     = "multi_run"
	singleRun    = "single_run"
	perDimension = "per_dimension"
)

// MultiRun makes a run for each partition.
func MultiRun() BackfillStrategy { return BackfillStrategy{kind: multiRun} }

// SingleRun makes one run for all partitions.
func SingleRun() BackfillStrategy { return BackfillStrategy{kind: singleRun} }

// PerDimension makes a run for each combination of keys of the dimensions in multi, with all keys
// of those in single. Together they must be all dimensions, each once, and neither may be empty.
func PerDimension(multi, single []string) BackfillStrategy {
	join := func(names []string) string {
		sorted := slices.Sorted(slices.Values(names))
		return strings.Join(sorted, ",")
	}
	return BackfillStrategy{kind: perDimension, multi: join(multi), single: join(single)}
}

// IsZero reports whether the strategy is unset.
func (s BackfillStrategy) IsZero() bool { return s == BackfillStrategy{} }

// IsSingleRun reports whether all partitions are one run.
func (s BackfillStrategy) IsSingleRun() bool { return s.kind == singleRun }

// Dimensions returns what [PerDimension] was given, sorted; nil for other strategies.
func (s BackfillStrategy) Dimensions() (multi, single []string) {
	split := func(text string) []string {
		if text == "" {
			return nil
		}
		return strings.Split(text, ",")
	}
	return split(s.multi), split(s.single)
}

// String returns the text that [ParseBackfillStrategy] reads, such as "per_dimension(day;shop)".
func (s BackfillStrategy) String() string {
	if s.kind == perDimension {
		return perDimension + "(" + s.multi + ";" + s.single + ")"
	}
	return s.kind
}

// MarshalText returns the text of String. It never fails.
func (s BackfillStrategy) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a text as [ParseBackfillStrategy] does; an empty one is the zero strategy.
func (s *BackfillStrategy) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*s = BackfillStrategy{}
		return nil
	}
	*s, err = ParseBackfillStrategy(string(text))
	return err
}

// ParseBackfillStrategy reads multi_run, single_run, or per_dimension(a,b;c) with the dimensions of
// [PerDimension].
func ParseBackfillStrategy(text string) (BackfillStrategy, error) {
	word, rest, given := strings.Cut(text, "(")
	switch {
	case word == multiRun && !given:
		return MultiRun(), nil
	case word == singleRun && !given:
		return SingleRun(), nil
	case word == perDimension && given && strings.HasSuffix(rest, ")"):
		multi, single, two := strings.Cut(strings.TrimSuffix(rest, ")"), ";")
		if two && multi != "" && single != "" {
			return PerDimension(strings.Split(multi, ","), strings.Split(single, ",")), nil
		}
	}
	return BackfillStrategy{}, fmt.Errorf("backfill strategy %q: want multi_run, single_run or per_dimension(a,b;c), where a and b have a run for each key and c is one run for all", text)
}
