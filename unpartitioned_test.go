package rivers_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/rivers-go/rivers"
)

// mixed is a repository of a partitioned asset, two whole ones, a task that one of them reads and
// a task that nobody reads.
func mixed() *rivers.CodeRepository {
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: tenDays}, func(*rivers.AssetContext, none) (int, error) { return 1, nil })
	task := rivers.NewTask(rivers.TaskSpec{Name: "read"}, func(*rivers.TaskContext, none) (int, error) { return 1, nil })
	idle := rivers.NewTask(rivers.TaskSpec{Name: "idle"}, func(*rivers.TaskContext, none) (int, error) { return 1, nil })
	source := rivers.NewAsset(rivers.AssetSpec{Name: "source"}, func(_ *rivers.AssetContext, in struct{ Read int }) (int, error) { return in.Read, nil })
	report := rivers.NewAsset(rivers.AssetSpec{Name: "report"}, func(_ *rivers.AssetContext, in struct{ Source int }) (int, error) { return in.Source, nil })
	feed := rivers.NewExternalAsset(rivers.ExternalAssetSpec{Name: "feed"})
	return rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "mixed", Assets: []rivers.Asset{days, source, report, feed}, Tasks: []rivers.Node{task, idle},
	})
}

func TestUnpartitionedLeavesPartitionedAssetsOut(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		selection []string
		steps     string
		leftOut   string
		refused   string
	}{
		"everything":             {nil, "read source report", "days", ""},
		"a selection of both":    {[]string{"days", "report"}, "report", "days", ""},
		"only whole ones":        {[]string{"source"}, "source", "", ""},
		"only partitioned ones":  {[]string{"days"}, "", "", `"days"`},
		"a task with its reader": {[]string{"days", "read", "source"}, "read source", "days", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := mixed()
			plan, err := repo.Plan(rivers.RunRequest{Selection: test.selection, Unpartitioned: true})
			if test.refused != "" {
				if err == nil || !strings.Contains(err.Error(), test.refused) {
					t.Fatalf("got %v, want an error about %s", err, test.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var steps []string
			for i := range plan.Steps {
				steps = append(steps, plan.Steps[i].Step)
			}
			if got := strings.Join(steps, " "); got != test.steps || strings.Join(plan.LeftOut, " ") != test.leftOut {
				t.Errorf("steps %q, left out %q, want %q and %q", got, plan.LeftOut, test.steps, test.leftOut)
			}
		})
	}
}

// TestUnpartitionedIsRecordedAsItsSelection has a run whose record names what it made, so that a
// retry means the same whatever was defined since.
func TestUnpartitionedIsRecordedAsItsSelection(t *testing.T) {
	t.Parallel()
	repo := mixed()
	if err := repo.Resolve(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, repo) })
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{Unpartitioned: true})
	if err != nil {
		t.Fatal(err)
	}
	run, err := repo.Storage().GetRun(t.Context(), res.RunID)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"read", "source", "report"}; !slices.Equal(run.Request.Selection, want) || run.Request.Unpartitioned {
		t.Errorf("recorded %q, unpartitioned %v, want %q", run.Request.Selection, run.Request.Unpartitioned, want)
	}
	if len(run.Plan) != 3 {
		t.Errorf("planned %d steps, want 3", len(run.Plan))
	}
}

func TestUnpartitionedExcludesPartitionsAndActions(t *testing.T) {
	t.Parallel()
	repo := mixed()
	for _, req := range []rivers.RunRequest{
		{Unpartitioned: true, Partition: day(1)},
		{Unpartitioned: true, Selection: []string{"source"}, Action: "vacuum"},
	} {
		if _, err := repo.Plan(req); err == nil || !strings.Contains(err.Error(), "Unpartitioned") {
			t.Errorf("%+v: got %v, want a refusal that names Unpartitioned", req, err)
		}
	}
}

func closed(t *testing.T, repo *rivers.CodeRepository) {
	t.Helper()
	if err := repo.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}
