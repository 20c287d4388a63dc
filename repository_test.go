package rivers_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// countingStore counts the commits, and refuses them while broken is set.
type countingStore struct {
	storage.Storage

	commits int
	broken  error
}

func (c *countingStore) Commit(ctx context.Context, b *storage.Batch) error {
	c.commits++
	if c.broken != nil {
		return c.broken
	}
	return c.Storage.Commit(ctx, b)
}

func TestTopologyIsWrittenWhenItChanges(t *testing.T) {
	store := &countingStore{Storage: memory.New()}
	resolve := func(want int, all ...rivers.Asset) {
		t.Helper()
		repo := rivers.NewCodeRepository(assets(all...))
		defer closeRepository(t, repo)
		if err := repo.Resolve(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		if store.commits != want {
			t.Errorf("%d commits, want %d", store.commits, want)
		}
	}
	a, b := number("a", 1), number("b", 2)
	resolve(1, a)
	resolve(1, a)
	resolve(2, a, b)
	resolve(2, a, b)
	resolve(3, a)
	keys, err := store.AssetKeys(t.Context(), []string{"a", "b"})
	if err != nil || keys[0] == 0 || keys[1] == 0 {
		t.Errorf("keys %v, %v: an asset keeps its key when its definition is gone", keys, err)
	}
}

func TestTopologyDescribesTheRepository(t *testing.T) {
	c := assets(
		rivers.NewExternalAsset(rivers.ExternalAssetSpec{Name: "file"}),
		rivers.NewAsset(rivers.AssetSpec{
			Name: "users", Group: "marts", Kinds: []string{"table"}, Tags: map[string]string{"team": "core"}, Owners: []string{"ann"},
			Description: "who", Metadata: metadata.Map{"rows": 3}, CodeVersion: "v2", Deps: []rivers.Dep{{On: "file", OrderOnly: true}},
		}, func(_ *rivers.AssetContext, in struct {
			Cfg limits `rivers:",config"`
		},
		) (int, error) {
			return in.Cfg.Rows, nil
		}),
		multiOf[struct{ X, Y int }]("m"))
	c.Jobs = []rivers.Job{{Name: "j", Select: "users", Description: "nightly"}}
	repo := rivers.NewCodeRepository(c)
	defer closeRepository(t, repo)
	store := memory.New()
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	record, err := store.GetTopology(t.Context(), "repo")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := record.Document()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]storage.TopologyNode{}
	for _, n := range doc.Nodes {
		byName[n.Name] = n
	}
	if got := slices.Sorted(maps.Keys(byName)); !slices.Equal(got, []string{"file", "users", "x", "y"}) {
		t.Errorf("nodes %q", got)
	}
	users := byName["users"]
	if users.Kind != "asset" || users.Group != "marts" || users.Tags["team"] != "core" || users.Owners[0] != "ann" || users.Description != "who" ||
		users.CodeVersion != "v2" || users.Type != "int" || !slices.Equal(users.Upstream, []string{"file"}) {
		t.Errorf("users: %+v", users)
	}
	if rows, _ := users.Metadata.Int("rows"); rows != 3 {
		t.Errorf("metadata %v", users.Metadata)
	}
	if !strings.Contains(string(users.Config), `"rows"`) || !strings.Contains(string(users.Config), `"minimum":1`) {
		t.Errorf("config %s", users.Config)
	}
	if !strings.HasPrefix(users.Source, "github.com/rivers-go/rivers_test/repository_test.go:") {
		t.Errorf("source %q", users.Source)
	}
	if byName["x"].Definition != "m" || byName["file"].Kind != "external_asset" {
		t.Errorf("x: %+v, file: %+v", byName["x"], byName["file"])
	}
	if len(doc.Jobs) != 1 || doc.Jobs[0].Description != "nightly" || !slices.Equal(doc.Jobs[0].Steps, []string{"users"}) {
		t.Errorf("jobs %+v", doc.Jobs)
	}
}

