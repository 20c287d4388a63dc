package rivers_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// resolved returns a repository on a memory store; it is closed with the test.
func resolved(t *testing.T, c rivers.RepositoryConfig) *rivers.CodeRepository {
	t.Helper()
	repo := rivers.NewCodeRepository(c)
	t.Cleanup(func() {
		if err := repo.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := repo.Resolve(t.Context(), memory.New()); err != nil {
		t.Fatal(err)
	}
	return repo
}

func materialize(t *testing.T, repo *rivers.CodeRepository, selection ...string) *rivers.RunResult {
	t.Helper()
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: selection})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func valueOf[T any](t *testing.T, repo *rivers.CodeRepository, name string) T {
	t.Helper()
	var v T
	if err := repo.LoadNode(t.Context(), name, &v, rivers.LoadOptions{}); err != nil {
		t.Fatal(err)
	}
	return v
}

func steps(res *rivers.RunResult) string {
	var words []string
	for _, s := range res.Steps {
		words = append(words, s.Step+":"+s.Outcome)
	}
	return strings.Join(words, " ")
}

func number(name string, n int) *rivers.SingleAsset[int] {
	return rivers.NewAsset(rivers.AssetSpec{Name: name},
		func(*rivers.AssetContext, rivers.NoInput) (int, error) { return n, nil })
}

func multiProgram(iohandler.Handler) rivers.RepositoryConfig {
	split := rivers.NewMultiAsset(rivers.MultiAssetSpec{
		Name: "split", Group: "marts", Outputs: []rivers.OutputSpec{{Name: "odd", Description: "the odd ones"}},
	}, func(ctx *rivers.AssetContext, in struct{ Numbers []int }) (struct {
		Odd  rivers.Output[[]int]
		Even []int
	}, error,
	) {
		var out struct {
			Odd  rivers.Output[[]int]
			Even []int
		}
		for _, n := range in.Numbers {
			if n%2 == 1 {
				out.Odd.Value = append(out.Odd.Value, n)
			} else if ctx.Selected("even") {
				out.Even = append(out.Even, n)
			}
		}
		out.Odd.Metadata = metadata.Map{"rows": len(out.Odd.Value)}
		return out, nil
	})
	return rivers.RepositoryConfig{Assets: []rivers.Asset{split}, Resources: rivers.Resources{"numbers": []int{1, 2, 3}}}
}

func TestMultiAsset(t *testing.T) { everyExecutor(t, "multi", testMultiAsset) }

func testMultiAsset(t *testing.T, repo *rivers.CodeRepository) {
	res := materialize(t, repo, "odd")
	if got := fmt.Sprint(res.MaterializedAssets) + " " + steps(res); got != "[odd] split:succeeded" {
		t.Error(got)
	}
	if err := repo.LoadNode(t.Context(), "even", new([]int), rivers.LoadOptions{}); err == nil {
		t.Error("even was stored, and was not selected")
	}
	materialize(t, repo)
	if got := valueOf[[]int](t, repo, "even"); !slices.Equal(got, []int{2}) {
		t.Errorf("even = %v", got)
	}
	rec, err := repo.Storage().GetAsset(t.Context(), "odd")
	if err != nil || fmt.Sprint(rec.Materialization.Metadata["rows"]) != "2" {
		t.Errorf("odd: %+v, %v", rec.Materialization, err)
	}
}

func emittingProgram(iohandler.Handler) rivers.RepositoryConfig {
	m := rivers.NewMultiAsset(rivers.MultiAssetSpec{
		Name: "feed", Outputs: []rivers.OutputSpec{rivers.OutputOf[int](rivers.OutputSpec{Name: "a"}), rivers.OutputOf[string](rivers.OutputSpec{Name: "b"})},
	}, func(ctx *rivers.AssetContext, _ rivers.NoInput) (rivers.Emitted, error) {
		if err := rivers.Emit(ctx, "a", 7); err != nil {
			return rivers.Emitted{}, err
		}
		if os.Getenv(wordsVariable) == "fail" {
			return rivers.Emitted{}, errors.New("half way")
		}
		return rivers.Emitted{}, rivers.Emit(ctx, "b", rivers.Output[string]{Value: "done"})
	})
	return rivers.RepositoryConfig{Assets: []rivers.Asset{m}}
}

func TestEmittedOutputsStayWhenTheBodyFails(t *testing.T) {
	everyExecutor(t, "emitting", testEmittedOutputs)
}

func testEmittedOutputs(t *testing.T, repo *rivers.CodeRepository) {
	t.Setenv(wordsVariable, "fail")
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{}); err == nil || !strings.Contains(err.Error(), "half way") {
		t.Fatalf("err = %v", err)
	}
	if got := valueOf[int](t, repo, "a"); got != 7 {
		t.Errorf("a = %d", got)
	}
	rec, err := repo.Storage().GetAsset(t.Context(), "a")
	if err != nil || rec.Materialization == nil {
		t.Errorf("a: %+v, %v", rec, err)
	}
	t.Setenv(wordsVariable, "go on")
	materialize(t, repo)
	if got := valueOf[string](t, repo, "b"); got != "done" {
		t.Errorf("b = %q", got)
	}
}

