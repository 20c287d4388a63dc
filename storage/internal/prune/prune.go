package prune

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// Prune implements [storage.Pruner] on a backend.
func Prune(ctx context.Context, b Backend, r storage.PruneRequest) (storage.PruneReport, error) {
	cutoffs, err := r.Cutoffs()
	p := pruner{
		Backend: b, cutoffs: cutoffs, dry: r.DryRun, chunk: cmp.Or(r.Chunk, storage.DefaultPruneChunk), left: r.Limit, limited: r.Limit > 0,
		oldest: map[newestOf]Row{}, progress: r.Progress,
	}
	for k := range storage.PruneKindCount {
		p.report.Kinds[k].Kind = k
	}
	if err != nil {
		return p.report, err
	}
	if r.Every > 0 {
		err = p.inTurn(ctx, r)
	} else {
		err = p.all(ctx)
	}
	return p.report, err
}

// all does the work from its place on.
func (p *pruner) all(ctx context.Context) error {
	parts := p.parts()
	if i := slices.IndexFunc(parts, func(part part) bool { return part.what == p.at.Part }); i >= 0 {
		parts = parts[i:]
	}
	for _, part := range parts {
		if part.what != p.at.Part {
			p.at = place{Part: part.what}
		}
		err := part.prune(ctx)
		if errors.Is(err, errLimit) {
			p.report.More = true
			return nil
		}
		if err != nil {
			return fmt.Errorf("prune %s: %w", part.what, err)
		}
	}
	return nil
}

// errLimit ends a call that has deleted as much as it may.
var errLimit = errors.New("the limit is reached")

type pruner struct {
	Backend

	cutoffs storage.PruneCutoffs
	dry     bool
	chunk   int
	left    int64
	limited bool
	report  storage.PruneReport
	// progress may be nil.
	progress func(storage.PruneReport)
	// at is where the work is.
	at place
	// oldest are the oldest asset events and evaluations among the newest that stay; zero if there
	// are fewer.
	oldest map[newestOf]Row
	// restUntil is when the next transaction may begin.
	restUntil time.Time
	// refusals counts those of [ErrRetried].
	refusals int
}

// part is a part of the work, in the order in which it is done.
type part struct {
	what  string
	prune func(context.Context) error
}

func (p *pruner) parts() []part {
	before := p.cutoffs.Before
	var parts []part
	if youngestRows(&before) != 0 {
		parts = append(parts, part{"logs and events", p.rows})
	}
	if before[storage.PruneRuns] != 0 {
		parts = append(parts, part{"runs", p.runs})
	}
	if before[storage.PruneBackfills] != 0 {
		parts = append(parts, part{"backfills", p.backfills})
	}
	if before[storage.PruneChanges]|p.cutoffs.Passed != 0 {
		parts = append(parts, part{"changes", p.changes})
	}
	return parts
}

// youngestRows is the instant before which runs ended that may lose lines or events of any class.
func youngestRows(before *[storage.PruneKindCount]storage.Micros) storage.Micros {
	return max(before[storage.PruneLogs], before[storage.PruneSteps], before[storage.PruneAssetEvents], before[storage.PruneEvaluations])
}

// newestOf is an asset whose newest events stay, or a check whose newest evaluations do.
type newestOf struct {
	asset storage.AssetKey
	class Class
}

// maxRefusals is how often a page is listed again before the refusals count as a fault.
const maxRefusals = 1000

// again reports whether a page is to be listed again, since a run that it names is being retried by
// now.
func (p *pruner) again(err error) bool {
	if !errors.Is(err, ErrRetried) {
		return false
	}
	p.refusals++
	return p.refusals <= maxRefusals
}

// most is how many rows the next transaction may delete.
func (p *pruner) most() (int, error) {
	switch {
	case !p.limited:
		return p.chunk, nil
	case p.left <= 0:
		return 0, errLimit
	}
	return int(min(int64(p.chunk), p.left)), nil
}

// restFactor is the rest after a transaction, as a multiple of its duration: other writers have
// three quarters of the time.
const restFactor = 3