// What is recorded is encoded node by node, and says what Topology says.
func TestTopologyIsTheRecordedOne(t *testing.T) {
	for name, c := range map[string]rivers.RepositoryConfig{
		"empty": assets(),
		"one":   assets(number("a", 1)),
		"more":  assets(number("b", 1), number("a", 2), multiOf[struct{ X, Y int }]("m")),
	} {
		t.Run(name, func(t *testing.T) {
			repo := rivers.NewCodeRepository(c)
			defer closeRepository(t, repo)
			store := memory.New()
			if err := repo.Resolve(t.Context(), store); err != nil {
				t.Fatal(err)
			}
			record, err := store.GetTopology(t.Context(), "repo")
			if err != nil {
				t.Fatal(err)
			}
			recorded, err := record.Document()
			if err != nil {
				t.Fatalf("%v in %s", err, record.Doc)
			}
			said, err := repo.Topology()
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(recorded, said) {
				t.Errorf("recorded %+v, said %+v", recorded, said)
			}
		})
	}
}

func TestResolveOpensTheDefaultStore(t *testing.T) {
	t.Chdir(t.TempDir())
	repo := rivers.NewCodeRepository(assets(number("a", 1)))
	if repo.Storage() != nil {
		t.Error("there is a store before Resolve")
	}
	if err := repo.Resolve(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	reader := repo.Storage()
	if _, err := os.Stat(filepath.Join(".rivers", "storage", "rivers.db")); err != nil {
		t.Error(err)
	}
	closeRepository(t, repo)
	if _, err := reader.GetTopology(t.Context(), "repo"); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("the store that Resolve opened is open after Close: %v", err)
	}
	if err := repo.Resolve(t.Context(), nil); !errors.Is(err, rivers.ErrClosed) {
		t.Errorf("Resolve after Close: %v", err)
	}
}

func TestResolveLeavesNothingBehindWhenTheStoreFails(t *testing.T) {
	var notes []string
	store := &countingStore{Storage: memory.New(), broken: errors.New("disk full")}
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "repo", Resources: rivers.Resources{"a": &orderly{name: "a", notes: &notes}}})
	if err := repo.Resolve(t.Context(), store); err == nil || err.Error() != `repository "repo": recording its topology: disk full` {
		t.Errorf("%v", err)
	}
	if got := strings.Join(notes, ", "); got != "setup a, teardown a" || repo.Storage() != nil {
		t.Errorf("%s", got)
	}
	store.broken = nil
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Errorf("asked again: %v", err)
	}
	closeRepository(t, repo)
	if got := strings.Join(notes, ", "); got != "setup a, teardown a, setup a, teardown a" {
		t.Errorf("%s", got)
	}
}

// setupFunc is a resource that is set up by a function.
type setupFunc func() error

func (f setupFunc) Setup(context.Context) error { return f() }

func TestSetupMayPanicAndUseTheRepository(t *testing.T) {
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "repo", Resources: rivers.Resources{
		"db": setupFunc(func() error { panic("no driver") }),
	}})
	if err := repo.Resolve(t.Context(), memory.New()); err == nil || err.Error() != `resource "db": setting it up: panic at repository_test.go:204: no driver` {
		t.Errorf("%v", err)
	}
	var closed bool
	var other *rivers.CodeRepository
	other = rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "repo", Resources: rivers.Resources{
		"server": setupFunc(func() error {
			other.OnClose(func(context.Context) error { closed = true; return nil })
			return nil
		}),
		"nothing": nil,
	}})
	if err := other.Resolve(t.Context(), memory.New()); err != nil {
		t.Fatal(err)
	}
	closeRepository(t, other)
	if !closed {
		t.Error("OnClose was not called")
	}
}

func TestShutdownTriesEverything(t *testing.T) {
	var notes []string
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "repo", Resources: rivers.Resources{"a": &orderly{name: "a", notes: &notes}}})
	if err := repo.Resolve(t.Context(), memory.New()); err != nil {
		t.Fatal(err)
	}
	repo.OnClose(func(context.Context) error { notes = append(notes, "first"); return errors.New("first failed") })
	repo.OnClose(func(context.Context) error { panic("second") })
	repo.OnClose(func(context.Context) error { notes = append(notes, "third"); return nil })
	if err := repo.Shutdown(t.Context()); err == nil || err.Error() != "panic at repository_test.go:234: second\nfirst failed" {
		t.Errorf("%v", err)
	}
	if got := strings.Join(notes, ", "); got != "setup a, third, first, teardown a" {
		t.Errorf("%s", got)
	}
}

