package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

// busyFor is how long another process may keep the file before a caller hears of it.
const busyFor = time.Minute

// writer applies groups on a connection of its own. It belongs to the goroutine of [Store.write].
type writer struct {
	store *Store
	conn  driver.Conn

	begin, commit, rollback                       *statement
	setGeneration, putKV, dropKV, topology        *statement
	raiseSignal                                   *statement
	events, partitionEvents, logs, names, changes inserter

	// facts has the writers below.
	facts     ledger.Facts
	effects   *ledger.Effects
	runs      *runWriter
	backfills *backfillWriter
	slots     *slotWriter
	assets    *assetWriter
	inFlight  *inFlightWriter
	keys      *keyWriter
	prunes    pruneStatements
	// prepared are all statements but those of inserters.
	prepared []*statement

	// topics is what this transaction wrote that somebody may watch.
	topics storage.Topic
	ints   *intCache
	args   []driver.NamedValue // of statements of one row
	values []driver.Value      // of a new run
	blob   []byte              // of the feed of changes
	// looked counts the transactions since the log was looked at, which was long then; see shorten.
	empty, patient, hasty, moveOn, moveOff *statement
	looked                                 int
	long                                   bool
	// made counts the events of assets since the store's index generation was brought up to date.
	made   int64
	answer []driver.Value
}

