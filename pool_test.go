package rivers_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// pooledRepo has eight assets that take a minute each and hold slots of a pool.
func pooledRepo(name string, limits map[string]int, busy func(int)) *rivers.CodeRepository {
	var assets []rivers.Asset
	for _, n := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		assets = append(assets, rivers.NewAsset(rivers.AssetSpec{Name: name + "_" + n, Pools: []rivers.Pool{{Name: "api"}}},
			func(*rivers.AssetContext, rivers.NoInput) (int, error) {
				busy(1)
				time.Sleep(time.Minute)
				busy(-1)
				return 0, nil
			}))
	}
	return rivers.NewCodeRepository(rivers.RepositoryConfig{Name: name, Assets: assets, PoolLimits: limits})
}

func TestPoolsBoundAllRepositoriesOfAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		var mu sync.Mutex
		var now, most int
		busy := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			now += n
			most = max(most, now)
		}
		var repos []*rivers.CodeRepository
		for _, name := range []string{"one", "two"} {
			repo := pooledRepo(name, map[string]int{"api": 2}, busy)
			if err := repo.Resolve(t.Context(), store); err != nil {
				t.Fatal(err)
			}
			repos = append(repos, repo)
		}
		began := time.Now()
		run := func() {
			var wg sync.WaitGroup
			for _, repo := range repos {
				wg.Go(func() {
					if _, err := repo.Materialize(t.Context(), rivers.RunRequest{}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		run()
		if took := time.Since(began); most != 2 || took != 8*time.Minute {
			t.Errorf("16 steps of a minute took %s, %d at once, want 8m, 2 at once", took, most)
		}

		// What a person sets in the store wins over what the definitions declare, also the next time.
		if err := store.Commit(t.Context(), &storage.Batch{Pools: []storage.PoolUpdate{{Name: "api", Slots: 4}}}); err != nil {
			t.Fatal(err)
		}
		repos = append(repos, pooledRepo("three", map[string]int{"api": 1}, busy))
		if err := repos[2].Resolve(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		most = 0
		run()
		if most != 4 {
			t.Errorf("%d at once, want 4", most)
		}
		pools, err := store.ListPools(t.Context())
		if err != nil || len(pools) != 1 || pools[0] != (storage.PoolRecord{Name: "api", Limit: 4, Declared: 1, Set: 4}) {
			t.Errorf("pools: %+v, %v", pools, err)
		}
		for _, repo := range repos {
			if err := repo.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestPoolsOfEveryKind(t *testing.T) {
	pools := []rivers.Pool{{Name: "db", Slots: 2}, {Name: "api"}}
	task := rivers.NewTask(rivers.TaskSpec{Name: "task", Pools: []rivers.Pool{{Name: "api"}}},
		func(*rivers.TaskContext, rivers.NoInput) (int, error) { return 0, nil })
	inner := rivers.NewTask(rivers.TaskSpec{Name: "inner"}, func(*rivers.TaskContext, struct{ X int }) (int, error) { return 0, nil })
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "shop", PoolLimits: map[string]int{"db": 2, "api": 1},
		Assets: []rivers.Asset{
			rivers.NewMultiAsset(rivers.MultiAssetSpec{Name: "multi", Pools: pools},
				func(*rivers.AssetContext, rivers.NoInput) (out struct{ M, N int }, err error) { return out, nil }),
			rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "graph", Pools: pools}, func(g *rivers.Graph) rivers.Ref[int] {
				return rivers.Call(g, inner, rivers.Args{"x": rivers.Call(g, task, nil)})
			}),
		},
		Tasks: []rivers.Node{rivers.NewBashTask(rivers.BashTaskSpec{Name: "bash", Command: "true", Pools: pools})},
	})
	defer repo.Close()
	doc, err := repo.Topology()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range doc.Nodes {
		if len(n.Pools) != 2 || n.Pools[0] != (storage.PoolSlots{Pool: "api", Slots: 1}) || n.Pools[1] != (storage.PoolSlots{Pool: "db", Slots: 2}) {
			t.Errorf("%s holds %v", n.Name, n.Pools)
		}
	}
	if err := repo.Resolve(t.Context(), memory.New()); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"*"}}); err != nil {
		t.Fatal(err)
	}
}

func TestPoolTimeoutIsChecked(t *testing.T) {
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "shop", PoolTimeout: -time.Second})
	want := `repository "shop": PoolTimeout: it is -1s: give a positive duration, or none to wait as long as it takes`
	if err := repo.Validate(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func TestClaimTimeoutIsRead(t *testing.T) {
	for text, want := range map[string]string{
		"soon": `environment variable RIVERS_CLAIM_TIMEOUT is "soon": want a positive duration such as "10m"`,
		"-1s":  `environment variable RIVERS_CLAIM_TIMEOUT is "-1s": want a positive duration such as "10m"`,
	} {
		t.Setenv("RIVERS_CLAIM_TIMEOUT", text)
		repo := pooledRepo("shop", map[string]int{"api": 1}, func(int) {})
		if err := repo.Resolve(t.Context(), memory.New()); err == nil || err.Error() != want {
			t.Errorf("%q: %v\nwant %s", text, err, want)
		}
		_ = repo.Close() // nothing was opened
	}
}