func TestResolveAndShutdownAtOnce(t *testing.T) {
	for range 20 {
		var mu sync.Mutex
		up := 0
		change := func(by int) func(context.Context) error {
			return func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				up += by
				return nil
			}
		}
		repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "repo", Resources: rivers.Resources{"r": upDown{change(1), change(-1)}}})
		store := memory.New()
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				if i == 3 {
					closeRepository(t, repo)
					return
				}
				if err := repo.Resolve(t.Context(), store); err != nil && !errors.Is(err, rivers.ErrClosed) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if up != 0 {
			t.Fatalf("%d resources are still up", up)
		}
	}
}

type upDown struct{ setup, teardown func(context.Context) error }

func (u upDown) Setup(ctx context.Context) error    { return u.setup(ctx) }
func (u upDown) Teardown(ctx context.Context) error { return u.teardown(ctx) }

func TestShadowedResourceIsWarnedAboutOnce(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	c := assets(number("a", 1), in[struct{ A int }]("b"))
	c.Resources = rivers.Resources{"a": 7, "other": 8}
	repo, store := rivers.NewCodeRepository(c), memory.New()
	defer closeRepository(t, repo)
	for range 2 {
		if err := repo.Resolve(t.Context(), store); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "resource=a ") {
		t.Errorf("%d warnings: %s", n, log.String())
	}
}

func TestIOHandlerForOutput(t *testing.T) {
	own, standard := iohandler.Memory(), iohandler.Memory()
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Assets:           []rivers.Asset{stored("own", own), stored("named", iohandler.Named("lake")), number("plain", 1)},
		Resources:        rivers.Resources{"lake": own},
		DefaultIOHandler: standard,
	})
	for name, want := range map[string]iohandler.Handler{"own": own, "named": own, "plain": standard} {
		if got, err := repo.IOHandlerForOutput(name); err != nil || got != want {
			t.Errorf("%s: %p, want %p, %v", name, got, want, err)
		}
	}
}

// panicking is a handler that panics when it loads.
type panicking struct{ iohandler.Handler }

func (panicking) LoadInput(context.Context, *iohandler.InputContext) (any, error) { panic("no reader") }

func TestLoadNode(t *testing.T) {
	double := rivers.NewTask(rivers.TaskSpec{Name: "double"},
		func(_ *rivers.TaskContext, in struct{ N int }) (int, error) { return 2 * in.N, nil })
	list := rivers.NewTask(rivers.TaskSpec{Name: "list"},
		func(*rivers.TaskContext, rivers.NoInput) ([]int, error) { return []int{1, 2, 3}, nil })
	sum := rivers.NewTask(rivers.TaskSpec{Name: "sum"},
		func(_ *rivers.TaskContext, in struct{ All []int }) (int, error) { return len(in.All), nil })
	c := graphOf(func(g *rivers.Graph) rivers.Ref[int] {
		each := rivers.Map(g, rivers.Call(g, list, nil), double, rivers.MapOptions{})
		return rivers.Call(g, sum, rivers.Args{"all": each.Collect()})
	})
	kept := &keeping{values: map[string]any{}}
	c.DefaultIOHandler = kept
	c.Assets = append(c.Assets, stored("panics", panicking{kept}))
	repo := resolved(t, c)
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"g"}}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"g": 3, "g/sum": 3, "g/double[2]": 6} {
		var got int
		if err := repo.LoadNode(t.Context(), name, &got, rivers.LoadOptions{}); err != nil || got != want {
			t.Errorf("%s = %d, %v, want %d", name, got, err, want)
		}
	}
	for name, want := range map[string]string{
		"g/double":  `loading "g/double": it has a value for each element: name one, such as "g/double[0]"`,
		"g/sum[0]":  `"g/sum[0]": no asset or task of that name (did you mean "g/sum"?)`,
		"g/dubble":  `"g/dubble": no asset or task of that name (did you mean "g/double"?)`,
		"panics":    `loading "panics": panic at repository_test.go:318: no reader`,
		"g/list[0]": `"g/list[0]": no asset or task of that name (did you mean "g/list"?)`,
	} {
		if err := repo.LoadNode(t.Context(), name, new(int), rivers.LoadOptions{}); err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

// keeping keeps every value for ever.
type keeping struct {
	mu     sync.Mutex
	values map[string]any
}

func (k *keeping) HandleOutput(_ context.Context, out *iohandler.OutputContext, value any) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.values[out.Name] = value
	return nil
}

