package sqlite

import (
	"bytes"
	"context"
	"math"
	"strconv"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
	"github.com/rivers-go/rivers/storage/internal/prune"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// Prune deletes history, see [storage.Pruner]. Pages of the file that get free are used again
// before it grows; to make it smaller is what [Store.Vacuum] does.
func (s *Store) Prune(ctx context.Context, r storage.PruneRequest) (storage.PruneReport, error) {
	return prune.Prune(ctx, pruning{s}, r)
}

// pruning is the store as the decider of what goes sees it. Lists go through the connections of
// readers and hold the writer up in nothing.
type pruning struct{ *Store }

// EndedRuns lists runs that may lose something.
func (p pruning) EndedRuns(ctx context.Context, q prune.RunQuery) ([]prune.Run, error) {
	rows, err := p.reads.ListEndedRuns(ctx, db.ListEndedRunsParams{After: int64(q.After), Before: int64(q.Before), Max: int64(q.Limit)})
	if err != nil {
		return nil, p.readError("list runs that ended", err)
	}
	list := make([]prune.Run, len(rows))
	for i, r := range rows {
		list[i] = prune.Run{Key: storage.RunKey(r.Key), Ended: storage.Micros(r.EndedAt), Marks: r.Lost, Bytes: r.Bytes}
	}
	return list, nil
}

// Rows lists lines or events of runs.
func (p pruning) Rows(ctx context.Context, q prune.RowQuery) ([]prune.Row, error) {
	const what = "list what may go"
	if q.Class == prune.Lines {
		rows, err := p.reads.ListLogRows(ctx, db.ListLogRowsParams{Run: int64(q.Run), N: q.N, Last: int64(q.Last), Max: int64(q.Limit)})
		if err != nil {
			return nil, p.readError(what, err)
		}
		list := make([]prune.Row, len(rows))
		for i, r := range rows {
			list[i] = prune.Row{Run: storage.RunKey(r.Run), N: r.N, Class: prune.Lines, Bytes: r.Bytes}
		}
		return list, nil
	}
	rows, err := p.reads.ListEventRows(ctx, db.ListEventRowsParams{Run: int64(q.Run), N: q.N, Last: int64(q.Last), Classes: int64(q.Class), Max: int64(q.Limit)})
	if err != nil {
		return nil, p.readError(what, err)
	}
	list := make([]prune.Row, len(rows))
	for i, r := range rows {
		list[i] = prune.Row{Run: storage.RunKey(r.Run), N: r.N, Class: prune.Class(r.Class), Asset: storage.AssetKey(r.Asset), Bytes: r.Bytes}
	}
	return list, nil
}

// EndedBackfills lists backfills that may go.
func (p pruning) EndedBackfills(ctx context.Context, q prune.BackfillQuery) ([]prune.Backfill, error) {
	rows, err := p.reads.ListEndedBackfills(ctx, db.ListEndedBackfillsParams{After: int64(q.After), Before: int64(q.Before), Max: int64(q.Limit)})
	if err != nil {
		return nil, p.readError("list backfills that ended", err)
	}
	list := make([]prune.Backfill, len(rows))
	for i, r := range rows {
		list[i] = prune.Backfill{Key: storage.BackfillKey(r.Key), Bytes: r.Bytes}
	}
	return list, nil
}

// OldChanges lists the beginning of the feed without the entries of its last seq.
func (p pruning) OldChanges(ctx context.Context, after int64, limit int) ([]prune.Change, error) {
	last, err := p.reads.GetLastChange(ctx)
	if err != nil {
		return nil, p.readError("list old changes", err)
	}
	rows, err := p.reads.ListOldChanges(ctx, db.ListOldChangesParams{After: endOf(after), Below: last >> seqShift << seqShift, Max: int64(limit)})
	if err != nil {
		return nil, p.readError("list old changes", err)
	}
	list := make([]prune.Change, len(rows))
	for i, r := range rows {
		list[i] = prune.Change{Seq: r.ID >> seqShift, At: storage.Micros(r.At), Bytes: r.Bytes}
	}
	return list, nil
}

// endOf is the last id that entries of a seq may have.
func endOf(seq int64) int64 { return seq<<seqShift | (1<<seqShift - 1) }

// Referred lists the runs that states refer to.
func (p pruning) Referred(ctx context.Context) ([]storage.RunKey, error) {
	rows, err := p.reads.ListReferredRuns(ctx)
	return runKeys(rows), p.listError("list what states refer to", err)
}

// Names lists the runs that are gone and whose names are kept.
func (p pruning) Names(ctx context.Context, after storage.RunKey, limit int) ([]storage.RunKey, error) {
	rows, err := p.reads.ListPrunedRuns(ctx, db.ListPrunedRunsParams{After: int64(after), Max: int64(limit)})
	return runKeys(rows), p.listError("list names of runs", err)
}

// listError is readError, which of no error makes one of a closed store.
func (p pruning) listError(what string, err error) error {
	if err == nil {
		return nil
	}
	return p.readError(what, err)
}

func runKeys(rows []int64) []storage.RunKey {
	keys := make([]storage.RunKey, len(rows))
	for i, key := range rows {
		keys[i] = storage.RunKey(key)
	}
	return keys
}

// Delete has a deletion done by the writer, in the transaction of whoever writes besides.
func (p pruning) Delete(ctx context.Context, d *prune.Deletion) error {
	return p.call(ctx, &deletion{d})
}

// Swap has the writer put a value in the place of another.
func (p pruning) Swap(ctx context.Context, key string, before, after []byte) (bool, error) {
	swap := swap{key: key, before: before, after: after}
	err := p.call(ctx, &swap)
	return swap.won, err
}

// call leaves a call in the queue and waits for the writer's answer.
func (p pruning) call(ctx context.Context, c statementCall) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.queue.Commit(ctx, commit.Request{Call: c})
}

