package rivers_test

import (
	"context"
	"fmt"

	"github.com/rivers-go/rivers"
)

func ExampleCodeRepository_Health() {
	prices := rivers.NewAsset(rivers.AssetSpec{Name: "prices"},
		func(*rivers.AssetContext, rivers.NoInput) ([]int, error) { return []int{42, -1}, nil })
	positive := rivers.NewCheck(rivers.CheckSpec{Name: "positive", Asset: "prices"},
		func(_ *rivers.CheckContext, in struct{ Prices []int }) (rivers.CheckResult, error) {
			for _, p := range in.Prices {
				if p < 0 {
					return rivers.CheckResult{Description: "a price is negative"}, nil
				}
			}
			return rivers.CheckResult{Passed: true}, nil
		})
	repo := open(rivers.RepositoryConfig{Assets: []rivers.Asset{prices}, Checks: []*rivers.Check{positive}})
	ctx := context.Background()
	show := func() {
		all, err := repo.Health(ctx, rivers.HealthRequest{})
		fmt.Println(all[0].Asset, all[0].State, err)
		fmt.Println("  because", all[0].Reason)
	}
	show()
	if _, err := repo.Materialize(ctx, rivers.RunRequest{}); err != nil {
		fmt.Println(err)
	}
	show()
	// Output:
	// prices UNKNOWN <nil>
	//   because it was never materialized; 1 of 1 checks have no result
	// prices DEGRADED <nil>
	//   because 1 of 1 checks failed
}
