package view

import (
	"context"

	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/health"
	"github.com/rivers-go/rivers/internal/assethealth"
	"github.com/rivers-go/rivers/internal/checkstate"
)

// Health is the health of one asset.
type Health struct {
	// Node is the index of the asset among [Definitions.Nodes].
	Node int
	health.Report
}

// Health returns the health of the filtered assets, in the order of the nodes. Tasks are left out.
// It reads the current state of those assets and of their checks, never history.
func (v *View) Health(ctx context.Context, filter Filter) ([]Health, error) {
	at, subjects, err := v.subjects(func(i int) bool { return v.nodes[i].Kind.IsAsset() && filter.has(i) })
	if err != nil {
		return nil, err
	}
	results := func(ctx context.Context) (map[string]*checkstate.Results, error) { return v.checkResults(ctx, at) }
	reports, err := assethealth.Healths(ctx, v.Store, subjects, results, v.Now)
	if err != nil {
		return nil, err
	}
	all := make([]Health, len(at))
	for i := range at {
		all[i] = Health{at[i], reports[i]}
	}
	return all, nil
}

// Freshness is the freshness of one asset.
type Freshness struct {
	// Node is the index of the asset among [Definitions.Nodes].
	Node int
	freshness.Result
}

// Freshness judges the filtered nodes that have a freshness policy, in the order of the nodes. It
// reads the current state of those and nothing else.
func (v *View) Freshness(ctx context.Context, filter Filter) ([]Freshness, error) {
	at, subjects, err := v.subjects(func(i int) bool { return !v.nodes[i].Freshness.IsZero() && filter.has(i) })
	if err != nil {
		return nil, err
	}
	results, err := assethealth.Freshness(ctx, v.Store, subjects, v.Now)
	if err != nil {
		return nil, err
	}
	all := make([]Freshness, len(at))
	for i := range at {
		all[i] = Freshness{at[i], results[i]}
	}
	return all, nil
}

// subjects returns the nodes that a filter keeps as package assethealth judges them, with their
// indices.
func (v *View) subjects(keep func(i int) bool) (at []int, subjects []assethealth.Subject, err error) {
	for i := range v.nodes {
		if !keep(i) {
			continue
		}
		subject, err := v.nodes[i].subject()
		if err != nil {
			return nil, nil, err
		}
		if subject.Gone = v.nodes[i].InMemory; v.Gone != nil {
			subject.Gone = v.Gone(subject.Asset)
		}
		at, subjects = append(at, i), append(subjects, subject)
	}
	return at, subjects, nil
}
