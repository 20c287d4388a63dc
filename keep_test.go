package rivers_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// TestPrunedRun retries and resumes a run that has lost its events, and then one that is gone.
func TestPrunedRun(t *testing.T) {
	t.Parallel()
	broken := true
	made := rivers.NewAsset(rivers.AssetSpec{Name: "made"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) {
		if broken {
			return 0, errors.New("no")
		}
		return 1, nil
	})
	keep := storage.All(time.Nanosecond)
	keep.ByHand = true
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "keep", Assets: []rivers.Asset{made}, Retention: keep})
	defer repo.Close()
	store := memory.New()
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"old", "newest"} {
		if _, err := repo.Materialize(t.Context(), rivers.RunRequest{RunID: id}); err == nil {
			t.Fatal("it did not fail")
		}
	}
	broken = false
	prune := func(r storage.Retention) {
		t.Helper()
		if _, err := store.Prune(t.Context(), storage.PruneRequest{Retention: r, Now: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(req rivers.RunRequest, want string) {
		t.Helper()
		if _, err := repo.Materialize(context.Background(), req); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	steps := storage.All(storage.Forever)
	steps.Steps = time.Minute
	prune(steps)
	refused(rivers.RunRequest{RetryOf: "old"},
		`retrying run "old": its steps were pruned, so its successes are unknown: use mode "all" to run everything`)
	refused(rivers.RunRequest{RunID: "old", Resume: true}, "run \"old\" is failure, and its events were pruned: see `runs show`")
	if res, err := repo.Materialize(t.Context(), rivers.RunRequest{RetryOf: "old", Retry: storage.RetryAll}); err != nil || !res.Success() {
		t.Errorf("retried as a whole: %v", err)
	}
	prune(repo.Retention())
	refused(rivers.RunRequest{RetryOf: "old"}, `retrying: run "old": not found`)
}

func TestRetentionIsValidated(t *testing.T) {
	t.Parallel()
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Retention: storage.Retention{Logs: -1, Runs: -2}})
	defer repo.Close()
	err := repo.Validate()
	if err == nil || !strings.Contains(err.Error(), "Retention: Logs is -1ns: want a positive age, zero for 720h0m0s, or storage.Forever; Runs is -2ns") {
		t.Errorf("got %v", err)
	}
}