// statement is a prepared statement of the driver's, with the two calls that take a context.
type statement struct {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

func newWriter(s *Store, conn driver.Conn) *writer {
	w := &writer{store: s, conn: conn, effects: ledger.NewEffects(), ints: &intCache{}, answer: make([]driver.Value, 10)}
	w.runs, w.backfills, w.slots = newRunWriter(w), newBackfillWriter(w), newSlotWriter(w)
	w.assets, w.inFlight, w.keys = newAssetWriter(w), newInFlightWriter(w), newKeyWriter(w)
	w.facts = ledger.Facts{
		Now:  func() storage.Micros { return storage.MicrosOf(time.Now()) },
		Runs: w.runs, Backfills: w.backfills, Slots: w.slots, Assets: w.assets, InFlight: w.inFlight, Keys: w.keys,
	}
	w.events = inserter{w: w, columns: 12, insert: "INSERT OR REPLACE INTO event " +
		"(run, n, at, kind, step, attempt, retry_at, cause, status, asset, era, detail) VALUES "}
	w.partitionEvents = inserter{w: w, columns: 13, insert: "INSERT OR REPLACE INTO event " +
		"(run, n, at, kind, step, attempt, retry_at, cause, status, asset, era, detail, partition) VALUES "}
	w.logs = inserter{w: w, columns: 9, insert: "INSERT OR REPLACE INTO log " +
		"(run, n, step, attempt, at, level, stream, message, attrs) VALUES "}
	w.names = inserter{w: w, columns: 1, insert: "INSERT INTO asset (name) VALUES ", conflict: " ON CONFLICT (name) DO NOTHING"}
	w.changes = inserter{w: w, columns: 6, insert: "INSERT INTO change (id, at, kind, run, labels, subject) VALUES "}
	return w
}

func (w *writer) inserters() []*inserter {
	return []*inserter{
		&w.events, &w.partitionEvents, &w.logs, &w.names, &w.changes,
		&w.assets.states, &w.assets.partitionStates, &w.assets.singles, &w.inFlight.rows, &w.keys.keys,
	}
}

// write is the writer's goroutine: it only waits, writeGroup works.
func (s *Store) write() {
	defer close(s.done)
	for s.queue.Wait() {
		s.writer.writeGroup(s.queue)
		s.writer.shorten()
	}
}

// writeGroup takes the file's lock, then the queue, and applies it in one transaction.
func (w *writer) writeGroup(q *commit.Queue) {
	err := w.beginImmediate()
	g := q.Take()
	if err == nil {
		err = w.finish(w.apply(g, g.Requests))
	}
	switch {
	case err == nil:
	case len(g.Requests) == 1 || isBusy(err):
		err = explain(w.store.path, "write", err)
		for i := range g.Requests {
			g.Requests[i].Fail(err)
		}
	default:
		w.writeSingly(g)
	}
	q.Finish()
}

// writeSingly gives each request of a failed transaction one of its own, so that a batch that
// SQLite cannot take hurts nobody else.
func (w *writer) writeSingly(g *commit.Group) {
	lost := map[storage.Fence]error{}
	for i := range g.Requests {
		r := &g.Requests[i]
		if r.Refused {
			continue
		}
		r.Err = lost[r.Fence]
		if r.Err == nil {
			err := w.beginImmediate()
			if err == nil {
				err = w.finish(w.apply(g, g.Requests[i:i+1]))
			}
			r.Fail(explain(w.store.path, "write", err))
		}
		if r.Err != nil && r.Sticky() && r.Fence != (storage.Fence{}) {
			lost[r.Fence] = r.Err
		}
	}
}

// beginImmediate takes the write lock of the file, waiting for other processes.
func (w *writer) beginImmediate() error {
	w.topics = 0
	err := w.once(&w.begin, "BEGIN IMMEDIATE")
	if err != nil {
		return err
	}
	return retryBusy(context.Background(), func() error {
		_, err := w.begin.ExecContext(context.Background(), nil)
		return err
	})
}

// finish commits, or rolls back after an error, which it returns.
func (w *writer) finish(err error) error {
	if err == nil {
		err = w.raiseSignals()
	}
	if err == nil {
		if err = w.once(&w.commit, "COMMIT"); err == nil {
			_, err = w.commit.ExecContext(context.Background(), nil)
		}
	}
	if err == nil {
		w.store.commits.Add(1)
		if w.topics != 0 {
			w.store.signals.Send(w.topics)
		}
		return nil
	}
	for _, in := range w.inserters() {
		in.drop()
	}
	w.assets.forget()
	w.inFlight.forget()
	if w.once(&w.rollback, "ROLLBACK") == nil {
		// SQLite has rolled back on its own after some errors, and then this one is refused.
		_, _ = w.rollback.ExecContext(context.Background(), nil)
	}
	return err
}

// raiseSignals counts up the topics that the transaction wrote, for other processes. The feed of
// changes has a number of its own.
func (w *writer) raiseSignals() error {
	for topic := storage.Topic(1); topic != 0 && topic <= w.topics; topic <<= 1 {
		if w.topics&topic == 0 || topic == storage.TopicChanges {
			continue
		}
		_, err := w.run(&w.raiseSignal, "INSERT INTO signal (topic, n) VALUES (?, 1) ON CONFLICT (topic) DO UPDATE SET n = n + 1", int64(topic))
		if err != nil {
			return err
		}
	}
	return nil
}

// retryBusy repeats what found the file locked, until it is done, fails otherwise, the context ends
// or a minute is over. Several processes wait like this: their steps are random, so that none is
// always late.
func retryBusy(ctx context.Context, do func() error) error {
	var since time.Time
	for step := 50 * time.Microsecond; ; step = min(2*step, 5*time.Millisecond) {
		err := do()
		if !isBusy(err) {
			return err
		}
		if since.IsZero() {
			since = time.Now()
		}
		if time.Since(since) > busyFor {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(step/2 + rand.N(step)):
		}
	}
}

func (w *writer) prepare(sql string) (*statement, error) {
	st, err := w.conn.Prepare(sql)
	if err != nil {
		return nil, err
	}
	exec, canExec := st.(driver.StmtExecContext)
	query, canQuery := st.(driver.StmtQueryContext)
	if !canExec || !canQuery {
		return nil, fmt.Errorf("the SQLite driver's statements (%T) take no context", st)
	}
	return &statement{st, exec, query}, nil
}

// once prepares a statement when it is first needed.
func (w *writer) once(st **statement, sql string) error {
	if *st != nil {
		return nil
	}
	var err error
	if *st, err = w.prepare(sql); err == nil {
		w.prepared = append(w.prepared, *st)
	}
	return err
}

// exec counts and executes.
func (w *writer) exec(st *statement, args []driver.NamedValue) (driver.Result, error) {
	res, err := st.ExecContext(context.Background(), args)
	if err != nil {
		return nil, err
	}
	n, err := res.RowsAffected()
	w.store.rows.Add(n)
	w.store.statements.Add(1)
	return res, err
}

// run executes a statement that is prepared once.
func (w *writer) run(st **statement, sql string, values ...driver.Value) (driver.Result, error) {
	if err := w.once(st, sql); err != nil {
		return nil, err
	}
	return w.exec(*st, w.bind(values))
}

// first returns the first row of a query, nil where there is none; it is valid until the next call.
func (w *writer) first(st **statement, sql string, columns int, values ...driver.Value) ([]driver.Value, error) {
	if err := w.once(st, sql); err != nil {
		return nil, err
	}
	w.store.statements.Add(1)
	rows, err := (*st).QueryContext(context.Background(), w.bind(values))
	if err != nil {
		return nil, err
	}
	row := w.answer[:columns]
	err = rows.Next(row)
	if closeErr := rows.Close(); err == nil {
		err = closeErr
	}
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	return row, err
}

// all returns every row of a query.
func (w *writer) all(st **statement, sql string, columns int, values ...driver.Value) ([][]driver.Value, error) {
	if err := w.once(st, sql); err != nil {
		return nil, err
	}
	w.store.statements.Add(1)
	rows, err := (*st).QueryContext(context.Background(), w.bind(values))
	if err != nil {
		return nil, err
	}
	var found [][]driver.Value
	for {
		row := make([]driver.Value, columns)
		err = rows.Next(row)
		if err != nil {
			break
		}
		found = append(found, row)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return found, errors.Join(err, rows.Close())
}

func (w *writer) bind(values []driver.Value) []driver.NamedValue {
	w.args = w.args[:0]
	for i, v := range values {
		w.args = append(w.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return w.args
}

// close frees the connection, its statements first.
func (w *writer) close() error {
	var errs []error
	for _, st := range w.prepared {
		errs = append(errs, st.Close())
	}
	for _, in := range w.inserters() {
		errs = append(errs, in.close())
	}
	return errors.Join(append(errs, w.conn.Close())...)
}
