package rivers_test

import (
	"context"
	"errors"
	"flag"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/parquet"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage/memory"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata")

// requireAnswers compares messages with the sections of a txtar file, or rewrites it with -update.
func requireAnswers(t *testing.T, file string, got map[string]string) {
	t.Helper()
	if *update {
		archive := &txtar.Archive{Comment: []byte("Each mistake, and the whole message that it gets. Rewrite with: go test . -update\n\n")}
		for _, name := range slices.Sorted(maps.Keys(got)) {
			archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(got[name] + "\n")})
		}
		if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, f := range archive.Files {
		want[f.Name] = strings.TrimSuffix(string(f.Data), "\n")
	}
	for name, message := range got {
		if want[name] != message {
			t.Errorf("%s:\n%s\nwant\n%s", name, message, want[name])
		}
	}
	for name := range want {
		if _, ok := got[name]; !ok {
			t.Errorf("%s has an answer for %q, and nobody asks", file, name)
		}
	}
}

// leading and inner hide where in these files a mistake stands: the test of positions is TestPositions.
var (
	leading = regexp.MustCompile(`(?m)^\S+_test\.go:\d+( \(called at \S+\))?: `)
	inner   = regexp.MustCompile(`\S+_test\.go:\d+( \(called at [^ )]+\))?`)
)

// in makes an asset with the given argument struct.
func in[In any](name string, deps ...rivers.Dep) rivers.Asset {
	return rivers.NewAsset(rivers.AssetSpec{Name: name, Deps: deps}, func(*rivers.AssetContext, In) (int, error) { return 0, nil })
}

func spec(s rivers.AssetSpec) rivers.RepositoryConfig {
	return assets(rivers.NewAsset(s, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 0, nil }))
}

// pooledSpec is an asset that holds slots of pools, of which db has two slots.
func pooledSpec(pools ...rivers.Pool) rivers.RepositoryConfig {
	c := spec(rivers.AssetSpec{Name: "a", Pools: pools})
	c.PoolLimits = map[string]int{"db": 2, "api": 1}
	return c
}

func assets(all ...rivers.Asset) rivers.RepositoryConfig {
	return rivers.RepositoryConfig{Name: "repo", Assets: all}
}

func job(j rivers.Job, all ...rivers.Asset) rivers.RepositoryConfig {
	c := assets(all...)
	c.Jobs = []rivers.Job{j}
	return c
}

func multiOf[Out any](name string) rivers.Asset {
	return rivers.NewMultiAsset(rivers.MultiAssetSpec{Name: name}, func(*rivers.AssetContext, rivers.NoInput) (out Out, err error) { return out, nil })
}

func stored(name string, h iohandler.Handler) rivers.Asset {
	return spec(rivers.AssetSpec{Name: name, IOHandler: h}).Assets[0]
}

// wrongHandler is a handler whose settings are wrong.
type wrongHandler struct {
	iohandler.Handler

	panics bool
}

func (h wrongHandler) Validate() error {
	if h.panics {
		panic("no settings")
	}
	return errors.New("the url is empty: give one such as file://./lake")
}

func graphOf(compose func(*rivers.Graph) rivers.Ref[int], more ...rivers.Asset) rivers.RepositoryConfig {
	return assets(append(more, rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "g"}, compose))...)
}

type unexported struct{ users []int } //nolint:unused // that it cannot be set is the mistake

type badConfig struct {
	Rows  int           `default:"many"` //nolint:revive // the mistake is the point
	Token rivers.Secret `default:"abc"`
	N     int           `validate:"nosuchrule"` //nolint:revive // the mistake is the point
}

