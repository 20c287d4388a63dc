package rivers_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// Backfills in this process and from elsewhere: one goes on while it is looked at, is canceled, and its counts add up.
func TestBackfillIsCanceled(t *testing.T) {
	began := make(chan struct{}, 100)
	slow := rivers.NewAsset(rivers.AssetSpec{Name: "slow", Partitions: tenDays}, func(ctx *rivers.AssetContext, _ none) (int, error) {
		began <- struct{}{}
		<-ctx.Done()
		return 0, context.Cause(ctx)
	})
	repo := resolved(t, assets(slow))
	res, err := repo.Backfill(t.Context(), rivers.BackfillRequest{NoBlock: true, MaxConcurrency: 2})
	if err != nil || res.ID == "" || res.State.Terminal() {
		t.Fatalf("%+v, %v", res, err)
	}
	<-began
	<-began
	here, err := repo.CancelBackfill(t.Context(), res.ID)
	if err != nil || !here {
		t.Errorf("canceling it: %v, %v", here, err)
	}
	status := waitForBackfill(t, repo, res.ID)
	p := status.Progress
	if status.State != storage.BackfillCanceled || p.CompletedCount != 0 || p.FailedCount+p.CanceledCount != 10 || status.Error == "" {
		t.Errorf("%s: %+v, %q", status.State, p, status.Error)
	}
	runs, err := repo.Storage().ListRuns(t.Context(), storage.RunQuery{Backfill: res.ID})
	if err != nil || len(runs) == 0 {
		t.Fatal(err)
	}
	for _, run := range runs {
		if run.State != storage.Canceled {
			t.Errorf("run %s is %s", run.Partition, run.State)
		}
	}
	if here, err := repo.CancelBackfill(t.Context(), res.ID); err != nil || here {
		t.Errorf("canceling it again: %v, %v", here, err)
	}
}

func waitForBackfill(t *testing.T, repo *rivers.CodeRepository, id string) *rivers.BackfillStatus {
	t.Helper()
	for {
		status, err := repo.BackfillStatus(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if status.State.Terminal() {
			return status
		}
	}
}

// StopOnFailure starts nothing any more.
func TestBackfillStopsOnFailure(t *testing.T) {
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: tenDays}, func(ctx *rivers.AssetContext, _ none) (int, error) {
		if ctx.Partition().Key() == day(3) {
			return 0, errors.New("the third is broken")
		}
		return 1, nil
	})
	repo := resolved(t, assets(days))
	res, err := repo.Backfill(t.Context(), rivers.BackfillRequest{MaxConcurrency: 1, FailurePolicy: storage.StopOnFailure})
	if !errors.Is(err, rivers.ErrBackfillFailed) || res.Completed != 2 || res.Failed != 1 || res.Canceled != 7 || !strings.Contains(res.Error, "the third is broken") {
		t.Errorf("%+v, %v", res, err)
	}
	rest, err := repo.RerunBackfill(t.Context(), res.ID, rivers.RerunOptions{DryRun: true})
	if err != nil || rest.Total != 8 || !slices.Equal(rest.Texts, []string{"2026-01-03..2026-01-10"}) {
		t.Errorf("%+v, %v", rest, err)
	}
}

// Assets of different strategies, and what reads across partitions, are made in stages.
func TestBackfillMakesUpstreamFirst(t *testing.T) {
	var n notebook
	source := rivers.NewAsset(rivers.AssetSpec{Name: "source", Partitions: tenDays},
		func(ctx *rivers.AssetContext, _ none) (int, error) {
			n.add("s%s", ctx.Partition().Key().String()[8:])
			return 1, nil
		})
	window := rivers.NewAsset(
		rivers.AssetSpec{Name: "window", Partitions: tenDays, Deps: []rivers.Dep{{On: "source", Mapping: partition.AllPartitions()}}},
		func(ctx *rivers.AssetContext, in struct{ Source rivers.Partitions[int] }) (int, error) {
			n.add("w%s", ctx.Partition().Key().String()[8:])
			return len(maps.Collect(in.Source.All())), nil
		})
	last := rivers.NewAsset(rivers.AssetSpec{Name: "last", Partitions: tenDays, Backfill: rivers.SingleRun()},
		func(ctx *rivers.AssetContext, in struct{ Window int }) (int, error) {
			n.add("l%s", ctx.Partition().Key().String()[8:])
			return in.Window, nil
		})
	repo := resolved(t, assets(source, window, last))
	res, err := repo.Backfill(t.Context(), rivers.BackfillRequest{})
	if err != nil || res.Completed != 10 || res.Runs != 21 {
		t.Fatalf("%+v, %v", res, err)
	}
	words := strings.Fields(n.take())
	order := func(prefix string) (first, last int) {
		first = slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, prefix) })
		for i, w := range words {
			if strings.HasPrefix(w, prefix) {
				last = i
			}
		}
		return first, last
	}
	_, sources := order("s")
	firstWindow, windows := order("w")
	firstLast, _ := order("l")
	if sources > firstWindow || windows > firstLast {
		t.Errorf("the order was %v", words)
	}
	if v, err := last.Load(t.Context(), repo, rivers.LoadOptions{Partition: day(7)}); err != nil || v != 10 {
		t.Errorf("%d, %v", v, err)
	}
}

