package rivers_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
	"github.com/rivers-go/rivers/storage/storagetest"
)

// sweepingProgram is days -> joined -> totals by the same day, and a summary of all totals for each day. All but joined have
// actions: one for each order, one that is alone, one that takes a config.
func sweepingProgram(iohandler.Handler) rivers.RepositoryConfig {
	does := func(spec rivers.ActionSpec) rivers.Action {
		return rivers.NewAction(spec, func(ctx *rivers.ActionContext, in struct {
			Cfg struct {
				Word string `default:"-"`
			} `rivers:",config"`
		},
		) (rivers.ActionResult, error) {
			what := ctx.Asset() + "!" + ctx.Action() + "@" + ctx.Partition().Key().String()[8:]
			if _, err := os.Stat(filepath.Join(os.Getenv(dirVariable), what)); err == nil {
				return rivers.ActionResult{}, errors.New("it is stuck")
			}
			note(what)
			ctx.AddMetadata("run", ctx.RunID()+in.Cfg.Word)
			return rivers.ActionResult{Did: spec.Effect}, nil
		})
	}
	actions := []rivers.Action{
		does(rivers.ActionSpec{Name: "drop", Effect: rivers.Forgets, Order: iohandler.DownstreamFirst, Partitioning: iohandler.PartitionRequired}),
		does(rivers.ActionSpec{Name: "compact", Effect: rivers.MayMaterialize, Order: iohandler.UpstreamFirst}),
		does(rivers.ActionSpec{Name: "touch", Effect: rivers.Observes}),
		does(rivers.ActionSpec{Name: "vacuum", Exclusive: true}),
	}
	spec := func(name string, actions ...rivers.Action) rivers.AssetSpec {
		return rivers.AssetSpec{Name: name, Partitions: tenDays, CodeVersion: "3", Actions: actions}
	}
	summary := spec("summary", actions...)
	summary.Deps = []rivers.Dep{{On: "totals", Mapping: partition.AllPartitions()}}
	return rivers.RepositoryConfig{Assets: []rivers.Asset{
		rivers.NewAsset(spec("days", actions...), func(*rivers.AssetContext, none) (int, error) { return 1, nil }),
		rivers.NewAsset(spec("joined"), func(_ *rivers.AssetContext, in struct{ Days int }) (int, error) { return in.Days, nil }),
		rivers.NewAsset(spec("totals", actions...), func(_ *rivers.AssetContext, in struct{ Joined int }) (int, error) { return in.Joined, nil }),
		rivers.NewAsset(summary, func(_ *rivers.AssetContext, in struct{ Totals rivers.Partitions[int] }) (int, error) {
			return in.Totals.Len(), nil
		}),
	}}
}

