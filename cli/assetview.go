package cli

import (
	"context"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/health"
	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/storage"
)

// assetView is an asset as assets list and show print it.
type assetView struct {
	view.Node
	Materialization *storage.AssetState `json:"materialization,omitempty"`
	Observation     *storage.AssetState `json:"observation,omitempty"`
	// Fresh is the state of its freshness policy, which assets show has.
	Fresh *freshness.Result `json:"freshness_state,omitempty"`
	// Health is how healthy the asset is, nil for a task.
	Health *health.Report `json:"health,omitempty"`
	// Status is how the asset is, which only the program of the repository knows.
	Status *rivers.AssetStatus `json:"status,omitempty"`
}

// readAssets reads the records, the health and the status of the nodes that a filter keeps.
func (a *app) readAssets(ctx context.Context, v *view.View, filter view.Filter) ([]assetView, error) {
	records, err := v.Records(ctx)
	if err != nil {
		return nil, err
	}
	healths, err := v.Health(ctx, filter)
	if err != nil {
		return nil, err
	}
	status, err := a.readStatus(ctx, v.Store)
	if err != nil {
		return nil, err
	}
	nodes := v.Nodes()
	byNode := make(map[int]*health.Report, len(healths))
	for i := range healths {
		byNode[healths[i].Node] = &healths[i].Report
	}
	views := []assetView{} // not null in JSON
	for i := range nodes {
		if filter != nil && !filter(i) {
			continue
		}
		one := assetView{Node: nodes[i], Health: byNode[i], Status: status[nodes[i].Name]}
		if rec := records[nodes[i].Name]; rec != nil {
			one.Materialization, one.Observation = rec.Materialization, rec.Observation
		}
		views = append(views, one)
	}
	return views, nil
}

// latest is the newest thing known of an asset.
func (v *assetView) latest() *storage.AssetState {
	if v.Materialization != nil {
		return v.Materialization
	}
	return v.Observation
}
