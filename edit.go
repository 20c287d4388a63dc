package rivers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/collect"
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

// DefaultValueAge is how long a value stays that was replaced.
const DefaultValueAge = 24 * time.Hour

// PruneValuesRequest describes which stored values are deleted. The zero value deletes those that
// were replaced more than [DefaultValueAge] ago.
type PruneValuesRequest struct {
	// OlderThan is the age of what is deleted; zero is [DefaultValueAge]. A reader that needs longer
	// for a value may lose it.
	OlderThan time.Duration
	// DryRun deletes nothing.
	DryRun bool
}

// PrunedValues are the stored values that were deleted, or would be.
type PrunedValues struct {
	Count int64 `json:"count"`
	Bytes int64 `json:"bytes"`
	// Values are the first of them, at most 100.
	Values []PrunedValue `json:"values"`
}

// PrunedValue is one stored value that was deleted.
type PrunedValue struct {
	// Name is the asset or task, Location where the value lay in its handler's place.
	Name     string    `json:"name"`
	Location string    `json:"location"`
	Bytes    int64     `json:"bytes"`
	Written  time.Time `json:"written"`
}

// PruneValues deletes stored values that no record means: those that were replaced, and those of
// attempts that were not recorded. It is about handlers that keep writes apart, see
// [iohandler.WriteKeeper]; others replace values. The newest write of each value stays, and so does
// what a run in progress may need. The folders of values belong to this store alone: what another
// store's records mean is not known here.
func (r *CodeRepository) PruneValues(ctx context.Context, req PruneValuesRequest) (*PrunedValues, error) {
	if err := r.Resolve(ctx, nil); err != nil {
		return nil, err
	}
	c, err := r.catalog()
	if err != nil {
		return nil, err
	}
	if req.OlderThan == 0 {
		req.OlderThan = DefaultValueAge
	}
	res, err := collect.Values(ctx, collect.Request{
		Graph: c.Graph(), Store: r.Storage(), Before: time.Now().Add(-req.OlderThan), DryRun: req.DryRun,
	})
	if err != nil {
		return nil, fmt.Errorf("pruning values: %w", err)
	}
	pruned := &PrunedValues{Count: res.Count, Bytes: res.Bytes, Values: []PrunedValue{}}
	for _, v := range res.First {
		pruned.Values = append(pruned.Values, PrunedValue{v.Name, v.Location, v.Size, v.Written})
	}
	return pruned, nil
}
