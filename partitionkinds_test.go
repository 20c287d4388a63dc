package rivers_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/partition"
)

// Every way in which one asset reads another's partitions.
func TestMappingsInRuns(t *testing.T) {
	hours := rivers.NewAsset(rivers.AssetSpec{Name: "hours", Partitions: partition.Hourly(january, partition.Until(partition.Date(2026, 1, 11)))},
		func(ctx *rivers.AssetContext, _ none) (int, error) { return ctx.Partition().Window().Start.Hour(), nil })
	byShop := partition.Multi(map[string]partition.Definition{"day": tenDays, "shop": partition.Dynamic("shops")})
	perDay := rivers.NewAsset(rivers.AssetSpec{Name: "per_day", Partitions: tenDays},
		func(_ *rivers.AssetContext, in struct{ Hours rivers.Partitions[int] }) (int, error) {
			return in.Hours.Len(), nil
		})
	perShop := rivers.NewAsset(rivers.AssetSpec{Name: "per_shop", Partitions: byShop},
		func(ctx *rivers.AssetContext, in struct{ PerDay int }) (string, error) {
			return fmt.Sprint(ctx.Partition().Key().Values("shop")[0], in.PerDay), nil
		})
	allShops := rivers.NewAsset(rivers.AssetSpec{Name: "all_shops", Partitions: tenDays},
		func(_ *rivers.AssetContext, in struct{ PerShop rivers.Partitions[string] }) (string, error) {
			var texts []string
			for _, v := range in.PerShop.All() {
				texts = append(texts, v)
			}
			return strings.Join(texts, "+"), nil
		})
	plain := number("plain", 7)
	some := rivers.NewAsset(
		rivers.AssetSpec{Name: "some", Partitions: tenDays, Deps: []rivers.Dep{{On: "plain", Mapping: partition.ForKeys(day(1))}}},
		func(_ *rivers.AssetContext, in struct{ Plain rivers.Optional[int] }) (string, error) {
			v, ok := in.Plain.Get()
			return fmt.Sprint(v, ok), nil
		})
	total := rivers.NewAsset(rivers.AssetSpec{Name: "total", Deps: []rivers.Dep{{On: "some", Mapping: partition.Specific(day(1), day(2))}}},
		func(_ *rivers.AssetContext, in struct{ Some rivers.Partitions[string] }) (int, error) {
			return in.Some.Len(), nil
		})
	repo := resolved(t, assets(hours, perDay, perShop, allShops, plain, some, total))
	if err := repo.AddPartitions(t.Context(), "shops", "north", "south"); err != nil {
		t.Fatal(err)
	}
	// What is included for what reads it has the partitions that are read.
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"all_shops"}, IncludeUpstream: true, Partition: day(2)})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Steps) != 4 {
		t.Errorf("%d steps", len(res.Steps))
	}
	expectMadeOnly(t, repo, "hours", "02-00:00..02-23:00")
	expectMadeOnly(t, repo, "per_shop", "day=02|shop=north..south")
	if v, err := allShops.Load(t.Context(), repo, rivers.LoadOptions{Partition: day(2)}); err != nil || v != "north24+south24" {
		t.Errorf("%q, %v", v, err)
	}
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"plain", "some"}, Range: partition.Range("2026-01-01", "2026-01-02")}); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{1: "7 true", 2: "0 false"} {
		if v, err := some.Load(t.Context(), repo, rivers.LoadOptions{Partition: day(n)}); err != nil || v != want {
			t.Errorf("some of day %d is %q, %v, want %q", n, v, err, want)
		}
	}
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"total"}}); err != nil {
		t.Error(err)
	}
}

