package cli_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// The programs that the scripts run are this test binary under other names.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"shop":     func() { cli.Main(shop()) },
		"broken":   func() { cli.Main(broken()) },
		"depot":    func() { cli.Main(depot()) },
		"calendar": func() { cli.Main(calendar()) },
		"guard":    func() { cli.Main(guard()) },
		"gauge":    func() { cli.Main(gauge()) },
		"greeter":  func() { cli.Main(greeter()) },
		"memo":     func() { cli.Main(memo()) },
		"hostile":  func() { cli.Main(hostile()) },
		"vintage":  func() { cli.Main(vintage()) },
		"rivers":   func() { cli.StoreMain() },
		"waitfor":  waitFor,
		"fill":     fill,
	})
}

// waitFor waits until there is a file, or until a store's runs are as named.
func waitFor() {
	holds := map[string]func() bool{
		"file":    func() bool { _, err := os.Stat(os.Args[2]); return err == nil },
		"run":     storeHas(hasRun),
		"waiting": storeHas(func(s storage.Reader) (bool, error) { n, err := waiting(s); return n > 0, err }),
		"pruned":  storeHas(hasLost),
		"empty":   storeHas(func(s storage.Reader) (bool, error) { n, err := waiting(s); return n == 0, err }),
	}[os.Args[1]]
	for !holds() { //nolint:revive // each look opens the store, which takes its time
	}
}

// storeHas asks the store of the script's directory, which another process may be creating.
func storeHas(ask func(storage.Reader) (bool, error)) func() bool {
	return func() bool {
		store, err := sqlite.Open(context.Background(), ".rivers/storage")
		if err != nil {
			return false
		}
		found, err := ask(store)
		if err := errors.Join(err, store.Close()); err != nil {
			panic(err)
		}
		return found
	}
}

// hasRun tells whether a run is in progress.
func hasRun(s storage.Reader) (bool, error) {
	runs, err := s.ListRuns(context.Background(), storage.RunQuery{States: []storage.RunState{storage.Running}})
	return len(runs) > 0, err
}

// hasLost tells whether a run has lost something to pruning.
func hasLost(s storage.Reader) (bool, error) {
	runs, err := s.ListRuns(context.Background(), storage.RunQuery{})
	return slices.ContainsFunc(runs, func(r storage.RunRecord) bool { return r.Lost != 0 }), err
}

// fill writes a history of runs that ended long ago: 100 of them, with so many events each, and one that ended just now.
func fill() {
	each, err := strconv.Atoi(os.Args[1])
	must(err)
	store, err := sqlite.Open(context.Background(), ".rivers/storage")
	must(err)
	at := time.Unix(1_000_000_000, 0)
	for i := range 101 {
		if i == 100 {
			at = time.Now()
		}
		b := storage.Batch{Runs: []storage.RunRecord{{ID: fmt.Sprint("filled", i), Token: 1, CreatedAt: at}}}
		must(store.Commit(context.Background(), &b))
		of := storage.Batch{Fence: storage.Fence{Run: b.Runs[0].Key, Token: 1}}
		for n := range each {
			e := storage.Event{Run: of.Fence.Run, N: int64(n) + 1, Fact: storage.Fact{At: storage.MicrosOf(at), Kind: storage.StepStarted, Step: int32(n), Attempt: 1}}
			if n == each-1 {
				e.Kind, e.Step, e.Attempt, e.Status = storage.RunEnded, storage.NoStep, 0, uint8(storage.Success)
			}
			of.Events = append(of.Events, e)
		}
		of.RunUpdates = []storage.RunUpdate{{Run: of.Fence.Run, State: storage.Success, At: at}}
		must(store.Commit(context.Background(), &of))
	}
	must(store.Close())
}

