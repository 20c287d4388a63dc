package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/audit"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
	"github.com/rivers-go/rivers/storage/postgres/internal/pgtext"
)

// Check reads the whole store and says in words which of its invariants do not hold, nothing where
// all do: an ended run has one end with its state and its counts, and neither leases, slots nor
// partitions in flight; events are numbered from 1 without gaps and belong to recorded runs; the states of assets and
// partitions have their events, as far as both are kept; the sets of an asset are what its states come to; groups
// have no partition in common; keys have the ordinals that their table says; a backfill's counts and sets add up. It
// reads one snapshot, so it may run while others write; an error is a check that could not be made. (Whether pages are
// damaged is the server's to say, see pg_amcheck.)
func (s *Store) Check(ctx context.Context) ([]string, error) {
	return read(ctx, s, "check", func(_ *db.Queries, ctx context.Context) ([]string, error) {
		tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		if err != nil {
			return nil, err
		}
		c := newChecker(ctx, tx)
		err = errors.Join(c.all(), tx.Rollback(ctx))
		return audit.Texts(c.findings), err
	})
}

// Repair mends what [Store.Check] finds, as far as that is no guess, and says in words what it has done: sets are made again
// from the states, what ended runs have in flight, hold or are leased is freed, counts of steps are taken from the events, groups
// lose what a newer one has, tables of keys say what they have. All of it is one transaction, during which nobody else writes.
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

// lockAll keeps others from writing. Tables come in the order in which the writer comes to them, so that nobody waits in a circle.
const lockAll = `LOCK TABLE run, backfill, pool, slot, asset, partition_set, partition_group, key_table, partition_key, event, asset_state,
	partition_state, in_flight, log, change IN EXCLUSIVE MODE`

func (s *Store) repair(ctx context.Context, conn *pgx.Conn) (done []string, err error) {
	topics := storage.TopicChanges
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockAll); err != nil {
			return err
		}
		c := newChecker(ctx, tx)
		if err := c.all(); err != nil {
			return err
		}
		if done, err = audit.Mend(c.findings); err != nil || len(done) == 0 {
			return err
		}
		topics |= c.touched
		_, err = tx.Exec(ctx, "SELECT pg_notify($1, $2)", s.channel(), fmt.Sprint(topics))
		return err
	})
	if err == nil && len(done) > 0 {
		s.signals.Send(topics)
	}
	return done, err
}

type checker struct {
	ctx      context.Context //nolint:containedctx // it lives as long as one call of Check
	tx       pgx.Tx
	q        *db.Queries
	findings []audit.Finding
	// entries are those that mending added to the feed of changes; touched are topics that it wrote.
	entries int32
	touched storage.Topic
}

func newChecker(ctx context.Context, tx pgx.Tx) *checker {
	return &checker{ctx: ctx, tx: tx, q: db.New(pgtext.DB{Conn: tx})}
}

func (c *checker) all() error {
	for _, check := range []func() error{
		c.ends, c.counts, c.numbers, c.strays, c.leases, c.slots, c.states, c.missingStates,
		c.partitionStates, c.missingPartitions, c.sets, c.inFlight, c.keys, c.backfills, c.runBackfills,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) report(format string, args ...any) {
	c.findings = append(c.findings, audit.Finding{Text: fmt.Sprintf(format, args...)})
}

// mendable adds how the last finding is mended.
func (c *checker) mendable(mend func() error, format string, args ...any) {
	f := &c.findings[len(c.findings)-1]
	f.Mend, f.Mended = mend, fmt.Sprintf(format, args...)
}
