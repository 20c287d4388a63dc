package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/audit"
	"github.com/rivers-go/rivers/storage/internal/fold"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// Check reads the whole store and describes which of its invariants do not hold, nothing where all
// do: the file is sound; an ended run has one end with its state and its counts, and neither
// leases, slots nor partitions in flight; events are numbered from 1 without gaps and belong to
// recorded runs; the states of assets and partitions have their events, as far as both are kept;
// the sets of an asset match its states; groups have no partition in common; keys have the ordinals
// of their table; a backfill's counts and sets add up. It reads one snapshot, so it may run while
// others write; an error is a check that could not be made.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	tx, err := s.pool.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, s.readError("check", err)
	}
	a, err := audit.Run(ctx, auditTx{tx}, newAuditor(tx).dialect())
	if err = errors.Join(err, tx.Rollback()); err != nil {
		return nil, s.readError("check", err)
	}
	return a.Texts(), nil
}

// Repair mends what [Store.Check] finds, as far as that is no guess, and describes what it has
// done: sets are made again from the states, what ended runs have in flight, hold or are leased is
// freed, counts of steps are taken from the events, groups lose what a newer one has, tables of
// keys say what they have. All of it is one transaction, during which nobody else writes.
func (s *Store) Repair(ctx context.Context) (done []string, err error) {
	if s.closed.Load() {
		return nil, storage.ErrClosed
	}
	pool, err := openPool(s.path, "_txlock=immediate")
	if err != nil {
		return nil, explain(s.path, "repair", err)
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return nil, explain(s.path, "repair", err)
	}
	done, touched, err := repair(ctx, tx)
	if err == nil {
		err = tx.Commit()
	} else {
		err = errors.Join(err, tx.Rollback())
	}
	if err != nil {
		return nil, explain(s.path, "repair", err)
	}
	if len(done) > 0 {
		s.signals.Send(touched)
	}
	return done, nil
}

func repair(ctx context.Context, tx *sql.Tx) (done []string, touched storage.Topic, err error) {
	a, err := audit.Run(ctx, auditTx{tx}, newAuditor(tx).dialect())
	if err != nil {
		return nil, 0, err
	}
	done, touched, err = a.Mend()
	if err == nil && touched&storage.TopicSlots != 0 {
		_, err = tx.ExecContext(ctx, "INSERT INTO signal (topic, n) VALUES ($1, 1) ON CONFLICT (topic) DO UPDATE SET n = n + 1", int64(storage.TopicSlots))
	}
	return done, touched, err
}

// auditTx is a transaction as an audit wants it.
type auditTx struct{ *sql.Tx }

// Query implements [audit.Tx].
func (t auditTx) Query(ctx context.Context, query string, args ...any) (audit.Rows, error) {
	return t.QueryContext(ctx, query, args...) //nolint:rowserrcheck // the audit asks for it behind the last row
}

// Exec implements [audit.Tx].
func (t auditTx) Exec(ctx context.Context, query string, args ...any) error {
	_, err := t.ExecContext(ctx, query, args...)
	return err
}

// auditor knows what SQLite does differently in an audit: its file can be damaged, and the feed of
// changes is numbered by its last entry.
type auditor struct {
	tx *sql.Tx
	q  *db.Queries
	// seq is the number of the entries that mending adds to the feed, zero before the first; entries
	// is how many there are.
	seq, entries int64
}

func newAuditor(tx *sql.Tx) *auditor { return &auditor{tx: tx, q: db.New(tx)} }

func (u *auditor) dialect() *audit.Dialect {
	return &audit.Dialect{
		Now: fmt.Sprint(int64(storage.MicrosOf(time.Now()))),
		// SQLite would search the run's events one by one, for each asset: it takes a run for ten events.
		RunEvents: "event INDEXED BY event_asset WHERE event.era = run.era",
		Ordinal:   fmt.Sprintf("partition_key.id & %d", int64(1)<<ordinalBits-1),
		Misplaced: fmt.Sprintf("id >> %d <> key_table", ordinalBits),
		Backfill: func(ctx context.Context, id string) (storage.BackfillRecord, error) {
			return readBackfill(ctx, u.q, id)
		},
		Tell: func(ctx context.Context, kind storage.ChangeKind, asset storage.AssetKey, labels []byte) error {
			return u.tell(ctx, kind, asset, labels, 0)
		},
		Before: []func(context.Context, *audit.Audit) error{u.file},
		After:  []func(context.Context, *audit.Audit) error{u.feed},
	}
}

func (u *auditor) file(ctx context.Context, a *audit.Audit) (err error) {
	rows, err := u.tx.QueryContext(ctx, "PRAGMA integrity_check(20)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return err
		}
		if line != "ok" {
			a.Found("the file is damaged: %s", line)
		}
	}
	return rows.Err()
}

// feed looks for states that are newer than the last entry of the feed of changes, whose number is
// the next one's start.
func (u *auditor) feed(ctx context.Context, a *audit.Audit) (err error) {
	rows, err := u.tx.QueryContext(ctx, `SELECT asset, max(seq) FROM
		(SELECT asset, seq FROM asset_state UNION ALL SELECT asset, seq FROM partition_state UNION ALL SELECT asset, seq FROM partition_group)
		WHERE seq > (SELECT coalesce(max(change.id), 0) >> $1 FROM change) GROUP BY asset ORDER BY asset`, seqShift)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var asset, seq int64
		if err := rows.Scan(&asset, &seq); err != nil {
			return err
		}
		a.Found("a state of asset %d has number %d, which is beyond the feed of changes", asset, seq).
			Mend(func() error { return u.tell(ctx, storage.ChangeMaterialized, storage.AssetKey(asset), nil, seq) },
				"the feed of changes tells of asset %d again", asset)
	}
	return rows.Err()
}

// tell adds an entry to the feed of changes, under a number that is at least the given one.
func (u *auditor) tell(ctx context.Context, kind storage.ChangeKind, asset storage.AssetKey, labels []byte, least int64) error {
	if u.seq == 0 {
		last, err := u.q.GetLastChange(ctx)
		if err != nil {
			return err
		}
		u.seq = last>>seqShift + 1
	}
	u.seq = max(u.seq, least)
	u.entries++
	_, err := u.tx.ExecContext(ctx, "INSERT INTO change (id, at, kind, run, labels, subject) VALUES ($1, $2, $3, 0, $4, $5)",
		u.seq<<seqShift|u.entries, int64(storage.MicrosOf(time.Now())), int64(kind), labels, fold.AppendAssets(nil, []storage.AssetKey{asset}))
	return err
}
