package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/audit"
	"github.com/rivers-go/rivers/storage/internal/fold"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
	"github.com/rivers-go/rivers/storage/postgres/internal/pgtext"
)

// Check reads the whole store and describes which of its invariants do not hold, nothing where all
// do: an ended run has one end with its state and its counts, and neither leases, slots nor
// partitions in flight; events are numbered from 1 without gaps and belong to recorded runs; the
// states of assets and partitions have their events, as far as both are kept; the sets of an asset
// match its states; groups have no partition in common; keys have the ordinals of their table; a
// backfill's counts and sets add up. It reads one snapshot, so it may run while others write; an
// error is a check that could not be made. (Whether pages are damaged is the server's to say, see
// pg_amcheck.)
func (s *Store) Check(ctx context.Context) ([]string, error) {
	return read(ctx, s, "check", func(_ *db.Queries, ctx context.Context) ([]string, error) {
		tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		if err != nil {
			return nil, err
		}
		a, err := audit.Run(ctx, auditTx{pgtext.DB{Conn: tx}}, auditDialect(tx))
		if err := errors.Join(err, tx.Rollback(ctx)); err != nil {
			return nil, err
		}
		return a.Texts(), nil
	})
}

// Repair mends what [Store.Check] finds, as far as that is no guess, and describes what it has
// done: sets are made again from the states, what ended runs have in flight, hold or are leased is
// freed, counts of steps are taken from the events, groups lose what a newer one has, tables of
// keys say what they have. All of it is one transaction, during which nobody else writes.
func (s *Store) Repair(ctx context.Context) (done []string, err error) {
	if s.closed.Load() {
		return nil, storage.ErrClosed
	}
	conn, err := s.target.connect(ctx, "SET lock_timeout TO '"+lockTimeout+"'")
	if err != nil {
		return nil, s.target.explain("repair", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	if _, err := conn.Exec(ctx, enterFeed.sql, s.target.feedKey()); err != nil {
		return nil, s.target.explain("repair", err)
	}
	for conflicts := 0; ; conflicts++ {
		done, err = s.repair(ctx, conn)
		if !isConflict(err) || conflicts == maxConflicts {
			return done, s.target.explain("repair", err)
		}
	}
}

// lockAll keeps others from writing. Tables come in the order of the writer, so that nobody waits
// in a circle.
const lockAll = `LOCK TABLE run, backfill, pool, slot, asset, partition_set, partition_group, key_table, partition_key, event, asset_state,
	partition_state, in_flight, log, change IN EXCLUSIVE MODE`

func (s *Store) repair(ctx context.Context, conn *pgx.Conn) (done []string, err error) {
	var topics storage.Topic
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockAll); err != nil {
			return err
		}
		a, err := audit.Run(ctx, auditTx{pgtext.DB{Conn: tx}}, auditDialect(tx))
		if err != nil {
			return err
		}
		if done, topics, err = a.Mend(); err != nil || len(done) == 0 {
			return err
		}
		_, err = tx.Exec(ctx, "SELECT pg_notify($1, $2)", s.channel(), fmt.Sprint(topics))
		return err
	})
	if err == nil && len(done) > 0 {
		s.signals.Send(topics)
	}
	return done, err
}

func auditDialect(tx pgx.Tx) *audit.Dialect {
	q := db.New(pgtext.DB{Conn: tx})
	entries := 0 // that mending added to the feed of changes
	return &audit.Dialect{
		Now:       sqlNow,
		RunEvents: "event WHERE TRUE",
		Ordinal:   "partition_key.ordinal",
		Misplaced: "FALSE",
		Backfill: func(ctx context.Context, id string) (storage.BackfillRecord, error) {
			return readBackfill(ctx, q, id)
		},
		Tell: func(ctx context.Context, kind storage.ChangeKind, asset storage.AssetKey, labels []byte) error {
			entries++
			_, err := tx.Exec(ctx, `INSERT INTO change (seq, i, at, kind, run, labels, assets, keys)
				VALUES (((pg_current_xact_id()::text::bigint + (SELECT seq_offset FROM store)) << 20) + 1, $1, `+sqlNow+`, $2, 0, $3, $4, '')`,
				entries, int64(kind), labels, fold.AppendAssets(nil, []storage.AssetKey{asset}))
			return err
		},
	}
}

// auditTx is a transaction as an audit wants it.
type auditTx struct{ pgtext.DB }

// Query implements [audit.Tx].
func (t auditTx) Query(ctx context.Context, query string, args ...any) (audit.Rows, error) {
	rows, err := t.DB.Query(ctx, query, args...)
	return auditRows{rows}, err
}

// Exec implements [audit.Tx].
func (t auditTx) Exec(ctx context.Context, query string, args ...any) error {
	_, err := t.DB.Exec(ctx, query, args...)
	return err
}

// auditRows is an answer whose end is an error or nil.
type auditRows struct{ pgx.Rows }

// Close implements [audit.Rows].
func (r auditRows) Close() error {
	r.Rows.Close()
	return r.Err()
}
