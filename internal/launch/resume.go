package launch

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/storage"
)

// existing looks up the run that a request names, for one that is to be resumed or was recorded and
// never started. It reports false for a request of a new run.
func (r *Runner) existing(ctx context.Context, req *storage.RunRequest) (storage.RunRecord, bool, error) {
	switch {
	case req.RunID == "" && req.Resume:
		return storage.RunRecord{}, false, errors.New("resume: the request names no run: set RunID")
	case req.RunID == "":
		return storage.RunRecord{}, false, nil
	}
	rec, err := r.Store.GetRun(ctx, req.RunID)
	switch {
	case errors.Is(err, storage.ErrNotFound) && !req.Resume:
		return rec, false, nil
	case err != nil:
		return rec, false, fmt.Errorf("resuming: %w", err)
	case rec.Location != r.Catalog.Location():
		return rec, false, fmt.Errorf("run %q belongs to repository %q (this is %q): run it there", rec.ID, rec.Location, r.Catalog.Location())
	case req.Resume:
		err = sameRequest(&rec, req)
		return rec, true, err
	}
	return rec, rec.State < storage.Running, nil // a run in progress is refused when a new one is recorded
}

// sameRequest rejects a resume whose request differs from the recorded one. An empty request is the
// same.
func sameRequest(rec *storage.RunRecord, req *storage.RunRequest) error {
	want, have := *req, rec.Request
	want.RunID, have.RunID = "", ""
	want.Resume, have.Resume = false, false
	if reflect.DeepEqual(want, storage.RunRequest{}) || reflect.DeepEqual(want, have) {
		return nil
	}
	return fmt.Errorf("resuming run %q: the request differs from the recorded one: set only RunID and Resume, or begin a new run", rec.ID)
}

// continueRun continues a recorded run, whether another process started it or nobody has. For a run
// that has ended it returns the recorded result.
func (r *Runner) continueRun(ctx context.Context, id string) (*engine.Result, error) {
	rec, err := r.Store.GetRun(ctx, id) // with its plan
	if err != nil {
		return nil, err
	}
	if rec.State.Terminal() {
		return r.recordedResult(ctx, id)
	}
	job, err := r.jobOf(&rec)
	if err != nil {
		return nil, err
	}
	req := rec.Request
	req.RunID = rec.ID
	if rec.State != storage.Running {
		return r.startRecorded(ctx, job, &rec, req)
	}
	c, err := r.replan(ctx, job, req)
	if err != nil {
		return nil, err
	}
	if err := engine.SamePlan(&rec, c.Plan); err != nil {
		return nil, err
	}
	// What exists is what existed when the run was planned.
	c.Assignment = r.recorded(ctx, c.Plan, rec.Plan, rec.CreatedAt)
	return r.claimRun(ctx, c, rec)
}

// startRecorded begins a run that was recorded and never started.
func (r *Runner) startRecorded(ctx context.Context, job *catalog.Job, rec *storage.RunRecord, req storage.RunRequest) (*engine.Result, error) {
	c, err := r.newRun(ctx, job, req)
	if err != nil {
		return nil, err
	}
	return r.claimRun(ctx, c, *rec)
}

// replan plans a run as it was planned. One that retries another needs that one: its process may
// have ended before it had noted what it keeps of it, and its request may be the one that was made,
// without what that one was asked for.
func (r *Runner) replan(ctx context.Context, job *catalog.Job, req storage.RunRequest) (engine.Config, error) {
	if req.RetryOf == "" {
		return r.planConfig(job, req)
	}
	old, err := r.Store.GetRun(ctx, req.RetryOf)
	if err != nil {
		return engine.Config{}, fmt.Errorf("retrying: %w", err)
	}
	return r.retryConfig(ctx, &old, &req)
}

// claimRun claims a recorded run and continues it.
func (r *Runner) claimRun(ctx context.Context, c engine.Config, rec storage.RunRecord) (_ *engine.Result, err error) {
	c.Record, c.History, err = engine.ClaimAbandoned(ctx, r.Store, rec.ID)
	switch {
	case errors.Is(err, storage.ErrRunEnded): // between the look and the claim
		return r.recordedResult(ctx, rec.ID)
	case errors.Is(err, storage.ErrOwned):
		return nil, fmt.Errorf("run %q: %w: %s: wait until it ends, or cancel it", rec.ID, storage.ErrOwned, proc.Describe(c.Record.Owner))
	case err != nil:
		return nil, fmt.Errorf("taking over: %w", err)
	}
	return r.Drive(ctx, c)
}

// jobOf returns the job that a recorded run is of, nil for none.
func (r *Runner) jobOf(rec *storage.RunRecord) (*catalog.Job, error) {
	if rec.Job == "" {
		return nil, nil //nolint:nilnil // an ad-hoc run has no job, which is no error
	}
	job, err := r.Catalog.Job(rec.Job)
	if err != nil {
		return nil, fmt.Errorf("run %q: %w", rec.ID, err)
	}
	return job, nil
}

// recordedResult reads the result of a run that has ended.
func (r *Runner) recordedResult(ctx context.Context, id string) (*engine.Result, error) {
	rec, err := r.Store.GetRun(ctx, id)
	if err != nil {
		return nil, err
	}
	if rec.Lost.Events() {
		return nil, fmt.Errorf("run %q is %s, and its events were pruned: see `runs show`", rec.ID, rec.State)
	}
	return engine.ReadResult(ctx, r.Store, id)
}
