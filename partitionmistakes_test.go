package rivers_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// divided makes an asset with partitions and the given argument struct.
func divided[In any](name string, d partition.Definition, deps ...rivers.Dep) rivers.Asset {
	return rivers.NewAsset(rivers.AssetSpec{Name: name, Partitions: d, Deps: deps}, func(*rivers.AssetContext, In) (int, error) { return 0, nil })
}

type none = rivers.NoInput

// backfilled makes an asset with a backfill strategy of its own.
func backfilled(d partition.Definition, s rivers.BackfillStrategy) rivers.Asset {
	return rivers.NewAsset(rivers.AssetSpec{Name: "a", Partitions: d, Backfill: s}, func(*rivers.AssetContext, none) (int, error) { return 0, nil })
}

func partitionMistakes() map[string]rivers.RepositoryConfig {
	day, hour := partition.Daily(january), partition.Hourly(january)
	regions := partition.Static("eu", "us")
	product := partition.Multi(map[string]partition.Definition{"day": day, "region": regions})
	days, hours, plain := divided[none]("days", day), divided[none]("hours", hour), number("plain", 1)
	all := func(name string, d partition.Definition, deps ...rivers.Dep) rivers.Asset {
		return rivers.NewAsset(rivers.AssetSpec{Name: name, Partitions: d, Deps: deps},
			func(*rivers.AssetContext, struct{ Days int }) (rivers.Partitions[int], error) {
				return rivers.Partitions[int]{}, nil
			})
	}
	named := assets(divided[none]("a", partition.Named("monthly")))
	named.PartitionDefs = map[string]partition.Definition{"month": partition.Monthly(january)}
	broken := assets(divided[none]("a", partition.Named("month")))
	broken.PartitionDefs = map[string]partition.Definition{"month": partition.Monthly(partition.Date(2026, 1, 1), partition.OnDay(31)), "nil": nil}
	return map[string]rivers.RepositoryConfig{
		"definition wrong":                 assets(divided[none]("a", partition.Static("x", "x", ""))),
		"definition ends first":            assets(divided[none]("a", partition.Daily(january, partition.Until(partition.Date(2025, 1, 1))))),
		"definition named unknown":         named,
		"definition named wrong":           broken,
		"dimension wrong":                  assets(divided[none]("a", partition.Multi(map[string]partition.Definition{"x": partition.Static(), "y": product}))),
		"reads several":                    assets(hours, divided[struct{ Hours int }]("a", day)),
		"reads none":                       assets(divided[none]("some", regions), divided[struct{ Some int }]("a", partition.Static("eu", "asia"), rivers.Dep{On: "some", Mapping: partition.Subset()})),
		"no mapping follows":               assets(days, divided[struct{ Days int }]("a", regions)),
		"mapping makes no sense":           assets(days, divided[struct{ Days int }]("a", regions, rivers.Dep{On: "days", Mapping: partition.TimeOffset(-1)})),
		"two mappings of a dimension":      assets(divided[none]("cells", product), divided[struct{ Cells rivers.Partitions[int] }]("a", regions, rivers.Dep{On: "cells", Mapping: partition.MultiToSingle("region", partition.Identity(), partition.AllPartitions())})),
		"backfill by no dimensions":        assets(backfilled(day, rivers.PerDimension([]string{"day"}, []string{"region"}))),
		"backfill by a dimension twice":    assets(backfilled(product, rivers.PerDimension([]string{"day"}, []string{"day", "region"}))),
		"backfill by a dimension misspelt": assets(backfilled(product, rivers.PerDimension([]string{"day"}, []string{"regoin"}))),
		"backfill by an empty list":        assets(backfilled(product, rivers.PerDimension(nil, nil))),
		"backfill of nothing":              assets(backfilled(nil, rivers.SingleRun())),
		"mapping of one in a map":          assets(days, hours, divided[struct{ All map[string]int }]("a", day, rivers.Dep{On: "days", Field: "All"}, rivers.Dep{On: "hours", Field: "All", Mapping: partition.TimeOffset(-1)})),
		"mapping of nothing":               assets(plain, in[struct{ Plain int }]("a", rivers.Dep{On: "plain", Mapping: partition.Identity()})),
		"mapping of an order":              assets(days, divided[none]("a", regions, rivers.Dep{On: "days", OrderOnly: true, Mapping: partition.Identity()})),
		"for keys of a divided":            assets(days, divided[struct{ Days rivers.Optional[int] }]("a", day, rivers.Dep{On: "days", Mapping: partition.ForKeys(partition.SingleKey("2026-01-01"))})),
		"whole upstream as one":            assets(days, in[struct{ Days int }]("a")),
		"partitions of what has none":      assets(plain, divided[struct{ Plain rivers.Partitions[int] }]("a", day)),
		"partitions of nothing":            assets(plain, in[struct{ Plain rivers.Partitions[int] }]("a")),
		"optional of nothing":              assets(plain, in[struct{ Plain rivers.Optional[int] }]("a")),
		"result of an undivided":           assets(rivers.NewAsset(rivers.AssetSpec{Name: "a"}, func(*rivers.AssetContext, none) (rivers.Partitions[int], error) { return rivers.Partitions[int]{}, nil })),
		"all at once reads one":            assets(days, all("a", day)),
		"type of partitions":               assets(hours, divided[struct{ Hours rivers.Partitions[string] }]("a", day)),
		"self reads several":               assets(divided[struct{ Self rivers.SelfDependency[int] }]("a", day, rivers.Dep{On: "a", Mapping: partition.AllPartitions()})),
		"multi without a common key":       assets(multiDivided("pair", day, regions)),
		"multi partly divided":             assets(multiDivided("pair", day, nil)),
		"multi of partitions":              assets(multiOf[struct{ X, Y rivers.Partitions[int] }]("pair")),
		"selfdependency without a day":     assets(in[struct{ Self rivers.SelfDependency[int] }]("a", rivers.Dep{On: "a", Mapping: partition.TimeOffset(-1)})),
	}
}

