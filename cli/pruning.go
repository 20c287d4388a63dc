package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// pruning shows how far db prune has come: on a terminal as a line that is drawn again in place, else as a line from time to time. It
// is told by the goroutine that prunes.
type pruning struct {
	app    *app
	ctx    context.Context //nolint:containedctx // it lives as long as one call
	screen screen
	began  time.Time
	said   time.Time // when it was last drawn, or printed
	drawn  bool
}

// pruneShown prunes, and shows how far that has come. Of one that is interrupted it prints what was done, for that stays.
func (a *app) pruneShown(ctx context.Context, s storage.Pruner, req storage.PruneRequest) (storage.PruneReport, error) {
	says := "stopping after the rows that are being deleted now; press Ctrl-C again to stop at once"
	a.onInterrupt.Store(&says)
	defer a.onInterrupt.Store(nil)
	p := &pruning{app: a, ctx: ctx, screen: screen{out: a.out, width: a.width}, began: time.Now(), said: time.Now()}
	req.Progress = p.hear
	report, err := s.Prune(ctx, req)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		if !a.json && report.Rows() > 0 {
			a.printPruned(&prunedDoc{PruneReport: report})
		}
		return report, fmt.Errorf("%w: what was deleted stays so; db prune goes on with the rest", cause)
	}
	if p.drawn {
		p.screen.paint(nil, nil)
	}
	return report, err
}

func (p *pruning) hear(done storage.PruneReport) {
	every := sayEvery
	if p.app.terminal {
		every = liveEvery
	}
	if p.app.json || p.ctx.Err() != nil || time.Since(p.said) < every {
		return
	}
	p.said = time.Now()
	text := fmt.Sprintf("deleted %s, about %s", counted(done.Rows(), "row", "rows"), byteText(done.Bytes()))
	if took := time.Since(p.began).Seconds(); took > 0.5 {
		text += fmt.Sprintf("  %s/s", rateText(float64(done.Rows())/took))
	}
	if !p.app.terminal {
		fmt.Fprintln(p.app.out, text)
		return
	}
	p.drawn = true
	p.screen.paint(nil, []string{text})
}
