package rivers

import (
	"fmt"
	"testing"
)

// An action on one asset asks the catalog, and does not look at every definition again.
func TestAllocationsOfAnActionDoNotGrowWithTheRepository(t *testing.T) { //nolint:paralleltest // it counts the process's allocations
	allocs := func(assets int) float64 {
		c := RepositoryConfig{Name: "wide"}
		for i := range assets {
			c.Assets = append(c.Assets, NewAsset(AssetSpec{Name: fmt.Sprintf("a%d", i), Actions: []Action{
				NewAction(ActionSpec{Name: "look"}, func(*ActionContext, NoInput) (ActionResult, error) { return ActionResult{}, nil }),
			}}, func(*AssetContext, NoInput) (int, error) { return 0, nil }))
		}
		repo := NewCodeRepository(c)
		defer repo.Close()
		catalog, err := repo.catalog()
		if err != nil {
			t.Fatal(err)
		}
		return testing.AllocsPerRun(20, func() {
			if _, err := catalog.PlanAction(&RunRequest{Action: "look", Selection: []string{"a0"}}); err != nil {
				t.Fatal(err)
			}
		})
	}
	few, many := allocs(10), allocs(1000)
	t.Logf("%.0f allocations among 10 assets, %.0f among 1000", few, many)
	if many > few+10 {
		t.Errorf("an action on one asset allocates %.0f times among 1000 assets, and %.0f times among 10", many, few)
	}
}
