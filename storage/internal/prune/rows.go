package prune

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/rivers-go/rivers/storage"
)

// pageOfRuns is how many runs are listed at once.
const pageOfRuns = 1000

// rows deletes lines and events that no run may keep, and of events of assets and evaluations those
// that are not among the newest.
func (p *pruner) rows(ctx context.Context) error {
	for q := (RunQuery{After: storage.RunKey(p.at.After), Before: youngestRows(&p.cutoffs.Before), Limit: pageOfRuns}); ; p.at.After = int64(q.After) {
		page, err := p.EndedRuns(ctx, q)
		if err != nil || len(page) == 0 {
			return err
		}
		switch err := p.rowsOfAll(ctx, page); {
		case p.again(err):
			continue // what is gone is listed no more
		case err != nil:
			return err
		}
		q.After = page[len(page)-1].Key
	}
}

// rowsOfAll takes the old enough rows of each run on a page.
func (p *pruner) rowsOfAll(ctx context.Context, page []Run) error {
	goes := func(r Run, k storage.PruneKind) bool {
		return r.Ended < p.cutoffs.Before[k] && r.Marks&DoneMark(k) == 0
	}
	of := map[Class][]Run{}
	for _, r := range page {
		events := Class(0)
		for _, c := range [...]Class{Lines, StepEvents, AssetEvents, Evaluations} {
			switch row := (Row{Class: c}); {
			case !goes(r, row.kind()):
			case c == Lines:
				of[Lines] = append(of[Lines], r)
			default:
				events |= c
			}
		}
		if events != 0 {
			of[events] = append(of[events], r)
		}
	}
	for _, c := range slices.Backward(slices.Sorted(maps.Keys(of))) { // lines first
		if err := p.rowsOf(ctx, c, of[c]); err != nil {
			return err
		}
	}
	return nil
}

func (p *pruner) rowsOf(ctx context.Context, c Class, page []Run) error {
	var last [storage.PruneKindCount]storage.RunKey // the run that was counted
	for w := p.walk(c, page); !w.done(); {
		most, err := p.most()
		if err != nil {
			return err
		}
		from := w.at
		rows, err := w.next(ctx, most)
		if err != nil {
			return err
		}
		d, err := p.cut(ctx, w, rows)
		if err != nil {
			return err
		}
		d.finish(w.passed(from))
		if !p.dry && len(d.Marks) > 0 {
			if err := p.delete(ctx, &d.Deletion); err != nil {
				return err
			}
		}
		for _, row := range d.rows {
			k, runs := row.kind(), int64(0)
			if last[k] != row.Run {
				last[k], runs = row.Run, 1
			}
			p.count(k, 1, runs, row.Bytes)
		}
		p.tell()
	}
	return nil
}

// cutting is a deletion with the rows that go.
type cutting struct {
	Deletion

	rows []Row
}

// cut makes a deletion of the rows that no run may keep: spans as long as nothing that stays is
// between two rows.
func (p *pruner) cut(ctx context.Context, w *walk, rows []Row) (d cutting, err error) {
	d.Class = w.class
	joins := false
	for _, row := range rows {
		stays, err := p.stays(ctx, w.run(row.Run), row)
		if err != nil {
			return d, err
		}
		if stays {
			joins = false
			continue
		}
		if last := len(d.Spans) - 1; joins && w.follows(d.Spans[last].ToRun, row.Run) {
			d.Spans[last].ToRun, d.Spans[last].ToN = row.Run, row.N
		} else {
			d.Spans = append(d.Spans, Span{row.Run, row.N, row.Run, row.N})
		}
		d.mark(row.Run, LostMark(row.kind()))
		d.rows = append(d.rows, row)
		joins = true
	}
	return d, nil
}

