package rivers_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage/memory"
)

// open returns a repository on a memory store, as the examples below use it.
func open(c rivers.RepositoryConfig) *rivers.CodeRepository {
	repo := rivers.NewCodeRepository(c)
	if err := repo.Resolve(context.Background(), memory.New()); err != nil {
		fmt.Println(err)
	}
	return repo
}

func ExampleNewMultiAsset() {
	split := rivers.NewMultiAsset(rivers.MultiAssetSpec{Name: "split"},
		func(*rivers.AssetContext, rivers.NoInput) (struct{ Even, Odd []int }, error) {
			return struct{ Even, Odd []int }{[]int{2, 4}, []int{1, 3}}, nil
		})
	repo := open(rivers.RepositoryConfig{Assets: []rivers.Asset{split}})
	res, err := repo.Materialize(context.Background(), rivers.RunRequest{})
	fmt.Println(res.MaterializedAssets, err)
	// Output: [even odd] <nil>
}

func ExampleEmit() {
	feed := rivers.NewMultiAsset(
		rivers.MultiAssetSpec{Name: "feed", Outputs: []rivers.OutputSpec{
			rivers.OutputOf[int](rivers.OutputSpec{Name: "first"}),
			rivers.OutputOf[string](rivers.OutputSpec{Name: "second"}),
		}},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (rivers.Emitted, error) {
			if err := rivers.Emit(ctx, "first", 1); err != nil { // stored and recorded now
				return rivers.Emitted{}, err
			}
			return rivers.Emitted{}, rivers.Emit(ctx, "second", "two")
		})
	res, err := open(rivers.RepositoryConfig{Assets: []rivers.Asset{feed}}).Materialize(context.Background(), rivers.RunRequest{})
	fmt.Println(res.MaterializedAssets, err)
	// Output: [first second] <nil>
}

func ExampleNewGraphAsset() {
	words := rivers.NewTask(rivers.TaskSpec{Name: "words"},
		func(*rivers.TaskContext, rivers.NoInput) ([]string, error) {
			return []string{"go", "with", "the", "flow"}, nil
		})
	size := rivers.NewTask(rivers.TaskSpec{Name: "size"},
		func(_ *rivers.TaskContext, in struct{ Word string }) (int, error) { return len(in.Word), nil })
	sum := rivers.NewTask(rivers.TaskSpec{Name: "sum"},
		func(_ *rivers.TaskContext, in struct{ Sizes []int }) (int, error) {
			total := 0
			for _, n := range in.Sizes {
				total += n
			}
			return total, nil
		})
	letters := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "letters"}, func(g *rivers.Graph) rivers.Ref[int] {
		each := rivers.Map(g, rivers.Call(g, words, nil), size, rivers.MapOptions{MaxConcurrency: 2})
		return rivers.Call(g, sum, rivers.Args{"sizes": each.Collect()})
	})
	repo := open(rivers.RepositoryConfig{Assets: []rivers.Asset{letters}})
	res, err := repo.Materialize(context.Background(), rivers.RunRequest{})
	total, loadErr := letters.Load(context.Background(), repo, rivers.LoadOptions{})
	fmt.Println(len(res.Steps), "steps,", total, "letters", err, loadErr)
	// Output: 7 steps, 13 letters <nil> <nil>
}

func ExampleNewExternalAsset() {
	file := rivers.NewExternalAsset(rivers.ExternalAssetSpec{
		Name: "file",
		Observe: func(*rivers.AssetContext) (rivers.Observation, error) {
			return rivers.Observation{DataVersion: "etag-7", Metadata: metadata.Map{"rows": 12}}, nil
		},
	})
	seen, err := open(rivers.RepositoryConfig{Assets: []rivers.Asset{file}}).Observe(context.Background())
	fmt.Println(seen["file"]["rows"], err)
	// Output: 12 <nil>
}

func ExampleNewBashTask() {
	greet := rivers.NewBashTask(rivers.BashTaskSpec{Name: "greet", Command: `echo "hello $NAME"`, Env: map[string]string{"NAME": "rivers"}})
	shout := rivers.NewAsset(rivers.AssetSpec{Name: "shout"},
		func(_ *rivers.AssetContext, in struct{ Greet string }) (string, error) {
			return strings.ToUpper(in.Greet), nil
		})
	repo := open(rivers.RepositoryConfig{Assets: []rivers.Asset{shout}, Tasks: []rivers.Node{greet}})
	if _, err := repo.Materialize(context.Background(), rivers.RunRequest{}); err != nil {
		fmt.Println(err)
	}
	text, err := shout.Load(context.Background(), repo, rivers.LoadOptions{})
	fmt.Println(text, err)
	// Output: HELLO RIVERS <nil>
}

func ExampleOnFailure() {
	page := rivers.OnFailure("page", func(ctx *rivers.HookContext, in struct{ Pager *strings.Builder }) error {
		fmt.Fprintf(in.Pager, "%s: %v", ctx.Asset(), ctx.Failure())
		return nil
	})
	bad := rivers.NewAsset(rivers.AssetSpec{Name: "bad", Hooks: []rivers.Hook{page}},
		func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 0, errors.New("no disk") })
	pager := &strings.Builder{}
	repo := open(rivers.RepositoryConfig{Assets: []rivers.Asset{bad}, Resources: rivers.Resources{"pager": pager}})
	res, err := repo.Materialize(context.Background(), rivers.RunRequest{})
	fmt.Println(res.Status, err != nil, pager)
	// Output: failure true bad: no disk
}

