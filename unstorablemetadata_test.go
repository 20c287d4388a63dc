package rivers_test

import (
	"strings"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/storage"
)

// Metadata that has no stored form fails the step and names the key: nothing that a step says is lost without a word.
func TestMetadataWithoutAStoredFormFailsTheStep(t *testing.T) {
	t.Parallel()
	bad := metadata.Map{"rows": 1, "pipe": make(chan int)}
	made := number("made", 1)
	for name, c := range map[string]struct {
		asset rivers.Asset
		check *rivers.Check
	}{
		"a result": {asset: rivers.NewAsset(rivers.AssetSpec{Name: "a"}, func(*rivers.AssetContext, none) (rivers.Materialization, error) {
			return rivers.Materialization{Metadata: bad}, nil
		})},
		"the context": {asset: rivers.NewAsset(rivers.AssetSpec{Name: "a"}, func(ctx *rivers.AssetContext, _ none) (int, error) {
			ctx.AddMetadata("pipe", bad["pipe"])
			return 1, nil
		})},
		"a check": {asset: made, check: rivers.NewCheck(rivers.CheckSpec{Name: "fine", Asset: "made"}, func(*rivers.CheckContext, none) (rivers.CheckResult, error) {
			return rivers.CheckResult{Passed: true, Metadata: bad}, nil
		})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := assets(c.asset)
			if c.check != nil {
				config.Checks = []*rivers.Check{c.check}
			}
			repo := resolved(t, config)
			res, err := repo.Materialize(t.Context(), rivers.RunRequest{})
			if err == nil || res.Status != storage.Failure || !strings.Contains(err.Error(), `metadata "pipe"`) || !strings.Contains(err.Error(), "chan int") {
				t.Fatalf("%+v, %v", res, err)
			}
			if c.check == nil {
				if rec, err := repo.Storage().GetAsset(t.Context(), "a"); err != nil || rec.Materialization != nil || rec.Failure == nil {
					t.Errorf("%+v, %v: want a failure alone", rec, err)
				}
			}
		})
	}
}
