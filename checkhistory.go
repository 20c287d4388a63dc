package rivers

import (
	"context"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// CheckEvaluation is one entry of the history of a check.
type CheckEvaluation struct {
	// State is what it came to, At when, and RunID in which run.
	State storage.CheckState `json:"state"`
	At    time.Time          `json:"at"`
	RunID string             `json:"run_id,omitempty"`
	// Partition is what was judged, empty for an asset without partitions; Partitions are several at once.
	Partition  string        `json:"partition,omitempty"`
	Partitions partition.Set `json:"partitions,omitzero"`
	// Verdict, Metadata and Error are as in [CheckStatus]; Version is the data version that was judged.
	Verdict  *storage.Verdict `json:"verdict,omitempty"`
	Metadata metadata.Map     `json:"metadata,omitempty"`
	Error    string           `json:"error,omitempty"`
	Version  string           `json:"data_version,omitempty"`
}

// CheckHistory returns the last evaluations of a check, named asset:check, newest first; a limit of zero is 100.
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
	v, _ := c.Graph().Find(name)
	events, err := r.store.ListAssetEvents(ctx, storage.AssetEventQuery{Asset: r.runner.Keys[v], Limit: limit})
	if err != nil {
		return nil, fmt.Errorf("check %q: reading its history: %w", name, err)
	}
	asset, _, _ := storage.SplitCheck(name)
	ids, err := storage.RunIDs(ctx, r.store, events)
	if err != nil {
		return nil, fmt.Errorf("check %q: reading its history: %w", name, err)
	}
	history := make([]CheckEvaluation, 0, len(events))
	for i := range events {
		e := &events[i]
		d, err := storage.ParseDetail(e.Detail)
		if err != nil {
			return nil, fmt.Errorf("check %q: %w", name, err)
		}
		history = append(history, CheckEvaluation{
			State: e.CheckState(), At: e.At.Time(), RunID: ids[e.Run], Partition: e.Partition, Partitions: d.Partitions,
			Verdict: d.Check, Metadata: d.Metadata, Error: d.Error, Version: d.Inputs[asset],
		})
	}
	return history, nil
}