func multiDivided(name string, x, y partition.Definition) rivers.Asset {
	return rivers.NewMultiAsset(rivers.MultiAssetSpec{Name: name, Outputs: []rivers.OutputSpec{{Name: "x", Partitions: x}, {Name: "y", Partitions: y}}},
		func(*rivers.AssetContext, rivers.NoInput) (out struct{ X, Y int }, err error) { return out, nil })
}

func TestPartitionDefinitionMistakes(t *testing.T) {
	got := map[string]string{}
	for name, config := range partitionMistakes() {
		err := rivers.NewCodeRepository(config).Validate()
		if err == nil {
			t.Errorf("%s: no mistake was found", name)
			continue
		}
		if !errors.Is(err, rivers.ErrDefinition) {
			t.Errorf("%s: errors.Is does not find ErrDefinition in %v", name, err)
		}
		got[name] = inner.ReplaceAllString(leading.ReplaceAllString(err.Error(), ""), "x.go:N")
	}
	requireAnswers(t, "testdata/partitions.txtar", got)
}

func TestPartitionRequestMistakes(t *testing.T) {
	day := partition.Daily(january, partition.Until(partition.Date(2026, 1, 11)))
	later := partition.Daily(partition.Date(2026, 1, 5), partition.Until(partition.Date(2026, 1, 11)))
	product := partition.Multi(map[string]partition.Definition{"day": day, "region": partition.Static("eu", "us")})
	repo := resolved(t, rivers.RepositoryConfig{Name: "repo", Assets: []rivers.Asset{
		divided[none]("days", day), divided[none]("later", later), divided[none]("cells", product), divided[none]("shops", partition.Dynamic("shops")), number("plain", 1),
	}})
	if err := repo.AddPartitions(t.Context(), "shops", "north", "south"); err != nil {
		t.Fatal(err)
	}
	key := partition.SingleKey
	got := map[string]string{}
	for name, req := range map[string]rivers.RunRequest{
		"no partition":           {Selection: []string{"days"}},
		"partition of nothing":   {Selection: []string{"plain"}, Partition: key("2026-01-01")},
		"partition unknown":      {Selection: []string{"days"}, Partition: key("2026-01-11")},
		"partition misspelt":     {Selection: []string{"days"}, Partition: key("2026-1-1")},
		"partition off the grid": {Selection: []string{"days"}, Partition: key("2026-01-01-12:00")},
		"partition of some":      {Selection: []string{"days", "later"}, Partition: key("2026-01-02")},
		"partition of a product": {Selection: []string{"cells"}, Partition: key("2026-01-02")},
		"dimension misspelt":     {Selection: []string{"cells"}, Partition: partition.MultiKey(map[string][]string{"day": {"2026-01-02"}, "regoin": {"eu"}})},
		"dimension unknown key":  {Selection: []string{"cells"}, Partition: partition.MultiKey(map[string][]string{"day": {"2026-01-02"}, "region": {"ue"}})},
		"dynamic not registered": {Selection: []string{"shops"}, Partition: key("nroth")},
		"range inverted":         {Selection: []string{"days"}, Range: partition.Range("2026-01-05", "2026-01-02")},
		"range end unknown":      {Selection: []string{"days"}, Range: partition.Range("2026-01-05", "2026-02-02")},
		"two ways":               {Selection: []string{"days"}, Partition: key("2026-01-01"), Range: partition.Range("2026-01-05", "")},
	} {
		res, err := repo.Materialize(t.Context(), req)
		if err == nil || res != nil {
			t.Errorf("%s: result %v, error %v", name, res, err)
			continue
		}
		if !errors.Is(err, rivers.ErrPartitionValidation) {
			t.Errorf("%s: errors.Is does not find ErrPartitionValidation in %v", name, err)
		}
		got["materialize: "+name] = err.Error()
	}
	for name, req := range map[string]rivers.BackfillRequest{
		"keys and range":        {Selection: []string{"days"}, Keys: []partition.Key{key("2026-01-01")}, Range: partition.Range("2026-01-05", "")},
		"nothing divided":       {Selection: []string{"plain"}},
		"key not of all":        {Selection: []string{"days", "later"}, Keys: []partition.Key{key("2026-01-02")}},
		"another kind":          {Selection: []string{"days", "cells"}},
		"policy unknown":        {FailurePolicy: "stop_on_failures"},
		"filter unknown":        {Only: "mising"},
		"concurrency negative":  {MaxConcurrency: -1},
		"latest negative":       {Latest: -3},
		"strategy by nothing":   {Selection: []string{"days"}, Strategy: rivers.PerDimension([]string{"day"}, []string{"region"})},
		"strategy forgets":      {Selection: []string{"cells"}, Strategy: rivers.PerDimension([]string{"day"}, []string{})},
		"strategy repeats":      {Selection: []string{"cells"}, Strategy: rivers.PerDimension([]string{"day"}, []string{"day", "region"})},
		"strategy misspelt":     {Selection: []string{"cells"}, Strategy: rivers.PerDimension([]string{"day"}, []string{"regoin"})},
		"selection misspelt":    {Selection: []string{"dais"}},
		"config of nothing":     {Selection: []string{"days"}, Config: map[string]map[string]any{"dayz": {}}},
		"config of what is not": {Selection: []string{"days"}, Config: map[string]map[string]any{"plain": {}}},
	} {
		res, err := repo.Backfill(t.Context(), req)
		if err == nil || res != nil {
			t.Errorf("%s: result %v, error %v", name, res, err)
			continue
		}
		got["backfill: "+name] = err.Error()
	}
	for name, call := range map[string]func() error{
		"load without a partition": func() error { return repo.LoadNode(t.Context(), "days", new(int), rivers.LoadOptions{}) },
		"load a partition of nothing": func() error {
			return repo.LoadNode(t.Context(), "plain", new(int), rivers.LoadOptions{Partition: key("a")})
		},
		"load an unknown partition": func() error {
			return repo.LoadNode(t.Context(), "days", new(int), rivers.LoadOptions{Partition: key("a")})
		},
		"load several": func() error {
			return repo.LoadNode(t.Context(), "days", new(int), rivers.LoadOptions{Partition: key("2026-01-01", "2026-01-02")})
		},
		"load what was not made": func() error {
			return repo.LoadNode(t.Context(), "days", new(int), rivers.LoadOptions{Partition: key("2026-01-01")})
		},
		"add to an unknown definition":  func() error { return repo.AddPartitions(t.Context(), "shop", "east") },
		"add an empty key":              func() error { return repo.AddPartitions(t.Context(), "shops", "") },
		"remove what never was":         func() error { return repo.RemovePartitions(t.Context(), "shops", "north", "suoth", "x") },
		"rerun unknown":                 func() error { _, err := repo.RerunBackfill(t.Context(), "b", rivers.RerunOptions{}); return err },
		"cancel an unknown backfill":    func() error { _, err := repo.CancelBackfill(t.Context(), "b"); return err },
		"status of an unknown backfill": func() error { _, err := repo.BackfillStatus(t.Context(), "b"); return err },
	} {
		if err := call(); err == nil {
			t.Errorf("%s: no error", name)
		} else {
			got[name] = err.Error()
		}
	}
	runs, err := repo.Storage().ListRuns(t.Context(), storage.RunQuery{})
	backfills, listErr := repo.Storage().ListBackfills(t.Context(), storage.BackfillQuery{})
	if err := errors.Join(err, listErr); err != nil || len(runs)+len(backfills) > 0 {
		t.Errorf("refused requests left %d runs and %d backfills, %v", len(runs), len(backfills), err)
	}
	for name, message := range got {
		if strings.Contains(message, "\n\n") {
			t.Errorf("%s: the message has an empty line: %q", name, message)
		}
	}
	requireAnswers(t, "testdata/partitionrequests.txtar", got)
}
