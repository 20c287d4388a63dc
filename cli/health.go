package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/health"
	"github.com/rivers-go/rivers/internal/assethealth"
	"github.com/rivers-go/rivers/internal/checkstate"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

func healthColour(s health.State) term.Colour {
	return map[health.State]term.Colour{health.Healthy: term.Green, health.Warning: term.Yellow, health.Degraded: term.Red}[s]
}

// addHealths adds to assets how healthy they are: as the repository's program judges, or by the
// definitions in the store.
func (a *app) addHealths(ctx context.Context, s storage.Reader, views []assetView) error {
	if a.repo == nil {
		return addStoredHealths(ctx, s, views)
	}
	all, err := a.repo.Health(ctx, rivers.HealthRequest{Store: s})
	if err != nil {
		return err
	}
	byName := make(map[string]*health.Report, len(all))
	for i := range all {
		byName[all[i].Asset] = &all[i].Report
	}
	for i := range views {
		views[i].Health = byName[views[i].Name]
	}
	return nil
}

func addStoredHealths(ctx context.Context, s storage.Reader, views []assetView) error {
	nodes := make([]storage.TopologyNode, len(views))
	for i := range views {
		nodes[i] = views[i].TopologyNode
	}
	at, subs, err := subjects(nodes, func(i int) bool { return nodes[i].Kind.IsAsset() })
	if err != nil {
		return err
	}
	for i := range subs {
		subs[i].Checks = views[at[i]].checks
	}
	reports, err := assethealth.Healths(ctx, s, subs, storedVerdicts(s, views, at, subs), time.Now())
	for i := range reports {
		views[at[i]].Health = &reports[i]
	}
	return err
}

// storedVerdicts are what the checks said last of partitions, of each location by itself; at are
// the places of the subjects among the views.
func storedVerdicts(s storage.Reader, views []assetView, at []int, subs []assethealth.Subject) assethealth.Verdicts {
	return func(ctx context.Context) (map[string]*checkstate.Results, error) {
		byLocation := map[string][]checkstate.Subject{}
		for i := range subs {
			for _, c := range subs[i].Checks {
				if c.Partitioned {
					location := views[at[i]].Location
					byLocation[location] = append(byLocation[location], checkstate.Subject{
						Check: c.Name, Asset: subs[i].Asset, Partitions: subs[i].Partitions, External: subs[i].External,
					})
				}
			}
		}
		byName := map[string]*checkstate.Results{}
		for location, subjects := range byLocation {
			results, err := checkstate.Read(ctx, checkstate.Params{Location: location, Store: s, Subjects: subjects})
			if err != nil {
				return nil, err
			}
			for i := range results {
				byName[subjects[i].Check] = &results[i]
			}
		}
		return byName, nil
	}
}

// checksByAsset are the checks of a topology.
func checksByAsset(doc storage.TopologyDoc) map[string][]assethealth.Check {
	checks := map[string][]assethealth.Check{}
	for i := range doc.Checks {
		c := &doc.Checks[i]
		checks[c.Asset] = append(checks[c.Asset], assethealth.Check{Name: storage.CheckName(c.Asset, c.Name), Partitioned: c.Partitioned})
	}
	return checks
}

// subjects are those of the nodes that have a policy and are kept, with their places among the
// nodes. Definitions of partitions that say the same are made once.
func subjects(nodes []storage.TopologyNode, keep func(int) bool) (at []int, subs []assethealth.Subject, err error) {
	known := map[string]partition.Definition{}
	for i := range nodes {
		if !keep(i) {
			continue
		}
		sub, err := subjectOf(&nodes[i])
		if err != nil {
			return nil, nil, err
		}
		if sub.Partitions != nil {
			text := sub.Partitions.String()
			if known[text] == nil || !partition.Equal(known[text], sub.Partitions) {
				known[text] = sub.Partitions
			}
			sub.Partitions = known[text]
		}
		at, subs = append(at, i), append(subs, sub)
	}
	return at, subs, nil
}

func subjectOf(n *storage.TopologyNode) (assethealth.Subject, error) {
	sub := assethealth.Subject{Asset: n.Name, Policy: n.Freshness, External: n.Kind == storage.NodeExternalAsset}
	if n.Partitions == nil {
		return sub, nil
	}
	var err error
	if sub.Partitions, err = n.Partitions.Definition(); err != nil {
		return sub, fmt.Errorf("asset %q: %w", n.Name, err)
	}
	return sub, nil
}

// healthCell describes how healthy an asset is.
func (v *assetView) healthCell() term.Cell {
	if v.Health == nil || v.Health.State == health.NotApplicable {
		return term.Cell{Text: "-", Paint: term.Grey}
	}
	return term.Cell{Text: v.Health.State.String(), Paint: healthColour(v.Health.State)}
}

// isUnhealthy reports whether somebody should look at an asset.
func (v *assetView) isUnhealthy() bool { return v.Health != nil && v.Health.State.Unhealthy() }

// printHealth prints how fresh and how healthy an asset is.
func (a *app) printHealth(v *assetView) {
	line := func(label, text string) {
		a.Printf("  %s %s\n", a.Paint(term.Grey, fmt.Sprintf("%-12s", label)), text)
	}
	if r := v.Fresh; r != nil {
		text := a.Paint(freshColour(r.State), r.State.String())
		if !r.Since.IsZero() {
			text += " since " + term.Instant(r.Since)
		}
		if !r.NextChange.IsZero() {
			text += ", until " + term.Instant(r.NextChange) + " if nothing lands"
		}
		line("freshness", v.Freshness.String())
		line("", text)
		line("", r.Reason)
	}
	if h := v.Health; h != nil {
		line("health", a.Paint(healthColour(h.State), h.State.String())+": "+h.Reason)
	}
}