// totals composes tasks: split the numbers, double each, add them up.
func totals(names bool) *rivers.GraphAsset[int] {
	double := rivers.NewTask(rivers.TaskSpec{Name: "double"},
		func(ctx *rivers.TaskContext, in struct{ N, Factor int }) (int, error) { return in.N * in.Factor, nil })
	sum := rivers.NewTask(rivers.TaskSpec{Name: "sum"},
		func(_ *rivers.TaskContext, in struct{ Each []int }) (int, error) {
			total := 0
			for _, n := range in.Each {
				total += n
			}
			return total, nil
		})
	ints := rivers.NewTask(rivers.TaskSpec{Name: "ints"},
		func(_ *rivers.TaskContext, in struct{ Upto int }) ([]int, error) {
			var all []int
			for i := range in.Upto {
				all = append(all, i)
			}
			return all, nil
		})
	named := rivers.NewTask(rivers.TaskSpec{Name: "named"},
		func(_ *rivers.TaskContext, in struct{ Upto int }) ([]rivers.DynamicOutput[int], error) {
			var all []rivers.DynamicOutput[int]
			for i := range in.Upto {
				all = append(all, rivers.DynamicOutput[int]{Name: fmt.Sprintf("n%d", i), Value: i})
			}
			return all, nil
		})
	return rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "totals"}, func(g *rivers.Graph) rivers.Ref[int] {
		up := rivers.Upstream[int](g, "upto")
		o := rivers.MapOptions{MaxConcurrency: 2, Args: rivers.Args{"factor": 2}}
		if names {
			return rivers.Call(g, sum, rivers.Args{"each": rivers.Map(g, rivers.Call(g, named, rivers.Args{"upto": up}), double, o).Collect()})
		}
		return rivers.Sub(g, "inner", func(g *rivers.Graph) rivers.Ref[int] {
			return rivers.Call(g, sum, rivers.Args{"each": rivers.Map(g, rivers.Call(g, ints, rivers.Args{"upto": up}), double, o).Collect()})
		})
	})
}

func graphProgram(names bool) rivers.RepositoryConfig {
	return rivers.RepositoryConfig{Assets: []rivers.Asset{number("upto", 3), totals(names)}}
}

func TestGraphAsset(t *testing.T) {
	for program, want := range map[string]string{
		"graph": "upto:succeeded totals/inner/ints:succeeded totals/inner/double:succeeded totals/inner/sum:succeeded " +
			"totals/inner/double[0]:succeeded totals/inner/double[1]:succeeded totals/inner/double[2]:succeeded",
		"named graph": "upto:succeeded totals/named:succeeded totals/double:succeeded totals/sum:succeeded " +
			"totals/double[n0]:succeeded totals/double[n1]:succeeded totals/double[n2]:succeeded",
	} {
		everyExecutor(t, program, func(t *testing.T, repo *rivers.CodeRepository) {
			res := materialize(t, repo)
			if got := steps(res); got != want {
				t.Errorf("%s\nwant %s", got, want)
			}
			if got := valueOf[int](t, repo, "totals"); got != 6 {
				t.Errorf("totals = %d, want 6", got)
			}
			if got := fmt.Sprint(res.MaterializedAssets); got != "[upto totals]" {
				t.Error(got)
			}
		})
	}
}