// definitionMistakes are repositories with one mistake each.
func definitionMistakes() map[string]rivers.RepositoryConfig {
	a := number("a", 1)
	double := rivers.NewTask(rivers.TaskSpec{Name: "double"},
		func(_ *rivers.TaskContext, in struct{ N int }) (int, error) { return 2 * in.N, nil })
	list := rivers.NewTask(rivers.TaskSpec{Name: "list"},
		func(*rivers.TaskContext, rivers.NoInput) ([]int, error) { return nil, nil })
	var nilAsset *rivers.SingleAsset[int]
	return map[string]rivers.RepositoryConfig{
		"name empty":                       assets(number("", 1)),
		"name with space":                  assets(number("my asset", 1)),
		"name begins with digit":           assets(number("1st", 1)),
		"name is a word":                   assets(number("not", 1)),
		"name twice":                       assets(a, number("a", 2)),
		"asset listed twice":               assets(a, a),
		"asset nil":                        assets(nil),
		"asset nil pointer":                assets(nilAsset),
		"asset among tasks":                {Name: "repo", Tasks: []rivers.Node{a}},
		"output name taken":                assets(a, rivers.NewMultiAsset(rivers.MultiAssetSpec{Name: "m"}, func(*rivers.AssetContext, rivers.NoInput) (struct{ A int }, error) { return struct{ A int }{}, nil })),
		"output has a multi-asset's name":  assets(multiOf[struct{ X int }]("y"), multiOf[struct{ Y int }]("z")),
		"multi-asset has an output's name": assets(multiOf[struct{ X int }]("y"), multiOf[struct{ Z int }]("x")),
		"input unknown":                    assets(a, in[struct{ B int }]("c")),
		"input misspelt":                   assets(number("users", 1), in[struct{ Usres int }]("c")),
		"input of another type":            assets(a, in[struct{ A string }]("c")),
		"input unexported":                 assets(in[unexported]("c")),
		"input embedded":                   assets(in[struct{ time.Time }]("c")),
		"input twice": assets(a, in[struct {
			A int
			B int `rivers:"a"`
		}]("c")),
		"input tag unknown": assets(in[struct {
			A int `rivers:"a,optional"`
		}]("c")),
		"input no struct":          assets(in[int]("c")),
		"resource of another type": {Name: "repo", Assets: []rivers.Asset{in[struct{ DB string }]("c")}, Resources: rivers.Resources{"db": 7}},
		"resource name":            {Name: "repo", Resources: rivers.Resources{"my db": 7}},
		"self of another type": assets(rivers.NewAsset(rivers.AssetSpec{Name: "s"},
			func(_ *rivers.AssetContext, in struct{ Before rivers.SelfDependency[string] }) (int, error) {
				return 0, nil
			})),
		"reads itself":         assets(in[struct{ C int }]("c")),
		"cycle":                assets(in[struct{ Y int }]("x"), in[struct{ Z int }]("y"), in[struct{ X int }]("z"), in[struct{ X int }]("behind")),
		"dep without a field":  assets(a, in[rivers.NoInput]("c", rivers.Dep{On: "a"})),
		"dep unknown":          assets(number("users", 1), in[rivers.NoInput]("c", rivers.Dep{On: "usres", OrderOnly: true})),
		"dep unnamed":          assets(in[rivers.NoInput]("c", rivers.Dep{})),
		"dep twice":            assets(a, in[rivers.NoInput]("c", rivers.Dep{On: "a", OrderOnly: true}, rivers.Dep{On: "a", OrderOnly: true})),
		"dep field unknown":    assets(a, in[struct{ Up int }]("c", rivers.Dep{On: "a", Field: "Upp"})),
		"dep waits for itself": assets(in[rivers.NoInput]("c", rivers.Dep{On: "c", OrderOnly: true})),
		"dep order and value":  assets(a, in[struct{ A int }]("c", rivers.Dep{On: "a", OrderOnly: true})),
		"function nil":         assets(rivers.NewAsset[rivers.NoInput, int](rivers.AssetSpec{Name: "c"}, nil)),
		"result observation": assets(rivers.NewAsset(rivers.AssetSpec{Name: "c"}, func(*rivers.AssetContext, rivers.NoInput) (rivers.Observation, error) {
			return rivers.Observation{}, nil
		})),
		"handler unknown":        spec(rivers.AssetSpec{Name: "c", IOHandler: iohandler.Named("lake")}),
		"handler no handler":     {Name: "repo", Assets: spec(rivers.AssetSpec{Name: "c", IOHandler: iohandler.Named("lake")}).Assets, Resources: rivers.Resources{"lake": 7, "lakes": iohandler.Memory()}},
		"handler default":        {Name: "repo", DefaultIOHandler: iohandler.Named("lake")},
		"handler settings":       {Name: "repo", Assets: []rivers.Asset{stored("c", wrongHandler{}), stored("d", wrongHandler{}), stored("e", iohandler.Named("lake"))}, Resources: rivers.Resources{"lake": &wrongHandler{}}},
		"handler panics":         {Name: "repo", DefaultIOHandler: wrongHandler{panics: true}},
		"handler refuses type":   spec(rivers.AssetSpec{Name: "c", IOHandler: parquet.New("mem://", parquet.Options{})}),
		"retry unknown":          {Name: "repo", Assets: spec(rivers.AssetSpec{Name: "c", Retry: retry.Named("patent")}).Assets, Retries: map[string]retry.Policy{"patient": {Max: 9}}},
		"pool unnamed":           spec(rivers.AssetSpec{Name: "a", Pools: []rivers.Pool{{}}}),
		"pool twice":             pooledSpec(rivers.Pool{Name: "db"}, rivers.Pool{Name: "db", Slots: 2}),
		"pool negative":          pooledSpec(rivers.Pool{Name: "db", Slots: -1}),
		"pool unknown":           pooledSpec(rivers.Pool{Name: "bd"}),
		"pool too small":         pooledSpec(rivers.Pool{Name: "db", Slots: 3}),
		"pool limits wrong":      {Name: "repo", PoolLimits: map[string]int{"db": 0, "a b": 1, "api": -2}},
		"retry negative":         spec(rivers.AssetSpec{Name: "c", Retry: retry.Policy{Max: -1, Jitter: 2, Backoff: retry.Constant(-time.Second)}}),
		"retry default unknown":  {Name: "repo", DefaultRetry: retry.Named("patent"), Retries: map[string]retry.Policy{"patient": {Max: 9}}},
		"retry default negative": {Name: "repo", DefaultRetry: retry.Policy{Max: -1, Jitter: 2}},
		"retry without a name":   spec(rivers.AssetSpec{Name: "c", Retry: retry.Named("")}),
		"retries":                {Name: "repo", Retries: map[string]retry.Policy{"a": {Max: -1, MaxDelay: -1}, "b": retry.Named("a")}},
		"timeout negative":       spec(rivers.AssetSpec{Name: "c", Timeout: -time.Second}),
		"hook unnamed":           spec(rivers.AssetSpec{Name: "c", Hooks: []rivers.Hook{{}}}),
		"hook resource unknown":  spec(rivers.AssetSpec{Name: "c", Hooks: []rivers.Hook{rivers.OnFailure("page", func(*rivers.HookContext, struct{ Pager int }) error { return nil })}}),
		"executor unknown":       spec(rivers.AssetSpec{Name: "c", Metadata: metadata.Map{"rivers/executor": "paralel"}}),
		"executor no workers":    {Name: "repo", DefaultExecutor: executor.Parallel(0)},
		"compute unit":           spec(rivers.AssetSpec{Name: "c", Compute: executor.Compute{Memory: "512MB"}}),
		"compute too little":     {Name: "repo", Tasks: []rivers.Node{rivers.NewBashTask(rivers.BashTaskSpec{Name: "b", Command: "true", Compute: executor.Compute{Memory: "512"}})}},
		"tag without key":        spec(rivers.AssetSpec{Name: "c", Tags: map[string]string{"": "x"}}),
		"metadata of a channel":  spec(rivers.AssetSpec{Name: "c", Metadata: metadata.Map{"x": make(chan int)}}),
		"config mistakes": assets(in[struct {
			Cfg badConfig `rivers:",config"`
		}]("c")),
		"config no struct": assets(in[struct {
			Cfg int `rivers:",config"`
		}]("c")),
		"multi without outputs": assets(rivers.NewMultiAsset(rivers.MultiAssetSpec{Name: "m"}, func(*rivers.AssetContext, rivers.NoInput) (struct{}, error) { return struct{}{}, nil })),
		"multi emits unknown type": assets(rivers.NewMultiAsset(rivers.MultiAssetSpec{Name: "m", Outputs: []rivers.OutputSpec{{Name: "x"}}},
			func(*rivers.AssetContext, rivers.NoInput) (rivers.Emitted, error) { return rivers.Emitted{}, nil })),
		"multi output unknown": assets(rivers.NewMultiAsset(rivers.MultiAssetSpec{Name: "m", Outputs: []rivers.OutputSpec{{Name: "usres"}}},
			func(*rivers.AssetContext, rivers.NoInput) (struct{ Users int }, error) {
				return struct{ Users int }{}, nil
			})),
		"multi result no struct": assets(rivers.NewMultiAsset(rivers.MultiAssetSpec{Name: "m"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 0, nil })),
		"graph without tasks":    graphOf(func(g *rivers.Graph) rivers.Ref[int] { return rivers.Upstream[int](g, "a") }, a),
		"graph panics":           graphOf(func(*rivers.Graph) rivers.Ref[int] { return rivers.Ref[int]{} }),
		"graph argument missing": graphOf(func(g *rivers.Graph) rivers.Ref[int] { return rivers.Call(g, double, nil) }),
		"graph argument unknown": graphOf(func(g *rivers.Graph) rivers.Ref[int] { return rivers.Call(g, double, rivers.Args{"n": 1, "m": 2}) }),
		"graph argument type":    graphOf(func(g *rivers.Graph) rivers.Ref[int] { return rivers.Call(g, double, rivers.Args{"n": "one"}) }),
		"graph task twice": graphOf(func(g *rivers.Graph) rivers.Ref[int] {
			return rivers.Call(g, double, rivers.Args{"n": rivers.Call(g, double, rivers.Args{"n": 1})})
		}),
		"graph upstream unknown": graphOf(func(g *rivers.Graph) rivers.Ref[int] {
			return rivers.Call(g, double, rivers.Args{"n": rivers.Upstream[int](g, "aa")})
		}, a),
		"graph upstream type": graphOf(func(g *rivers.Graph) rivers.Ref[int] {
			return rivers.Call(g, double, rivers.Args{"n": rivers.Upstream[string](g, "a")})
		}, a),
		"graph map concurrency": graphOf(func(g *rivers.Graph) rivers.Ref[int] {
			each := rivers.Map(g, rivers.Call(g, list, nil), double, rivers.MapOptions{MaxConcurrency: -1})
			return rivers.Call(g, double, rivers.Args{"n": each.Collect()}, rivers.CallOptions{Name: "last"})
		}),
		"bash without command":    {Name: "repo", Tasks: []rivers.Node{rivers.NewBashTask(rivers.BashTaskSpec{Name: "b"})}},
		"job unnamed":             job(rivers.Job{Select: "*"}, a),
		"job empty":               job(rivers.Job{Name: "j"}, a),
		"job with both":           job(rivers.Job{Name: "j", Assets: []rivers.Node{a}, Select: "*"}, a),
		"job member unregistered": job(rivers.Job{Name: "j", Assets: []rivers.Node{number("b", 1)}}, a),
		"job selects nothing":     job(rivers.Job{Name: "j", Select: "b"}, a),
		"job selection syntax":    job(rivers.Job{Name: "j", Select: "a and"}, a),
		"job incomplete":          job(rivers.Job{Name: "j", Select: "c"}, a, in[struct{ A int }]("c")),
		"job selects externals":   job(rivers.Job{Name: "j", Select: "*"}, rivers.NewExternalAsset(rivers.ExternalAssetSpec{Name: "outside"})),
		"job retry":               job(rivers.Job{Name: "j", Select: "*", Retry: retry.Policy{Max: -1, Jitter: 2}, Executor: executor.Parallel(0)}, a),
		"mistakes of every part": {
			Name:   "repo",
			Assets: []rivers.Asset{a, number("a", 2), nil, in[struct{ Y int }]("x"), in[struct{ X int }]("y"), in[struct{ Xx int }]("z")},
			Tasks:  []rivers.Node{rivers.NewBashTask(rivers.BashTaskSpec{Name: "x"})},
			Jobs: []rivers.Job{
				{Name: "j"},
				{Name: "k", Select: "a and"},
				{Name: "l", Assets: []rivers.Node{a, number("b", 1)}},
			},
			DefaultExecutor: executor.Parallel(-1),
		},
		"job twice": {Name: "repo", Assets: []rivers.Asset{a}, Jobs: []rivers.Job{{Name: "j", Select: "*"}, {Name: "j", Select: "*"}}},
	}
}

