package rivers_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
	"github.com/rivers-go/rivers/storage/sqlite"
)

type order struct {
	ID    int
	Items map[string][]float64
	Next  *order
}

// defaultsRepository has no IO handler anywhere.
func defaultsRepository(e executor.Executor) *rivers.CodeRepository {
	orders := rivers.NewAsset(rivers.AssetSpec{Name: "orders"}, func(*rivers.AssetContext, rivers.NoInput) ([]order, error) {
		return []order{{ID: 1, Items: map[string][]float64{"a": {1.5}}, Next: &order{ID: 2}}}, nil
	})
	count := rivers.NewAsset(rivers.AssetSpec{Name: "count"}, func(_ *rivers.AssetContext, in struct{ Orders any }) (int, error) {
		all := in.Orders.([]order) // the type that was stored, whatever the field is
		return len(all) + all[0].Next.ID, nil
	})
	return rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "defaults", Assets: []rivers.Asset{orders, count}, DefaultExecutor: e,
	})
}

func onFile(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func resolvedOn(t *testing.T, repo *rivers.CodeRepository, store storage.Storage) *rivers.CodeRepository {
	t.Helper()
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	return repo
}

// What one process has made, the next one reads, where nothing was said of an IO handler.
func TestDefaultHandlerKeepsValuesBesideTheStore(t *testing.T) {
	t.Parallel()
	for path, values := range map[string]string{
		".rivers/storage": ".rivers/values", "data": "data/values", "one.db": "one.values", "odd #1 50%?": "",
	} {
		for _, e := range []executor.Executor{executor.Parallel(2), executor.Subprocess(2)} {
			t.Run(path+" "+e.Kind().String(), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				if values == "" { // a path may hold anything but the parameters of the store
					dir, path, values = filepath.Join(dir, "odd #1 50%"), "data", "data/values"
				}
				store := onFile(t, filepath.Join(dir, path))
				first := resolvedOn(t, defaultsRepository(e), store)
				if _, err := first.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"orders"}}); err != nil {
					t.Fatal(err)
				}
				closeRepository(t, first)
				second := resolvedOn(t, defaultsRepository(e), store)
				defer closeRepository(t, second)
				for range 2 {
					if _, err := second.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"count"}}); err != nil {
						t.Fatal(err)
					}
				}
				if got := valueOf[int](t, second, "count"); got != 3 {
					t.Errorf("count is %d", got)
				}
				var anything any
				if err := second.LoadNode(t.Context(), "orders", &anything, rivers.LoadOptions{}); err != nil || anything.([]order)[0].ID != 1 {
					t.Errorf("%v, %v", anything, err)
				}
				if _, err := os.Stat(filepath.Join(dir, values, "orders.cbor")); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// A store in memory keeps values in memory: no file is left, also where steps have processes.
func TestDefaultHandlerLeavesNoFilesOfAStoreInMemory(t *testing.T) {
	for _, e := range []executor.Executor{executor.Parallel(2), executor.Subprocess(2)} {
		t.Run(e.Kind().String(), func(t *testing.T) {
			temporary := t.TempDir()
			t.Setenv("TMPDIR", temporary)
			t.Chdir(t.TempDir())
			repo := resolvedOn(t, defaultsRepository(e), memory.New())
			if _, err := repo.Materialize(t.Context(), rivers.RunRequest{}); err != nil {
				t.Fatal(err)
			}
			if got := valueOf[int](t, repo, "count"); got != 3 {
				t.Errorf("count is %d", got)
			}
			closeRepository(t, repo)
			for _, dir := range []string{temporary, "."} {
				if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
					t.Errorf("left in %s: %v, %v", dir, left, err)
				}
			}
		})
	}
}

// A type that no file holds stays in memory. The operator of the program is told once, except where the
// author of the asset asked for memory.
func TestTypeThatNoFileHoldsStaysInMemory(t *testing.T) {
	t.Parallel()
	channel := func(name string, h iohandler.Handler) rivers.Asset {
		return rivers.NewAsset(rivers.AssetSpec{Name: name, IOHandler: h}, func(*rivers.AssetContext, rivers.NoInput) (chan int, error) {
			return make(chan int, 7), nil
		})
	}
	size := rivers.NewAsset(rivers.AssetSpec{Name: "size"}, func(_ *rivers.AssetContext, in struct{ Pipe chan int }) (int, error) {
		return cap(in.Pipe), nil
	})
	var log bytes.Buffer
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Assets: []rivers.Asset{channel("pipe", nil), channel("asked", iohandler.Memory()), size}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	resolvedOn(t, repo, onFile(t, filepath.Join(t.TempDir(), "storage")))
	defer closeRepository(t, repo)
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{}); err != nil {
		t.Fatal(err)
	}
	if got := valueOf[int](t, repo, "size"); got != 7 {
		t.Errorf("size is %d", got)
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "output=pipe") || !strings.Contains(log.String(), "chan int") {
		t.Errorf("%d warnings: %s", n, log.String())
	}
	doc, err := repo.Topology()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range doc.Nodes {
		if inMemory, noted := n.Name != "size", n.Name == "pipe"; n.InMemory != inMemory || (n.Note != "") != noted {
			t.Errorf("%s: in memory %v, note %q", n.Name, n.InMemory, n.Note)
		}
	}
}
