package launch

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

// Recover looks for runs of this repository whose process is gone, and ends or resumes them. It
// looks again at most every ten seconds, however often it is called, and reports whether it looked.
// Errors are logged and do not affect other runs.
func (r *Runner) Recover(ctx context.Context) bool {
	r.mu.Lock()
	due := !r.Background.Closed() && time.Since(r.recovered) >= recoverEvery
	if due {
		r.recovered = time.Now()
	}
	r.mu.Unlock()
	if !due {
		return false
	}
	runs, err := engine.Abandoned(ctx, r.Store, r.Catalog.Location())
	if err != nil {
		r.log().WarnContext(ctx, "runs whose process died are not looked for", "repository", r.Catalog.Location(), "error", err)
		return true
	}
	for i := range runs {
		r.recoverRun(ctx, &runs[i])
	}
	return true
}

// recoverRun ends or continues one run whose process is gone.
func (r *Runner) recoverRun(ctx context.Context, rec *storage.RunRecord) {
	if rec.Backfill != "" { // the process that resumes the backfill resumes it
		if of, err := r.Store.GetBackfill(ctx, rec.Backfill); err == nil && !of.State.Terminal() {
			return
		}
	}
	log := r.log().With("run", rec.ID, "owner", proc.Describe(rec.Owner))
	if r.ResumeAbandoned && rec.Cancel == nil {
		r.Background.Go(func() {
			log.InfoContext(ctx, "a run whose process died is resumed")
			_, err := r.continueRun(context.WithoutCancel(ctx), rec.ID)
			if err != nil && !errors.Is(err, storage.ErrOwned) {
				log.WarnContext(ctx, "a run whose process died is not resumed", "error", err)
			}
		})
		return
	}
	settled, err := engine.SettleAbandoned(ctx, r.Store, rec.ID)
	switch {
	case err != nil:
		log.WarnContext(ctx, "a run whose process died is not ended", "error", err)
	case settled:
		log.WarnContext(ctx, "a run whose process died was ended; run again what did not succeed with runs retry")
	}
}

// Cancel asks a run to stop, whichever process runs it. It returns the state in which the run was;
// one that had ended is left as it is.
func (r *Runner) Cancel(ctx context.Context, id, reason string) (storage.RunState, error) {
	rec, err := engine.RequestCancel(ctx, r.Store, id, storage.CancelRequest{At: time.Now(), By: proc.Self().Describe(), Reason: reason})
	return rec.State, err
}
