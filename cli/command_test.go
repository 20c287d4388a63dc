package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// A program may resolve its repository by itself, and have its commands beside ours.
func TestCommandOfAProgramWithItsOwnStore(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("RIVERS_STORAGE", "")
	repo, store := shop(), memory.New()
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	defer func() { os.Stdout = stdout }()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	os.Stdout = null
	for _, args := range []string{"materialize orders total", "runs list", "runs show latest", "assets show total"} {
		c := cli.Command(repo)
		c.SetArgs(strings.Fields(args))
		var shown bytes.Buffer
		c.SetErr(&shown)
		if err := c.ExecuteContext(t.Context()); err != nil {
			t.Errorf("%s: %v", args, err)
		}
	}
	runs, err := store.ListRuns(t.Context(), storage.RunQuery{})
	if err != nil || len(runs) != 1 || runs[0].State != storage.Success {
		t.Errorf("the program's store has %v, %v", runs, err)
	}
	if _, err := os.Stat(".rivers"); err == nil {
		t.Error("a second store was made")
	}
	if err := repo.Close(); err != nil {
		t.Error(err)
	}
}

// The history of an asset names the runs that made it, however many others there were since.
func TestHistoryBehindManyRuns(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("RIVERS_STORAGE", "")
	repo, store := shop(), memory.New()
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	var made []string
	for range 2 {
		res, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"orders"}})
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, res.RunID)
		var b storage.Batch
		for i := range 1100 {
			b.Runs = append(b.Runs, storage.RunRecord{ID: fmt.Sprintf("%s, then %d", res.RunID, i), State: storage.Success})
		}
		if err := store.Commit(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range []string{"assets show orders", "assets show orders --json"} {
		shown := strings.ToLower(output(t, repo, args))
		_, history, _ := strings.Cut(shown, "history")
		for _, id := range made {
			if !strings.Contains(history, id) {
				t.Errorf("%s: the run %s is not in the history:\n%s", args, id, shown)
			}
		}
	}
	if err := repo.Close(); err != nil {
		t.Error(err)
	}
}

// output is what a command prints.
func output(t *testing.T, repo *rivers.CodeRepository, args string) string {
	t.Helper()
	file, err := os.Create("output")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stdout := os.Stdout
	defer func() { os.Stdout = stdout }()
	os.Stdout = file
	c := cli.Command(repo)
	c.SetArgs(strings.Fields(args))
	if err := c.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%s: %v", args, err)
	}
	data, err := os.ReadFile("output")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
