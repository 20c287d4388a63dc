package rivers_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/partition"
)

// TestPruneValues has an asset, its partitions and the tasks of a graph asset, each made three times: what is recorded
// stays, and loads; of what was replaced nothing is left.
func TestPruneValues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	round := 0
	one := rivers.NewAsset(rivers.AssetSpec{Name: "one"}, func(*rivers.AssetContext, none) (string, error) { return fmt.Sprint("one ", round), nil })
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: tenDays}, func(c *rivers.AssetContext, _ none) (string, error) {
		return fmt.Sprint("day ", c.Partition().Key(), " ", round), nil
	})
	part := rivers.NewTask(rivers.TaskSpec{Name: "part"}, func(*rivers.TaskContext, none) (string, error) { return fmt.Sprint("part ", round), nil })
	whole := rivers.NewTask(rivers.TaskSpec{Name: "whole"}, func(_ *rivers.TaskContext, in struct{ Part string }) (string, error) {
		return "whole of " + in.Part, nil
	})
	both := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "both"}, func(g *rivers.Graph) rivers.Ref[string] {
		return rivers.Call(g, whole, rivers.Args{"part": rivers.Call(g, part, nil)})
	})
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "pruned", Assets: []rivers.Asset{one, days, both}, DefaultIOHandler: blob.New("file://"+dir, blob.Options{Codec: blob.JSON()}),
	})
	if err := repo.Resolve(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, repo) })
	// Writes of one instant of the disk's clock are all the newest, so each round is given an instant of its own.
	writtenBefore := func(ago time.Duration) {
		t.Helper()
		at := time.Now().Add(-ago)
		err := filepath.WalkDir(filepath.Join(dir, ".writes"), func(path string, e os.DirEntry, err error) error {
			if info, statErr := os.Stat(path); err == nil && statErr == nil && !e.IsDir() && time.Since(info.ModTime()) < time.Minute {
				return os.Chtimes(path, at, at)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for round = 1; round <= 3; round++ {
		if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Unpartitioned: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"days"}, Range: partition.Range("2026-01-01", "2026-01-03")}); err != nil {
			t.Fatal(err)
		}
		writtenBefore(time.Duration(4-round) * time.Hour)
	}
	values := func() (n int) {
		t.Helper()
		err := filepath.WalkDir(filepath.Join(dir, ".writes"), func(path string, _ os.DirEntry, err error) error {
			if strings.HasSuffix(path, ".json") {
				n++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const kept = 1 + 3 + 3 // one, the days, the asset and its two tasks
	if got := values(); got != 3*kept {
		t.Fatalf("%d values, want %d", got, 3*kept)
	}
	if did, err := repo.PruneValues(t.Context(), rivers.PruneValuesRequest{}); err != nil || did.Count != 0 {
		t.Errorf("%+v, %v: want nothing that is younger than a day", did, err)
	}
	for _, dry := range []bool{true, false} {
		did, err := repo.PruneValues(t.Context(), rivers.PruneValuesRequest{OlderThan: time.Nanosecond, DryRun: dry})
		if err != nil || did.Count != 2*kept || did.Bytes == 0 || len(did.Values) != 2*kept {
			t.Errorf("dry %v: %+v, %v, want %d values", dry, did, err, 2*kept)
		}
	}
	if got := values(); got != kept {
		t.Errorf("%d values are left, want %d", got, kept)
	}
	if got := valueOf[string](t, repo, "one"); got != "one 3" {
		t.Errorf("one is %q", got)
	}
	if got := valueOf[string](t, repo, "both"); got != "whole of part 3" {
		t.Errorf("both is %q", got)
	}
	if got := valueOf[string](t, repo, "both/part"); got != "part 3" {
		t.Errorf("the task's value is %q", got)
	}
	for _, day := range []string{"2026-01-01", "2026-01-02", "2026-01-03"} {
		var got string
		err := repo.LoadNode(t.Context(), "days", &got, rivers.LoadOptions{Partition: partition.SingleKey(day)})
		if err != nil || got != "day "+day+" 3" {
			t.Errorf("%s is %q, %v", day, got, err)
		}
	}
	if did, err := repo.PruneValues(t.Context(), rivers.PruneValuesRequest{OlderThan: time.Nanosecond}); err != nil || did.Count != 0 {
		t.Errorf("%+v, %v: want nothing more", did, err)
	}
}
