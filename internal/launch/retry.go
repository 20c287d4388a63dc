package launch

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/storage"
)

// retry turns the request to retry a run into what the engine needs.
func (r *Runner) retry(ctx context.Context, req storage.RunRequest) (engine.Config, error) {
	rec, err := r.retried(ctx, &req)
	if err != nil {
		return engine.Config{}, err
	}
	c, err := r.retryConfig(ctx, &rec, &req)
	if err == nil {
		err = r.assignRetry(ctx, &c, &rec, c.Reuse.Events, req.Retry)
	}
	return c, err
}

// retryConfig is the plan of a run and what another has of it, which retries it; but for
// partitions.
func (r *Runner) retryConfig(ctx context.Context, rec *storage.RunRecord, req *storage.RunRequest) (engine.Config, error) {
	past, err := r.Store.ListEvents(ctx, storage.EventQuery{Run: rec.Key})
	if err != nil {
		return engine.Config{}, fmt.Errorf("run %q: reading its events: %w", rec.ID, err)
	}
	job, err := r.jobOf(rec)
	if err != nil {
		return engine.Config{}, err
	}
	c, err := r.planConfig(job, retryRequest(rec, req))
	if err != nil {
		return engine.Config{}, err
	}
	c.Reuse = &engine.Reuse{RunID: rec.ID, Events: past, Mode: req.Retry}
	return c, engine.SamePlan(rec, c.Plan)
}

// retried looks up the run to be retried and checks that it can be.
func (r *Runner) retried(ctx context.Context, req *storage.RunRequest) (storage.RunRecord, error) {
	if req.Retry == "" {
		req.Retry = storage.RetryFromFailure
	}
	if !slices.Contains(storage.RetryModes[:], req.Retry) {
		words := make([]string, len(storage.RetryModes))
		for i, m := range storage.RetryModes {
			words[i] = string(m)
		}
		return storage.RunRecord{}, fmt.Errorf("retrying run %q: unknown mode %q%s; %s", req.RetryOf, req.Retry,
			fault.Suggestion(string(req.Retry), slices.Values(words)), fault.Listed("modes", words))
	}
	rec, err := r.Store.GetRun(ctx, req.RetryOf)
	switch {
	case err != nil:
		return rec, fmt.Errorf("retrying: %w", err)
	case req.Unpartitioned, (len(req.Selection) > 0 || req.IncludeUpstream) && // a recorded retry repeats the selection
		(!slices.Equal(req.Selection, rec.Request.Selection) || req.IncludeUpstream != rec.Request.IncludeUpstream):
		return rec, fmt.Errorf("retrying run %q: a retry keeps the selection of its run: leave out Selection, IncludeUpstream and Unpartitioned", req.RetryOf)
	case rec.Location != r.Catalog.Location():
		return rec, fmt.Errorf("run %q belongs to repository %q (this is %q): retry it there", rec.ID, rec.Location, r.Catalog.Location())
	case !rec.State.Terminal():
		return rec, fmt.Errorf("retrying run %q: it is %s: wait until it ends, resume it if its process is gone, or cancel it", rec.ID, rec.State)
	case rec.Lost.Events() && req.Retry != storage.RetryAll:
		return rec, fmt.Errorf("retrying run %q: its %s were pruned, so its successes are unknown: use mode %q to run everything", rec.ID, rec.Lost, storage.RetryAll)
	case rec.State == storage.Success && rec.Counts.Skipped == 0 && req.Retry != storage.RetryAll:
		return rec, fmt.Errorf("retrying run %q: all its steps succeeded: use mode %q to run everything", rec.ID, storage.RetryAll)
	case rec.Counts.Failed == 0 && req.Retry == storage.RetryFailed:
		return rec, fmt.Errorf("retrying run %q: none of its steps failed: use mode %q to run all that did not succeed", rec.ID, storage.RetryFromFailure)
	}
	return rec, nil
}

// retryRequest returns the request of a retry: that of its run, with tags and config of the retry
// on top.
func retryRequest(rec *storage.RunRecord, req *storage.RunRequest) storage.RunRequest {
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

// assignRetry gives a retry the partitions that the run it retries has not made, or all of them.
func (r *Runner) assignRetry(ctx context.Context, c *engine.Config, rec *storage.RunRecord, past []storage.Event, mode storage.RetryMode) error {
	c.Assignment = r.recorded(ctx, c.Plan, rec.Plan, rec.CreatedAt)
	if c.Assignment == nil || mode == storage.RetryAll {
		return nil
	}
	old := *c
	old.Record = *rec
	left, err := engine.Undone(old, past)
	if err != nil {
		return fmt.Errorf("retrying run %q: %w", rec.ID, err)
	}
	copy(c.Assignment.Sets, left)
	c.Record.Partition = label(c.Assignment)
	return nil
}