type swap struct {
	key           string
	before, after []byte
	won           bool
}

func (s *swap) do(w *writer) (refusal, err error) {
	s.won = false
	row, err := w.first(&w.prunes.value, "SELECT value FROM kv WHERE key = ?", 1, s.key)
	if err != nil {
		return nil, err
	}
	var now []byte
	if row != nil {
		now, _ = row[0].([]byte) // a STRICT column
	}
	if (row != nil) != (s.before != nil) || !bytes.Equal(now, s.before) {
		return nil, nil
	}
	s.won = true
	return nil, w.writeKV(&storage.KVPair{Key: s.key, Value: s.after})
}

// deletion is a [prune.Deletion] as the writer does it.
type deletion struct{ *prune.Deletion }

func (d *deletion) do(w *writer) (refusal, err error) {
	p := &w.prunes
	retried, err := p.isRetried(w, d.Touched())
	switch {
	case err != nil:
		return nil, err
	case retried:
		return prune.ErrRetried, nil
	}
	d.Gone = 0
	for _, part := range []func(*writer, *prune.Deletion) error{p.rows, p.runs, p.backfills, p.names, p.feed} {
		if err := part(w, d.Deletion); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// pruneStatements are the statements of a pruner.
type pruneStatements struct {
	retries, retried, mark, logs, events                            *statement
	bare, keepName, dropPlan, dropRun, dropName                     *statement
	dropBackfill, dropRequest, dropSets, dropChanges, value, notice *statement
}

// isRetried reports whether a run without an end retries one of the runs. Nearly always there is
// none that retries any.
func (p *pruneStatements) isRetried(w *writer, runs []storage.RunKey) (bool, error) {
	row, err := w.first(&p.retries, "SELECT 1 FROM run WHERE retry_of <> '' AND state < 3 LIMIT 1", 1)
	if err != nil || row == nil {
		return false, err
	}
	for _, key := range runs {
		row, err := w.first(&p.retried, "SELECT 1 FROM run WHERE retry_of <> '' AND state < 3 AND retry_of = (SELECT id FROM run WHERE key = ?) LIMIT 1", 1, int64(key))
		if err != nil || row != nil {
			return row != nil, err
		}
	}
	return false, nil
}

func (p *pruneStatements) rows(w *writer, d *prune.Deletion) error {
	st, sql := &p.events, "DELETE FROM event WHERE (run, n) >= (?1, ?2) AND (run, n) <= (?3, ?4) "+
		"AND (CASE WHEN asset IS NULL THEN 1 WHEN kind = 17 THEN 4 ELSE 2 END) & ?5 <> 0"
	if d.Class == prune.Lines {
		st, sql = &p.logs, "DELETE FROM log WHERE (run, n) >= (?1, ?2) AND (run, n) <= (?3, ?4) AND ?5 <> 0"
	}
	for _, s := range d.Spans {
		res, err := w.run(st, sql, int64(s.FromRun), s.FromN, int64(s.ToRun), s.ToN, int64(d.Class))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		d.Gone += n
	}
	for _, m := range d.Marks {
		if _, err := w.run(&p.mark, "UPDATE run SET lost = lost | ?2 WHERE key = ?1 AND lost & ?2 <> ?2", int64(m.Run), m.Bits); err != nil {
			return err
		}
	}
	return nil
}

func (p *pruneStatements) runs(w *writer, d *prune.Deletion) error {
	kept := map[storage.RunKey]bool{}
	for _, key := range d.Kept {
		kept[key] = true
	}
	for _, key := range d.Runs {
		row, err := w.first(&p.bare, "SELECT 1 FROM run WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM event WHERE run = ?1) "+
			"AND NOT EXISTS (SELECT 1 FROM log WHERE run = ?1)", 1, int64(key))
		if err != nil {
			return err
		}
		if row == nil {
			continue
		}
		if kept[key] {
			if _, err := w.run(&p.keepName, "INSERT INTO pruned_run (key, id) SELECT key, id FROM run WHERE key = ?", int64(key)); err != nil {
				return err
			}
		}
		if _, err := w.run(&p.dropPlan, "DELETE FROM long_plan WHERE run = ?", int64(key)); err != nil {
			return err
		}
		if _, err := w.run(&p.dropRun, "DELETE FROM run WHERE key = ?", int64(key)); err != nil {
			return err
		}
		d.Gone++
	}
	return nil
}

func (p *pruneStatements) backfills(w *writer, d *prune.Deletion) error {
	for _, key := range d.Backfills {
		res, err := w.run(&p.dropBackfill, "DELETE FROM backfill WHERE key = ?", int64(key))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		d.Gone += n
		if _, err := w.run(&p.dropRequest, "DELETE FROM backfill_request WHERE backfill = ?", int64(key)); err != nil {
			return err
		}
		if _, err := w.run(&p.dropSets, "DELETE FROM backfill_set WHERE backfill = ?", int64(key)); err != nil {
			return err
		}
	}
	return nil
}

func (p *pruneStatements) names(w *writer, d *prune.Deletion) error {
	for _, key := range d.Names {
		if _, err := w.run(&p.dropName, "DELETE FROM pruned_run WHERE key = ?", int64(key)); err != nil {
			return err
		}
	}
	return nil
}

// feed deletes the beginning of the feed and says up to where, in the same transaction.
func (p *pruneStatements) feed(w *writer, d *prune.Deletion) error {
	if d.Feed == 0 {
		return nil
	}
	res, err := w.run(&p.dropChanges, "DELETE FROM change WHERE id <= ?", endOf(d.Feed))
	if err != nil {
		return err
	}
	if d.Gone, err = res.RowsAffected(); err != nil {
		return err
	}
	row, err := w.first(&p.value, "SELECT value FROM kv WHERE key = ?", 1, storage.FeedPruned)
	if err != nil {
		return err
	}
	before := int64(math.MinInt64)
	if row != nil {
		value, _ := row[0].([]byte)                         // a STRICT column
		before, _ = strconv.ParseInt(string(value), 10, 64) // what is no number is zero
	}
	if before >= d.Feed {
		return nil
	}
	_, err = w.run(&p.notice, "INSERT OR REPLACE INTO kv (key, value) VALUES (?, ?)", storage.FeedPruned, strconv.AppendInt(nil, d.Feed, 10))
	return err
}
