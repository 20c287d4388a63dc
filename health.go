package rivers

import (
	"context"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/health"
	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/held"
	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/storage"
)

// HealthRequest asks how healthy assets are. The zero value asks about all, now.
type HealthRequest struct {
	// Selection names the assets, in the selection language; nothing is all of them. Tasks in it are
	// ignored.
	Selection []string
	// Now is the instant of the answer; zero is the present. For a later instant the answer assumes
	// that nothing lands until then.
	Now time.Time
	// Store is as in a [StatusRequest].
	Store storage.Reader
}

// AssetHealth is the health of one asset.
type AssetHealth struct {
	Asset string `json:"asset"`
	health.Report
}

// Health returns the health of the selected assets in topological order. An asset is as healthy as
// the worst of three: presence, latest check results, freshness. See package health. It reads the
// current state of those assets and of their checks, never history: one query for their records,
// and one for their partitions where there are any. Where a check did not let all partitions pass,
// what it said of each is read too, at the cost of what changed since that was last asked.
func (r *CodeRepository) Health(ctx context.Context, req HealthRequest) ([]AssetHealth, error) {
	v, filter, err := r.view(ctx, req.Selection, req.Store, req.Now)
	if err != nil {
		return nil, err
	}
	list, err := v.Health(ctx, filter)
	if err != nil {
		return nil, fmt.Errorf("health: %w", err)
	}
	all := make([]AssetHealth, len(list))
	for i := range list {
		all[i] = AssetHealth{v.Nodes()[list[i].Node].Name, list[i].Report}
	}
	return all, nil
}

// FreshnessRequest asks how fresh assets are.
type FreshnessRequest struct {
	// Selection names the assets, in the selection language; nothing is all of them. Assets without a
	// policy are left out.
	Selection []string
	// Now is the instant of the answer; zero is the present. For a later instant the answer assumes
	// that nothing lands until then.
	Now time.Time
}

// AssetFreshness is the freshness of one asset.
type AssetFreshness struct {
	Asset  string           `json:"asset"`
	Policy freshness.Policy `json:"policy"`
	freshness.Result
}

// Freshness judges the assets that have a freshness policy, in topological order: whether each is
// late, since when, when that will change if nothing lands, and why. It reads the current state of
// those assets and nothing else: one query for their records, and one for their partitions where
// policies look at them.
func (r *CodeRepository) Freshness(ctx context.Context, req FreshnessRequest) ([]AssetFreshness, error) {
	v, filter, err := r.view(ctx, req.Selection, nil, req.Now)
	if err != nil {
		return nil, err
	}
	list, err := v.Freshness(ctx, filter)
	if err != nil {
		return nil, fmt.Errorf("freshness: %w", err)
	}
	all := make([]AssetFreshness, len(list))
	for i := range list {
		n := &v.Nodes()[list[i].Node]
		all[i] = AssetFreshness{Asset: n.Name, Policy: n.Freshness, Result: list[i].Result}
	}
	return all, nil
}

// view returns the repository's own definitions with a store, nil for its own, at an instant, zero
// for now; and the filter of a selection.
func (r *CodeRepository) view(ctx context.Context, selection []string, store storage.Reader, now time.Time) (*view.View, view.Filter, error) {
	c, err := r.catalog()
	if err != nil {
		return nil, nil, err
	}
	selected, err := c.Select(selection, catalog.Anything)
	if err != nil {
		return nil, nil, err
	}
	if store == nil {
		if err := r.Resolve(ctx, nil); err != nil {
			return nil, nil, err
		}
		store = r.Storage()
	}
	if now.IsZero() {
		now = time.Now()
	}
	v := &view.View{Definitions: described(r, c), Store: store, Now: now, Gone: held.Of(c.Graph(), store).Now().Gone, Log: r.config.Logger}
	if selected == nil {
		return v, nil, nil
	}
	return v, func(i int) bool { return selected[i] }, nil // the nodes are the items of the graph
}

// described returns the definitions as they are recorded, made once.
func described(r *CodeRepository, c *catalog.Catalog) *view.Definitions {
	r.building.Lock()
	defer r.building.Unlock()
	if r.recorded == nil {
		r.recorded = view.Of(c.Topology())
	}
	return r.recorded
}
