package rivers

import (
	"context"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/health"
	"github.com/rivers-go/rivers/internal/assethealth"
	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/checkstate"
	"github.com/rivers-go/rivers/internal/graph"
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
	c, err := r.catalog()
	if err != nil {
		return nil, err
	}
	subjects, err := healthSubjects(c, req.Selection)
	if err != nil {
		return nil, err
	}
	store, now := req.Store, req.Now
	if store == nil {
		if err := r.Resolve(ctx, nil); err != nil {
			return nil, err
		}
		store = r.Storage()
	}
	if now.IsZero() {
		now = time.Now()
	}
	verdicts := func(ctx context.Context) (map[string]*checkstate.Results, error) { return r.verdicts(ctx, c, store) }
	reports, err := assethealth.Healths(ctx, store, subjects, verdicts, now)
	if err != nil {
		return nil, fmt.Errorf("health: %w", err)
	}
	all := make([]AssetHealth, len(subjects))
	for i := range subjects {
		all[i] = AssetHealth{subjects[i].Asset, reports[i]}
	}
	return all, nil
}

// healthSubjects are the selected assets, with their policies and checks.
func healthSubjects(c *catalog.Catalog, texts []string) ([]assethealth.Subject, error) {
	selected, err := c.Select(texts, catalog.Anything)
	if err != nil {
		return nil, err
	}
	checks := map[string][]assethealth.Check{}
	for n := range int32(c.Graph().Len()) {
		if node := c.Graph().Node(n); node.Kind == graph.Check {
			checks[node.Check.Asset] = append(checks[node.Check.Asset], assethealth.Check{Name: node.Name, Partitioned: node.Partitions != nil})
		}
	}
	var subjects []assethealth.Subject
	items := c.Graph().Items()
	for i := range items.Len() {
		if out, n := c.Graph().Output(items.Output(i)); out.Asset && (selected == nil || selected[i]) {
			sub := subjectOf(out, c.Graph().Node(n))
			sub.Checks = checks[out.Name]
			subjects = append(subjects, sub)
		}
	}
	return subjects, nil
}

// subjectOf is an asset as it is judged, without its checks.
func subjectOf(out *graph.Output, node *graph.Node) assethealth.Subject {
	return assethealth.Subject{
		Asset: out.Name, Policy: out.Attrs.Freshness, Partitions: out.Partitions, External: node.Kind == graph.External,
	}
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