// PerDimension makes a run for each key of some dimensions, with all keys of the others.
func TestBackfillPerDimension(t *testing.T) {
	var n notebook
	grid := partition.Multi(map[string]partition.Definition{"day": tenDays, "region": partition.Static("eu", "us")})
	cells := rivers.NewAsset(rivers.AssetSpec{Name: "cells", Partitions: grid}, func(ctx *rivers.AssetContext, in none) (rivers.Materialization, error) {
		n.add("%s", ctx.Partition())
		return rivers.Materialization{}, nil
	})
	repo := resolved(t, assets(cells))
	days := partition.MultiRange(map[string]partition.KeyRange{"day": partition.Range("2026-01-01", "2026-01-03")})
	res, err := repo.Backfill(t.Context(), rivers.BackfillRequest{Range: days, MaxConcurrency: 1, Strategy: rivers.PerDimension([]string{"region"}, []string{"day"})})
	if err != nil || res.Runs != 2 || res.Completed != 6 {
		t.Fatalf("%+v, %v", res, err)
	}
	if got := n.take(); got != "day=2026-01-01..2026-01-03|region=eu day=2026-01-01..2026-01-03|region=us" {
		t.Error(got)
	}
}

// Keys of all selected assets, a key given twice, an unpartitioned asset that is loaded: what a backfill is of.
func TestWhatABackfillIsOf(t *testing.T) {
	later := partition.Daily(partition.Date(2026, 1, 5), partition.Until(partition.Date(2026, 1, 9)))
	a, b := divided[none]("a", tenDays), divided[struct{ A, Plain int }]("b", later)
	repo := resolved(t, assets(a, b, number("plain", 1)))
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"plain"}}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		req   rivers.BackfillRequest
		total int64
		texts string
	}{
		"all of one":       {rivers.BackfillRequest{Selection: []string{"a"}}, 10, "2026-01-01..2026-01-10"},
		"all of both":      {rivers.BackfillRequest{}, 4, "2026-01-05..2026-01-08"},
		"twice is once":    {rivers.BackfillRequest{Keys: []partition.Key{day(5), day(6), day(5)}}, 2, "2026-01-05..2026-01-06"},
		"latest":           {rivers.BackfillRequest{Selection: []string{"a"}, Latest: 3}, 3, "2026-01-08..2026-01-10"},
		"missing":          {rivers.BackfillRequest{Selection: []string{"a"}, Only: storage.OnlyMissing}, 10, "2026-01-01..2026-01-10"},
		"failed":           {rivers.BackfillRequest{Only: storage.OnlyFailed}, 0, ""},
		"an open end":      {rivers.BackfillRequest{Selection: []string{"a"}, Range: partition.Range("2026-01-09", "")}, 2, "2026-01-09..2026-01-10"},
		"with the loaded":  {rivers.BackfillRequest{Selection: []string{"plain", "a"}}, 10, "2026-01-01..2026-01-10"},
		"upstream of both": {rivers.BackfillRequest{Selection: []string{"+b"}}, 4, "2026-01-05..2026-01-08"},
	} {
		c.req.DryRun = true
		res, err := repo.Backfill(t.Context(), c.req)
		if err != nil || res.Total != c.total || strings.Join(res.Texts, " ") != c.texts || res.ID != "" {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
	}
	if all, err := repo.Storage().ListBackfills(t.Context(), storage.BackfillQuery{}); err != nil || len(all) > 0 {
		t.Errorf("dry runs left %d backfills, %v", len(all), err)
	}
}

// Going on with a backfill that has ended returns what it came to, and makes nothing. One whose process died is killed
// for real in bench/crash.
func TestEndedBackfillIsNotTakenUp(t *testing.T) {
	store := memory.New()
	var n notebook
	make10 := func() *rivers.CodeRepository {
		days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: tenDays}, func(ctx *rivers.AssetContext, _ none) (rivers.Materialization, error) {
			n.add("%d", ctx.Partition().Window().Start.Day())
			return rivers.Materialization{}, nil
		})
		repo := rivers.NewCodeRepository(assets(days))
		if err := repo.Resolve(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		return repo
	}
	repo := make10()
	res, err := repo.Backfill(t.Context(), rivers.BackfillRequest{MaxConcurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	n.take()
	done, err := repo.ResumeBackfill(t.Context(), res.ID)
	if err != nil || done.Completed != 10 || n.take() != "" {
		t.Errorf("going on with one that has ended: %+v, %v", done, err)
	}
	if _, _, err := engine.ClaimAbandoned(t.Context(), store, "nothing"); !errors.Is(err, storage.ErrNotFound) {
		t.Error(err)
	}
}