func streamProgram(unordered bool) rivers.RepositoryConfig {
	words := rivers.NewTask(rivers.TaskSpec{Name: "words"},
		func(*rivers.TaskContext, rivers.NoInput) ([]string, error) { return []string{"a", "b", "c"}, nil })
	upper := rivers.NewTask(rivers.TaskSpec{Name: "upper"},
		func(_ *rivers.TaskContext, in struct{ Word string }) (string, error) {
			return strings.ToUpper(in.Word), nil
		})
	join := rivers.NewTask(rivers.TaskSpec{Name: "join"},
		func(_ *rivers.TaskContext, in struct{ Words iter.Seq2[string, error] }) (string, error) {
			var all []string
			for w, err := range in.Words {
				if err != nil {
					return "", err
				}
				all = append(all, w)
			}
			slices.SortFunc(all, cmp.Compare[string])
			return strings.Join(all, ""), nil
		})
	text := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "text"}, func(g *rivers.Graph) rivers.Ref[string] {
		each := rivers.Map(g, rivers.Call(g, words, nil), upper, rivers.MapOptions{})
		return rivers.Call(g, join, rivers.Args{"words": each.CollectStream(rivers.CollectOptions{Unordered: unordered})})
	})
	return rivers.RepositoryConfig{Assets: []rivers.Asset{text}}
}

func TestStreamedCollect(t *testing.T) {
	for _, program := range []string{"streams", "as they come"} {
		everyExecutor(t, program, func(t *testing.T, repo *rivers.CodeRepository) {
			materialize(t, repo)
			if got := valueOf[string](t, repo, "text"); got != "ABC" {
				t.Errorf("text = %q", got)
			}
		})
	}
}

func bashProgram(iohandler.Handler) rivers.RepositoryConfig {
	hello := rivers.NewBashTask(rivers.BashTaskSpec{Name: "hello", Command: `echo "hi $WHO"; echo careful >&2`, Env: map[string]string{"WHO": "you"}})
	argv := rivers.NewBashTask(rivers.BashTaskSpec{Name: "argv", Command: "printf", Args: []string{"%s", "$WHO"}})
	bad := rivers.NewBashTask(rivers.BashTaskSpec{Name: "bad", Command: "echo one >&2; echo two >&2; exit 3"})
	greeting := rivers.NewAsset(rivers.AssetSpec{Name: "greeting"},
		func(_ *rivers.AssetContext, in struct{ Hello string }) (string, error) { return in.Hello + "!", nil })
	return rivers.RepositoryConfig{Assets: []rivers.Asset{greeting}, Tasks: []rivers.Node{hello, argv, bad}}
}

func TestBashTask(t *testing.T) { everyExecutor(t, "bash", testBashTask) }

func testBashTask(t *testing.T, repo *rivers.CodeRepository) {
	if got := steps(materialize(t, repo)); got != "hello:succeeded greeting:succeeded" {
		t.Error(got)
	}
	if got := valueOf[string](t, repo, "greeting"); got != "hi you!" {
		t.Errorf("greeting = %q", got)
	}
	materialize(t, repo, "argv")
	if got := valueOf[string](t, repo, "argv"); got != "$WHO" {
		t.Errorf("argv = %q: a shell was in between", got)
	}
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"bad"}})
	if err == nil || !strings.HasSuffix(res.FailedAssets[0].Message, "exit status 3: one\ntwo") {
		t.Errorf("bad: %v", err)
	}
	run, err := repo.Storage().GetRun(t.Context(), res.RunID)
	if err != nil {
		t.Fatal(err)
	}
	logs, err := repo.Storage().ListLogs(t.Context(), storage.LogQuery{Run: run.Key})
	if err != nil || len(logs) != 2 || logs[0].Stream != storage.StreamStderr || logs[1].Message != "two" {
		t.Errorf("logs of bad: %+v, %v", logs, err)
	}
}

func externalProgram(iohandler.Handler) rivers.RepositoryConfig {
	raw := rivers.NewExternalAsset(rivers.ExternalAssetSpec{Name: "raw", Observe: func(ctx *rivers.AssetContext) (rivers.Observation, error) {
		ctx.AddMetadata("rows", 12)
		return rivers.Observation{DataVersion: "etag-1"}, nil
	}})
	silent := rivers.NewExternalAsset(rivers.ExternalAssetSpec{Name: "silent"})
	after := rivers.NewAsset(rivers.AssetSpec{Name: "after", Deps: []rivers.Dep{{On: "raw", OrderOnly: true}}},
		func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })
	return rivers.RepositoryConfig{Assets: []rivers.Asset{raw, silent, after}}
}