// sticks has an action on a partition fail until it is mended.
func sticks(t *testing.T, what string) (mend func()) {
	t.Helper()
	path := filepath.Join(os.Getenv(dirVariable), what)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// noted returns what was noted since the last time, in its order or sorted.
func noted(t *testing.T, sorted bool) string {
	t.Helper()
	words := notes(t)
	if err := os.Truncate(filepath.Join(os.Getenv(dirVariable), "notes"), 0); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if sorted {
		slices.Sort(words)
	}
	return strings.Join(words, " ")
}

func TestActionBackfills(t *testing.T) { everyExecutor(t, "sweeping", testActionBackfills) }

func testActionBackfills(t *testing.T, repo *rivers.CodeRepository) {
	ctx := t.Context()
	first := partition.Range("2026-01-01", "2026-01-03")
	if _, err := repo.Materialize(ctx, rivers.RunRequest{Range: first, Selection: []string{"days", "joined", "totals"}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		req  rivers.BackfillRequest
		runs int64
		want string
	}{
		{
			rivers.BackfillRequest{Action: "touch", Selection: []string{"totals"}, Keys: []partition.Key{day(3), day(2)}},
			2, "totals!touch@02 totals!touch@03",
		},
		{ // through joined, which has no part in it
			rivers.BackfillRequest{Action: "compact", Selection: []string{"totals", "days"}, Range: first},
			3, "days!compact@01 totals!compact@01 days!compact@02 totals!compact@02 days!compact@03 totals!compact@03",
		},
		{
			rivers.BackfillRequest{Action: "compact", Selection: []string{"totals", "days"}, Range: first, Strategy: rivers.SingleRun()},
			1, "days!compact@01 days!compact@02 days!compact@03 totals!compact@01 totals!compact@02 totals!compact@03",
		},
		{ // a summary of all totals is dropped before any of them
			rivers.BackfillRequest{Action: "drop", Selection: []string{"summary", "totals", "days"}, Keys: []partition.Key{day(1), day(2)}},
			4, "summary!drop@01 summary!drop@02 totals!drop@01 days!drop@01 totals!drop@02 days!drop@02",
		},
	} {
		c.req.MaxConcurrency = 1
		res, err := repo.Backfill(ctx, c.req)
		if err != nil || res.Action != c.req.Action || res.Runs != c.runs || res.Completed != res.Total {
			t.Fatalf("%s: %+v, %v", c.req.Action, res, err)
		}
		if got := noted(t, false); got != c.want {
			t.Errorf("%s: got  %s\nwant %s", c.req.Action, got, c.want)
		}
		status, err := repo.BackfillStatus(ctx, res.ID)
		if err != nil || status.Request.Action != c.req.Action || status.State != storage.BackfillCompleted {
			t.Errorf("%s: %+v, %v", c.req.Action, status, err)
		}
		runs, err := repo.Storage().ListRuns(ctx, storage.RunQuery{Backfill: res.ID})
		if err != nil || int64(len(runs)) != c.runs || runs[0].Request.Action != c.req.Action {
			t.Errorf("%s: %+v, %v", c.req.Action, runs, err)
		}
	}
	for asset, want := range map[string]string{"days": "03", "joined": "01..03", "totals": "03", "summary": ""} {
		if got, _ := made(t, repo, asset); got != want {
			t.Errorf("%s has %q, want %q", asset, got, want)
		}
	}
}

// What an action of a backfill recorded says in which run, and with which config; what was made by which code stays.
func TestActionBackfillRecordsWhatItDid(t *testing.T) {
	everyExecutor(t, "sweeping", func(t *testing.T, repo *rivers.CodeRepository) {
		if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"days"}, Partition: day(4)}); err != nil {
			t.Fatal(err)
		}
		config := map[string]map[string]any{"days!compact": {"word": "/tidy"}}
		res, err := repo.Backfill(t.Context(), rivers.BackfillRequest{Action: "compact", Selection: []string{"days"}, Keys: []partition.Key{day(4)}, Config: config})
		if err != nil {
			t.Fatal(err)
		}
		runs, err := repo.Storage().ListRuns(t.Context(), storage.RunQuery{Backfill: res.ID})
		if err != nil || len(runs) != 1 || runs[0].Partition != "2026-01-04" {
			t.Fatalf("%+v, %v", runs, err)
		}
		keys, err := repo.Storage().AssetKeys(t.Context(), []string{"days"})
		if err != nil {
			t.Fatal(err)
		}
		states, err := repo.Storage().ListPartitions(t.Context(), storage.PartitionQuery{Asset: keys[0]})
		if err != nil || len(states) != 1 {
			t.Fatalf("%+v, %v", states, err)
		}
		if s := &states[0]; s.RunID != runs[0].ID || s.Action != "compact" || s.CodeVersion != "3" || fmt.Sprint(s.Metadata["run"]) != runs[0].ID+"/tidy" {
			t.Errorf("the state of the partition is %+v, want that of run %s", s, runs[0].ID)
		}
	})
}

