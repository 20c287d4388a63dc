package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/prune"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
	"github.com/rivers-go/rivers/storage/postgres/internal/pgtext"
)

// Prune deletes history, see [storage.Pruner]. It has a connection of its own and holds no row that
// others wait for. Autovacuum frees the space for new rows.
func (s *Store) Prune(ctx context.Context, r storage.PruneRequest) (storage.PruneReport, error) {
	return prune.Prune(ctx, &pruning{Store: s}, r)
}

// pruning is the store as a backend of package prune.
type pruning struct{ *Store }

// EndedRuns lists runs that may lose something.
func (p *pruning) EndedRuns(ctx context.Context, q prune.RunQuery) ([]prune.Run, error) {
	rows, err := readBy(ctx, p.Store, "list runs that ended", (*db.Queries).ListEndedRuns,
		db.ListEndedRunsParams{After: int64(q.After), Before: int64(q.Before), Max: int64(q.Limit)})
	list := make([]prune.Run, len(rows))
	for i, r := range rows {
		list[i] = prune.Run{Key: storage.RunKey(r.Key), Ended: storage.Micros(r.EndedAt), Marks: r.Lost, Bytes: r.Bytes}
	}
	return list, err
}

// Rows lists lines or events of runs.
func (p *pruning) Rows(ctx context.Context, q prune.RowQuery) ([]prune.Row, error) {
	const what = "list what may go"
	if q.Class == prune.Lines {
		rows, err := readBy(ctx, p.Store, what, (*db.Queries).ListLogRows,
			db.ListLogRowsParams{Run: int64(q.Run), N: q.N, Last: int64(q.Last), Max: int64(q.Limit)})
		list := make([]prune.Row, len(rows))
		for i, r := range rows {
			list[i] = prune.Row{Run: storage.RunKey(r.Run), N: r.N, Class: prune.Lines, Bytes: r.Bytes}
		}
		return list, err
	}
	rows, err := readBy(ctx, p.Store, what, (*db.Queries).ListEventRows,
		db.ListEventRowsParams{Run: int64(q.Run), N: q.N, Last: int64(q.Last), Classes: int64(q.Class), Max: int64(q.Limit)})
	list := make([]prune.Row, len(rows))
	for i, r := range rows {
		list[i] = prune.Row{Run: storage.RunKey(r.Run), N: r.N, Class: prune.Class(r.Class), Asset: storage.AssetKey(r.Asset), Bytes: r.Bytes}
	}
	return list, err
}

// EndedBackfills lists backfills that may go.
func (p *pruning) EndedBackfills(ctx context.Context, q prune.BackfillQuery) ([]prune.Backfill, error) {
	rows, err := readBy(ctx, p.Store, "list backfills that ended", (*db.Queries).ListEndedBackfills,
		db.ListEndedBackfillsParams{After: int64(q.After), Before: int64(q.Before), Max: int64(q.Limit)})
	list := make([]prune.Backfill, len(rows))
	for i, r := range rows {
		list[i] = prune.Backfill{Key: storage.BackfillKey(r.Key), Bytes: r.Bytes}
	}
	return list, err
}

// OldChanges lists the beginning of the feed without the entries of its last seq. Earlier entries
// that a transaction in progress may still add are young and stay.
func (p *pruning) OldChanges(ctx context.Context, after int64, limit int) ([]prune.Change, error) {
	rows, err := readBy(ctx, p.Store, "list old changes", (*db.Queries).ListOldChanges, db.ListOldChangesParams{After: after, Max: int64(limit)})
	list := make([]prune.Change, len(rows))
	for i, r := range rows {
		list[i] = prune.Change{Seq: r.Seq, At: storage.Micros(r.At), Bytes: r.Bytes}
	}
	return list, err
}

// Referred lists the runs that states refer to.
func (p *pruning) Referred(ctx context.Context) ([]storage.RunKey, error) {
	rows, err := read(ctx, p.Store, "list what states refer to", (*db.Queries).ListReferredRuns)
	return runKeys(rows), err
}

// Names lists the deleted runs whose names remain.
func (p *pruning) Names(ctx context.Context, after storage.RunKey, limit int) ([]storage.RunKey, error) {
	rows, err := readBy(ctx, p.Store, "list names of runs", (*db.Queries).ListPrunedRuns, db.ListPrunedRunsParams{After: int64(after), Max: int64(limit)})
	return runKeys(rows), err
}

func runKeys(rows []int64) []storage.RunKey {
	keys := make([]storage.RunKey, len(rows))
	for i, key := range rows {
		keys[i] = storage.RunKey(key)
	}
	return keys
}

// Delete applies a deletion. After a broken connection it repeats it, and skips deleted rows.
func (p *pruning) Delete(ctx context.Context, d *prune.Deletion) error {
	_, err := read(ctx, p.Store, "prune", func(_ *db.Queries, ctx context.Context) (none struct{}, err error) {
		for conflicts := 0; ; conflicts++ { // with other prunings, too
			d.Gone = 0
			// Read connections are read-only by default.
			err = pgx.BeginTxFunc(ctx, p.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
				return (&deletion{ctx: ctx, tx: tx, d: d}).all()
			})
			if err == nil {
				p.counts.commits.Add(1)
			}
			if !isConflict(err) || conflicts == maxConflicts {
				return none, err
			}
		}
	})
	return err
}

