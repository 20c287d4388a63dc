package rivers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"

	"github.com/rivers-go/rivers/internal/backfill"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// BackfillRequest asks for many partitions of some assets; see [storage.BackfillRequest].
type BackfillRequest = storage.BackfillRequest

// BackfillStatus is what is recorded of a backfill; see [storage.BackfillRecord].
type BackfillStatus = storage.BackfillRecord

// BackfillResult is what a backfill came to, or with DryRun what it would be.
type BackfillResult struct {
	// ID names the backfill in storage; empty for a dry run.
	ID string
	// State is the state in which it ended, or is in if it was not waited for.
	State storage.BackfillState
	// Action is what is done to the assets, empty for a backfill that materializes them.
	Action string
	// Assets are what is backfilled; assets without partitions that the selection names are loaded and not made.
	Assets []string
	// Partitions are all that are asked for, Total is how many.
	Partitions partition.Set
	Total      int64
	// Texts select exactly these partitions, as a command line does; at most a thousand of them.
	Texts []string
	// Runs is how many runs were made, or would be.
	Runs int64
	// Completed, Failed and Canceled count partitions; together they are Total once it has ended.
	Completed, Failed, Canceled int64
	// Progress has the sets.
	Progress storage.BackfillProgress
	// Error says in one line why it did not complete.
	Error string
	// Duration is from the backfill's start to its recorded end.
	Duration time.Duration
}

