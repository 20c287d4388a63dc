package rivers

import (
	"context"
	"errors"
	"time"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/storage"
)

// recoverEvery is how often a repository that runs something looks for runs whose process died.
const recoverEvery = engine.Lease / 3

// recoverAbandoned looks for runs of this repository whose process is gone, and ends or resumes them. It
// looks again at most every ten seconds, however often it is called. What goes wrong with it is said and
// keeps nothing else from running.
func (r *CodeRepository) recoverAbandoned(ctx context.Context) {
	r.mu.Lock()
	due := !r.closed && time.Since(r.recovered) >= recoverEvery
	if due {
		r.recovered = time.Now()
	}
	r.mu.Unlock()
	if !due {
		return
	}
	runs, err := engine.Abandoned(ctx, r.store, r.Name())
	if err != nil {
		r.log().WarnContext(ctx, "runs whose process died are not looked for", "repository", r.Name(), "error", err)
		return
	}
	for i := range runs {
		r.recoverRun(ctx, &runs[i])
	}
	if r.config.ResumeAbandoned {
		r.resumeBackfills(ctx)
	}
}

// resumeBackfills goes on, in the background, with backfills of this repository whose process died.
func (r *CodeRepository) resumeBackfills(ctx context.Context) {
	open, err := r.store.ListBackfills(ctx, storage.BackfillQuery{
		Location: r.Name(), States: []storage.BackfillState{storage.BackfillRequested, storage.BackfillInProgress, storage.BackfillCanceling},
	})
	if err != nil {
		r.log().WarnContext(ctx, "backfills whose process died are not looked for", "repository", r.Name(), "error", err)
		return
	}
	for i := range open {
		rec := &open[i]
		if !rec.LeaseUntil.Before(time.Now()) && !proc.Gone(rec.Owner) {
			continue
		}
		log := r.log().With("backfill", rec.ID, "owner", proc.Describe(rec.Owner))
		go func() {
			log.InfoContext(ctx, "a backfill whose process died is resumed")
			_, err := r.ResumeBackfill(context.WithoutCancel(ctx), rec.ID)
			if err != nil && !errors.Is(err, ErrBackfillFailed) && !errors.Is(err, ErrRunCanceled) && !errors.Is(err, storage.ErrOwned) {
				log.WarnContext(ctx, "a backfill whose process died is not resumed", "error", err)
			}
		}()
	}
}

func (r *CodeRepository) recoverRun(ctx context.Context, rec *storage.RunRecord) {
	if rec.Backfill != "" { // whoever goes on with the backfill goes on with it
		if of, err := r.store.GetBackfill(ctx, rec.Backfill); err == nil && !of.State.Terminal() {
			return
		}
	}
	log := r.log().With("run", rec.ID, "owner", proc.Describe(rec.Owner))
	if r.config.ResumeAbandoned && rec.Cancel == nil {
		r.background.Go(func() {
			log.InfoContext(ctx, "a run whose process died is resumed")
			_, err := r.goOn(context.WithoutCancel(ctx), rec.ID)
			var failed *StepError
			if err != nil && !errors.As(err, &failed) && !errors.Is(err, storage.ErrOwned) {
				log.WarnContext(ctx, "a run whose process died is not resumed", "error", err)
			}
		})
		return
	}
	settled, err := engine.SettleAbandoned(ctx, r.store, rec.ID)
	switch {
	case err != nil:
		log.WarnContext(ctx, "a run whose process died is not ended", "error", err)
	case settled:
		log.WarnContext(ctx, "a run whose process died was ended; run again what did not succeed with runs retry")
	}
}

// CancelRun asks a run to stop, whichever process runs it: its owner hears it at once and cancels its
// steps. A run whose process is gone, or that was never started, is canceled here. It returns the state in
// which the run was; one that had ended is left as it is.
func (r *CodeRepository) CancelRun(ctx context.Context, id, reason string) (storage.RunState, error) {
	if err := r.Resolve(ctx, nil); err != nil {
		return 0, err
	}
	rec, err := engine.RequestCancel(ctx, r.store, id, storage.CancelRequest{At: time.Now(), By: proc.Self().Describe(), Reason: reason})
	return rec.State, err
}
