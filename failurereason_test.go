package rivers_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// silentError is an error as the net package has them.
type silentError struct{}

func (silentError) Error() string { return "no answer" }
func (silentError) Timeout() bool { return true }

// A function says by its error what kind of failure it met, and is tried again as the policy asks.
func TestErrorTellsTheReasonOfAFailure(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err      error
		reason   storage.FailureReason
		attempts int
	}{
		{errors.New("no"), storage.ReasonError, 1},
		{fmt.Errorf("reading: %w", os.ErrDeadlineExceeded), storage.ReasonTimeout, 3},
		{fmt.Errorf("asking: %w", context.DeadlineExceeded), storage.ReasonTimeout, 3},
		{fmt.Errorf("asking: %w", silentError{}), storage.ReasonTimeout, 3},
		{fmt.Errorf("slow: %w", retry.Timeout), storage.ReasonTimeout, 3},
		{fmt.Errorf("lost: %w", retry.Infrastructure), storage.ReasonInfrastructure, 3},
		{fmt.Errorf("big: %w", retry.OutOfMemory), storage.ReasonOutOfMemory, 3},
		{fmt.Errorf("mine: %w", context.Canceled), storage.ReasonError, 1},
	} {
		t.Run(c.err.Error(), func(t *testing.T) {
			t.Parallel()
			repo := resolved(t, assets(rivers.NewAsset(rivers.AssetSpec{Name: "a", Retry: retry.Policy{Max: 2, On: []error{retry.Transient}}},
				func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 0, c.err })))
			res, err := repo.Materialize(t.Context(), rivers.RunRequest{})
			if !errors.Is(err, c.err) || res.Steps[0].Attempts != c.attempts {
				t.Errorf("%+v, %v: want %d attempts", res, err, c.attempts)
			}
			events, err := repo.Storage().ListEvents(t.Context(), storage.EventQuery{Run: runKey(t, repo, res.RunID)})
			if err != nil {
				t.Fatal(err)
			}
			failures := 0
			for _, e := range events {
				if e.Kind == storage.StepFailed {
					if failures++; e.Reason() != c.reason {
						t.Errorf("attempt %d failed with the reason %s, want %s", e.Attempt, e.Reason(), c.reason)
					}
				}
			}
			if failures != c.attempts {
				t.Errorf("%d failures are recorded, want %d", failures, c.attempts)
			}
		})
	}
}
