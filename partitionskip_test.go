package rivers_test

import (
	"errors"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// skippingProgram has an asset for each way in which a function is called for partitions, and says of one that it has
// nothing to do. Each skips the 2nd; of "torn" the 3rd fails too, and "after" reads it.
func skippingProgram(iohandler.Handler) rivers.RepositoryConfig {
	holiday := rivers.Skip("a holiday")
	return rivers.RepositoryConfig{Assets: []rivers.Asset{
		rivers.NewAsset(rivers.AssetSpec{Name: "each", Partitions: tenDays}, func(ctx *rivers.AssetContext, _ none) (int, error) {
			if ctx.Partition().Key() == day(2) {
				return 0, holiday
			}
			return 1, nil
		}),
		rivers.NewAsset(rivers.AssetSpec{Name: "stream", Partitions: tenDays}, func(ctx *rivers.AssetContext, _ none) (rivers.Partitions[int], error) {
			return rivers.StreamPartitions(func(yield func(rivers.Part[int], error) bool) {
				for n := 1; n <= 4; n++ {
					var err error
					if n == 2 {
						err = holiday
					}
					if !yield(rivers.Part[int]{Key: day(n), Value: n}, err) {
						return
					}
				}
			}), nil
		}),
		rivers.NewAsset(rivers.AssetSpec{Name: "marked", Partitions: tenDays}, func(ctx *rivers.AssetContext, _ none) (rivers.Materialization, error) {
			return rivers.Materialization{}, ctx.MarkPartitionFailed(day(2), holiday)
		}),
		rivers.NewAsset(rivers.AssetSpec{Name: "torn", Partitions: tenDays}, func(ctx *rivers.AssetContext, _ none) (rivers.Partitions[int], error) {
			err := errors.Join(ctx.MarkPartitionFailed(day(2), holiday), ctx.MarkPartitionFailed(day(3), errors.New("the disk is full")))
			return rivers.PartitionsOf(rivers.Part[int]{Key: day(1), Value: 1}, rivers.Part[int]{Key: day(4), Value: 4}), err
		}),
		rivers.NewAsset(rivers.AssetSpec{Name: "after", Partitions: tenDays}, func(_ *rivers.AssetContext, in struct{ Torn int }) (int, error) { return in.Torn, nil }),
	}}
}

// A partition that is skipped is one outcome beside others: it hides no failure, stops nothing else, and is not failed.
func TestSkippedPartitionIsAnOutcomeOfItsOwn(t *testing.T) {
	everyExecutor(t, "skipping", func(t *testing.T, repo *rivers.CodeRepository) {
		four := partition.Range("2026-01-01", "2026-01-04")
		for _, name := range []string{"each", "stream", "marked"} {
			res, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{name}, Range: four})
			if err != nil || res.Status != storage.Success || res.Steps[0].Outcome != "succeeded" {
				t.Errorf("%s: %+v, %v", name, res, err)
			}
			expectMade(t, repo, name, "01,03..04", "")
		}
		res, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"torn", "after"}, Range: four})
		if err == nil || res.Status != storage.Failure || stepNamed(res, "torn").Outcome != "failed" || stepNamed(res, "after").Outcome != "succeeded" {
			t.Errorf("%+v, %v", res, err)
		}
		expectMade(t, repo, "torn", "01,04", "03")
		expectMade(t, repo, "after", "01,04", "")
		events, err := repo.Storage().ListEvents(t.Context(), storage.EventQuery{Run: runKey(t, repo, res.RunID)})
		if err != nil {
			t.Fatal(err)
		}
		var skipped []string
		for _, e := range events {
			if e.Kind == storage.PartitionSkipped {
				skipped = append(skipped, e.Partition)
			}
		}
		if len(skipped) != 1 || skipped[0] != day(2).String() {
			t.Errorf("skipped are %q", skipped)
		}
	})
}

func runKey(t *testing.T, repo *rivers.CodeRepository, id string) storage.RunKey {
	t.Helper()
	rec, err := repo.Storage().GetRun(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return rec.Key
}

func stepNamed(res *rivers.RunResult, name string) rivers.StepResult {
	for _, s := range res.Steps {
		if s.Step == name {
			return s
		}
	}
	return rivers.StepResult{}
}
