package rivers

import (
	"slices"

	"github.com/rivers-go/rivers/storage"
)

// backfillStarted tells the listeners that a backfill begins. The function that it returns tells them of the end; it is
// nil where nobody listens.
func (r *CodeRepository) backfillStarted(rec *storage.BackfillRecord) (finished func(*storage.BackfillRecord)) {
	listeners := r.listeners()
	if len(listeners) == 0 {
		return nil
	}
	for i := range listeners {
		if f := listeners[i].BackfillStarted; f != nil {
			shield(r.config.Logger, "", func() {
				f(BackfillStarted{
					BackfillID: rec.ID, Action: rec.Request.Action, Assets: rec.Assets, Total: rec.Total, Resumed: rec.Token > 1,
				})
			})
		}
	}
	return func(rec *storage.BackfillRecord) { r.backfillFinished(listeners, newBackfillResult(rec)) }
}

// backfillFinished tells the listeners that a backfill has ended.
func (r *CodeRepository) backfillFinished(listeners []Listener, out *BackfillResult) {
	for i := range listeners {
		if f := listeners[i].BackfillFinished; f != nil {
			shield(r.config.Logger, "", func() { f(out) })
		}
	}
}

// backfillListener tells the listeners of progress; nil if nobody listens.
func (r *CodeRepository) backfillListener(id string, total int64) func(storage.BackfillProgress) {
	listeners := slices.DeleteFunc(r.listeners(), func(l Listener) bool { return l.BackfillProgress == nil })
	if len(listeners) == 0 {
		return nil
	}
	return func(p storage.BackfillProgress) {
		for _, l := range listeners {
			shield(r.config.Logger, "", func() {
				l.BackfillProgress(BackfillProgress{
					BackfillID: id, Total: total, Runs: p.Runs, Completed: p.CompletedCount, Failed: p.FailedCount, Canceled: p.CanceledCount,
				})
			})
		}
	}
}