// What an action was not done to stops those that come after it, by partition, in the same run and in others; a rerun
// does what is left.
func TestActionBackfillStopsWhatComesAfter(t *testing.T) {
	const all = "days!drop@01 days!drop@02 days!drop@03 totals!drop@01 totals!drop@02 totals!drop@03"
	without := func(text string, words ...string) string {
		return strings.Join(slices.DeleteFunc(strings.Fields(text), func(w string) bool { return slices.Contains(words, w) }), " ")
	}
	for name, strategy := range map[string]rivers.BackfillStrategy{"a run for each": rivers.MultiRun(), "one run": rivers.SingleRun()} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(dirVariable, t.TempDir())
			repo := resolved(t, programConfig("sweeping", false))
			req := rivers.BackfillRequest{
				Action: "drop", Selection: []string{"totals", "days"}, Range: partition.Range("2026-01-01", "2026-01-03"), Strategy: strategy,
			}
			mend := sticks(t, "totals!drop@02")
			res, err := repo.Backfill(t.Context(), req)
			if !errors.Is(err, rivers.ErrBackfillFailed) || res.Completed != 2 || res.Failed != 1 || !strings.Contains(res.Error, "it is stuck") {
				t.Fatalf("%+v, %v", res, err)
			}
			if got := noted(t, true); got != without(all, "totals!drop@02", "days!drop@02") {
				t.Errorf("did %s", got)
			}
			if _, failed := made(t, repo, "totals"); failed != "" {
				t.Errorf("%s is recorded as failed to be made", failed)
			}
			mend()
			runs, err := repo.Storage().ListRuns(t.Context(), storage.RunQuery{Backfill: res.ID})
			if err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(runs, func(r storage.RunRecord) bool { return r.State == storage.Failure })
			if _, err := repo.Materialize(t.Context(), rivers.RunRequest{RetryOf: runs[at].ID}); err != nil { // one of its runs by itself
				t.Error(err)
			}
			if got := noted(t, true); got != "days!drop@02 totals!drop@02" {
				t.Errorf("the retry did %s", got)
			}
			res, err = repo.RerunBackfill(t.Context(), res.ID, rivers.RerunOptions{})
			if err != nil || res.Action != "drop" || res.Total != 1 {
				t.Errorf("again: %+v, %v", res, err)
			}
			if got := noted(t, true); got != "days!drop@02 totals!drop@02" {
				t.Errorf("did again %s", got)
			}

			// The summary is of all totals, so that none of these is dropped where one of it is not.
			req.Selection = []string{"summary", "totals", "days"}
			sticks(t, "summary!drop@01")
			res, err = repo.Backfill(t.Context(), req)
			if !errors.Is(err, rivers.ErrBackfillFailed) || res.Completed != 0 || res.Failed+res.Canceled != 3 {
				t.Errorf("%+v, %v", res, err)
			}
			if got := noted(t, true); got != "summary!drop@02 summary!drop@03" {
				t.Errorf("did %s", got)
			}
		})
	}
}

// The runs of an action that is alone on its asset do not wait for each other: one comes after the other, unless more are
// asked for.
func TestExclusiveActionIsBackfilledOneByOne(t *testing.T) {
	t.Setenv(dirVariable, t.TempDir())
	c := programConfig("sweeping", false)
	var n notebook
	c.Listeners = []rivers.Listener{{StepWaiting: func(w rivers.StepWaiting) { n.add("%s", w.Step) }}}
	repo := resolved(t, c)
	res, err := repo.Backfill(t.Context(), rivers.BackfillRequest{Action: "vacuum", Selection: []string{"days"}})
	if err != nil || res.Completed != 10 || res.Runs != 10 {
		t.Errorf("%+v, %v", res, err)
	}
	if waited := n.take(); waited != "" {
		t.Errorf("waited: %s", waited)
	}
	res, err = repo.Backfill(t.Context(), rivers.BackfillRequest{Action: "vacuum", Selection: []string{"days"}, MaxConcurrency: 3})
	if err != nil || res.Completed != 10 {
		t.Errorf("%+v, %v", res, err)
	}
}

