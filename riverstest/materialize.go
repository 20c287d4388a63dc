package riverstest

import (
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// Result is a run of a repository in a test.
type Result struct {
	*rivers.RunResult
	// Err is what Materialize returned.
	Err error

	tb   testing.TB
	repo *rivers.CodeRepository
}

// Materialize runs the selected assets of c (all without a selection) in a memory store, which is
// gone with the test. A failing run is no failure of the test: ask the result. Definitions or
// requests that are wrong are.
func Materialize(tb testing.TB, c rivers.RepositoryConfig, req rivers.RunRequest) *Result {
	tb.Helper()
	repo := rivers.NewCodeRepository(c)
	tb.Cleanup(func() {
		if err := repo.Close(); err != nil {
			tb.Errorf("closing the repository: %v", err)
		}
	})
	if err := repo.Resolve(tb.Context(), memory.New()); err != nil {
		tb.Fatal(err)
	}
	res, err := repo.Materialize(tb.Context(), req)
	if res == nil {
		tb.Fatal(err)
	}
	return &Result{RunResult: res, Err: err, tb: tb, repo: repo}
}

// Asset returns what the run left of one asset or task; an unknown name ends the test.
func (r *Result) Asset(name string) *AssetResult {
	r.tb.Helper()
	if _, err := r.repo.IOHandlerForOutput(name); err != nil {
		r.tb.Fatal(err)
	}
	a := &AssetResult{Name: name, result: r}
	for _, s := range r.Steps {
		if s.Asset == name || s.Step == name {
			a.Outcome, a.Attempts, a.Cause = s.Outcome, s.Attempts, s.Cause
		}
	}
	if rec, err := r.repo.Storage().GetAsset(r.tb.Context(), name); err == nil && rec.Materialization != nil {
		a.Metadata, a.DataVersion = rec.Materialization.Metadata, rec.Materialization.DataVersion
	}
	return a
}

// Events returns the recorded events of the run in their order.
func (r *Result) Events() []storage.Event {
	r.tb.Helper()
	store := r.repo.Storage()
	run, err := store.GetRun(r.tb.Context(), r.RunID)
	if err != nil {
		r.tb.Fatal(err)
	}
	events, err := store.ListEvents(r.tb.Context(), storage.EventQuery{Run: run.Key})
	if err != nil {
		r.tb.Fatal(err)
	}
	return events
}

// AssetResult is what a run left of one asset or task.
type AssetResult struct {
	Name string
	// Outcome is "succeeded", "failed", "skipped" or "canceled"; empty if it was not in the run. A
	// graph asset has that of its last task.
	Outcome  string
	Attempts int
	// Cause is why it did not succeed.
	Cause error
	// Metadata and DataVersion are those of the latest materialization.
	Metadata    metadata.Map
	DataVersion string

	result *Result
}

// Value loads the stored value into dst, a pointer; anything wrong ends the test.
func (a *AssetResult) Value(dst any) {
	a.result.tb.Helper()
	if err := a.result.repo.LoadNode(a.result.tb.Context(), a.Name, dst, rivers.LoadOptions{}); err != nil {
		a.result.tb.Fatal(err)
	}
}