// A multi-asset and a graph asset have partitions as others have.
func TestPartitionsOfMultiAndGraphAssets(t *testing.T) {
	type pair struct{ Evens, Odds []int }
	split := rivers.NewMultiAsset(rivers.MultiAssetSpec{Name: "split", Partitions: tenDays},
		func(ctx *rivers.AssetContext, _ none) (pair, error) {
			n := ctx.Partition().Window().Start.Day()
			if n%2 == 0 {
				return pair{Evens: []int{n}}, nil
			}
			return pair{Odds: []int{n}}, nil
		})
	half := rivers.NewTask(rivers.TaskSpec{Name: "half"}, func(_ *rivers.TaskContext, in struct{ N int }) (int, error) { return in.N / 2, nil })
	size := rivers.NewTask(rivers.TaskSpec{Name: "size"},
		func(ctx *rivers.TaskContext, in struct{ Of []int }) (int, error) {
			if ctx.Partition().Key().IsZero() {
				return 0, errors.New("a task of a graph asset has no partition")
			}
			return len(in.Of), nil
		})
	halves := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "halves", Partitions: tenDays}, func(g *rivers.Graph) rivers.Ref[int] {
		mapped := rivers.Map(g, rivers.Upstream[[]int](g, "evens"), half, rivers.MapOptions{})
		return rivers.Call(g, size, rivers.Args{"of": mapped.Collect()})
	})
	plainGraph := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "sizes", Partitions: tenDays}, func(g *rivers.Graph) rivers.Ref[int] {
		return rivers.Call(g, size, rivers.Args{"of": rivers.Upstream[[]int](g, "odds")})
	})
	repo := resolved(t, assets(split, halves, plainGraph))
	res, err := repo.Backfill(t.Context(), rivers.BackfillRequest{Range: partition.Range("2026-01-01", "2026-01-04")})
	if err != nil || res.Completed != 4 {
		t.Fatalf("%+v, %v", res, err)
	}
	expectMade(t, repo, "evens", "01..04", "")
	expectMade(t, repo, "halves", "01..04", "")
	for n, want := range map[int]int{1: 0, 2: 1} {
		if v, err := halves.Load(t.Context(), repo, rivers.LoadOptions{Partition: day(n)}); err != nil || v != want {
			t.Errorf("halves of day %d is %d, %v, want %d", n, v, err, want)
		}
	}
	// Steps of several partitions, but not of what unfolds.
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"split", "sizes"}, Range: partition.Range("2026-01-05", "2026-01-06")}); err != nil {
		t.Error(err)
	}
	expectMade(t, repo, "sizes", "01..06", "")
	_, err = repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"halves"}, Range: partition.Range("2026-01-05", "2026-01-06")})
	if err == nil || !strings.Contains(err.Error(), `asset "halves": its task "halves/half" is mapped, so that a run of it is of one partition, and this one has 2`) {
		t.Errorf("a mapped task of two partitions: %v", err)
	}
}

// A job may have partitions; what it is asked for is checked as a request is.
func TestJobOfPartitions(t *testing.T) {
	days := divided[none]("days", tenDays)
	repo := resolved(t, rivers.RepositoryConfig{Name: "repo", Assets: []rivers.Asset{days}, Jobs: []rivers.Job{{Name: "daily", Select: "days"}}})
	job, err := repo.Job("daily")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := job.Execute(t.Context(), rivers.ExecuteRequest{}); !errors.Is(err, rivers.ErrPartitionValidation) {
		t.Errorf("a job without a partition: %v", err)
	}
	if _, err := job.Execute(t.Context(), rivers.ExecuteRequest{Partition: day(3)}); err != nil {
		t.Error(err)
	}
	expectMade(t, repo, "days", "03", "")
}

// Partitions and their iterators as a test of one's own function makes them.
func TestPartitionsByHand(t *testing.T) {
	p := rivers.PartitionsOf(rivers.Part[int]{Key: day(2), Value: 2}, rivers.Part[int]{Key: day(1), Value: 1}, rivers.Part[int]{Key: day(2), Value: 3})
	if p.Len() != 2 || !slices.Equal(slices.Collect(p.Keys()), []partition.Key{day(2), day(1)}) {
		t.Errorf("%d: %v", p.Len(), slices.Collect(p.Keys()))
	}
	if v, ok := p.Get(day(2)); v != 3 || !ok {
		t.Errorf("%d, %v", v, ok)
	}
	streamed := rivers.StreamPartitions(func(yield func(rivers.Part[int], error) bool) {
		_ = yield(rivers.Part[int]{Key: day(1), Value: 5}, nil)
	})
	if got := collectParts(streamed.Stream()); got != "2026-01-01=5" {
		t.Error(got)
	}
	if v, ok := streamed.Get(day(1)); v != 5 || !ok || streamed.Len() != 1 {
		t.Errorf("%d, %v", v, ok)
	}
	var zero rivers.Partitions[int]
	if _, ok := zero.Get(day(1)); ok || zero.Len() != 0 || collectParts(zero.Stream()) != "" || len(maps.Collect(zero.All())) != 0 {
		t.Error("the zero Partitions has something in it")
	}
	some, there := rivers.Some(4).Get()
	if none, ok := (rivers.Optional[int]{}).Get(); ok || none != 0 || some != 4 || !there {
		t.Error("an Optional is not what it was made of")
	}
}