// Swap replaces a value by another. After a broken connection it repeats the swap, which succeeds
// if it was done.
func (p *pruning) Swap(ctx context.Context, key string, before, after []byte) (bool, error) {
	sql, args := `UPDATE kv SET value = $2 WHERE key = $1 AND value IN ($3, $2)`, []any{key, after, before}
	if before == nil {
		sql, args = `INSERT INTO kv (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE kv.value = excluded.value`, args[:2]
	}
	return read(ctx, p.Store, "prune", func(_ *db.Queries, ctx context.Context) (won bool, err error) {
		// Read connections are read-only by default.
		err = pgx.BeginTxFunc(ctx, p.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
			tag, err := pgtext.DB{Conn: tx}.Exec(ctx, sql, args...)
			won = tag.RowsAffected() > 0
			return err
		})
		return won, err
	})
}

// deletion is a [prune.Deletion] in a transaction.
type deletion struct {
	ctx context.Context //nolint:containedctx // it lives as long as one transaction
	tx  pgx.Tx
	d   *prune.Deletion
}

// all deletes, and checks last whether a run in progress retries one of the runs. A run that is
// recorded later finds the remaining records.
func (t *deletion) all() error {
	for _, part := range []func() error{t.rows, t.runs, t.backfills, t.names, t.feed} {
		if err := part(); err != nil {
			return err
		}
	}
	touched := t.d.Touched()
	if len(touched) == 0 {
		return nil
	}
	var retried bool
	err := t.tx.QueryRow(t.ctx, `SELECT EXISTS (SELECT 1 FROM run AS retry JOIN run ON run.id = retry.retry_of
		WHERE retry.state < 3 AND retry.retry_of <> '' AND run.key = ANY($1::bigint[]))`, touched).Scan(&retried)
	if err == nil && retried {
		return prune.ErrRetried
	}
	return err
}

func (t *deletion) exec(sql string, args ...any) (int64, error) {
	tag, err := t.tx.Exec(t.ctx, sql, args...)
	return tag.RowsAffected(), err
}

func (t *deletion) rows() error {
	if len(t.d.Marks) == 0 {
		return nil
	}
	sql := `DELETE FROM event WHERE (run, n) >= ($1, $2) AND (run, n) <= ($3, $4)
		AND (CASE WHEN asset IS NULL THEN 1 WHEN kind = 17 THEN 4 ELSE 2 END) & $5::integer <> 0`
	if t.d.Class == prune.Lines {
		sql = `DELETE FROM log WHERE (run, n) >= ($1, $2) AND (run, n) <= ($3, $4) AND $5::integer <> 0`
	}
	batch := &pgx.Batch{}
	for _, s := range t.d.Spans {
		batch.Queue(sql, s.FromRun, s.FromN, s.ToRun, s.ToN, int32(t.d.Class))
	}
	runs, bits := make([]storage.RunKey, len(t.d.Marks)), make([]int32, len(t.d.Marks))
	for i, m := range t.d.Marks {
		runs[i], bits[i] = m.Run, int32(m.Bits)
	}
	batch.Queue(`UPDATE run SET lost = run.lost | mark.bits FROM unnest($1::bigint[], $2::integer[]) AS mark (run, bits)
		WHERE run.key = mark.run AND run.lost & mark.bits <> mark.bits`, runs, bits)
	answers := t.tx.SendBatch(t.ctx, batch)
	for range t.d.Spans {
		tag, err := answers.Exec()
		if err != nil {
			_ = answers.Close() // the first error is the one that describes what happened
			return err
		}
		t.d.Gone += tag.RowsAffected()
	}
	return answers.Close()
}

func (t *deletion) runs() error {
	if len(t.d.Runs) == 0 {
		return nil
	}
	const bare = ` AND NOT EXISTS (SELECT 1 FROM event WHERE event.run = run.key) AND NOT EXISTS (SELECT 1 FROM log WHERE log.run = run.key)`
	if _, err := t.exec(`INSERT INTO pruned_run (key, id) SELECT key, id FROM run WHERE key = ANY($1::bigint[])`+bare+` ON CONFLICT DO NOTHING`, t.d.Kept); err != nil {
		return err
	}
	gone, err := t.exec(`DELETE FROM run WHERE key = ANY($1::bigint[])`+bare, t.d.Runs)
	t.d.Gone += gone
	return err
}

func (t *deletion) backfills() error {
	if len(t.d.Backfills) == 0 {
		return nil
	}
	if _, err := t.exec(`DELETE FROM backfill_set WHERE backfill = ANY($1::bigint[])`, t.d.Backfills); err != nil {
		return err
	}
	gone, err := t.exec(`DELETE FROM backfill WHERE key = ANY($1::bigint[])`, t.d.Backfills)
	t.d.Gone += gone
	return err
}

func (t *deletion) names() error {
	if len(t.d.Names) == 0 {
		return nil
	}
	_, err := t.exec(`DELETE FROM pruned_run WHERE key = ANY($1::bigint[])`, t.d.Names)
	return err
}

// feed deletes the beginning of the feed and records its new start.
func (t *deletion) feed() error {
	if t.d.Feed == 0 {
		return nil
	}
	gone, err := t.exec(`DELETE FROM change WHERE seq <= $1`, t.d.Feed)
	if err != nil {
		return err
	}
	t.d.Gone += gone
	_, err = t.exec(`INSERT INTO kv (key, value) VALUES ($1, convert_to($2::bigint::text, 'UTF8'))
		ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE convert_from(kv.value, 'UTF8')::bigint < $2`, storage.FeedPruned, t.d.Feed)
	return err
}
