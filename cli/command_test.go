package cli_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

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
