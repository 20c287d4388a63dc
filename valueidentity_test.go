package rivers_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// oneAsset opens a program of an asset of one definition, on the store and the values of a directory. What the
// asset makes has the name of the program in it.
func oneAsset(t *testing.T, dir, program string, def partition.Definition) *rivers.CodeRepository {
	t.Helper()
	asset := rivers.NewAsset(rivers.AssetSpec{Name: "sales", Partitions: def}, func(c *rivers.AssetContext, _ none) (string, error) {
		return program + " " + c.Partition().Key().String(), nil
	})
	reader := rivers.NewAsset(rivers.AssetSpec{Name: "report", Partitions: def}, func(_ *rivers.AssetContext, in struct{ Sales string }) (string, error) {
		return "report on " + in.Sales, nil
	})
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "changing", Assets: []rivers.Asset{asset, reader}, DefaultIOHandler: blob.New("file://"+dir+"/values", blob.Options{Codec: blob.JSON()}),
	})
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "s.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(repo.Close(), store.Close()); err != nil && !errors.Is(err, storage.ErrClosed) {
			t.Error(err)
		}
	})
	return repo
}

// expectOwnValues requires what status shows to be what loads give: the program's own value of each materialized
// partition, and no value for any other.
func expectOwnValues(t *testing.T, repo *rivers.CodeRepository, program string) (materialized int64) {
	t.Helper()
	list, err := repo.Status(t.Context(), rivers.StatusRequest{Selection: []string{"sales"}})
	if err != nil {
		t.Fatal(err)
	}
	status := &list[0]
	for key, err := range status.Space.Keys(status.Space.All()) {
		if err != nil {
			t.Fatal(err)
		}
		set, err := status.Space.Set(key)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		err = repo.LoadNode(t.Context(), "sales", &got, rivers.LoadOptions{Partition: key})
		switch made := status.Materialized.Partitions.Contains(set); {
		case made && (err != nil || got != program+" "+key.String()):
			t.Errorf("%s is materialized, and loads as %q, %v", key, got, err)
		case !made && !errors.Is(err, iohandler.ErrNoValue):
			t.Errorf("%s is missing, and loads as %q, %v", key, got, err)
		}
	}
	return status.Materialized.Count
}

// TestChangedDefinitionFindsOnlyItsOwnValues changes the definition of an asset's partitions to one whose keys look
// alike, and back. No partition ever has the value of another one.
func TestChangedDefinitionFindsOnlyItsOwnValues(t *testing.T) {
	t.Parallel()
	first := partition.Date(2026, 1, 4)
	end := partition.Until(partition.Date(2026, 2, 8))
	minutes, oneDay := partition.Format("%Y-%m-%d-%H-%M"), partition.Until(partition.Date(2026, 1, 5))
	days := partition.Daily(first, end)
	tests := map[string][2]partition.Definition{
		"day to week":              {days, partition.Weekly(first, end)},
		"day to month":             {days, partition.Monthly(partition.Date(2026, 1, 1), end, partition.Format("%Y-%m-%d"))},
		"day to another hour":      {days, partition.Daily(first, end, partition.AtHour(6))},
		"hours to quarters":        {partition.TimeWindow(partition.Every(time.Hour), first, minutes, oneDay), partition.TimeWindow(partition.Every(15*time.Minute), first, minutes, oneDay)},
		"days first, months first": {partition.Daily(first, end, partition.Format("%d.%m.%Y")), partition.Daily(first, end, partition.Format("%m.%d.%Y"))},
	}
	for name, defs := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			old := oneAsset(t, dir, "old", defs[0])
			if _, err := old.Backfill(t.Context(), rivers.BackfillRequest{Selection: []string{"sales"}}); err != nil {
				t.Fatal(err)
			}
			all := expectOwnValues(t, old, "old")
			if all == 0 {
				t.Fatal("nothing was made")
			}
			changed := oneAsset(t, dir, "new", defs[1])
			if n := expectOwnValues(t, changed, "new"); n != 0 {
				t.Errorf("%d partitions are materialized that were never made", n)
			}
			if _, err := changed.Backfill(t.Context(), rivers.BackfillRequest{Selection: []string{"sales"}}); err != nil {
				t.Fatal(err)
			}
			if expectOwnValues(t, changed, "new") == 0 {
				t.Error("nothing was made anew")
			}
			again := oneAsset(t, dir, "old", defs[0])
			if n := expectOwnValues(t, again, "old"); n > all {
				t.Errorf("%d of %d partitions are materialized after the change back", n, all)
			}
			if found, err := sound(t, filepath.Join(dir, "s.db")); err != nil || len(found) > 0 {
				t.Errorf("db check: %q, %v", found, err)
			}
		})
	}
}

