package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/prune"
)

// Prune deletes history, see [storage.Pruner].
func (s *Store) Prune(ctx context.Context, r storage.PruneRequest) (storage.PruneReport, error) {
	return prune.Prune(ctx, pruning{s}, r)
}

// pruning is the store as the decider of what goes sees it.
type pruning struct{ *Store }

// EndedRuns lists runs that may lose something.
func (p pruning) EndedRuns(ctx context.Context, q prune.RunQuery) ([]prune.Run, error) {
	if err := p.read(ctx); err != nil {
		return nil, err
	}
	defer p.mu.RUnlock()
	retried := p.retried()
	var list []prune.Run
	for i := int(q.After); i < len(p.runs)-1 && len(list) < q.Limit; i++ {
		r := p.runs[i]
		if r == nil || !r.record.State.Terminal() || storage.MicrosOf(r.record.EndedAt) >= q.Before || retried[r.record.ID] {
			continue
		}
		if slices.ContainsFunc(p.claims, func(c *claim) bool { return c.run == r.record.Key }) {
			continue
		}
		if of := p.backfillByID[r.record.Backfill]; of != nil && !of.State.Terminal() {
			continue
		}
		list = append(list, prune.Run{Key: r.record.Key, Ended: storage.MicrosOf(r.record.EndedAt), Marks: r.lost, Bytes: sizeOfRun})
	}
	return list, nil
}

// sizeOfRun and its kin stand for what nobody measures in memory.
const sizeOfRun, sizeOfRow, sizeOfBackfill, sizeOfChange = 512, 64, 512, 64

// retried are the IDs of runs that a run without an end retries.
func (s *Store) retried() map[string]bool {
	ids := map[string]bool{}
	for _, r := range s.runs {
		if r != nil && !r.record.State.Terminal() && r.record.Request.RetryOf != "" {
			ids[r.record.Request.RetryOf] = true
		}
	}
	return ids
}

// Rows lists lines or events of runs.
func (p pruning) Rows(ctx context.Context, q prune.RowQuery) ([]prune.Row, error) {
	if err := p.read(ctx); err != nil {
		return nil, err
	}
	defer p.mu.RUnlock()
	var list []prune.Row
	add := func(row prune.Row) {
		if (row.Run > q.Run || row.N > q.N) && len(list) < q.Limit {
			list = append(list, row)
		}
	}
	for key := q.Run; key <= q.Last && len(list) < q.Limit; key++ {
		r := p.run(key)
		if r == nil {
			continue
		}
		if q.Class == prune.Lines {
			for i := range r.logs {
				add(prune.Row{Run: key, N: r.logs[i].N, Class: prune.Lines, Bytes: sizeOfRow + int64(len(r.logs[i].Message)+len(r.logs[i].Attrs))})
			}
			continue
		}
		for i := range r.events {
			if e := &r.events[i]; prune.ClassOf(e)&q.Class != 0 {
				add(prune.Row{Run: key, N: e.N, Class: prune.ClassOf(e), Asset: e.Asset, Bytes: sizeOfRow + int64(len(e.Detail)+len(e.Partition))})
			}
		}
	}
	return list, nil
}

// EndedBackfills lists backfills that may go.
func (p pruning) EndedBackfills(ctx context.Context, q prune.BackfillQuery) ([]prune.Backfill, error) {
	if err := p.read(ctx); err != nil {
		return nil, err
	}
	defer p.mu.RUnlock()
	named := map[string]bool{}
	for _, r := range p.runs {
		if r != nil {
			named[r.record.Backfill] = true
		}
	}
	var list []prune.Backfill
	for i := int(q.After); i < len(p.backfills)-1 && len(list) < q.Limit; i++ {
		if rec := p.backfills[i]; rec != nil && rec.State.Terminal() && storage.MicrosOf(rec.EndedAt) < q.Before && !named[rec.ID] {
			list = append(list, prune.Backfill{Key: rec.Key, Bytes: sizeOfBackfill})
		}
	}
	return list, nil
}

// OldChanges lists the beginning of the feed without its last entry.
func (p pruning) OldChanges(ctx context.Context, after int64, limit int) ([]prune.Change, error) {
	if err := p.read(ctx); err != nil {
		return nil, err
	}
	defer p.mu.RUnlock()
	var list []prune.Change
	for i := 0; i < len(p.feed)-1 && len(list) < limit; i++ {
		if seq := p.feed[i+1].first - 1; seq > after {
			list = append(list, prune.Change{Seq: seq, At: p.feed[i].at, Bytes: sizeOfChange})
		}
	}
	return list, nil
}

