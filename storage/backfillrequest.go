package storage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/partition"
)

// BackfillRequest asks for many partitions of some assets, or for an action on them. It is data: what a program passes to Backfill is
// what storage records.
type BackfillRequest struct {
	// Selection is one or more sentences of the selection language, as in a [RunRequest]. Every selected asset
	// that has partitions must have those that are asked for.
	Selection []string `json:"selection,omitempty"`
	// Action has this action done to the partitions, in place of materializing them: every selected asset must have it,
	// and partitions. What comes first, and what reads what, is then as the actions say it.
	Action string `json:"action,omitempty"`
	// Keys names partitions, Range a stretch of them; not both. Without either it is all of them.
	Keys  []partition.Key    `json:"keys,omitempty"`
	Range partition.KeyRange `json:"range,omitzero"`
	// Only keeps of these what is missing, what failed, or what is stale, of at least one of the assets. It is not for
	// actions.
	Only BackfillFilter `json:"only,omitempty"`
	// Latest keeps the partitions of the latest n windows; zero keeps all.
	Latest int `json:"latest,omitempty"`
	// Strategy says how partitions become runs. The zero value is the assets' own, else a run for each.
	Strategy BackfillStrategy `json:"strategy,omitzero"`
	// FailurePolicy says what happens after a failure; empty is to continue.
	FailurePolicy FailurePolicy `json:"failure_policy,omitempty"`
	// MaxConcurrency is how many runs there are at once; zero means 4, or 1 for an action that is exclusive.
	MaxConcurrency int `json:"max_concurrency,omitempty"`
	// Tags are recorded with the backfill and its runs.
	Tags map[string]string `json:"tags,omitempty"`
	// Config overrides the config of single assets and tasks, by node name, or of actions, by asset!action.
	Config map[string]map[string]any `json:"config,omitempty"`
	// NoBlock returns at once, with the backfill's ID, while it goes on in this process.
	NoBlock bool `json:"no_block,omitempty"`
	// DryRun says what would be done, and writes nothing.
	DryRun bool `json:"dry_run,omitempty"`
}

// BackfillFilter says which of the partitions asked for are backfilled.
type BackfillFilter string

// The filters. An empty one keeps all.
const (
	// OnlyMissing keeps what was never materialized.
	OnlyMissing BackfillFilter = "missing"
	// OnlyFailed keeps what failed when it was last tried.
	OnlyFailed BackfillFilter = "failed"
	// OnlyStale keeps what is stale or missing.
	OnlyStale BackfillFilter = "stale"
)

// BackfillFilters are all filters, in the order in which they are listed to people.
var BackfillFilters = [...]BackfillFilter{OnlyMissing, OnlyFailed, OnlyStale}

// FailurePolicy says what a backfill does after a failure.
type FailurePolicy string

// The policies.
const (
	// ContinueOnFailure goes on with the other partitions. It is what an empty policy means.
	ContinueOnFailure FailurePolicy = "continue"
	// StopOnFailure cancels what has not started.
	StopOnFailure FailurePolicy = "stop_on_failure"
)

// FailurePolicies are all policies, in the order in which they are listed to people.
var FailurePolicies = [...]FailurePolicy{ContinueOnFailure, StopOnFailure}

// BackfillStrategy says how the partitions of a backfill become runs. The zero value says nothing: the
// asset's strategy holds, else a run for each partition. Strategies are made by the functions of the root.
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

// PerDimension makes a run for each combination of keys of the dimensions in multi, with all keys of those
// in single. Together they must be all dimensions, each once, and neither may be empty.
func PerDimension(multi, single []string) BackfillStrategy {
	join := func(names []string) string {
		sorted := slices.Sorted(slices.Values(names))
		return strings.Join(sorted, ",")
	}
	return BackfillStrategy{kind: perDimension, multi: join(multi), single: join(single)}
}

// IsZero reports whether nothing was said.
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
