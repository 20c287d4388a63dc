package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/audit"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// Check reads the whole store and says in words which of its invariants do not hold, nothing where
// all do: the file is sound; an ended run has one end with its state and its counts, and neither leases, slots nor
// partitions in flight; events are numbered from 1 without gaps and belong to recorded runs; the states of assets and
// partitions have their events, as far as both are kept; the sets of an asset are what its states come to; groups
// have no partition in common; keys have the ordinals that their table says; a backfill's counts and sets add up. It
// reads one snapshot, so it may run while others write; an error is a check that could not be made.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	tx, err := s.pool.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, s.readError("check", err)
	}
	c := newChecker(ctx, tx)
	if err = errors.Join(c.all(), tx.Rollback()); err != nil {
		return nil, s.readError("check", err)
	}
	return audit.Texts(c.findings), nil
}

// Repair mends what [Store.Check] finds, as far as that is no guess, and says in words what it has done: sets are made again
// from the states, what ended runs have in flight, hold or are leased is freed, counts of steps are taken from the events, groups
// lose what a newer one has, tables of keys say what they have. All of it is one transaction, during which nobody else writes.
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
	c := newChecker(ctx, tx)
	if err = c.all(); err == nil {
		done, err = audit.Mend(c.findings)
	}
	if err == nil && c.touched != 0 {
		err = c.q.MendSignal(ctx, int64(storage.TopicSlots))
	}
	if err == nil {
		err = tx.Commit()
	} else {
		err = errors.Join(err, tx.Rollback())
	}
	if err != nil {
		return nil, explain(s.path, "repair", err)
	}
	if len(done) > 0 {
		s.signals.Send(c.touched | storage.TopicChanges)
	}
	return done, nil
}

type checker struct {
	ctx      context.Context //nolint:containedctx // it lives as long as one call of Check
	tx       *sql.Tx
	q        *db.Queries
	findings []audit.Finding
	// seq is the last number of the feed of changes, zero until it was read; touched are topics that mending wrote.
	seq     int64
	entries int64
	touched storage.Topic
}

func newChecker(ctx context.Context, tx *sql.Tx) *checker {
	return &checker{ctx: ctx, tx: tx, q: db.New(tx)}
}

func (c *checker) all() error {
	for _, check := range []func() error{
		c.file, c.ends, c.counts, c.numbers, c.strays, c.leases, c.slots, c.states, c.missingStates,
		c.partitionStates, c.missingPartitions, c.sets, c.inFlight, c.feed, c.keys, c.backfills, c.runBackfills,
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

func (c *checker) file() (err error) {
	rows, err := c.tx.QueryContext(c.ctx, "PRAGMA integrity_check(20)")
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
			c.report("the file is damaged: %s", line)
		}
	}
	return rows.Err()
}