// must ends a program of the scripts.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// waiting counts the steps that wait for slots.
func waiting(s storage.Reader) (n int, err error) {
	pools, err := s.ListPools(context.Background())
	for _, p := range pools {
		n += p.Waiting
	}
	return n, err
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", "atexit_sleep_ms=0") // with -race each of many short processes would wait a second
			formats, err := filepath.Abs("../storage/sqlite/testdata/formats")
			env.Setenv("FORMATS", formats)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits runs a program that must end with an exit code: exits CODE PROGRAM ARG...
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

type limits struct {
	Rows int `json:"rows" default:"3" validate:"gte=1"`
}

// shop has one asset of each temper: quick, failing, flaky, slow.
func shop() *rivers.CodeRepository {
	feed := rivers.NewExternalAsset(rivers.ExternalAssetSpec{
		Name: "feed", Observe: func(*rivers.AssetContext) (rivers.Observation, error) {
			return rivers.Observation{DataVersion: "v7", Metadata: metadata.Map{"rows": 12}}, nil
		},
	})
	orders := rivers.NewAsset(
		rivers.AssetSpec{
			Name: "orders", Group: "source", Kinds: []string{"table"}, Tags: map[string]string{"tier": "gold"}, Description: "what was bought",
			Deps: []rivers.Dep{{On: "feed", OrderOnly: true}},
		},
		func(ctx *rivers.AssetContext, in struct {
			Cfg limits `rivers:",config"`
		},
		) ([]int, error) {
			ctx.Log().Info("reading", "rows", in.Cfg.Rows)
			ctx.AddMetadata("rows", in.Cfg.Rows)
			return make([]int, in.Cfg.Rows), nil
		})
	total := rivers.NewAsset(rivers.AssetSpec{Name: "total", Group: "marts", Owners: []string{"ann"}},
		func(_ *rivers.AssetContext, in struct{ Orders []int }) (int, error) { return len(in.Orders), nil })
	report := rivers.NewAsset(rivers.AssetSpec{Name: "report", Group: "marts"},
		func(_ *rivers.AssetContext, in struct{ Total int }) (string, error) { return fmt.Sprint(in.Total), nil })
	bad := rivers.NewAsset(rivers.AssetSpec{Name: "bad", Group: "trouble"},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			ctx.Log().Warn("this will not end well")
			return 0, errors.New("the warehouse is closed")
		})
	after := rivers.NewAsset(rivers.AssetSpec{Name: "after_bad", Group: "trouble"},
		func(_ *rivers.AssetContext, in struct{ Bad int }) (int, error) { return in.Bad, nil })
	flaky := rivers.NewAsset(rivers.AssetSpec{Name: "flaky", Group: "trouble", Retry: retry.Policy{Max: 2, Backoff: retry.Constant(time.Millisecond)}},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			if ctx.Attempt() < 3 {
				return 0, fmt.Errorf("attempt %d of 3", ctx.Attempt())
			}
			return 1, nil
		})
	slow := rivers.NewAsset(rivers.AssetSpec{Name: "slow", Group: "trouble"},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			<-ctx.Done()
			return 0, context.Cause(ctx)
		})
	interrupting := rivers.NewAsset(rivers.AssetSpec{Name: "interrupting", Group: "trouble"},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
				return 0, err
			}
			<-ctx.Done()
			return 0, context.Cause(ctx)
		})
	stubborn := rivers.NewAsset(rivers.AssetSpec{Name: "stubborn", Group: "trouble"},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
				return 0, err
			}
			<-ctx.Done()
			if err := os.WriteFile("canceled", nil, 0o600); err != nil {
				return 0, err
			}
			select {}
		})
	split := rivers.NewMultiAsset(rivers.MultiAssetSpec{Name: "split", Group: "trouble"},
		func(*rivers.AssetContext, rivers.NoInput) (out struct{ Even, Odd int }, err error) { return out, nil })
	return rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name:   "shop",
		Assets: []rivers.Asset{feed, orders, total, report, bad, after, flaky, slow, interrupting, stubborn, split},
		Jobs:   []rivers.Job{{Name: "daily", Select: "+report and not feed", Description: "every morning"}},
	})
}

// broken has mistakes.
func broken() *rivers.CodeRepository {
	users := rivers.NewAsset(rivers.AssetSpec{Name: "users"},
		func(*rivers.AssetContext, rivers.NoInput) ([]string, error) { return nil, nil })
	active := rivers.NewAsset(rivers.AssetSpec{Name: "active users"},
		func(_ *rivers.AssetContext, in struct {
			Usres []string
			Users int
		},
		) (int, error) {
			return in.Users + len(in.Usres), nil
		})
	return rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "broken", Assets: []rivers.Asset{users, active}})
}
