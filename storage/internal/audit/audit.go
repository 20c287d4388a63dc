package audit

import (
	"context"
	"errors"
	"strings"

	"github.com/rivers-go/rivers/storage"
)

// Tx is the transaction that an audit reads and mends in. Texts are plain on both sides: a backend
// that stores them otherwise encodes arguments and decodes answers.
type Tx interface {
	Query(ctx context.Context, sql string, args ...any) (Rows, error)
	Exec(ctx context.Context, sql string, args ...any) error
}

// Rows is the answer to a query, as both drivers have it.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// Dialect is what the backends say differently.
type Dialect struct {
	// Now is an expression for the present, in microseconds since 1970.
	Now string
	// RunEvents is the table event, with a condition by which the run's events of one asset are found
	// by an index.
	RunEvents string
	// Ordinal is an expression for the ordinal of a row of partition_key, Misplaced a condition on it
	// that never holds.
	Ordinal, Misplaced string
	// Backfill reads a backfill's whole record.
	Backfill func(ctx context.Context, id string) (storage.BackfillRecord, error)
	// Tell adds an entry of one asset to the feed of changes; labels are its partitions in their
	// binary form.
	Tell func(ctx context.Context, kind storage.ChangeKind, asset storage.AssetKey, labels []byte) error
	// Before and After are checks of this backend alone.
	Before, After []func(context.Context, *Audit) error
}

// Audit is one reading of a store.
type Audit struct {
	ctx      context.Context //nolint:containedctx // it lives as long as one call of Run and its mends
	tx       Tx
	dialect  *Dialect
	replacer *strings.Replacer
	findings []*Finding
	touched  storage.Topic
}

// Run makes all checks. An error is a check that could not be made.
func Run(ctx context.Context, tx Tx, d *Dialect) (*Audit, error) {
	a := &Audit{ctx: ctx, tx: tx, dialect: d, replacer: d.words()}
	for _, check := range d.Before {
		if err := check(ctx, a); err != nil {
			return nil, err
		}
	}
	for _, check := range []func() error{
		a.ends, a.counts, a.numbers, a.strays, a.leases, a.slots, a.states, a.missingStates,
		a.partitionStates, a.missingPartitions, a.sets, a.inFlight, a.keys, a.strayKeys, a.backfills, a.runBackfills,
	} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	for _, check := range d.After {
		if err := check(ctx, a); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// list reads all rows of an answer. A transaction has one answer at a time, so a mend runs after
// it.
func list[T any](a *Audit, columns func(*T) []any, sql string, args ...any) ([]T, error) {
	var all []T
	err := each(a, columns, func(row *T) { all = append(all, *row) }, sql, args...)
	return all, err
}

// each calls a function with each row of an answer, for answers that are too long for [list].
func each[T any](a *Audit, columns func(*T) []any, do func(*T), sql string, args ...any) (err error) {
	rows, err := a.tx.Query(a.ctx, a.replacer.Replace(sql), args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var row T
		if err := rows.Scan(columns(&row)...); err != nil {
			return err
		}
		do(&row)
	}
	return rows.Err()
}

// exec returns a mend that is one statement.
func (a *Audit) exec(sql string, args ...any) func() error {
	return func() error { return a.tx.Exec(a.ctx, a.replacer.Replace(sql), args...) }
}