// mark adds to the marks of a run, which is the last that has any or comes behind it.
func (d *cutting) mark(run storage.RunKey, bits int64) {
	if last := len(d.Marks) - 1; last < 0 || d.Marks[last].Run != run {
		d.Marks = append(d.Marks, Mark{Run: run})
	}
	d.Marks[len(d.Marks)-1].Bits |= bits
}

// finish marks runs whose rows were all seen. Those of assets and checks may stay, and are looked
// for again.
func (d *cutting) finish(runs []storage.RunKey) {
	bits := DoneMark(storage.PruneSteps)
	switch {
	case d.Class == Lines:
		bits = DoneMark(storage.PruneLogs)
	case d.Class&StepEvents == 0:
		return
	}
	for _, run := range runs {
		i, found := slices.BinarySearchFunc(d.Marks, run, func(m Mark, run storage.RunKey) int { return cmp.Compare(m.Run, run) })
		if !found {
			d.Marks = slices.Insert(d.Marks, i, Mark{Run: run})
		}
		d.Marks[i].Bits |= bits
	}
}

// stays reports whether an asset event or evaluation is young enough to stay or among the newest.
func (p *pruner) stays(ctx context.Context, run Run, row Row) (bool, error) {
	if row.Asset == 0 {
		return false, nil
	}
	k := row.kind()
	if run.Ended >= p.cutoffs.Before[k] {
		return true, nil
	}
	most := p.cutoffs.Newest[k]
	if most == 0 {
		return false, nil
	}
	of := newestOf{row.Asset, row.Class}
	oldest, known := p.oldest[of]
	if !known {
		newest, err := p.ListAssetEvents(ctx, storage.AssetEventQuery{Asset: row.Asset, Limit: most})
		if err != nil {
			return false, err
		}
		if len(newest) == most {
			e := &newest[len(newest)-1]
			oldest = Row{Run: e.Run, N: e.N}
		}
		p.oldest[of] = oldest
	}
	return cmp.Or(cmp.Compare(row.Run, oldest.Run), cmp.Compare(row.N, oldest.N)) >= 0, nil
}

// walk goes over the rows of a page of runs.
type walk struct {
	p     *pruner
	class Class
	page  []Run
	// at is the index of the run whose row is next, which is behind n.
	at int
	n  int64
}

func (p *pruner) walk(c Class, page []Run) *walk { return &walk{p: p, class: c, page: page} }

func (w *walk) done() bool { return w.at == len(w.page) }

func (w *walk) find(key storage.RunKey) (int, bool) {
	return slices.BinarySearchFunc(w.page, key, func(r Run, key storage.RunKey) int { return cmp.Compare(r.Key, key) })
}

// run is a run of the page.
func (w *walk) run(key storage.RunKey) Run {
	i, _ := w.find(key)
	return w.page[i]
}

// follows reports whether the page has all runs between two. A span deletes all rows in it.
func (w *walk) follows(before, after storage.RunKey) bool {
	i, _ := w.find(before)
	j, _ := w.find(after)
	return storage.RunKey(j-i) == after-before
}

// passed are the runs between an index and the present one: all their rows were seen.
func (w *walk) passed(from int) []storage.RunKey {
	var keys []storage.RunKey
	for _, r := range w.page[from:w.at] {
		keys = append(keys, r.Key)
	}
	return keys
}

// next returns rows of runs of the page, at most so many. Of what lies between two of them it reads
// no more than that.
func (w *walk) next(ctx context.Context, most int) ([]Row, error) {
	last := w.page[len(w.page)-1].Key
	rows, err := w.p.Rows(ctx, RowQuery{Class: w.class, Run: w.page[w.at].Key, N: w.n, Last: last, Limit: most})
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if at, ours := w.find(rows[i].Run); ours {
			w.at, w.n = at, rows[i].N
			continue
		}
		// A run that may not be touched: go on behind it.
		w.at, _ = w.find(rows[i].Run)
		w.n = 0
		return rows[:i], nil
	}
	if len(rows) < most {
		w.at, w.n = len(w.page), 0
	}
	return rows, nil
}
