package sqlite

import (
	"bytes"
	"database/sql/driver"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

// longPlanAt is the length in bytes from which a plan has a row of its own: a run's row is
// rewritten with each of its states, and beyond a quarter of a page that shows.
const longPlanAt = 1024

// runWriter is the part of the writer for runs.
type runWriter struct {
	w *writer
	// rows are the runs that this transaction asked about, nil for one that is not recorded.
	rows map[storage.RunKey]*runRow
	// inserted is the last new run, whose row tells whether it may have partitions in flight.
	inserted storage.RunKey

	first, byKey, byID, has, add, addPartitioned, addPlan *statement
	set, lease, setPlan, setLongPlan, setTargeted         *statement
}

// runRow is a run, with the index generation of its events and whether it may have partitions in
// flight.
type runRow struct {
	ledger.Run

	generation int64
	targeted   bool
}

func newRunWriter(w *writer) *runWriter {
	return &runWriter{w: w, rows: map[storage.RunKey]*runRow{}}
}

// begin forgets what the transaction before knew.
func (r *runWriter) begin() {
	clear(r.rows)
	r.inserted = 0
}

const runColumns = "key, id, token, state, owner, lease_until, cancel, era, targeted"

// row reads a run once a transaction, nil if it is not recorded.
func (r *runWriter) row(key storage.RunKey) (*runRow, error) {
	if row, known := r.rows[key]; known {
		return row, nil
	}
	// The first of a transaction learns the last number of the feed of changes too, from which
	// updates count on.
	st, sql, columns := &r.first, "SELECT "+runColumns+", (SELECT coalesce(max(id), 0) FROM change) FROM run WHERE key = ?", 10
	if r.w.assets.begun {
		st, sql, columns = &r.byKey, "SELECT "+runColumns+" FROM run WHERE key = ?", 9
	}
	values, err := r.w.first(st, sql, columns, int64(key))
	if err != nil {
		return nil, err
	}
	if values == nil {
		r.rows[key] = nil
		return nil, nil //nolint:nilnil // it is not recorded
	}
	if columns == 10 {
		id, _ := values[9].(int64)
		r.w.assets.start(id >> seqShift)
	}
	return r.remember(values), nil
}

// remember returns a run that was read, the same for all who ask for it.
func (r *runWriter) remember(values []driver.Value) *runRow {
	key, _ := values[0].(int64) // STRICT tables: an INTEGER column has nothing else
	if row := r.rows[storage.RunKey(key)]; row != nil {
		return row
	}
	row := &runRow{Run: ledger.Run{Key: storage.RunKey(key)}}
	row.ID, _ = values[1].(string)
	row.Token, _ = values[2].(int64)
	state, _ := values[3].(int64)
	row.Owner, _ = values[4].(string)
	until, _ := values[5].(int64)
	cancel, _ := values[6].([]byte)
	row.State, row.Until, row.Cancel = storage.RunState(state), storage.Micros(until), bytes.Clone(cancel)
	row.generation, _ = values[7].(int64)
	targeted, _ := values[8].(int64)
	row.targeted = targeted != 0
	r.rows[row.Key] = row
	return row
}

// Run implements [ledger.Runs], as do the three methods below.
func (r *runWriter) Run(key storage.RunKey) (*ledger.Run, error) {
	row, err := r.row(key)
	if row == nil {
		return nil, err
	}
	return &row.Run, nil
}

// RunByID reads a run by its ID.
func (r *runWriter) RunByID(id string) (*ledger.Run, error) {
	values, err := r.w.first(&r.byID, "SELECT "+runColumns+" FROM run WHERE id = ?", 9, id)
	if err != nil || values == nil {
		return nil, err
	}
	return &r.remember(values).Run, nil
}

// HasRun asks for the ID.
func (r *runWriter) HasRun(id string) (bool, error) {
	row, err := r.w.first(&r.has, "SELECT 1 FROM run WHERE id = ?", 1, id)
	return row != nil, err
}

// AddRun inserts the run, which gives it its key.
func (r *runWriter) AddRun(n *ledger.NewRun) error {
	rec, w := n.Record, r.w
	plan, longPlan := shortPlan(n.Plan)
	const columns = "id, location, job, state, token, created_at, started_at, ended_at, succeeded, failed, skipped, canceled, error, " +
		"request, tags, plan, owner, lease_until"
	w.values = append(w.values[:0], n.ID, rec.Location, rec.Job, int64(rec.State), rec.Token,
		int64(storage.MicrosOf(rec.CreatedAt)), int64(storage.MicrosOf(rec.StartedAt)), int64(storage.MicrosOf(rec.EndedAt)),
		int64(rec.Counts.Succeeded), int64(rec.Counts.Failed), int64(rec.Counts.Skipped), int64(rec.Counts.Canceled),
		rec.Error, n.Request, n.Tags, plan, rec.Owner, int64(n.Until))
	st, sql := &r.add, "INSERT INTO run ("+columns+", era) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,(SELECT era FROM store))"
	targeted := !rec.State.Terminal() && partitioned(rec.Targets)
	if targeted || rec.Backfill != "" || rec.Partition != "" || rec.Request.RetryOf != "" {
		w.values = append(w.values, rec.Backfill, rec.Partition, targeted, rec.Request.RetryOf)
		st, sql = &r.addPartitioned, "INSERT INTO run ("+columns+", backfill, partition, targeted, retry_of, era) "+
			"VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,(SELECT era FROM store))"
	}
	res, err := w.run(st, sql, w.values...)
	clear(w.values)
	if err != nil {
		return err
	}
	key, err := res.LastInsertId()
	if err != nil {
		return err
	}
	r.inserted = storage.RunKey(key)
	n.Key, n.RowKey = r.inserted, r.inserted
	if longPlan != nil {
		_, err = w.run(&r.addPlan, "INSERT INTO long_plan (run, doc) VALUES (?,?)", key, longPlan)
	}
	return err
}

// shortPlan tells a plan that goes into the run's row from one that has a row of its own.
func shortPlan(doc []byte) (short, long []byte) {
	if len(doc) > longPlanAt {
		return nil, doc
	}
	return doc, nil
}

// write writes what changes of runs.
func (r *runWriter) write(e *ledger.Effects) error {
	for _, run := range e.RunChanges {
		if run.Update != nil {
			if err := r.writeUpdate(run); err != nil {
				return err
			}
		}
		if run.Leased || run.Canceled != nil {
			_, err := r.w.run(&r.lease, "UPDATE run SET token = ?, owner = ?, lease_until = ?, cancel = coalesce(?, cancel) WHERE key = ?",
				run.Token, run.Owner, int64(run.Until), document(run.Canceled), int64(run.Key))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// writeUpdate writes a change of state, with the plan that the run begins with.
func (r *runWriter) writeUpdate(run *ledger.Run) error {
	u := run.Update
	_, err := r.w.run(&r.set, "UPDATE run SET state = ?1, started_at = coalesce(?2, started_at), ended_at = coalesce(?3, ended_at), "+
		"lease_until = iif(?3 IS NULL, lease_until, 0), succeeded = ?4, failed = ?5, skipped = ?6, canceled = ?7, error = ?8 WHERE key = ?9",
		int64(u.State), instant(run.Started), instant(run.Ended), int64(u.Counts.Succeeded), int64(u.Counts.Failed), int64(u.Counts.Skipped),
		int64(u.Counts.Canceled), u.Error, int64(run.Key))
	if err != nil || !run.Planned {
		return err
	}
	short, long := shortPlan(run.Plan)
	_, err = r.w.run(&r.setPlan, "UPDATE run SET plan = ? WHERE key = ?", short, int64(run.Key))
	if err == nil && long != nil {
		_, err = r.w.run(&r.setLongPlan, "INSERT OR REPLACE INTO long_plan (run, doc) VALUES (?,?)", int64(run.Key), long)
	}
	return err
}

// instant is an instant as an argument, NULL for nil.
func instant(at *storage.Micros) any {
	if at == nil {
		return nil
	}
	return int64(*at)
}

// markTargeted notes that a run may have partitions in flight.
func (r *runWriter) markTargeted(run storage.RunKey) error {
	if run == r.inserted {
		return nil
	}
	row, err := r.row(run)
	if err != nil || row == nil || row.targeted {
		return err
	}
	row.targeted = true
	_, err = r.w.run(&r.setTargeted, "UPDATE run SET targeted = 1 WHERE key = ?", int64(run))
	return err
}
