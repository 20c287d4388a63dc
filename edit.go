package rivers

import (
	"context"
	"errors"

	"github.com/rivers-go/rivers/internal/launch"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// StateEdit selects the assets and partitions whose recorded state an operator edits.
type StateEdit struct {
	// Selection names the assets, in the selection language; it must not be empty.
	Selection []string
	// Keys names partitions, Range a stretch of them; one of the two where an asset with partitions is
	// selected, or All for all of its partitions.
	Keys  []partition.Key
	Range partition.KeyRange
	All   bool
	// By is the operator, Reason the purpose; both are recorded.
	By, Reason string
	// Values also deletes the stored values, where an asset is wiped and its IO handler can.
	Values bool
	// DryRun reports the changes and makes none.
	DryRun bool
}

// StateEditResult is the outcome of an edit, or of a dry run.
type StateEditResult struct {
	// RunID is the run that records it; empty for a dry run, and where there was nothing to change.
	RunID string `json:"run_id,omitempty"`
	// Assets are those that are changed.
	Assets []StateEditChange `json:"assets"`
}

// StateEditChange is what is changed of one asset.
type StateEditChange struct {
	Asset string `json:"asset"`
	// Partitions are the changed partitions as people read them; empty for an unpartitioned asset.
	// Count is their number.
	Partitions string `json:"partitions,omitempty"`
	Count      int64  `json:"count"`
	// Values is how many stored values are deleted.
	Values int64 `json:"values,omitempty"`
}

// Wipe forgets that assets, or some of their partitions, were materialized or failed: they are
// missing then. It is recorded, as a run, by whom and why. Stored values stay unless Values is set.
func (r *CodeRepository) Wipe(ctx context.Context, req StateEdit) (*StateEditResult, error) {
	return r.edit(ctx, req, storage.Wiped)
}

// MarkMaterialized records that assets, or some of their partitions, were made elsewhere. It is
// recorded, as a run, by whom and why. Nothing is written but the record.
func (r *CodeRepository) MarkMaterialized(ctx context.Context, req StateEdit) (*StateEditResult, error) {
	if req.Values {
		return nil, errors.New("marking as materialized: Values is for wiping: leave it out")
	}
	return r.edit(ctx, req, storage.Materialized)
}

// edit makes an edit and converts its result.
func (r *CodeRepository) edit(ctx context.Context, req StateEdit, kind storage.StateKind) (*StateEditResult, error) {
	runner, err := r.resolved(ctx)
	if err != nil {
		return nil, err
	}
	res, err := runner.Edit(ctx, launch.Edit(req), kind)
	if res == nil {
		return nil, err
	}
	out := &StateEditResult{RunID: res.RunID, Assets: make([]StateEditChange, len(res.Assets))}
	for i := range res.Assets {
		c := &res.Assets[i]
		out.Assets[i] = StateEditChange{Asset: c.Asset, Partitions: c.Partitions, Count: c.Count, Values: c.Values}
	}
	return out, err
}

// Observe looks at external assets and records what was seen; without names at all that can be
// observed. It returns the metadata by asset. Everything named is checked before anything is
// looked at; what goes wrong with one asset does not keep the others from being observed.
func (r *CodeRepository) Observe(ctx context.Context, names ...string) (map[string]metadata.Map, error) {
	runner, err := r.resolved(ctx)
	if err != nil {
		return nil, err
	}
	return runner.Observe(ctx, names...)
}

// AddPartitions registers keys of a dynamic definition, by its name, in the order in which they are
// given; keys that are registered already are no mistake. Definitions of this repository must use
// the name.
func (r *CodeRepository) AddPartitions(ctx context.Context, name string, keys ...string) error {
	return r.changeKeys(ctx, storage.KeyUpdate{Table: name, Add: keys})
}

// RemovePartitions takes keys of a dynamic definition out of those that are registered. What was
// recorded of their partitions stays, and is there again when they are added again. Keys that were
// removed before are no mistake. A key that was never registered is, and then nothing is removed.
func (r *CodeRepository) RemovePartitions(ctx context.Context, name string, keys ...string) error {
	return r.changeKeys(ctx, storage.KeyUpdate{Table: name, Remove: keys})
}

func (r *CodeRepository) changeKeys(ctx context.Context, u storage.KeyUpdate) error {
	runner, err := r.resolved(ctx)
	if err != nil {
		return err
	}
	return runner.ChangeKeys(ctx, u)
}
