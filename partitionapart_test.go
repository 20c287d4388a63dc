package rivers_test

import (
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/partition"
)

// A dimension of a product that follows nothing: it is read wholly, or at some keys.
func TestDimensionThatFollowsNothing(t *testing.T) {
	regions := partition.Static("eu", "us", "asia")
	cells := divided[none]("cells", partition.Multi(map[string]partition.Definition{"day": tenDays, "region": regions}))
	reading := func(name string, by partition.Mapping) rivers.Asset {
		dep := rivers.Dep{On: "cells", Mapping: partition.MultiToSingle("region", by)}
		return rivers.NewAsset(rivers.AssetSpec{Name: name, Partitions: regions, Deps: []rivers.Dep{dep}},
			func(_ *rivers.AssetContext, in struct{ Cells rivers.Partitions[int] }) (int, error) {
				return in.Cells.Len(), nil
			})
	}
	into := rivers.NewAsset(rivers.AssetSpec{
		Name: "into", Partitions: partition.Multi(map[string]partition.Definition{"x": partition.Static("a", "b"), "y": tenDays}),
		Deps: []rivers.Dep{{On: "all", Mapping: partition.MultiToSingle("x", partition.Specific(partition.SingleKey("us", "eu")))}},
	}, func(_ *rivers.AssetContext, in struct{ All rivers.Partitions[int] }) (int, error) {
		return in.All.Len(), nil
	})
	repo := resolved(t, assets(cells, reading("all", partition.AllPartitions()), reading("some", partition.Specific(partition.SingleKey("asia"))), into))
	for _, name := range []string{"cells", "all", "some", "into"} {
		if _, err := repo.Backfill(t.Context(), rivers.BackfillRequest{Selection: []string{name}, Strategy: rivers.SingleRun()}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for _, c := range []struct {
		asset, key string
		want       int
	}{{"all", "eu", 30}, {"some", "eu", 10}, {"into", "x=b|y=2026-01-03", 2}} {
		key, err := partition.ParseKey(c.key)
		if err != nil {
			t.Fatal(err)
		}
		var got int
		if err := repo.LoadNode(t.Context(), c.asset, &got, rivers.LoadOptions{Partition: key}); err != nil || got != c.want {
			t.Errorf("%s of %s read %d partitions (%v), want %d", c.key, c.asset, got, err, c.want)
		}
	}
	status, err := repo.Status(t.Context(), rivers.StatusRequest{})
	if err != nil || len(status) != 4 {
		t.Fatalf("%d assets, %v", len(status), err)
	}
	for _, s := range status {
		if s.Missing.Count != 0 || s.Stale.Count != 0 {
			t.Errorf("%s: %d missing, %d stale", s.Asset, s.Missing.Count, s.Stale.Count)
		}
	}
}