// delete rests after the previous deletion, then applies this one. It counts deleted rows before a
// rest can fail.
func (p *pruner) delete(ctx context.Context, d *Deletion) error {
	if p.restUntil.After(time.Now()) {
		rest := time.NewTimer(time.Until(p.restUntil))
		defer rest.Stop()
		select {
		case <-rest.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	began := time.Now()
	err := p.Delete(ctx, d)
	p.restUntil = time.Now().Add(restFactor * time.Since(began))
	return err
}

// count adds to the report what went, or would go.
func (p *pruner) count(k storage.PruneKind, rows, runs, bytes int64) {
	c := &p.report.Kinds[k]
	c.Rows, c.Runs, c.Bytes = c.Rows+rows, c.Runs+runs, c.Bytes+bytes
	p.left -= rows
}

// tell reports the counts so far.
func (p *pruner) tell() {
	if p.progress != nil && !p.dry {
		p.progress(p.report)
	}
}

// runs deletes empty runs and unreferenced names.
func (p *pruner) runs(ctx context.Context) error {
	known, referred := false, []storage.RunKey(nil)
	for q := (RunQuery{After: storage.RunKey(p.at.After), Before: p.cutoffs.Before[storage.PruneRuns]}); ; p.at.After = int64(q.After) {
		var err error
		if q.Limit, err = p.most(); err != nil {
			return err
		}
		page, err := p.EndedRuns(ctx, q)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		gone, err := p.bare(ctx, page)
		if err != nil {
			return err
		}
		if !known && len(gone) > 0 && !p.dry {
			if referred, err = p.Referred(ctx); err != nil {
				return err
			}
			slices.Sort(referred)
			known, referred = true, slices.Compact(referred)
		}
		switch err := p.deleteRuns(ctx, gone, referred); {
		case p.again(err):
			continue
		case err != nil:
			return err
		}
		q.After = page[len(page)-1].Key
	}
	if !known {
		return nil
	}
	return p.names(ctx, referred)
}

func (p *pruner) deleteRuns(ctx context.Context, gone []Run, referred []storage.RunKey) error {
	if len(gone) == 0 {
		return nil
	}
	d := Deletion{Gone: int64(len(gone))}
	var bytes int64
	for i := range gone {
		bytes += gone[i].Bytes
		d.Runs = append(d.Runs, gone[i].Key)
		if _, found := slices.BinarySearch(referred, gone[i].Key); found {
			d.Kept = append(d.Kept, gone[i].Key)
		}
	}
	if !p.dry {
		if err := p.delete(ctx, &d); err != nil {
			return err
		}
	}
	p.count(storage.PruneRuns, d.Gone, 0, bytes)
	p.tell()
	return nil
}

// bare are the runs of a page that no event of an asset holds, and no evaluation.
func (p *pruner) bare(ctx context.Context, page []Run) ([]Run, error) {
	held := map[storage.RunKey]bool{}
	w := p.walk(AssetEvents|Evaluations, page)
	for !w.done() {
		rows, err := w.next(ctx, storage.DefaultPruneChunk)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if held[row.Run] {
				continue
			}
			stays, err := p.stays(ctx, w.run(row.Run), row)
			if err != nil {
				return nil, err
			}
			held[row.Run] = stays
		}
	}
	return slices.DeleteFunc(slices.Clone(page), func(r Run) bool { return held[r.Key] }), nil
}

// names deletes the names of runs that no state refers to.
func (p *pruner) names(ctx context.Context, referred []storage.RunKey) error {
	for after := storage.RunKey(0); ; {
		names, err := p.Names(ctx, after, p.chunk)
		if err != nil || len(names) == 0 {
			return err
		}
		d := Deletion{}
		for _, key := range names {
			if _, found := slices.BinarySearch(referred, key); !found {
				d.Names = append(d.Names, key)
			}
		}
		if len(d.Names) > 0 {
			if err := p.delete(ctx, &d); err != nil {
				return err
			}
		}
		after = names[len(names)-1]
	}
}

func (p *pruner) backfills(ctx context.Context) error {
	const k = storage.PruneBackfills
	for q := (BackfillQuery{Before: p.cutoffs.Before[k]}); ; {
		var err error
		if q.Limit, err = p.most(); err != nil {
			return err
		}
		page, err := p.EndedBackfills(ctx, q)
		if err != nil || len(page) == 0 {
			return err
		}
		d := Deletion{Gone: int64(len(page))}
		var bytes int64
		for i := range page {
			d.Backfills = append(d.Backfills, page[i].Key)
			bytes += page[i].Bytes
		}
		if !p.dry {
			if err := p.delete(ctx, &d); err != nil {
				return err
			}
		}
		p.count(k, d.Gone, 0, bytes)
		p.tell()
		q.After = page[len(page)-1].Key
	}
}