func ExampleRepositoryConfig_config() {
	type Limits struct {
		Rows  int           `json:"rows" default:"10" validate:"gte=1"`
		Wait  time.Duration `json:"wait" default:"2s"`
		Token rivers.Secret `json:"token" env:"API_TOKEN"`
	}
	asset := rivers.NewAsset(rivers.AssetSpec{Name: "orders"},
		func(_ *rivers.AssetContext, in struct {
			Cfg Limits `rivers:",config"`
		},
		) (string, error) {
			return fmt.Sprint(in.Cfg.Rows, " ", in.Cfg.Wait, " ", in.Cfg.Token), nil
		})
	repo := open(rivers.RepositoryConfig{Assets: []rivers.Asset{asset}})
	_, err := repo.Materialize(context.Background(), rivers.RunRequest{
		Config: map[string]map[string]any{"orders": {"rows": 5}},
	})
	text, loadErr := asset.Load(context.Background(), repo, rivers.LoadOptions{})
	fmt.Println(text, err, loadErr)
	_, err = repo.Materialize(context.Background(), rivers.RunRequest{Config: map[string]map[string]any{"orders": {"rows": 0}}})
	fmt.Println(err)
	// Output:
	// 5 2s *** <nil> <nil>
	// config of "orders": invalid config: rows: it is 0, want at least 1
}

func ExampleAssetSpec_retry() {
	flaky := rivers.NewAsset(
		rivers.AssetSpec{Name: "flaky", Retry: retry.Policy{Max: 3, Backoff: retry.Exponential(time.Microsecond, 2)}},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			if ctx.Attempt() < 3 {
				return 0, errors.New("not yet")
			}
			return 1, nil
		})
	res, err := open(rivers.RepositoryConfig{Assets: []rivers.Asset{flaky}}).Materialize(context.Background(), rivers.RunRequest{})
	fmt.Println(res.Steps[0].Attempts, err)
	// Output: 3 <nil>
}

func ExampleSelfDependency() {
	count := rivers.NewAsset(rivers.AssetSpec{Name: "count"},
		func(_ *rivers.AssetContext, in struct{ Before rivers.SelfDependency[int] }) (int, error) {
			n, _ := in.Before.Get()
			return n + 1, nil
		})
	repo := open(rivers.RepositoryConfig{Assets: []rivers.Asset{count}})
	for range 3 {
		if _, err := repo.Materialize(context.Background(), rivers.RunRequest{}); err != nil {
			fmt.Println(err)
		}
	}
	n, err := count.Load(context.Background(), repo, rivers.LoadOptions{})
	fmt.Println(n, err)
	// Output: 3 <nil>
}

func ExampleSkip() {
	feed := rivers.NewAsset(rivers.AssetSpec{Name: "feed"},
		func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 0, rivers.Skip("nothing new") })
	res, err := open(rivers.RepositoryConfig{Assets: []rivers.Asset{feed}}).Materialize(context.Background(), rivers.RunRequest{})
	fmt.Println(res.Status, res.Steps[0].Outcome, res.Steps[0].Cause, err)
	// Output: success skipped skipped: nothing new <nil>
}

func ExampleCodeRepository_Validate() {
	users := rivers.NewAsset(rivers.AssetSpec{Name: "users"},
		func(*rivers.AssetContext, rivers.NoInput) ([]string, error) { return nil, nil })
	active := rivers.NewAsset(rivers.AssetSpec{Name: "active"},
		func(_ *rivers.AssetContext, in struct{ Usres []string }) (int, error) { return len(in.Usres), nil })
	err := rivers.NewCodeRepository(rivers.RepositoryConfig{Assets: []rivers.Asset{users, active}}).Validate()
	if mistake, ok := errors.AsType[*rivers.DefinitionError](err); ok {
		fmt.Println(mistake.Kind, mistake.Name, mistake.At)
		fmt.Println(mistake.Message)
	}
	// Output:
	// asset active input Usres
	// no asset or resource is named "usres" (did you mean "users"?)
}

func ExampleCodeRepository_Plan() {
	repo := helloRepository()
	p, err := repo.Plan(rivers.RunRequest{Selection: []string{"summary"}, IncludeUpstream: true})
	if err != nil {
		fmt.Println(err)
	}
	for _, s := range p.Steps {
		fmt.Println(s.Step, s.After, s.Why)
	}
	// Output:
	// raw_data [] upstream of the selection
	// summary [raw_data] selected
}

func ExampleJob() {
	repo := open(rivers.RepositoryConfig{
		Assets: []rivers.Asset{number("a", 1), number("b", 2)},
		Jobs:   []rivers.Job{{Name: "nightly", Select: "a", Tags: map[string]string{"by": "night"}}},
	})
	job, err := repo.Job("nightly")
	if err != nil {
		fmt.Println(err)
	}
	res, err := job.Execute(context.Background(), rivers.ExecuteRequest{})
	fmt.Println(res.MaterializedAssets, err)
	// Output: [a] <nil>
}

func ExampleListener() {
	repo := open(rivers.RepositoryConfig{
		Assets: []rivers.Asset{number("a", 1)},
		Listeners: []rivers.Listener{{
			StepFinished: func(s rivers.StepFinished) { fmt.Println(s.Step, s.Outcome) },
		}},
	})
	if _, err := repo.Materialize(context.Background(), rivers.RunRequest{}); err != nil {
		fmt.Println(err)
	}
	// Output: a succeeded
}