// Referred lists the runs that states refer to.
func (p pruning) Referred(ctx context.Context) ([]storage.RunKey, error) {
	if err := p.read(ctx); err != nil {
		return nil, err
	}
	defer p.mu.RUnlock()
	var keys []storage.RunKey
	for _, a := range p.assets {
		for kind, st := range a.states {
			if st != nil {
				keys = append(keys, st.Run)
			}
			if a.parts == nil {
				continue
			}
			for _, single := range a.parts.singles[kind] {
				keys = append(keys, single.Run)
			}
			for _, group := range a.parts.groups[kind] {
				keys = append(keys, group.Run)
			}
		}
	}
	return keys, nil
}

// Names lists the runs that are gone and whose names are kept.
func (p pruning) Names(ctx context.Context, after storage.RunKey, limit int) ([]storage.RunKey, error) {
	if err := p.read(ctx); err != nil {
		return nil, err
	}
	defer p.mu.RUnlock()
	var keys []storage.RunKey
	for key := range p.names {
		if key > after {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return page(keys, limit), nil
}

// Delete applies a deletion.
func (p pruning) Delete(ctx context.Context, d *prune.Deletion) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s := p.Store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return storage.ErrClosed
	}
	if s.isRetried(d.Touched()) {
		return prune.ErrRetried
	}
	d.Gone = s.deleteRuns(d)
	for _, m := range d.Marks {
		if r := s.run(m.Run); r != nil { // else somebody else has pruned it
			r.lost |= m.Bits
		}
	}
	for _, span := range d.Spans {
		d.Gone += s.deleteSpan(d.Class, span)
	}
	for _, key := range d.Backfills {
		if rec := s.backfill(key); rec != nil {
			delete(s.backfillByID, rec.ID)
			s.backfills[key-1] = nil
			d.Gone++
		}
	}
	for _, key := range d.Names {
		delete(s.names, key)
	}
	if d.Feed > 0 {
		d.Gone = s.deleteChanges(d.Feed)
	}
	return nil
}

// Swap puts a value in the place of another.
func (p pruning) Swap(ctx context.Context, key string, before, after []byte) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s := p.Store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false, storage.ErrClosed
	}
	if now, found := s.kv[key]; found != (before != nil) || !bytes.Equal(now, before) {
		return false, nil
	}
	s.kv[key] = bytes.Clone(after)
	return true, nil
}

func (s *Store) isRetried(runs []storage.RunKey) bool {
	retried := s.retried()
	return slices.ContainsFunc(runs, func(key storage.RunKey) bool {
		r := s.run(key)
		return r != nil && retried[r.record.ID]
	})
}

func (s *Store) deleteRuns(d *prune.Deletion) (gone int64) {
	for _, key := range d.Runs {
		r := s.run(key)
		if r == nil || len(r.events) > 0 || len(r.logs) > 0 {
			continue
		}
		if _, kept := slices.BinarySearch(d.Kept, key); kept {
			s.names[key] = r.record.ID
		}
		if s.runByID[r.record.ID] == r {
			delete(s.runByID, r.record.ID)
		}
		s.runs[key-1] = nil
		gone++
	}
	return gone
}

func (s *Store) deleteSpan(c prune.Class, span prune.Span) (gone int64) {
	for key := span.FromRun; key <= span.ToRun; key++ {
		r := s.run(key)
		if r == nil {
			continue
		}
		within := func(n int64) bool {
			return (key > span.FromRun || n >= span.FromN) && (key < span.ToRun || n <= span.ToN)
		}
		before := len(r.logs) + len(r.events)
		if c == prune.Lines {
			r.logs = slices.DeleteFunc(r.logs, func(l storage.LogLine) bool { return within(l.N) })
		} else {
			r.events = slices.DeleteFunc(r.events, func(e storage.Event) bool {
				goes := prune.ClassOf(&e)&c != 0 && within(e.N)
				if goes && e.Asset != 0 {
					s.forget(e.Asset, eventKey{key, e.N})
				}
				return goes
			})
		}
		gone += int64(before - len(r.logs) - len(r.events))
	}
	return gone
}

// deleteChanges deletes the entries up to a seq and records that number.
func (s *Store) deleteChanges(upTo int64) int64 {
	at, _ := slices.BinarySearchFunc(s.feed, upTo+1, func(c *changes, seq int64) int { return cmp.Compare(c.first, seq) })
	s.feed = slices.Delete(s.feed, 0, at)
	before, _ := strconv.ParseInt(string(s.kv[storage.FeedPruned]), 10, 64) // nothing is zero
	s.kv[storage.FeedPruned] = strconv.AppendInt(nil, max(before, upTo), 10)
	return int64(at)
}
