package rivers_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/health"
	"github.com/rivers-go/rivers/storage"
)

// A graph asset fails with any of its tasks, and so do its partitions, with the task's error.
func TestGraphAssetFailsWithAnyOfItsTasks(t *testing.T) {
	t.Parallel()
	for _, fails := range []string{"first", "last"} {
		t.Run(fails, func(t *testing.T) {
			t.Parallel()
			broken := false
			does := func(ctx *rivers.TaskContext, name string, n int) (int, error) {
				if of := ctx.Partition(); broken && name == fails && (of.IsZero() || of.Key() == day(2)) {
					return 0, errors.New(name + " is broken")
				}
				return n, nil
			}
			first := rivers.NewTask(rivers.TaskSpec{Name: "first"}, func(ctx *rivers.TaskContext, _ none) (int, error) { return does(ctx, "first", 1) })
			last := rivers.NewTask(rivers.TaskSpec{Name: "last"}, func(ctx *rivers.TaskContext, in struct{ X int }) (int, error) { return does(ctx, "last", in.X) })
			compose := func(g *rivers.Graph) rivers.Ref[int] {
				return rivers.Call(g, last, rivers.Args{"x": rivers.Call(g, first, nil)})
			}
			repo := resolved(t, assets(
				rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "whole"}, compose),
				rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "by_day", Partitions: tenDays}, compose),
			))
			run := rivers.RunRequest{Selection: []string{"whole"}}
			if _, err := repo.Materialize(t.Context(), run); err != nil {
				t.Fatal(err)
			}
			broken = true
			if _, err := repo.Materialize(t.Context(), run); err == nil {
				t.Fatal("nothing failed")
			}
			healths, err := repo.Health(t.Context(), rivers.HealthRequest{Selection: []string{"whole"}})
			if err != nil || healths[0].State != health.Degraded {
				t.Errorf("%+v, %v", healths, err)
			}
			rec, err := repo.Storage().GetAsset(t.Context(), "whole")
			if err != nil || rec.Failure == nil || !strings.Contains(rec.Failure.Error, fails+" is broken") {
				t.Errorf("%+v, %v", rec.Failure, err)
			}
			res, err := repo.Backfill(t.Context(), rivers.BackfillRequest{Selection: []string{"by_day"}})
			if err == nil || res.Failed != 1 || res.Completed != 9 {
				t.Errorf("%+v, %v", res, err)
			}
			expectMade(t, repo, "by_day", "01,03..10", "02")
			again, err := repo.Backfill(t.Context(), rivers.BackfillRequest{Selection: []string{"by_day"}, Only: storage.OnlyFailed, DryRun: true})
			if err != nil || again.Total != 1 {
				t.Errorf("--failed would make %+v, %v", again, err)
			}
		})
	}
}