func TestDefinitionMistakes(t *testing.T) {
	requireAnswers(t, "testdata/definitions.txtar", mistakes(t, definitionMistakes()))
}

// mistakes are the messages that repositories get which have some.
func mistakes(t *testing.T, configs map[string]rivers.RepositoryConfig) map[string]string {
	t.Helper()
	got := map[string]string{}
	for name, config := range configs {
		repo := rivers.NewCodeRepository(config)
		err := repo.Validate()
		if err == nil {
			t.Errorf("%s: no mistake was found", name)
			continue
		}
		if !errors.Is(err, rivers.ErrDefinition) {
			t.Errorf("%s: errors.Is does not find ErrDefinition in %v", name, err)
		}
		if again := repo.Validate(); again == nil || again.Error() != err.Error() {
			t.Errorf("%s: asked again, Validate says\n%v\nafter\n%v", name, again, err)
		}
		message := inner.ReplaceAllString(leading.ReplaceAllString(err.Error(), ""), "x.go:N")
		if at := strings.Index(message, "\ngoroutine "); at >= 0 {
			message = message[:at]
		}
		got[name] = message
	}
	return got
}

func TestRequestMistakes(t *testing.T) {
	limited := rivers.NewAsset(rivers.AssetSpec{Name: "limited"},
		func(_ *rivers.AssetContext, in struct {
			Cfg limits `rivers:",config"`
		},
		) (int, error) {
			return in.Cfg.Rows, nil
		})
	external := rivers.NewExternalAsset(rivers.ExternalAssetSpec{Name: "outside"})
	multi := multiOf[struct{ X, Y int }]("pair")
	repo := resolved(t, rivers.RepositoryConfig{Name: "repo", Assets: []rivers.Asset{number("users", 1), limited, external, multi}})
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{RunID: "taken"}); err != nil {
		t.Fatal(err)
	}
	config := func(asset string, c map[string]any) rivers.RunRequest {
		return rivers.RunRequest{Config: map[string]map[string]any{asset: c}}
	}
	got := map[string]string{}
	for name, req := range map[string]rivers.RunRequest{
		"selection misspelt":        {Selection: []string{"usres"}},
		"selection syntax":          {Selection: []string{"users or"}},
		"selection of externals":    {Selection: []string{"outside"}},
		"selection matches nothing": {Selection: []string{"group:marts"}},
		"run id twice":              {RunID: "taken"},
		"config of nobody":          config("usres", nil),
		"config for none":           config("users", map[string]any{"rows": 1}),
		"config of an output":       config("x", nil),
		"config of a multi-asset":   {Selection: []string{"users"}, Config: map[string]map[string]any{"pair": {}}},
		"config unplanned":          {Selection: []string{"users"}, Config: map[string]map[string]any{"limited": {}}},
		"config unknown key":        config("limited", map[string]any{"rwos": 1}),
		"config of no such field":   config("limited", map[string]any{"speed": 1}),
		"config breaks a rule":      config("limited", map[string]any{"rows": -1}),
		"config of another type":    config("limited", map[string]any{"rows": "ten"}),
		"config literal secret":     config("limited", map[string]any{"token": "hunter2"}),
		"config secret unset":       config("limited", map[string]any{"token": map[string]any{"env": "RIVERS_TEST_NOT_SET"}}),
	} {
		res, err := repo.Materialize(t.Context(), req)
		if err == nil || res != nil {
			t.Errorf("%s: result %v, error %v", name, res, err)
			continue
		}
		got["materialize: "+name] = err.Error()
	}
	for name, call := range map[string]func() error{
		"job unknown":          func() error { _, err := repo.Job("daily"); return err },
		"load unknown":         func() error { return repo.LoadNode(t.Context(), "usres", new(int), rivers.LoadOptions{}) },
		"load a multi-asset":   func() error { return repo.LoadNode(t.Context(), "pair", new(int), rivers.LoadOptions{}) },
		"load into a value":    func() error { return repo.LoadNode(t.Context(), "users", 7, rivers.LoadOptions{}) },
		"load another type":    func() error { return repo.LoadNode(t.Context(), "users", new(string), rivers.LoadOptions{}) },
		"load nothing stored":  func() error { return repo.LoadNode(t.Context(), "outside", new(int), rivers.LoadOptions{}) },
		"handler of unknown":   func() error { _, err := repo.IOHandlerForOutput("usres"); return err },
		"observe not external": func() error { _, err := repo.Observe(t.Context(), "users"); return err },
		"observe no function":  func() error { _, err := repo.Observe(t.Context(), "outside"); return err },
		"observe unknown":      func() error { _, err := repo.Observe(t.Context(), "outsider"); return err },
	} {
		if err := call(); err == nil {
			t.Errorf("%s: no error", name)
		} else {
			got[name] = err.Error()
		}
	}
	requireAnswers(t, "testdata/requests.txtar", got)
}