// A backfill of an action is canceled, and its end is the recorded one, as that of any other.
func TestActionBackfillIsCanceled(t *testing.T) {
	began := make(chan struct{}, 10)
	hold := rivers.NewAction(rivers.ActionSpec{Name: "hold"}, func(ctx *rivers.ActionContext, _ none) (rivers.ActionResult, error) {
		began <- struct{}{}
		<-ctx.Done()
		return rivers.ActionResult{}, ctx.Err()
	})
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: tenDays, Actions: []rivers.Action{hold}},
		func(*rivers.AssetContext, none) (int, error) { return 1, nil })
	var heard rivers.BackfillStarted
	c := assets(days)
	c.Listeners = []rivers.Listener{{BackfillStarted: func(b rivers.BackfillStarted) { heard = b }}}
	repo := rivers.NewCodeRepository(c)
	if err := repo.Resolve(t.Context(), memory.New()); err != nil {
		t.Fatal(err)
	}
	res, err := repo.Backfill(t.Context(), rivers.BackfillRequest{Action: "hold", Selection: []string{"days"}, NoBlock: true, MaxConcurrency: 2})
	if err != nil || res.Action != "hold" {
		t.Fatalf("%+v, %v", res, err)
	}
	<-began
	<-began
	if here, err := repo.CancelBackfill(t.Context(), res.ID); err != nil || !here {
		t.Errorf("%t, %v", here, err)
	}
	status := waitForBackfill(t, repo, res.ID)
	if p := &status.Progress; status.State != storage.BackfillCanceled || p.CompletedCount != 0 || p.CanceledCount+p.FailedCount != 10 {
		t.Errorf("%+v", status)
	}
	again, err := repo.ResumeBackfill(t.Context(), res.ID)
	if !errors.Is(err, rivers.ErrRunCanceled) || again.Action != "hold" || len(began) > 0 {
		t.Errorf("gone on with: %+v, %v", again, err)
	}
	if err := repo.Close(); err != nil {
		t.Error(err)
	}
	if heard.Action != "hold" || fmt.Sprint(heard.Assets) != "[days]" {
		t.Errorf("heard %+v", heard)
	}
}

// A backfill of an action goes on from any write of the process that began it: each effect is recorded once, and what had its
// record is not done again.
func TestActionBackfillResumesFromAnyWrite(t *testing.T) {
	for name, strategy := range map[string]rivers.BackfillStrategy{"a run for each": rivers.MultiRun(), "one run": rivers.SingleRun()} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(dirVariable, t.TempDir())
			journal := storagetest.NewJournal()
			id := resumable(t, journal, func(repo *rivers.CodeRepository) (*rivers.BackfillResult, error) {
				return repo.Backfill(t.Context(), rivers.BackfillRequest{
					Action: "compact", Selection: []string{"totals", "days"}, Range: partition.Range("2026-01-01", "2026-01-03"), Strategy: strategy,
				})
			}).ID
			resumed := 0
			for n := range journal.Len() {
				cut, err := journal.Cut(n)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := cut.GetBackfill(t.Context(), id); err != nil || !orphaned(t, cut, id) {
					continue
				}
				resumed++
				before := actsOf(t, cut)
				noted(t, false)
				res := resumable(t, cut, func(repo *rivers.CodeRepository) (*rivers.BackfillResult, error) {
					return repo.ResumeBackfill(t.Context(), id)
				})
				if res.Completed != 3 || res.Action != "compact" {
					t.Errorf("after %d writes: %+v", n, res)
				}
				did := strings.Fields(noted(t, true))
				if after := actsOf(t, cut); len(after) != 6 || len(slices.Compact(after)) != 6 || len(before)+len(did) != 6 {
					t.Errorf("after %d writes: %v was recorded, %v was done, and all that is recorded is %v", n, before, did, after)
				}
			}
			if resumed < 3 {
				t.Errorf("it was gone on with from %d of %d writes", resumed, journal.Len())
			}
		})
	}
}

// resumable does something with the sweeping program on a store, as a process of its own would.
func resumable(t *testing.T, store storage.Storage, do func(repo *rivers.CodeRepository) (*rivers.BackfillResult, error)) *rivers.BackfillResult {
	t.Helper()
	repo := rivers.NewCodeRepository(programConfig("sweeping", false))
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	res, err := do(repo)
	if err := errors.Join(err, repo.Close()); err != nil {
		t.Fatal(err)
	}
	return res
}

