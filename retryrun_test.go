package rivers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

func TestRetryRunsWhatDidNotSucceed(t *testing.T) {
	c := newCounted(t)
	repo := c.repo(t)
	if err := repo.Resolve(t.Context(), memory.New()); err != nil {
		t.Fatal(err)
	}
	c.fails["b"] = true
	first, err := repo.Materialize(t.Context(), rivers.RunRequest{Tags: map[string]string{"team": "x", "try": "1"}})
	if err == nil {
		t.Fatal("b did not fail")
	}
	c.called()
	c.fails["b"] = false
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{
		RetryOf: first.RunID, Tags: map[string]string{"try": "2"}, Config: map[string]map[string]any{"b": {"by": 10}},
	})
	if err != nil || res.RunID == first.RunID {
		t.Fatalf("%+v, %v", res, err)
	}
	if got := c.called(); got != "b c" {
		t.Errorf("ran %q, want b c", got)
	}
	if res.Steps[0].Outcome != "reused" || res.Steps[0].Attempts != 0 || slices.Contains(res.MaterializedAssets, "a") {
		t.Errorf("a: %+v, materialized %v, want it reused", res.Steps[0], res.MaterializedAssets)
	}
	var v int
	if err := repo.LoadNode(t.Context(), "c", &v, rivers.LoadOptions{}); err != nil || v != 12 {
		t.Errorf("c is %d, %v, want 12: b with the retry's config", v, err)
	}
	rec, err := repo.Storage().GetRun(t.Context(), res.RunID)
	if err != nil || rec.Request.RetryOf != first.RunID || rec.Tags["team"] != "x" || rec.Tags["try"] != "2" || rec.Counts.Succeeded != 3 {
		t.Errorf("recorded: %+v, %v", rec, err)
	}
	asset, err := repo.Storage().GetAsset(t.Context(), "b")
	if err != nil || asset.Materialization.Inputs["a"] == "" {
		t.Errorf("b read %v, %v, want a's version", asset.Materialization.Inputs, err)
	}

	all, err := repo.Materialize(t.Context(), rivers.RunRequest{RetryOf: res.RunID, Retry: storage.RetryAll})
	if err != nil || all.Steps[0].Outcome != "succeeded" {
		t.Errorf("everything again: %+v, %v", all, err)
	}
	if got := c.called(); got != "a b c" {
		t.Errorf("ran %q, want a b c", got)
	}
	c.fails["b"] = true
	if first, err = repo.Materialize(t.Context(), rivers.RunRequest{}); err == nil {
		t.Fatal("b did not fail")
	}
	c.called()
	c.fails["b"] = false
	only, err := repo.Materialize(t.Context(), rivers.RunRequest{RetryOf: first.RunID, Retry: storage.RetryFailed})
	if err != nil || only.Steps[2].Outcome != "skipped" {
		t.Errorf("only what failed: %+v, %v", only, err)
	}
	if got := c.called(); got != "b" {
		t.Errorf("ran %q, want b", got)
	}
}

func TestJobIsRetriedAsTheJob(t *testing.T) {
	c := newCounted(t)
	repo := c.repo(t)
	if err := repo.Resolve(t.Context(), memory.New()); err != nil {
		t.Fatal(err)
	}
	job, err := repo.Job("nightly")
	if err != nil {
		t.Fatal(err)
	}
	c.fails["c"] = true
	first, err := job.Execute(t.Context(), rivers.ExecuteRequest{})
	if err == nil {
		t.Fatal("c did not fail")
	}
	c.fails["c"] = false
	c.called()
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{RetryOf: first.RunID})
	if err != nil {
		t.Fatal(err)
	}
	if rec, err := repo.Storage().GetRun(t.Context(), res.RunID); err != nil || rec.Job != "nightly" || c.called() != "c" {
		t.Errorf("%+v, %v", rec, err)
	}
}

