package rivers

import (
	"context"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/internal/assethealth"
	"github.com/rivers-go/rivers/internal/catalog"
)

// FreshnessRequest asks how fresh assets are.
type FreshnessRequest struct {
	// Selection names the assets, in the selection language; nothing is all of them. Assets without a policy are left out.
	Selection []string
	// Now is the instant to judge at; zero is the present. With a later one it says what will be if nothing lands.
	Now time.Time
}

// AssetFreshness says how fresh one asset is.
type AssetFreshness struct {
	Asset  string           `json:"asset"`
	Policy freshness.Policy `json:"policy"`
	freshness.Result
}

// Freshness judges the assets that have a freshness policy, in topological order: whether each is late, since when, when
// that will change if nothing lands, and why. It reads the current state of those assets and nothing else: one query for
// their records, and one for their partitions where policies look at them.
func (r *CodeRepository) Freshness(ctx context.Context, req FreshnessRequest) ([]AssetFreshness, error) {
	if err := r.Resolve(ctx, nil); err != nil {
		return nil, err
	}
	c, err := r.catalog()
	if err != nil {
		return nil, err
	}
	subjects, err := freshnessSubjects(c, req.Selection)
	if err != nil {
		return nil, err
	}
	now := req.Now
	if now.IsZero() {
		now = time.Now()
	}
	results, err := assethealth.Freshness(ctx, r.Storage(), subjects, now)
	if err != nil {
		return nil, fmt.Errorf("freshness: %w", err)
	}
	all := make([]AssetFreshness, len(subjects))
	for i := range subjects {
		all[i] = AssetFreshness{Asset: subjects[i].Asset, Policy: subjects[i].Policy, Result: results[i]}
	}
	return all, nil
}

// freshnessSubjects are the selected assets that have a policy.
func freshnessSubjects(c *catalog.Catalog, selection []string) ([]assethealth.Subject, error) {
	selected, err := c.Select(selection, catalog.Anything)
	if err != nil {
		return nil, err
	}
	var subjects []assethealth.Subject
	items := c.Graph().Items()
	for i := range items.Len() {
		out, n := c.Graph().Output(items.Output(i))
		if out.Asset && !out.Attrs.Freshness.IsZero() && (selected == nil || selected[i]) {
			subjects = append(subjects, subjectOf(out, c.Graph().Node(n)))
		}
	}
	return subjects, nil
}