// Err returns nil for a backfill that completed, or was not waited for, else an error.
func (r *BackfillResult) Err() error {
	if !r.State.Terminal() || r.State == storage.BackfillCompleted {
		return nil
	}
	text := fmt.Sprintf("backfill %s is %s: %d of %d partitions completed, %d failed, %d canceled", r.ID, r.State, r.Completed, r.Total, r.Failed, r.Canceled)
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

// Backfill makes partitions of the selected assets, or has an action done to them, by as many runs as their strategy
// says, several at once, and returns when all have ended; with NoBlock at once, while it goes on in this process.
// Everything about the request is checked before anything is written.
//
// The result is non-nil whenever a backfill was recorded, also beside an error, which says that not all
// partitions were made.
func (r *CodeRepository) Backfill(ctx context.Context, req BackfillRequest) (*BackfillResult, error) {
	if err := r.Resolve(ctx, nil); err != nil {
		return nil, err
	}
	p, err := r.planBackfill(ctx, req, time.Now())
	if err != nil {
		return nil, err
	}
	if req.DryRun {
		return p.dry()
	}
	return r.runBackfill(ctx, p, "")
}

// RerunOptions say more about a backfill that is run again.
type RerunOptions struct {
	// NoBlock and DryRun are as in [BackfillRequest].
	NoBlock, DryRun bool
}

// rerunTag is the tag by which a backfill says which one it runs again.
const rerunTag = "rivers/rerun_of"

// RerunBackfill makes the partitions of a backfill that has ended which failed or were canceled, as far as they are
// still defined, as a new backfill with the same strategy, tags and policy.
func (r *CodeRepository) RerunBackfill(ctx context.Context, id string, o RerunOptions) (*BackfillResult, error) {
	if err := r.Resolve(ctx, nil); err != nil {
		return nil, err
	}
	rec, err := r.ownBackfill(ctx, id)
	if err != nil {
		return nil, err
	}
	if !rec.State.Terminal() {
		return nil, fmt.Errorf("backfill %q: it is %s: wait until it ends, or cancel it", rec.ID, rec.State)
	}
	left := rec.Progress.Failed.Union(rec.Progress.Canceled)
	if left.IsEmpty() {
		return nil, fmt.Errorf("backfill %q: it has no partition that failed or was canceled: there is nothing to run again", rec.ID)
	}
	req := rec.Request
	req.NoBlock, req.DryRun = o.NoBlock, o.DryRun
	req.Keys, req.Range, req.Only, req.Latest = nil, partition.KeyRange{}, "", 0
	req.Tags = maps.Clone(req.Tags)
	if req.Tags == nil {
		req.Tags = map[string]string{}
	}
	req.Tags[rerunTag] = rec.ID
	p, err := r.planBackfillOf(ctx, req, time.Now(), func(space partition.Space) (partition.Set, error) { return space.Within(left), nil })
	if err != nil {
		return nil, err
	}
	if p.set.IsEmpty() {
		return nil, fmt.Errorf("backfill %q: none of the partitions that failed or were canceled is defined any more", rec.ID)
	}
	if o.DryRun {
		return p.dry()
	}
	return r.runBackfill(ctx, p, rec.ID)
}

// ResumeBackfill goes on with a backfill whose process died, where it was. Of one that has ended it returns the
// recorded result and changes nothing.
func (r *CodeRepository) ResumeBackfill(ctx context.Context, id string) (*BackfillResult, error) {
	if err := r.Resolve(ctx, nil); err != nil {
		return nil, err
	}
	rec, err := r.ownBackfill(ctx, id)
	if err != nil {
		return nil, err
	}
	if rec.State.Terminal() {
		out := newBackfillResult(&rec)
		err := out.Err()
		return out, err
	}
	p, err := r.planRecordedBackfill(ctx, &rec)
	if err != nil {
		return nil, err
	}
	c := storage.RunClaim{ID: rec.ID, Owner: proc.Self().String(), Lease: engine.Lease}
	if proc.Gone(rec.Owner) {
		c.Gone = rec.Owner
	}
	claimed, err := r.store.ClaimBackfill(ctx, c)
	switch {
	case errors.Is(err, storage.ErrOwned):
		return nil, fmt.Errorf("backfill %q: %w: %s: wait until it ends, or cancel it", rec.ID, storage.ErrOwned, proc.Describe(rec.Owner))
	case err != nil:
		return nil, fmt.Errorf("backfill %q: taking it over: %w", rec.ID, err)
	}
	past, err := p.past(ctx, &claimed)
	if err != nil {
		return nil, err
	}
	return r.driveBackfill(ctx, p, claimed, past)
}

// CancelBackfill asks a backfill to stop: nothing new begins, and the runs in progress are canceled. It returns true
// if the backfill is in progress in this process; else a request is recorded that its owner obeys, and one that has
// no owner any more is ended here. A backfill that has ended is left as it is.
func (r *CodeRepository) CancelBackfill(ctx context.Context, id string) (bool, error) {
	return r.cancelBackfill(ctx, id, storage.CancelRequest{At: time.Now()})
}

func (r *CodeRepository) cancelBackfill(ctx context.Context, id string, c storage.CancelRequest) (bool, error) {
	if err := r.Resolve(ctx, nil); err != nil {
		return false, err
	}
	rec, err := r.store.GetBackfill(ctx, id)
	if err != nil {
		return false, err
	}
	c.Backfill = rec.Key
	if rec.State.Terminal() {
		return false, nil
	}
	if err := r.store.Commit(ctx, &storage.Batch{Cancels: []storage.CancelRequest{c}}); err != nil {
		return false, fmt.Errorf("backfill %q: asking it to stop: %w", id, err)
	}
	r.mu.Lock()
	stop := r.backfills[rec.ID]
	r.mu.Unlock()
	if stop != nil {
		stop(c)
		return true, nil
	}
	if rec.Location != r.Name() || !rec.LeaseUntil.Before(time.Now()) && !proc.Gone(rec.Owner) {
		return false, nil // its owner hears of it
	}
	_, err = r.ResumeBackfill(ctx, rec.ID) // which obeys the request
	if errors.Is(err, ErrRunCanceled) {
		err = nil
	}
	return false, err
}

// BackfillStatus returns what is recorded of a backfill, or an error that wraps [storage.ErrNotFound].
func (r *CodeRepository) BackfillStatus(ctx context.Context, id string) (*BackfillStatus, error) {
	if err := r.Resolve(ctx, nil); err != nil {
		return nil, err
	}
	rec, err := r.store.GetBackfill(ctx, id)
	if err != nil {
		return nil, err
	}
	return &rec, nil
}

// ownBackfill reads a backfill, which must be of this repository.
func (r *CodeRepository) ownBackfill(ctx context.Context, id string) (storage.BackfillRecord, error) {
	rec, err := r.store.GetBackfill(ctx, id)
	switch {
	case err != nil:
		return rec, err
	case rec.Location != r.Name():
		return rec, fmt.Errorf("backfill %q: it is of %q, and this is %q: run it there", rec.ID, rec.Location, r.Name())
	}
	return rec, nil
}

// runBackfill records a backfill and sees it through.
func (r *CodeRepository) runBackfill(ctx context.Context, p *backfillPlan, rerunOf string) (*BackfillResult, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("backfill: making an id: %w", err)
	}
	rec := storage.BackfillRecord{
		ID: id.String(), Location: r.Name(), Request: p.req, RerunOf: rerunOf, Assets: p.assets, Partitions: p.set, Total: p.total,
		CreatedAt: p.division.Now().UTC(), Token: 1, Owner: proc.Self().String(),
	}
	b := storage.Batch{Backfills: []storage.BackfillRecord{rec}, Lease: engine.Lease}
	if err := r.store.Commit(ctx, &b); err != nil {
		return nil, fmt.Errorf("backfill: recording it: %w", err)
	}
	return r.driveBackfill(ctx, p, b.Backfills[0], nil)
}