func (k *keeping) LoadInput(_ context.Context, in *iohandler.InputContext) (any, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.values[in.Name], nil
}

func TestObserve(t *testing.T) {
	calls := 0
	external := func(name string, observe func(*rivers.AssetContext) (rivers.Observation, error)) rivers.Asset {
		return rivers.NewExternalAsset(rivers.ExternalAssetSpec{Name: name, Observe: observe})
	}
	repo := resolved(t, assets(
		external("good", func(ctx *rivers.AssetContext) (rivers.Observation, error) {
			calls++
			ctx.AddMetadata("looked", true)
			return rivers.Observation{DataVersion: "etag-1", Metadata: metadata.Map{"rows": 12}}, nil
		}),
		external("bad", func(*rivers.AssetContext) (rivers.Observation, error) {
			return rivers.Observation{}, errors.New("gone")
		}),
		external("worse", func(*rivers.AssetContext) (rivers.Observation, error) { panic("off") }),
		external("silent", nil), number("made", 1)))
	seen, err := repo.Observe(t.Context())
	if err == nil || err.Error() != "asset \"bad\": observing it: gone\nasset \"worse\": observing it: panic at repository_test.go:390: off" {
		t.Errorf("%v", err)
	}
	if rows, _ := seen["good"].Int("rows"); len(seen) != 1 || rows != 12 {
		t.Errorf("seen %v", seen)
	}
	record, err := repo.Storage().GetAsset(t.Context(), "good")
	if err != nil || record.Observation == nil || record.Materialization != nil {
		t.Fatalf("%+v, %v", record, err)
	}
	if o := record.Observation; o.DataVersion != "etag-1" || o.RunID != "" || o.At.IsZero() {
		t.Errorf("%+v", o)
	}
	if looked, _ := record.Observation.Metadata.Bool("looked"); !looked {
		t.Errorf("metadata %v", record.Observation.Metadata)
	}
	if _, err := repo.Observe(t.Context(), "good", "good"); err != nil || calls != 2 {
		t.Errorf("%d calls, %v", calls, err)
	}
	if _, err := repo.Observe(t.Context(), "good", "made"); !errors.Is(err, rivers.ErrNotObservable) || calls != 2 {
		t.Errorf("%d calls, %v: nothing is looked at before all was checked", calls, err)
	}
}

func TestRepositoryName(t *testing.T) {
	if name := rivers.NewCodeRepository(rivers.RepositoryConfig{}).Name(); name != "github.com/rivers-go/rivers" {
		t.Errorf("%q, want the main module", name)
	}
}

// TestResolveMigratesTheDefaultStore has one that an older rivers has made.
func TestResolveMigratesTheDefaultStore(t *testing.T) {
	old, err := os.ReadFile("storage/sqlite/testdata/formats/v4.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	file := filepath.Join(".rivers", "storage", "rivers.db")
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, old, 0o600)); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	config := assets(number("a", 1))
	config.Logger = slog.New(slog.NewTextHandler(&said, nil))
	repo := rivers.NewCodeRepository(config)
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Storage().GetRun(t.Context(), "first"); err != nil {
		t.Errorf("a run of the older program: %v", err)
	}
	closeRepository(t, repo)
	if n := strings.Count(said.String(), "the store is migrated"); n != 1 {
		t.Errorf("the log says it %d times, want once:\n%s", n, said.String())
	}
}
