package sqlite

import (
	"bytes"
	"database/sql/driver"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

// backfillWriter is the part of the writer for backfills.
type backfillWriter struct {
	w *writer
	// rows are the backfills that this transaction asked about, nil for one that is not recorded.
	rows map[storage.BackfillKey]*ledger.Backfill

	byKey, byID, has, add, addRequest, putSet, dropSet, set, lease *statement
}

func newBackfillWriter(w *writer) *backfillWriter {
	return &backfillWriter{w: w, rows: map[storage.BackfillKey]*ledger.Backfill{}}
}

// begin forgets what the transaction before knew.
func (b *backfillWriter) begin() { clear(b.rows) }

const backfillColumns = "key, id, token, state, owner, lease_until, started_at, cancel"

// remember returns a backfill that was read, the same for all who ask for it.
func (b *backfillWriter) remember(values []driver.Value) *ledger.Backfill {
	key, _ := values[0].(int64) // STRICT columns
	if known := b.rows[storage.BackfillKey(key)]; known != nil {
		return known
	}
	row := &ledger.Backfill{Key: storage.BackfillKey(key)}
	row.ID, _ = values[1].(string)
	row.Token, _ = values[2].(int64)
	state, _ := values[3].(int64)
	row.Owner, _ = values[4].(string)
	until, _ := values[5].(int64)
	started, _ := values[6].(int64)
	cancel, _ := values[7].([]byte)
	row.State, row.Until, row.StartedAt, row.Cancel = storage.BackfillState(state), storage.Micros(until), storage.Micros(started), bytes.Clone(cancel)
	b.rows[row.Key] = row
	return row
}

// Backfill implements [ledger.Backfills], as do the three methods below.
func (b *backfillWriter) Backfill(key storage.BackfillKey) (*ledger.Backfill, error) {
	if row, known := b.rows[key]; known {
		return row, nil
	}
	values, err := b.w.first(&b.byKey, "SELECT "+backfillColumns+" FROM backfill WHERE key = ?", 8, int64(key))
	if err != nil {
		return nil, err
	}
	if values == nil {
		b.rows[key] = nil
		return nil, nil //nolint:nilnil // it is not recorded
	}
	return b.remember(values), nil
}

// BackfillByID reads a backfill by its ID.
func (b *backfillWriter) BackfillByID(id string) (*ledger.Backfill, error) {
	values, err := b.w.first(&b.byID, "SELECT "+backfillColumns+" FROM backfill WHERE id = ?", 8, id)
	if err != nil || values == nil {
		return nil, err
	}
	return b.remember(values), nil
}

// HasBackfill asks for the ID.
func (b *backfillWriter) HasBackfill(id string) (bool, error) {
	row, err := b.w.first(&b.has, "SELECT 1 FROM backfill WHERE id = ?", 1, id)
	return row != nil, err
}

// AddBackfill inserts the backfill, which gives it its key.
func (b *backfillWriter) AddBackfill(n *ledger.NewBackfill) error {
	rec, p := n.Record, &n.Record.Progress
	res, err := b.w.run(&b.add, "INSERT INTO backfill (id, location, state, token, created_at, started_at, ended_at, "+
		"total, runs, completed, failed, canceled, error, owner, lease_until) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		n.ID, rec.Location, int64(rec.State), rec.Token, int64(storage.MicrosOf(rec.CreatedAt)), int64(storage.MicrosOf(rec.StartedAt)),
		int64(storage.MicrosOf(rec.EndedAt)), rec.Total, p.Runs, p.CompletedCount, p.FailedCount, p.CanceledCount, rec.Error, rec.Owner, int64(n.Until))
	if err != nil {
		return err
	}
	key, err := res.LastInsertId()
	if err != nil {
		return err
	}
	n.Key = storage.BackfillKey(key)
	_, err = b.w.run(&b.addRequest, "INSERT INTO backfill_request (backfill, rerun_of, assets, request) VALUES (?,?,?,?)",
		key, rec.RerunOf, n.Assets, n.Request)
	return err
}

// write writes what changes of backfills. Sets that did not change are left alone.
func (b *backfillWriter) write(e *ledger.Effects) error {
	for _, row := range e.BackfillChanges {
		if err := b.writeRow(row); err != nil {
			return err
		}
	}
	for _, set := range e.BackfillSets.Rows() {
		var err error
		if set.Labels == nil {
			_, err = b.w.run(&b.dropSet, "DELETE FROM backfill_set WHERE backfill = ? AND which = ?", int64(set.Backfill), int64(set.Which))
		} else {
			_, err = b.w.run(&b.putSet, "INSERT INTO backfill_set (backfill, which, labels) VALUES (?,?,?) "+
				"ON CONFLICT (backfill, which) DO UPDATE SET labels = excluded.labels WHERE labels <> excluded.labels",
				int64(set.Backfill), int64(set.Which), set.Labels)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *backfillWriter) writeRow(row *ledger.Backfill) error {
	if u := row.Update; u != nil {
		p := &u.Progress
		_, err := b.w.run(&b.set, "UPDATE backfill SET token = ?, owner = ?, lease_until = ?, state = ?, started_at = ?, ended_at = coalesce(?, ended_at), "+
			"cancel = coalesce(?, cancel), runs = ?, completed = ?, failed = ?, canceled = ?, error = ? WHERE key = ?",
			row.Token, row.Owner, int64(row.Until), int64(row.State), int64(row.StartedAt), instant(row.Ended), document(row.Canceled),
			p.Runs, p.CompletedCount, p.FailedCount, p.CanceledCount, u.Error, int64(row.Key))
		return err
	}
	_, err := b.w.run(&b.lease, "UPDATE backfill SET token = ?, owner = ?, lease_until = ?, cancel = coalesce(?, cancel) WHERE key = ?",
		row.Token, row.Owner, int64(row.Until), document(row.Canceled), int64(row.Key))
	return err
}