// driveBackfill sees a backfill through, in the background if the request says so.
func (r *CodeRepository) driveBackfill(ctx context.Context, p *backfillPlan, rec storage.BackfillRecord, past []backfill.Past) (*BackfillResult, error) {
	drive := backfill.Drive{
		Config: p.config(), Record: rec, Past: past, Store: r.store, Runs: &backfillRuns{plan: p, backfill: rec.ID},
		Keeper: r.keeper, Count: p.space.Count, Lease: engine.Lease, Changed: r.backfillListener(rec.ID, p.total),
	}
	if !rec.Request.NoBlock {
		return r.executeBackfill(ctx, drive, rec.ID)
	}
	go func() {
		_, _ = r.executeBackfill(context.WithoutCancel(ctx), drive, rec.ID) // its record says how it ended
	}()
	return newBackfillResult(&rec), nil
}

// executeBackfill sees a backfill through; while it does, it can be canceled by its id.
func (r *CodeRepository) executeBackfill(ctx context.Context, drive backfill.Drive, id string) (*BackfillResult, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil, fmt.Errorf("repository %q: %w", r.config.Name, ErrClosed)
	}
	r.background.Add(1)
	defer r.background.Done()
	if r.backfills == nil {
		r.backfills = map[string]func(storage.CancelRequest){}
	}
	r.backfills[id] = func(c storage.CancelRequest) { cancel(&engine.CancelError{CancelRequest: c}) }
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.backfills, id)
	}()
	r.upkeep()
	listeners := r.listeners()
	r.backfillStarted(listeners, &drive)
	rec, err := drive.Execute(ctx)
	out := newBackfillResult(&rec)
	r.backfillFinished(listeners, out)
	return out, errors.Join(out.Err(), err)
}

func newBackfillResult(rec *storage.BackfillRecord) *BackfillResult {
	p := rec.Progress
	out := &BackfillResult{
		ID: rec.ID, State: rec.State, Action: rec.Request.Action, Assets: rec.Assets, Partitions: rec.Partitions, Total: rec.Total, Runs: p.Runs,
		Completed: p.CompletedCount, Failed: p.FailedCount, Canceled: p.CanceledCount, Progress: p, Error: rec.Error,
	}
	if !rec.EndedAt.IsZero() {
		out.Duration = rec.EndedAt.Sub(rec.CreatedAt)
	}
	return out
}