func sound(t *testing.T, path string) ([]string, error) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		return nil, err
	}
	found, err := s.Check(t.Context())
	return found, errors.Join(err, s.Close())
}

// TestReaderOfAChangedDefinitionIsRefused has a week read by a report whose week was never made, though a day of its
// text was.
func TestReaderOfAChangedDefinitionIsRefused(t *testing.T) {
	t.Parallel()
	dir, first := t.TempDir(), partition.Date(2026, 1, 4)
	days := oneAsset(t, dir, "old", partition.Daily(first))
	if _, err := days.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"sales"}, Partition: partition.SingleKey("2026-01-11")}); err != nil {
		t.Fatal(err)
	}
	weeks := oneAsset(t, dir, "new", partition.Weekly(first))
	_, err := weeks.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"report"}, Partition: partition.SingleKey("2026-01-11")})
	if !errors.Is(err, iohandler.ErrNoValue) || !strings.Contains(err.Error(), "present definition") {
		t.Errorf("got %v, want no value of the present definition", err)
	}
}

// TestConcurrentRunsKeepValueAndRecordTogether has many runs of one asset at once: whichever is recorded last, the
// value that loads is the one that its record means.
func TestConcurrentRunsKeepValueAndRecordTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	asset := rivers.NewAsset(rivers.AssetSpec{Name: "n"}, func(c *rivers.AssetContext, _ none) (string, error) {
		c.SetDataVersion(c.RunID())
		return c.RunID(), nil
	})
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "many", Assets: []rivers.Asset{asset}, DefaultIOHandler: blob.New("file://"+dir+"/values", blob.Options{}),
	})
	if err := repo.Resolve(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, repo) })
	for round := range 40 {
		var runs sync.WaitGroup
		for range 4 {
			runs.Go(func() {
				if _, err := repo.Materialize(t.Context(), rivers.RunRequest{}); err != nil {
					t.Error(err)
				}
			})
		}
		runs.Wait()
		rec, err := repo.Storage().GetAsset(t.Context(), "n")
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if err := repo.LoadNode(t.Context(), "n", &got, rivers.LoadOptions{}); err != nil || got != rec.Materialization.DataVersion {
			t.Fatalf("round %d: the record is of run %s, the value of %s, %v", round, rec.Materialization.DataVersion, got, err)
		}
	}
}

// TestFailedAttemptLeavesTheRecordedValue has an attempt that writes one output and fails on the next: the values that
// were recorded before stay what they were.
func TestFailedAttemptLeavesTheRecordedValue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	type pair struct{ First, Second string }
	broken := false
	values := &failingSecond{Handler: blob.New("file://"+dir+"/values", blob.Options{}), fails: func() bool { return broken }}
	round := 0
	asset := rivers.NewMultiAsset(rivers.MultiAssetSpec{Name: "pair", IOHandler: values}, func(*rivers.AssetContext, none) (pair, error) {
		round++
		return pair{fmt.Sprint("first ", round), fmt.Sprint("second ", round)}, nil
	})
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "pairs", Assets: []rivers.Asset{asset}})
	if err := repo.Resolve(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, repo) })
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{}); err != nil {
		t.Fatal(err)
	}
	broken = true
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{}); !errors.Is(err, errDisk) {
		t.Fatalf("got %v, want the error of the disk", err)
	}
	if got := valueOf[string](t, repo, "first"); got != "first 1" {
		t.Errorf("first is %q, want what was recorded", got)
	}
}

var errDisk = errors.New("the disk is full")

// failingSecond fails to write the output second while fails says so.
type failingSecond struct {
	*blob.Handler

	fails func() bool
}

func (f *failingSecond) HandleOutput(ctx context.Context, out *iohandler.OutputContext, value any) error {
	if out.Name == "second" && f.fails() {
		return errDisk
	}
	return f.Handler.HandleOutput(ctx, out, value)
}