func TestExternalAsset(t *testing.T) { everyExecutor(t, "external", testExternalAsset) }

func testExternalAsset(t *testing.T, repo *rivers.CodeRepository) {
	seen, err := repo.Observe(t.Context())
	if err != nil || len(seen) != 1 || fmt.Sprint(seen["raw"]["rows"]) != "12" {
		t.Errorf("%v, %v", seen, err)
	}
	rec, err := repo.Storage().GetAsset(t.Context(), "raw")
	if err != nil || rec.Observation == nil || rec.Observation.DataVersion != "etag-1" {
		t.Errorf("raw: %+v, %v", rec, err)
	}
	if got := steps(materialize(t, repo)); got != "after:succeeded" {
		t.Error(got)
	}
	for _, name := range []string{"silent", "after", "rw"} {
		if _, err := repo.Observe(t.Context(), name); err == nil {
			t.Errorf("observe %s: no error", name)
		} else {
			t.Log(err)
		}
	}
}

func previousProgram(iohandler.Handler) rivers.RepositoryConfig {
	count := rivers.NewAsset(rivers.AssetSpec{Name: "count"},
		func(_ *rivers.AssetContext, in struct{ Before rivers.SelfDependency[int] }) (int, error) {
			n, _ := in.Before.Get()
			return n + 1, nil
		})
	return rivers.RepositoryConfig{Assets: []rivers.Asset{count}}
}

func TestSelfDependency(t *testing.T) {
	everyExecutor(t, "previous", func(t *testing.T, repo *rivers.CodeRepository) {
		for range 3 {
			materialize(t, repo)
		}
		count := repo.Assets()["count"].(*rivers.SingleAsset[int])
		if got, err := count.Load(context.Background(), repo, rivers.LoadOptions{}); err != nil || got != 3 {
			t.Errorf("count = %d, %v", got, err)
		}
	})
}

// A nil of an interface type is a value, and so it is a previous one.
func TestSelfDependencyOnNil(t *testing.T) {
	var had []bool
	last := rivers.NewAsset(rivers.AssetSpec{Name: "last"},
		func(_ *rivers.AssetContext, in struct{ Before rivers.SelfDependency[error] }) (error, error) {
			before, ok := in.Before.Get()
			if before != nil {
				return nil, fmt.Errorf("the previous value is %w, want nil", before)
			}
			had = append(had, ok)
			return nil, nil
		})
	repo := resolved(t, rivers.RepositoryConfig{Assets: []rivers.Asset{last}})
	materialize(t, repo)
	materialize(t, repo)
	if !slices.Equal(had, []bool{false, true}) {
		t.Errorf("there was a previous value: %v, want none at first, then one", had)
	}
}

type limits struct {
	Rows  int           `json:"rows" default:"10" validate:"gte=1"`
	Token rivers.Secret `json:"token" env:"RIVERS_TEST_TOKEN"`
}

func configProgram(iohandler.Handler) rivers.RepositoryConfig {
	asset := rivers.NewAsset(rivers.AssetSpec{Name: "limited"},
		func(_ *rivers.AssetContext, in struct {
			Cfg limits `rivers:",config"`
		},
		) (string, error) {
			return fmt.Sprint(in.Cfg.Rows, " ", in.Cfg.Token.Reveal(), " ", in.Cfg.Token), nil
		})
	return rivers.RepositoryConfig{Assets: []rivers.Asset{asset}}
}

func TestConfig(t *testing.T) {
	t.Setenv("RIVERS_TEST_TOKEN", "hunter2")
	t.Setenv("RIVERS_TEST_OTHER", "*******")
	everyExecutor(t, "config", testConfig)
}

