package rivers

import (
	"slices"

	"github.com/rivers-go/rivers/internal/backfill"
	"github.com/rivers-go/rivers/storage"
)

// backfillStarted tells the listeners that a backfill begins.
func (r *CodeRepository) backfillStarted(listeners []Listener, d *backfill.Drive) {
	for i := range listeners {
		if f := listeners[i].BackfillStarted; f != nil {
			shield(r.config.Logger, "", func() {
				f(BackfillStarted{
					BackfillID: d.Record.ID, Action: d.Record.Request.Action, Assets: d.Record.Assets, Total: d.Record.Total, Resumed: d.Record.Token > 1,
				})
			})
		}
	}
}

// backfillFinished tells them what it came to.
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
