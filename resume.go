package rivers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/storage"
)

// existing looks up the run that a request names, for one that is to be resumed or was recorded and never
// started. It reports false for a request of a new run.
func (r *CodeRepository) existing(ctx context.Context, req *RunRequest) (storage.RunRecord, bool, error) {
	switch {
	case req.RunID == "" && req.Resume:
		return storage.RunRecord{}, false, errors.New("resume: the request names no run: set RunID")
	case req.RunID == "":
		return storage.RunRecord{}, false, nil
	}
	rec, err := r.store.GetRun(ctx, req.RunID)
	switch {
	case errors.Is(err, storage.ErrNotFound) && !req.Resume:
		return rec, false, nil
	case err != nil:
		return rec, false, fmt.Errorf("resuming: %w", err)
	case rec.Location != r.Name():
		return rec, false, fmt.Errorf("run %q: it is of %q, and this is %q: run it there", rec.ID, rec.Location, r.Name())
	case req.Resume:
		err = sameRequest(&rec, req)
		return rec, true, err
	}
	return rec, rec.State < storage.Running, nil // a run in progress is refused when a new one is recorded
}

// sameRequest refuses a resume that asks for something else than the run was asked for. One that says
// nothing asks for the same.
func sameRequest(rec *storage.RunRecord, req *RunRequest) error {
	want, have := *req, rec.Request
	want.RunID, have.RunID = "", ""
	want.Resume, have.Resume = false, false
	if reflect.DeepEqual(want, RunRequest{}) || reflect.DeepEqual(want, have) {
		return nil
	}
	return fmt.Errorf("resuming run %q: the request asks for something else than the run did: leave everything but RunID and Resume out, or begin a new run", rec.ID)
}

// goOn goes on with a run that is recorded: one that another process has begun, or one that was never
// started. Of one that has ended it returns the recorded result.
func (r *CodeRepository) goOn(ctx context.Context, id string) (*RunResult, error) {
	rec, err := r.store.GetRun(ctx, id) // with its plan
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
	c, err := r.planAgain(ctx, job, req)
	if err != nil {
		return nil, err
	}
	if err := engine.SamePlan(&rec, c.Plan); err != nil {
		return nil, err
	}
	// What exists is what existed when the run was planned.
	c.Cut = r.recordedCut(ctx, c.Plan, rec.Plan, rec.CreatedAt)
	return r.takeOver(ctx, c, rec)
}

// startRecorded begins a run that was recorded and never started.
func (r *CodeRepository) startRecorded(ctx context.Context, job *ResolvedJob, rec *storage.RunRecord, req RunRequest) (*RunResult, error) {
	c, err := r.newRun(ctx, job, req)
	if err != nil {
		return nil, err
	}
	return r.takeOver(ctx, c, *rec)
}

// planAgain plans a run as it was planned. One that retries another needs that one: its process may have ended before it had
// noted what it keeps of it, and its request may be the one that was made, without what that one was asked for.
func (r *CodeRepository) planAgain(ctx context.Context, job *ResolvedJob, req RunRequest) (engine.Config, error) {
	if req.RetryOf == "" {
		return r.planConfig(job, req)
	}
	old, err := r.store.GetRun(ctx, req.RetryOf)
	if err != nil {
		return engine.Config{}, fmt.Errorf("retrying: %w", err)
	}
	return r.retryConfig(ctx, &old, &req)
}

// takeOver claims a recorded run and goes on with it.
func (r *CodeRepository) takeOver(ctx context.Context, c engine.Config, rec storage.RunRecord) (_ *RunResult, err error) {
	c.Record, c.Past, err = engine.TakeOver(ctx, r.store, rec.ID)
	switch {
	case errors.Is(err, storage.ErrRunEnded): // between the look and the claim
		return r.recordedResult(ctx, rec.ID)
	case errors.Is(err, storage.ErrOwned):
		return nil, fmt.Errorf("run %q: %w: %s: wait until it ends, or cancel it", rec.ID, storage.ErrOwned, proc.Describe(c.Record.Owner))
	case err != nil:
		return nil, fmt.Errorf("taking over: %w", err)
	}
	return r.drive(ctx, c)
}

// jobOf returns the job that a recorded run is of, nil for none.
func (r *CodeRepository) jobOf(rec *storage.RunRecord) (*ResolvedJob, error) {
	if rec.Job == "" {
		return nil, nil //nolint:nilnil // an ad-hoc run has no job, which is no error
	}
	job, err := r.Job(rec.Job)
	if err != nil {
		return nil, fmt.Errorf("run %q: %w", rec.ID, err)
	}
	return job, nil
}

// recordedResult reads what an ended run came to.
func (r *CodeRepository) recordedResult(ctx context.Context, id string) (*RunResult, error) {
	rec, err := r.store.GetRun(ctx, id)
	if err != nil {
		return nil, err
	}
	if rec.Lost.Events() {
		return nil, fmt.Errorf("run %q: it is %s, and what happened in it was pruned: runs show has what is left", rec.ID, rec.State)
	}
	res, err := engine.ReadResult(ctx, r.store, id)
	if err != nil {
		return nil, err
	}
	out := newResult(res)
	out.Duration = res.Record.EndedAt.Sub(res.Record.StartedAt)
	err = out.Err()
	return out, err
}