// A recorded retry runs what a retry runs: also where its process ended before it had noted anything, and whether the record
// has the request as it was made or with what the run that it retries was asked for.
func TestRecordedRetryIsARetry(t *testing.T) {
	for _, state := range []storage.RunState{storage.Queued, storage.NotStarted, storage.Running} {
		for mode, want := range map[storage.RetryMode]string{"": "b c", storage.RetryFromFailure: "b c", storage.RetryFailed: "b", storage.RetryAll: "a b c"} {
			for _, whole := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/whole=%t", state, mode, whole), func(t *testing.T) {
					recordedRetry(t, storage.RunRecord{
						ID: "again", Location: "shop", State: state, Token: 1, CreatedAt: time.Now(), Request: storage.RunRequest{Retry: mode},
					}, whole, want)
				})
			}
		}
	}
}

// recordedRetry records a retry of a run of a, b and c in which b failed, and has it run.
func recordedRetry(t *testing.T, retry storage.RunRecord, whole bool, want string) {
	t.Helper()
	c, store := newCounted(t), memory.New()
	repo := c.repo(t)
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	c.fails["b"] = true
	first, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"c"}, IncludeUpstream: true, Tags: map[string]string{"team": "x"}})
	if err == nil {
		t.Fatal("b did not fail")
	}
	c.fails["b"] = false
	c.called()
	old, err := store.GetRun(t.Context(), first.RunID)
	if err != nil {
		t.Fatal(err)
	}
	mode := retry.Request.Retry
	if whole {
		retry.Request, retry.Tags = old.Request, old.Tags
		retry.Request.Retry = mode
	}
	retry.Request.RetryOf = first.RunID
	b := storage.Batch{Runs: []storage.RunRecord{retry}}
	if retry.State == storage.Running { // its process ended between its insert and its first event
		b.Lease, b.Runs[0].Owner, b.Runs[0].Plan = time.Hour, dead(), old.Plan
	}
	if err := store.Commit(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{RunID: "again", Resume: retry.State == storage.Running})
	if got := c.called(); err != nil || got != want {
		t.Fatalf("ran %q, %v, want %s", got, err, want)
	}
	if outcome := res.Steps[0].Outcome; (outcome == "reused") != (mode != storage.RetryAll) {
		t.Errorf("a was %s", outcome)
	}
	rec, err := store.GetRun(t.Context(), "again")
	if err != nil || rec.Request.RetryOf != first.RunID || len(rec.Plan) != 3 {
		t.Errorf("recorded: %+v, %v", rec, err)
	}
}

// A recorded retry of a run of a job is one of the job, and what a retry may not be, a recorded one may not be.
func TestRecordedRetryOfAJob(t *testing.T) {
	c, store := newCounted(t), memory.New()
	repo := c.repo(t)
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	job, err := repo.Job("nightly")
	if err != nil {
		t.Fatal(err)
	}
	c.fails["c"] = true
	first, err := job.Execute(t.Context(), rivers.ExecuteRequest{})
	if err == nil {
		t.Fatal("c did not fail")
	}
	c.fails["c"] = false
	c.called()
	queued := func(id string, req storage.RunRequest) {
		t.Helper()
		rec := storage.RunRecord{ID: id, Location: "shop", Job: "nightly", Token: 1, CreatedAt: time.Now(), Request: req}
		if err := store.Commit(t.Context(), &storage.Batch{Runs: []storage.RunRecord{rec}}); err != nil {
			t.Fatal(err)
		}
	}
	queued("again", storage.RunRequest{RetryOf: first.RunID})
	res, err := job.Execute(t.Context(), rivers.ExecuteRequest{RunID: "again"})
	if got := c.called(); err != nil || got != "c" || res.RunID != "again" {
		t.Errorf("ran %q, %+v, %v, want c", got, res, err)
	}
	queued("of a success", storage.RunRequest{RetryOf: "again", Retry: storage.RetryFromFailure})
	queued("of a part", storage.RunRequest{RetryOf: first.RunID, Selection: []string{"a"}})
	queued("of nobody", storage.RunRequest{RetryOf: "nobody"})
	for id, want := range map[string]string{
		"of a part": "a retry keeps the selection of its run", "of nobody": `run "nobody": not found`,
		"of a success": "all its steps", // some of them by the run that it retries
	} {
		if _, err := repo.Materialize(t.Context(), rivers.RunRequest{RunID: id}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", id, err, want)
		}
		if rec, err := store.GetRun(t.Context(), id); err != nil || rec.State != storage.Queued {
			t.Errorf("%s: it is %s now, %v", id, rec.State, err)
		}
	}
}