// TestValuesOfAnOlderVersionAreFound has a store whose records have no writes, as older versions left them: the files
// without one are their values, also after the same asset was written again and that was not recorded.
func TestValuesOfAnOlderVersionAreFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := blob.New("file://"+dir, blob.Options{Codec: blob.JSON()})
	ctx := t.Context()
	put := func(value, write string) {
		t.Helper()
		if err := h.HandleOutput(ctx, &iohandler.OutputContext{Name: "users", Write: write}, value); err != nil {
			t.Fatal(err)
		}
	}
	get := func(write string) string {
		t.Helper()
		v, err := h.LoadInput(ctx, &iohandler.InputContext{Name: "users", Write: write, Type: reflect.TypeFor[string]()})
		if err != nil {
			t.Fatal(err)
		}
		return v.(string)
	}
	put("old", "")
	put("new", "abc")
	put("newer", "bcd")
	if old, mid, last := get(""), get("abc"), get("bcd"); old != "old" || mid != "new" || last != "newer" {
		t.Errorf("%q, %q and %q, want each write as it was", old, mid, last)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "users.json")); err != nil || strings.TrimSpace(string(text)) != `"newer"` {
		t.Errorf("people find %q, %v, want what was written last", text, err)
	}
}

// TestRetryFindsTheValuesInsideAGraph has graph assets whose last task fails at first. The retry loads the value that
// the first task made in the run before.
func TestRetryFindsTheValuesInsideAGraph(t *testing.T) {
	t.Parallel()
	broken := true
	sum := rivers.NewTask(rivers.TaskSpec{Name: "sum"}, func(c *rivers.TaskContext, _ none) (string, error) { return "sum of " + c.RunID(), nil })
	late := rivers.NewTask(rivers.TaskSpec{Name: "late"}, func(_ *rivers.TaskContext, in struct{ Sum string }) (string, error) {
		if broken {
			return "", errDisk
		}
		return "late " + in.Sum, nil
	})
	compose := func(g *rivers.Graph) rivers.Ref[string] {
		return rivers.Call(g, late, rivers.Args{"sum": rivers.Call(g, sum, nil)})
	}
	whole := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "whole"}, compose)
	daily := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "daily", Partitions: tenDays}, compose)
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "inside", Assets: []rivers.Asset{whole, daily}, DefaultIOHandler: blob.New("file://"+t.TempDir(), blob.Options{}),
	})
	if err := repo.Resolve(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, repo) })
	for _, req := range []rivers.RunRequest{{Selection: []string{"whole"}}, {Selection: []string{"daily"}, Range: partition.Range("2026-01-01", "2026-01-03")}} {
		broken = true
		first, err := repo.Materialize(t.Context(), req)
		if !errors.Is(err, errDisk) {
			t.Fatalf("%q: got %v, want the error of the disk", req.Selection, err)
		}
		broken = false
		again, err := repo.Materialize(t.Context(), rivers.RunRequest{RetryOf: first.RunID})
		if err != nil {
			t.Fatalf("%q: %v", req.Selection, err)
		}
		if text := steps(again); !strings.Contains(text, "/sum:reused") || !strings.Contains(text, "/late:succeeded") {
			t.Errorf("%q: %s", req.Selection, text)
		}
	}
	for _, name := range []string{"whole", "whole/late"} { // the asset, and the task's own value beside it
		if got := valueOf[string](t, repo, name); !strings.HasPrefix(got, "late sum of ") {
			t.Errorf("%s is %q", name, got)
		}
	}
}

// plainHandler keeps the last write alone, and claims that its values outlive the process, as most handlers of a
// program's own do.
type plainHandler struct{ iohandler.MemoryHandler }

func (*plainHandler) CrossesProcesses() bool { return true }

// What a run has made of partitions is found by its next steps, before the store has the records.
func TestRunFindsPartitionsOfAPlainHandler(t *testing.T) {
	t.Parallel()
	source := rivers.NewAsset(rivers.AssetSpec{Name: "source", Partitions: tenDays}, func(*rivers.AssetContext, none) (int, error) { return 1, nil })
	made := rivers.NewAsset(rivers.AssetSpec{Name: "made", Partitions: tenDays}, func(_ *rivers.AssetContext, in struct{ Source int }) (int, error) { return in.Source, nil })
	total := rivers.NewAsset(rivers.AssetSpec{Name: "total"}, func(_ *rivers.AssetContext, in struct{ Made rivers.Partitions[int] }) (int, error) {
		sum := 0
		for _, n := range in.Made.All() {
			sum += n
		}
		return sum, nil
	})
	for range 20 {
		repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "plain", Assets: []rivers.Asset{source, made, total}, DefaultIOHandler: &plainHandler{}})
		resolvedOn(t, repo, onFile(t, filepath.Join(t.TempDir(), "storage")))
		if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"*"}, Range: partition.Range("2026-01-01", "2026-01-10")}); err != nil {
			t.Fatal(err)
		}
		if got := valueOf[int](t, repo, "total"); got != 10 {
			t.Fatalf("the total is %d", got)
		}
		closeRepository(t, repo)
	}
}