// retry turns the request to retry a run into what the engine needs.
func (r *CodeRepository) retry(ctx context.Context, req RunRequest) (engine.Config, error) {
	rec, err := r.retried(ctx, &req)
	if err != nil {
		return engine.Config{}, err
	}
	c, err := r.retryConfig(ctx, &rec, &req)
	if err == nil {
		err = r.cutRetry(ctx, &c, &rec, c.Reuse.Events, req.Retry)
	}
	return c, err
}

// retryConfig is the plan of a run and what another has of it, which retries it; but for partitions.
func (r *CodeRepository) retryConfig(ctx context.Context, rec *storage.RunRecord, req *RunRequest) (engine.Config, error) {
	past, err := r.store.ListEvents(ctx, storage.EventQuery{Run: rec.Key})
	if err != nil {
		return engine.Config{}, fmt.Errorf("run %q: reading its events: %w", rec.ID, err)
	}
	job, err := r.jobOf(rec)
	if err != nil {
		return engine.Config{}, err
	}
	c, err := r.planConfig(job, again(rec, req))
	if err != nil {
		return engine.Config{}, err
	}
	c.Reuse = &engine.Reuse{RunID: rec.ID, Events: past, Mode: req.Retry}
	return c, engine.SamePlan(rec, c.Plan)
}

// retried looks up the run to be retried and checks that it can be.
func (r *CodeRepository) retried(ctx context.Context, req *RunRequest) (storage.RunRecord, error) {
	if req.Retry == "" {
		req.Retry = storage.RetryFromFailure
	}
	if !slices.Contains(storage.RetryModes[:], req.Retry) {
		words := make([]string, len(storage.RetryModes))
		for i, m := range storage.RetryModes {
			words[i] = string(m)
		}
		return storage.RunRecord{}, fmt.Errorf("retrying run %q: no mode is named %q%s; %s", req.RetryOf, req.Retry,
			fault.Suggestion(string(req.Retry), slices.Values(words)), fault.Listed("modes", words))
	}
	rec, err := r.store.GetRun(ctx, req.RetryOf)
	switch {
	case err != nil:
		return rec, fmt.Errorf("retrying: %w", err)
	case (len(req.Selection) > 0 || req.IncludeUpstream) && // the same again is what a record says of itself
		(!slices.Equal(req.Selection, rec.Request.Selection) || req.IncludeUpstream != rec.Request.IncludeUpstream):
		return rec, fmt.Errorf("retrying run %q: a retry has the selection of the run that it retries: leave Selection and IncludeUpstream out", req.RetryOf)
	case rec.Location != r.Name():
		return rec, fmt.Errorf("run %q: it is of %q, and this is %q: retry it there", rec.ID, rec.Location, r.Name())
	case !rec.State.Terminal():
		return rec, fmt.Errorf("retrying run %q: it is %s: wait until it ends, resume it if its process is gone, or cancel it", rec.ID, rec.State)
	case rec.Lost.Events() && req.Retry != storage.RetryAll:
		return rec, fmt.Errorf("retrying run %q: what succeeded in it is not known any more, its %s were pruned: retry %q runs everything again", rec.ID, rec.Lost, storage.RetryAll)
	case rec.State == storage.Success && rec.Counts.Skipped == 0 && req.Retry != storage.RetryAll:
		return rec, fmt.Errorf("retrying run %q: all its steps succeeded: retry %q runs everything again", rec.ID, storage.RetryAll)
	case rec.Counts.Failed == 0 && req.Retry == storage.RetryFailed:
		return rec, fmt.Errorf("retrying run %q: none of its steps failed: retry %q runs all that did not succeed", rec.ID, storage.RetryFromFailure)
	}
	return rec, nil
}

// again is the request of a run that retries another: what that was asked for, with what the retry says
// over it.
func again(rec *storage.RunRecord, req *RunRequest) RunRequest {
	out := rec.Request
	out.RunID, out.Resume, out.RetryOf, out.Retry = req.RunID, false, rec.ID, req.Retry
	out.Tags = merged(rec.Request.Tags, req.Tags)
	out.Config = make(map[string]map[string]any, len(rec.Request.Config))
	maps.Copy(out.Config, rec.Request.Config)
	for name, c := range req.Config {
		out.Config[name] = merged(out.Config[name], c)
	}
	if len(out.Config) == 0 {
		out.Config = nil
	}
	return out
}

// merged is a map with the entries of both, the second's winning; nil where both are empty.
func merged[V any](a, b map[string]V) map[string]V {
	if len(a)+len(b) == 0 {
		return nil
	}
	out := make(map[string]V, len(a)+len(b))
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

// cutRetry gives a retry the partitions that the run it retries has not made, or all of them.
func (r *CodeRepository) cutRetry(ctx context.Context, c *engine.Config, rec *storage.RunRecord, past []storage.Event, mode storage.RetryMode) error {
	c.Cut = r.recordedCut(ctx, c.Plan, rec.Plan, rec.CreatedAt)
	if c.Cut == nil || mode == storage.RetryAll {
		return nil
	}
	old := *c
	old.Record = *rec
	left, err := engine.Undone(old, past)
	if err != nil {
		return fmt.Errorf("retrying run %q: %w", rec.ID, err)
	}
	copy(c.Cut.Sets, left)
	c.Record.Partition = cutLabel(c.Cut)
	return nil
}