// orphaned has a backfill and its runs belong to a process that is gone, and reports false for one that has ended.
func orphaned(t *testing.T, store storage.Storage, id string) bool {
	t.Helper()
	claim := storage.RunClaim{ID: id, Owner: dead(), Lease: time.Hour, Gone: proc.Self().String()}
	if _, err := store.ClaimBackfill(t.Context(), claim); errors.Is(err, storage.ErrRunEnded) {
		return false
	} else if err != nil {
		t.Fatal(err)
	}
	runs, err := store.ListRuns(t.Context(), storage.RunQuery{Backfill: id, Owned: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range runs {
		claim.ID = runs[i].ID
		if _, err := store.ClaimRun(t.Context(), claim); err != nil {
			t.Fatal(err)
		}
	}
	return true
}

// actsOf are the effects that a store has recorded, by asset and partition, sorted.
func actsOf(t *testing.T, store storage.Reader) []string {
	t.Helper()
	keys, err := store.AssetKeys(t.Context(), []string{"days", "totals"})
	if err != nil {
		t.Fatal(err)
	}
	var acts []string
	for i, key := range keys {
		events, err := store.ListAssetEvents(t.Context(), storage.AssetEventQuery{Asset: key, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for k := range events {
			acts = append(acts, fmt.Sprint(i, "@", events[k].Partition))
		}
	}
	slices.Sort(acts)
	return acts
}

// actionBackfillMistakes adds what is said to backfills of actions that are asked for wrongly.
func actionBackfillMistakes(t *testing.T, got map[string]string) {
	t.Helper()
	nothing := func(*rivers.ActionContext, none) (rivers.ActionResult, error) { return rivers.ActionResult{}, nil }
	touch, whole := rivers.NewAction(rivers.ActionSpec{Name: "touch"}, nothing), rivers.NewAction(rivers.ActionSpec{Name: "grant", Partitioning: iohandler.PartitionRefused}, nothing)
	value := func(*rivers.AssetContext, none) (int, error) { return 1, nil }
	repo := resolved(t, assets(
		rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: tenDays, Actions: []rivers.Action{touch, whole}}, value),
		rivers.NewAsset(rivers.AssetSpec{Name: "letters", Partitions: partition.Static("a", "b"), Actions: []rivers.Action{touch}}, value),
		rivers.NewAsset(rivers.AssetSpec{Name: "plain", Actions: []rivers.Action{touch}}, value),
	))
	days := []string{"days"}
	for name, req := range map[string]rivers.BackfillRequest{
		"no selection":       {Action: "touch"},
		"some lack it":       {Action: "grnt", Selection: []string{"days", "plain"}},
		"no partitions":      {Action: "touch", Selection: []string{"days", "plain"}},
		"as a whole":         {Action: "grant", Selection: days},
		"only the missing":   {Action: "touch", Selection: days, Only: storage.OnlyMissing},
		"only the failed":    {Action: "touch", Selection: days, Only: storage.OnlyFailed},
		"only the stale":     {Action: "touch", Selection: days, Only: storage.OnlyStale},
		"a wrong partition":  {Action: "touch", Selection: days, Keys: []partition.Key{day(11)}},
		"another kind":       {Action: "touch", Selection: []string{"days", "letters"}},
		"no such asset":      {Action: "touch", Selection: []string{"dais"}},
		"config of an asset": {Action: "touch", Selection: days, Config: map[string]map[string]any{"days": {"a": 1}}},
		"config of none":     {Action: "touch", Selection: days, Config: map[string]map[string]any{"days!touch": {"a": 1}}},
		"a strategy of none": {Action: "touch", Selection: days, Strategy: rivers.PerDimension([]string{"a"}, []string{"b"})},
	} {
		res, err := repo.Backfill(t.Context(), req)
		if err == nil || res != nil {
			t.Errorf("%s: %+v, %v", name, res, err)
			continue
		}
		got["backfill: "+name] = err.Error()
	}
	if all, err := repo.Storage().ListBackfills(t.Context(), storage.BackfillQuery{}); err != nil || len(all) > 0 {
		t.Errorf("refused requests left %d backfills, %v", len(all), err)
	}
}
