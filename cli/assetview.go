package cli

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/health"
	"github.com/rivers-go/rivers/internal/assethealth"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// assetView is an asset as assets list and show print it.
type assetView struct {
	storage.TopologyNode
	Location        string              `json:"location"`
	Materialization *storage.AssetState `json:"materialization,omitempty"`
	Observation     *storage.AssetState `json:"observation,omitempty"`
	// Fresh is the state of its freshness policy, which assets show has.
	Fresh *freshness.Result `json:"freshness_state,omitempty"`
	// Health is how healthy the asset is, nil for a task.
	Health *health.Report `json:"health,omitempty"`
	// Status is how the asset is, which only the program of the repository knows.
	Status *rivers.AssetStatus `json:"status,omitempty"`

	checks []assethealth.Check
}

// views gathers definitions, of this program or of all that wrote to the store, and records.
func (a *app) views(ctx context.Context) ([]assetView, error) {
	var views []assetView
	add := func(location string, doc storage.TopologyDoc) {
		checks := checksByAsset(doc)
		for _, n := range doc.Nodes {
			views = append(views, assetView{TopologyNode: n, Location: location, checks: checks[n.Name]})
		}
	}
	if a.repo != nil {
		doc, err := a.repo.Topology()
		if err != nil {
			return nil, err
		}
		add(doc.Name, doc)
	}
	err := a.withStore(ctx, func(s storage.Reader) error {
		if a.repo == nil {
			if err := storedTopologies(ctx, s, add); err != nil {
				return err
			}
		}
		if err := addRecords(ctx, s, views); err != nil {
			return err
		}
		if err := a.addHealths(ctx, s, views); err != nil {
			return err
		}
		return a.addStatuses(ctx, s, views)
	})
	if a.repo != nil && as[*noStoreError](err) { // nothing was materialized yet
		empty := memory.New()
		err = errors.Join(a.addHealths(ctx, empty, views), empty.Close())
	}
	return views, err
}

func storedTopologies(ctx context.Context, s storage.Reader, add func(string, storage.TopologyDoc)) error {
	all, err := s.ListTopologies(ctx)
	if err != nil {
		return err
	}
	for _, t := range all {
		full, err := s.GetTopology(ctx, t.Location)
		if err != nil {
			return err
		}
		doc, err := full.Document()
		if err != nil {
			return err
		}
		add(t.Location, doc)
	}
	return nil
}

func addRecords(ctx context.Context, s storage.Reader, views []assetView) error {
	records, err := s.ListAssets(ctx, storage.AssetQuery{})
	if err != nil {
		return err
	}
	byName := make(map[string]*storage.AssetRecord, len(records))
	for i := range records {
		byName[records[i].Name] = &records[i]
	}
	for i := range views {
		if rec := byName[views[i].Name]; rec != nil {
			views[i].Materialization, views[i].Observation = rec.Materialization, rec.Observation
		}
	}
	return nil
}

// latest is the newest thing known of an asset.
func (v *assetView) latest() *storage.AssetState {
	if v.Materialization != nil {
		return v.Materialization
	}
	return v.Observation
}

func (a *app) unknownAsset(name string, views []assetView) error {
	var made []string
	for i := range views {
		if views[i].Definition == name {
			made = append(made, strconv.Quote(views[i].Name))
		}
	}
	if len(made) > 0 {
		return usagef("asset %q: it is a multi-asset, and makes %s: name one of them", name, strings.Join(made, ", "))
	}
	names := func(yield func(string) bool) {
		for i := range views {
			if !yield(views[i].Name) {
				return
			}
		}
	}
	return usagef("asset %q: there is none of that name%s: see assets list", name, suggestion(name, names))
}
