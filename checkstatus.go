package rivers

import (
	"context"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// CheckStatus is the current state of a check. It keeps the last result when the asset is
// materialized again, and Outdated marks a result about older data.
type CheckStatus struct {
	// Name is asset:check, Asset and Check are its parts.
	Name  string `json:"name"`
	Asset string `json:"asset"`
	Check string `json:"check"`
	// Description is that of the definition, Blocking is set for a check that
	// stops downstream steps.
	Description string `json:"description,omitempty"`
	Blocking    bool   `json:"blocking,omitempty"`
	// State is the check's: of one with partitions that of the worst of them.
	State storage.CheckState `json:"state"`
	// At is when it was last evaluated, in the run RunID; both are zero for one that never was.
	At    time.Time `json:"at,omitzero"`
	RunID string    `json:"run_id,omitempty"`
	// Partition is the one of that evaluation, where it was of one.
	Partition string `json:"partition,omitempty"`
	// Verdict is what it said, nil where it said nothing; Error is then why.
	Verdict  *storage.Verdict `json:"verdict,omitempty"`
	Metadata metadata.Map     `json:"metadata,omitempty"`
	Error    string           `json:"error,omitempty"`
	// Outdated is set if the asset has another data version since. After a failure of the check itself
	// any newer materialization sets it. For a check with partitions one outdated partition sets it.
	Outdated bool `json:"outdated,omitempty"`
	// Partitions has the states by partition; nil for a check of the whole asset.
	Partitions *CheckPartitions `json:"partitions,omitempty"`
}

// CheckPartitions groups the existing partitions by the check's latest result. Each of them is in
// one of Passed, Warned, Failed, Crashed, Skipped and Unchecked.
type CheckPartitions struct {
	// Space is what exists of the asset's partitions, Total how many they are.
	Space partition.Space `json:"-"`
	Total int64           `json:"total"`
	// Passed passed. Warned and Failed did not, with the severity of a warning or an error. The check
	// itself failed for Crashed.
	Passed  PartitionCount `json:"passed"`
	Warned  PartitionCount `json:"warned"`
	Failed  PartitionCount `json:"failed"`
	Crashed PartitionCount `json:"crashed"`
	// Skipped are those that a run planned to check and did not; Unchecked were never checked.
	Skipped   PartitionCount `json:"skipped"`
	Unchecked PartitionCount `json:"unchecked"`
	// InProgress are those that runs in progress have yet to check.
	InProgress PartitionCount `json:"in_progress"`
	// Outdated are the checked partitions that have another data version since, or no longer exist.
	// The version is unknown for partitions that were checked many at once or crashed: any newer
	// materialization outdates them.
	Outdated PartitionCount `json:"outdated"`
}

// CheckStatus returns what is known of the checks of a selection of assets, in topological order:
// the state now, from what is kept beside the history. No selection is all of them.
func (r *CodeRepository) CheckStatus(ctx context.Context, selection ...string) ([]CheckStatus, error) {
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	v, filter, err := r.view(ctx, selection, nil, time.Time{})
	if err != nil {
		return nil, err
	}
	list, err := v.CheckStatus(ctx, filter)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	all := make([]CheckStatus, len(list))
	for i := range list {
		all[i] = newCheckStatus(&list[i])
	}
	return all, nil
}

func newCheckStatus(c *view.CheckStatus) CheckStatus {
	s := CheckStatus{
		Name: c.Name(), Asset: c.TopologyCheck.Asset, Check: c.TopologyCheck.Name, Description: c.Description, Blocking: c.Blocking,
		State: c.State, Outdated: c.Outdated,
	}
	if l := c.Latest; l != nil {
		s.At, s.RunID, s.Partition, s.Verdict, s.Metadata, s.Error = l.At, l.RunID, l.Partition, l.Check, l.Metadata, l.Error
	}
	p := c.Partitions
	if p == nil {
		return s
	}
	count := func(set partition.Set) PartitionCount { return PartitionCount{p.Space.Count(set), set} }
	s.Partitions = &CheckPartitions{
		Space: p.Space, Total: p.Space.Len(), Passed: count(p.Passed), Warned: count(p.Warned), Failed: count(p.Failed), Crashed: count(p.Crashed),
		Skipped: count(p.Skipped), Unchecked: count(p.Unchecked), InProgress: count(p.InProgress), Outdated: count(p.Outdated),
	}
	return s
}

// CheckEvaluation is one entry of the history of a check.
type CheckEvaluation struct {
	// State is the result, At its instant, and RunID its run.
	State storage.CheckState `json:"state"`
	At    time.Time          `json:"at"`
	RunID string             `json:"run_id,omitempty"`
	// Partition is what was judged, empty for an asset without partitions; Partitions are several at
	// once.
	Partition  string        `json:"partition,omitempty"`
	Partitions partition.Set `json:"partitions,omitzero"`
	// Verdict, Metadata and Error are as in [CheckStatus]; Version is the data version that was
	// judged.
	Verdict  *storage.Verdict `json:"verdict,omitempty"`
	Metadata metadata.Map     `json:"metadata,omitempty"`
	Error    string           `json:"error,omitempty"`
	Version  string           `json:"data_version,omitempty"`
}

// CheckHistory returns the last evaluations of a check, named asset:check, newest first; a limit of
// zero is 100.
func (r *CodeRepository) CheckHistory(ctx context.Context, name string, limit int) ([]CheckEvaluation, error) {
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	c, err := r.catalog()
	if err != nil {
		return nil, err
	}
	if err := c.CheckRequest(&RunRequest{CheckNames: []string{name}}); err != nil {
		return nil, err
	}
	v, _, err := r.view(ctx, nil, nil, time.Time{})
	if err != nil {
		return nil, err
	}
	events, err := v.History(ctx, name, limit)
	if err != nil {
		return nil, fmt.Errorf("check %q: reading its history: %w", name, err)
	}
	asset, _, _ := storage.SplitCheck(name)
	history := make([]CheckEvaluation, len(events))
	for i := range events {
		e := &events[i]
		history[i] = CheckEvaluation{
			State: e.CheckState, At: e.At, RunID: e.RunID, Partition: e.Partition, Partitions: e.Partitions,
			Verdict: e.Detail.Check, Metadata: e.Metadata, Error: e.Error, Version: e.Inputs[asset],
		}
	}
	return history, nil
}
