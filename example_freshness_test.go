package rivers_test

import (
	"context"
	"fmt"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/freshness"
)

func ExampleCodeRepository_Freshness() {
	prices := rivers.NewAsset(rivers.AssetSpec{Name: "prices", Freshness: freshness.TimeWindow(time.Hour)},
		func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 42, nil })
	repo := open(rivers.RepositoryConfig{Assets: []rivers.Asset{prices}})
	ctx := context.Background()
	show := func(now time.Time) {
		all, err := repo.Freshness(ctx, rivers.FreshnessRequest{Now: now})
		fmt.Println(all[0].Asset, all[0].State, err)
	}
	show(time.Now())
	if _, err := repo.Materialize(ctx, rivers.RunRequest{}); err != nil {
		fmt.Println(err)
	}
	show(time.Now())
	show(time.Now().Add(2 * time.Hour)) // if nothing lands until then
	// Output:
	// prices UNKNOWN <nil>
	// prices PASS <nil>
	// prices FAIL <nil>
}