// orderly notes when it is set up and torn down.
type orderly struct {
	name  string
	notes *[]string
	fail  bool
}

func (o *orderly) Setup(context.Context) error {
	*o.notes = append(*o.notes, "setup "+o.name)
	if o.fail {
		return errors.New("no connection")
	}
	return nil
}

func (o *orderly) Teardown(context.Context) error {
	*o.notes = append(*o.notes, "teardown "+o.name)
	return nil
}

func TestResourcesAreSetUpInOrderAndTornDownInReverse(t *testing.T) {
	for _, tt := range []struct{ fails, want string }{
		{"", "setup a, setup b, setup c, teardown c, teardown b, teardown a"},
		{"c", "setup a, setup b, setup c, teardown b, teardown a"},
	} {
		var notes []string
		resources := rivers.Resources{}
		for _, name := range []string{"c", "a", "b"} {
			resources[name] = &orderly{name, &notes, name == tt.fails}
		}
		repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Resources: resources})
		if err := repo.Validate(); err != nil || len(notes) > 0 {
			t.Fatalf("Validate: %v, notes %v", err, notes)
		}
		err := repo.Resolve(t.Context(), memory.New())
		if (err != nil) != (tt.fails != "") {
			t.Fatal(err)
		}
		if err != nil && err.Error() != `resource "c": setting it up: no connection` {
			t.Error(err)
		}
		for range 2 { // a second one does nothing
			if err := repo.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if got := strings.Join(notes, ", "); got != tt.want {
			t.Errorf("%s, want %s", got, tt.want)
		}
	}
}

func TestResolveTwice(t *testing.T) {
	store := memory.New()
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "repo"})
	for range 2 {
		if err := repo.Resolve(t.Context(), store); err != nil {
			t.Fatal(err)
		}
	}
	if err := repo.Resolve(t.Context(), memory.New()); err == nil || !strings.Contains(err.Error(), "use one repository for each store") {
		t.Errorf("another store: %v", err)
	}
	if err := repo.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{}); !errors.Is(err, rivers.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestPositions(t *testing.T) {
	err := rivers.NewCodeRepository(assets(number("", 1))).Validate()
	if err == nil || !regexp.MustCompile(`^kinds_test\.go:\d+ \(called at badinput_test\.go:\d+\): asset "": `).MatchString(err.Error()) {
		t.Errorf("%v", err)
	}
	var mistake *rivers.DefinitionError
	if !errors.As(err, &mistake) || mistake.Kind != "asset" || mistake.Position == "" {
		t.Errorf("%+v", mistake)
	}
}
