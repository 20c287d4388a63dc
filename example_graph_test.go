package rivers_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/rivers-go/rivers"
)

func ExampleDynamicOutput() {
	pages := rivers.NewTask(rivers.TaskSpec{Name: "pages"},
		func(*rivers.TaskContext, rivers.NoInput) ([]rivers.DynamicOutput[string], error) {
			return []rivers.DynamicOutput[string]{{Name: "home", Value: "welcome"}, {Name: "help", Value: "ask us"}}, nil
		})
	size := rivers.NewTask(rivers.TaskSpec{Name: "size"},
		func(ctx *rivers.TaskContext, in struct{ Page string }) (string, error) {
			return fmt.Sprintf("%s: %d letters", ctx.Step(), len(in.Page)), nil
		})
	report := rivers.NewTask(rivers.TaskSpec{Name: "report"},
		func(_ *rivers.TaskContext, in struct{ Lines []string }) (string, error) {
			return strings.Join(in.Lines, "\n"), nil
		})
	site := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "site"}, func(g *rivers.Graph) rivers.Ref[string] {
		sizes := rivers.Map(g, rivers.Call(g, pages, nil), size, rivers.MapOptions{})
		return rivers.Call(g, report, rivers.Args{"lines": sizes.Collect()})
	})
	repo := open(rivers.RepositoryConfig{Assets: []rivers.Asset{site}})
	if _, err := repo.Materialize(context.Background(), rivers.RunRequest{}); err != nil {
		fmt.Println(err)
	}
	text, err := site.Load(context.Background(), repo, rivers.LoadOptions{})
	fmt.Println(text, err)
	// Output:
	// site/size[home]: 7 letters
	// site/size[help]: 6 letters <nil>
}

func ExampleMapped_CollectStream() {
	numbers := rivers.NewTask(rivers.TaskSpec{Name: "numbers"},
		func(*rivers.TaskContext, rivers.NoInput) ([]int, error) { return []int{1, 2, 3}, nil })
	square := rivers.NewTask(rivers.TaskSpec{Name: "square"},
		func(_ *rivers.TaskContext, in struct{ N int }) (int, error) { return in.N * in.N, nil })
	sum := rivers.NewTask(rivers.TaskSpec{Name: "sum"},
		func(_ *rivers.TaskContext, in struct{ Squares iter.Seq2[int, error] }) (int, error) {
			total := 0
			for n, err := range in.Squares { // each is loaded now, and may be forgotten
				if err != nil {
					return 0, err
				}
				total += n
			}
			return total, nil
		})
	asset := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "squares"}, func(g *rivers.Graph) rivers.Ref[int] {
		each := rivers.Map(g, rivers.Call(g, numbers, nil), square, rivers.MapOptions{})
		return rivers.Call(g, sum, rivers.Args{"squares": each.CollectStream(rivers.CollectOptions{Unordered: true})})
	})
	repo := open(rivers.RepositoryConfig{Assets: []rivers.Asset{asset}})
	_, err := repo.Materialize(context.Background(), rivers.RunRequest{})
	total, loadErr := asset.Load(context.Background(), repo, rivers.LoadOptions{})
	fmt.Println(total, err, loadErr)
	// Output: 14 <nil> <nil>
}

// A command reads nothing from the steps before it, so it says what it waits for.
func ExampleCallOptions() {
	dir, err := os.MkdirTemp("", "rivers")
	if err != nil {
		fmt.Println(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	write := rivers.NewBashTask(rivers.BashTaskSpec{Name: "write", Command: "echo hello > greeting", Dir: dir})
	read := rivers.NewBashTask(rivers.BashTaskSpec{Name: "read", Command: "cat greeting", Dir: dir})
	asset := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "greeting"}, func(g *rivers.Graph) rivers.Ref[string] {
		written := rivers.Call(g, write, nil)
		return rivers.Call(g, read, nil, rivers.CallOptions{After: []rivers.Waitable{written}})
	})
	repo := open(rivers.RepositoryConfig{Assets: []rivers.Asset{asset}})
	_, err = repo.Materialize(context.Background(), rivers.RunRequest{})
	text, loadErr := asset.Load(context.Background(), repo, rivers.LoadOptions{})
	fmt.Println(text, err, loadErr)
	// Output: hello <nil> <nil>
}

// Assets made in a loop feed one field of a map.
func ExampleDep() {
	var assets []rivers.Asset
	var deps []rivers.Dep
	for _, city := range []string{"oslo", "rome"} {
		assets = append(assets, rivers.NewAsset(rivers.AssetSpec{Name: "visits_" + city},
			func(*rivers.AssetContext, rivers.NoInput) (int, error) { return len(city), nil }))
		deps = append(deps, rivers.Dep{On: "visits_" + city, Field: "Visits"})
	}
	total := rivers.NewAsset(rivers.AssetSpec{Name: "total", Deps: deps},
		func(_ *rivers.AssetContext, in struct{ Visits map[string]int }) (string, error) {
			var lines []string
			for name, n := range in.Visits {
				lines = append(lines, fmt.Sprint(name, "=", n))
			}
			slices.Sort(lines)
			return strings.Join(lines, " "), nil
		})
	repo := open(rivers.RepositoryConfig{Assets: append(assets, total)})
	_, err := repo.Materialize(context.Background(), rivers.RunRequest{})
	text, loadErr := total.Load(context.Background(), repo, rivers.LoadOptions{})
	fmt.Println(text, err, loadErr)
	// Output: visits_oslo=4 visits_rome=4 <nil> <nil>
}

// A helper keeps a plain context in its signature, and still reaches the step's log and facts.
func ExampleFromContext() {
	fetch := func(ctx context.Context) []string {
		rows := []string{"a", "b"}
		if step, ok := rivers.FromContext(ctx); ok {
			step.AddMetadata("rows", len(rows))
		}
		return rows
	}
	asset := rivers.NewAsset(rivers.AssetSpec{Name: "rows"},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) ([]string, error) { return fetch(ctx), nil })
	repo := open(rivers.RepositoryConfig{Assets: []rivers.Asset{asset}})
	_, err := repo.Materialize(context.Background(), rivers.RunRequest{})
	record, readErr := repo.Storage().GetAsset(context.Background(), "rows")
	fmt.Println(record.Materialization.Metadata["rows"], err, readErr)
	// Output: 2 <nil> <nil>
}