func testConfig(t *testing.T, repo *rivers.CodeRepository) {
	materialize(t, repo)
	if got := valueOf[string](t, repo, "limited"); got != "10 hunter2 ***" {
		t.Errorf("limited = %q", got)
	}
	given := map[string]any{"rows": int64(1)<<60 + 1, "token": map[string]any{"env": "RIVERS_TEST_OTHER"}}
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Config: map[string]map[string]any{"limited": given}}); err != nil {
		t.Fatal(err)
	}
	if got := valueOf[string](t, repo, "limited"); got != "1152921504606846977 ******* ***" {
		t.Errorf("limited = %q", got)
	}
	for _, tt := range []struct {
		config map[string]any
		want   string
	}{
		{map[string]any{"rows": 0}, `config of "limited": invalid config: rows: it is 0, want at least 1`},
		{map[string]any{"rows": "many"}, `config of "limited": invalid config: rows: it is a text, want a whole number`},
		{map[string]any{"row": 1}, `config of "limited": invalid config: row: there is no such field (did you mean "rows"?)`},
		{map[string]any{"token": "abc"}, `config of "limited": invalid config: token: it is a secret, and requests are recorded: name an environment variable in its place, {"env": "NAME"}`},
	} {
		_, err := repo.Materialize(t.Context(), rivers.RunRequest{Config: map[string]map[string]any{"limited": tt.config}})
		if err == nil || err.Error() != tt.want {
			t.Errorf("%v: %v\nwant %s", tt.config, err, tt.want)
		}
	}
	runs, err := repo.Storage().ListRuns(t.Context(), storage.RunQuery{})
	if err != nil || len(runs) != 2 {
		t.Errorf("%d runs are recorded, want the two that were right (%v)", len(runs), err)
	}
}

// The name of a multi-asset is all that it makes, in requests and in jobs.
func TestMultiAssetIsSelectedByItsOwnName(t *testing.T) {
	repo := resolved(t, rivers.RepositoryConfig{
		Name: "repo", Assets: []rivers.Asset{multiOf[struct{ X, Y int }]("pair"), number("users", 1)},
		Jobs: []rivers.Job{{Name: "both", Select: "pair"}},
	})
	for text, want := range map[string][]string{"pair": {"x", "y"}, "pair and not x": {"y"}, "p*": {"x", "y"}, "x": {"x"}} {
		if res := materialize(t, repo, text); !slices.Equal(res.MaterializedAssets, want) || len(res.Steps) != 1 {
			t.Errorf("%s materialized %q in %d steps, want %q in one", text, res.MaterializedAssets, len(res.Steps), want)
		}
	}
	job, err := repo.Job("both")
	if err != nil {
		t.Fatal(err)
	}
	if steps := job.Plan().Steps; len(steps) != 1 || !slices.Equal(steps[0].Assets, []string{"x", "y"}) {
		t.Errorf("the job has the steps %+v", steps)
	}
}

// What cannot be loaded says what to do: make it first, make it again, or see to what is made elsewhere.
func TestHintsOfWhatCannotBeLoaded(t *testing.T) {
	dir := t.TempDir()
	files := blob.New("file://"+dir, blob.Options{})
	repo := resolved(t, rivers.RepositoryConfig{Name: "repo", Assets: []rivers.Asset{
		rivers.NewAsset(rivers.AssetSpec{Name: "users", IOHandler: files}, func(*rivers.AssetContext, rivers.NoInput) ([]int, error) { return []int{1}, nil }),
		rivers.NewExternalAsset(rivers.ExternalAssetSpec{Name: "feed", IOHandler: files}),
		rivers.NewAsset(rivers.AssetSpec{Name: "count"}, func(_ *rivers.AssetContext, in struct{ Users []int }) (int, error) { return len(in.Users), nil }),
		rivers.NewAsset(rivers.AssetSpec{Name: "lines"}, func(_ *rivers.AssetContext, in struct{ Feed []int }) (int, error) { return len(in.Feed), nil }),
	}})
	hint := func(selection ...string) string {
		t.Helper()
		_, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: selection})
		step, ok := errors.AsType[*rivers.StepError](err)
		if !ok {
			t.Fatalf("%v: %v, want a failed step", selection, err)
		}
		return step.Hint
	}
	if got, want := hint("count"), `materialize "users" first, or together with this`; got != want {
		t.Errorf("nothing stored: %s, want %s", got, want)
	}
	if got, want := hint("lines"), `"feed" is made elsewhere: see that it is there, and as its readers expect it`; got != want {
		t.Errorf("nothing there: %s, want %s", got, want)
	}
	materialize(t, repo, "users")
	if err := os.Truncate(filepath.Join(dir, "users.cbor"), 1); err != nil {
		t.Fatal(err)
	}
	if got, want := hint("count"), `if the stored value is damaged, materialize "users" again`; got != want {
		t.Errorf("half a value: %s, want %s", got, want)
	}
}
