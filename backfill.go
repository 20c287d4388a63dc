package rivers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/backfill"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// BackfillRequest asks for many partitions of some assets; see [storage.BackfillRequest].
type BackfillRequest = storage.BackfillRequest

// BackfillStatus is what is recorded of a backfill; see [storage.BackfillRecord].
type BackfillStatus = storage.BackfillRecord

// BackfillResult is the outcome of a backfill, or with DryRun a preview.
type BackfillResult struct {
	// ID names the backfill in storage; empty for a dry run.
	ID string
	// State is the state in which it ended, or is in if it was not waited for.
	State storage.BackfillState
	// Action is what is done to the assets, empty for a backfill that materializes them.
	Action string
	// Assets are what is backfilled; assets without partitions that the selection names are loaded and
	// not made.
	Assets []string
	// Partitions are all that are asked for, Total is how many.
	Partitions partition.Set
	Total      int64
	// Texts select exactly these partitions, as a command line does; at most a thousand of them.
	Texts []string
	// Runs is how many runs were made, or would be.
	Runs int64
	// Completed, Failed, Skipped and Canceled count partitions; together they are Total once it has
	// ended. See [storage.BackfillProgress].
	Completed, Failed, Skipped, Canceled int64
	// Progress has the sets.
	Progress storage.BackfillProgress
	// Error is the reason why it did not complete, in one line.
	Error string
	// Duration is from the backfill's start to its recorded end.
	Duration time.Duration
}

// Err returns nil for a backfill that completed, or was not waited for, else an error.
func (r *BackfillResult) Err() error {
	if !r.State.Terminal() || r.State == storage.BackfillCompleted {
		return nil
	}
	text := fmt.Sprintf("backfill %s is %s: %d of %d partitions completed, %d failed, %d skipped, %d canceled", r.ID, r.State, r.Completed, r.Total, r.Failed, r.Skipped, r.Canceled)
	if r.Error != "" {
		text += ": " + r.Error
	}
	if r.State == storage.BackfillCanceled {
		return fmt.Errorf("%w: %s", ErrRunCanceled, text)
	}
	return fmt.Errorf("%w: %s", ErrBackfillFailed, text)
}

// ErrBackfillFailed is wrapped by the error of a backfill that did not complete.
var ErrBackfillFailed = errors.New("the backfill did not complete")

// Backfill materializes partitions of the selected assets, or runs an action on them. The strategy
// decides how many runs it creates; MaxConcurrency of them run at once. Backfill returns when all
// have ended. With NoBlock it returns at once, and the backfill continues in this process; Close
// waits for it. Everything about the request is checked before anything is written.
//
// The result is non-nil whenever a backfill was recorded. An error beside it means that some
// partitions were not made.
func (r *CodeRepository) Backfill(ctx context.Context, req BackfillRequest) (*BackfillResult, error) {
	m, err := r.manager(ctx)
	if err != nil {
		return nil, err
	}
	if req.DryRun {
		return previewed(m.Preview(ctx, req))
	}
	return backfilled(m.Run(ctx, req))
}

// manager resolves the repository and returns what runs its backfills.
func (r *CodeRepository) manager(ctx context.Context) (*backfill.Manager, error) {
	if err := r.Resolve(ctx, nil); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.backfills, nil
}

// backfilled is the result of a backfill that is recorded, nil for none.
func backfilled(rec *storage.BackfillRecord, err error) (*BackfillResult, error) {
	if rec == nil {
		return nil, publicError(err)
	}
	out := newBackfillResult(rec)
	return out, errors.Join(out.Err(), err)
}

// previewed is what a backfill would be, as a result.
func previewed(p *backfill.Preview, err error) (*BackfillResult, error) {
	if err != nil {
		return nil, publicError(err)
	}
	return &BackfillResult{
		State: storage.BackfillRequested, Action: p.Action, Assets: p.Assets, Partitions: p.Partitions, Total: p.Total, Texts: p.Texts, Runs: p.Runs,
	}, nil
}

// RerunOptions say more about a backfill that is run again.
type RerunOptions struct {
	// NoBlock and DryRun are as in [BackfillRequest].
	NoBlock, DryRun bool
}

// RerunBackfill makes the partitions of a backfill that has ended which failed or were canceled, as
// far as they are still defined, as a new backfill with the same strategy, tags and policy.
func (r *CodeRepository) RerunBackfill(ctx context.Context, id string, o RerunOptions) (*BackfillResult, error) {
	m, err := r.manager(ctx)
	if err != nil {
		return nil, err
	}
	if o.DryRun {
		return previewed(m.PreviewRerun(ctx, id))
	}
	return backfilled(m.Rerun(ctx, id, o.NoBlock))
}

// ResumeBackfill continues a backfill whose process died. For a backfill that has ended it returns
// the recorded result and changes nothing.
func (r *CodeRepository) ResumeBackfill(ctx context.Context, id string) (*BackfillResult, error) {
	m, err := r.manager(ctx)
	if err != nil {
		return nil, err
	}
	return backfilled(m.Resume(ctx, id))
}

// CancelBackfill asks a backfill to stop: nothing new begins, and the runs in progress are
// canceled. It returns true if the backfill is in progress in this process. Otherwise it records a
// request for the owner, and ends a backfill without a living owner. It does not change a backfill
// that has ended.
func (r *CodeRepository) CancelBackfill(ctx context.Context, id string) (bool, error) {
	m, err := r.manager(ctx)
	if err != nil {
		return false, err
	}
	here, ended, err := m.Cancel(ctx, id, storage.CancelRequest{At: time.Now()})
	if ended != nil {
		if _, err = backfilled(ended, err); errors.Is(err, ErrRunCanceled) {
			err = nil
		}
	}
	return here, err
}

// BackfillStatus returns what is recorded of a backfill, or an error that wraps
// [storage.ErrNotFound].
func (r *CodeRepository) BackfillStatus(ctx context.Context, id string) (*BackfillStatus, error) {
	m, err := r.manager(ctx)
	if err != nil {
		return nil, err
	}
	return m.Status(ctx, id)
}

func newBackfillResult(rec *storage.BackfillRecord) *BackfillResult {
	p := rec.Progress
	out := &BackfillResult{
		ID: rec.ID, State: rec.State, Action: rec.Request.Action, Assets: rec.Assets, Partitions: rec.Partitions, Total: rec.Total, Runs: p.Runs,
		Completed: p.CompletedCount, Failed: p.FailedCount, Skipped: p.SkippedCount, Canceled: p.CanceledCount, Progress: p, Error: rec.Error,
	}
	if !rec.EndedAt.IsZero() {
		out.Duration = rec.EndedAt.Sub(rec.CreatedAt)
	}
	return out
}

// BackfillStrategy decides how the partitions of a backfill become runs: [MultiRun], [SingleRun] or
// [PerDimension]; see [storage.BackfillStrategy].
type BackfillStrategy = storage.BackfillStrategy

// MultiRun makes a run for each partition.
func MultiRun() BackfillStrategy { return storage.MultiRun() }

// SingleRun makes one run for all partitions.
func SingleRun() BackfillStrategy { return storage.SingleRun() }

// PerDimension makes a run for each combination of keys of the dimensions in multi, with all keys
// of those in single. Together they must be all dimensions, each once, and neither may be empty.
func PerDimension(multi, single []string) BackfillStrategy {
	return storage.PerDimension(multi, single)
}
