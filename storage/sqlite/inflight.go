package sqlite

import (
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/fold"
)

// inFlightWriter is the part of the writer for partitions in flight. It takes them out without
// reading them first: a run nearly always settles all of an asset at once.
type inFlightWriter struct {
	w    *writer
	rows inserter
	// settled is what runs have settled and is not taken out yet, order its keys.
	settled map[inFlightKey][]partition.Set
	order   []inFlightKey

	dropAll, drop, read, set *statement
}

// inFlightKey names what a run has in flight of an asset.
type inFlightKey struct {
	asset storage.AssetKey
	run   storage.RunKey
}

func newInFlightWriter(w *writer) *inFlightWriter {
	return &inFlightWriter{
		w: w, settled: map[inFlightKey][]partition.Set{},
		rows: inserter{w: w, columns: 3, insert: "INSERT OR REPLACE INTO in_flight (asset, run, labels) VALUES "},
	}
}

// forget drops what a transaction that was rolled back may have left.
func (f *inFlightWriter) forget() {
	clear(f.settled)
	f.order = f.order[:0]
}

// partitioned reports whether any of the targets has partitions.
func partitioned(list []storage.Target) bool {
	for i := range list {
		if list[i].Partitioned() {
			return true
		}
	}
	return false
}

// AddInFlight implements [ledger.InFlight], as do the two methods below. The run has nothing in
// flight: it is new, or what it had was cleared.
func (f *inFlightWriter) AddInFlight(run storage.RunKey, targets []storage.Target) error {
	if err := f.w.runs.markTargeted(run); err != nil {
		return err
	}
	sets := map[storage.AssetKey]partition.Set{}
	var order []storage.AssetKey
	for i := range targets {
		t := &targets[i]
		if !t.Partitioned() {
			continue
		}
		before, twice := sets[t.Asset]
		if !twice {
			order = append(order, t.Asset)
		}
		sets[t.Asset] = before.Union(t.Partitions)
	}
	for _, asset := range order {
		row, err := f.rows.row()
		if err != nil {
			return err
		}
		labels, _ := sets[asset].AppendBinary(nil) // never fails
		row[0].Value = f.w.ints.of(int64(asset))
		row[1].Value = f.w.ints.of(int64(run))
		row[2].Value = labels
	}
	return nil
}

// SettleInFlight notes partitions to take out.
func (f *inFlightWriter) SettleInFlight(run storage.RunKey, asset storage.AssetKey, set partition.Set) error {
	key := inFlightKey{asset, run}
	sets, known := f.settled[key]
	if !known {
		f.order = append(f.order, key)
	}
	f.settled[key] = append(sets, set)
	return nil
}

// ClearInFlight deletes what a run has in flight, and returns it without what it has settled.
func (f *inFlightWriter) ClearInFlight(run storage.RunKey) ([]storage.Target, error) {
	defer f.forgetSettled(run)
	known, err := f.w.runs.row(run)
	if err != nil || known == nil || !known.targeted {
		return nil, err
	}
	if err := f.rows.flush(); err != nil {
		return nil, err
	}
	rows, err := f.w.all(&f.dropAll, "DELETE FROM in_flight WHERE run = ? RETURNING asset, labels", 2, int64(run))
	if err != nil {
		return nil, err
	}
	f.w.store.rows.Add(int64(len(rows)))
	var left []storage.Target
	for _, row := range rows {
		asset, _ := row[0].(int64) // STRICT columns
		labels, _ := row[1].([]byte)
		set, err := partition.ParseSet(labels)
		if err != nil {
			return nil, err
		}
		key := inFlightKey{storage.AssetKey(asset), run}
		if set = set.Minus(fold.Union(f.settled[key])); !set.IsEmpty() {
			left = append(left, storage.Target{Asset: key.asset, Partitions: set})
		}
	}
	return left, nil
}

// forgetSettled drops the notes of what a run has settled so far. They do not hold for targets that
// it gets later in the same transaction, also where it had none before.
func (f *inFlightWriter) forgetSettled(run storage.RunKey) {
	for _, key := range f.order {
		if key.run == run {
			f.settled[key] = nil
		}
	}
}

// write writes what is new in flight and takes out what runs have settled.
func (f *inFlightWriter) write() error {
	if err := f.rows.flush(); err != nil {
		return err
	}
	for _, key := range f.order {
		sets := f.settled[key]
		if len(sets) == 0 { // with the end of its run
			continue
		}
		run, err := f.w.runs.row(key.run)
		if err == nil && run != nil && run.targeted {
			err = f.takeOut(key, fold.Union(sets))
		}
		if err != nil {
			return err
		}
	}
	f.forget()
	return nil
}

const dropInFlight = "DELETE FROM in_flight WHERE asset = ? AND run = ? AND labels = ?"

// takeOut takes partitions out of what a run has in flight. Equal sets have equal bytes, so that
// all of an asset is gone with one statement.
func (f *inFlightWriter) takeOut(key inFlightKey, settled partition.Set) error {
	data, _ := settled.AppendBinary(nil) // never fails
	res, err := f.w.run(&f.drop, dropInFlight, int64(key.asset), int64(key.run), data)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); n > 0 || err != nil {
		return err
	}
	row, err := f.w.first(&f.read, "SELECT labels FROM in_flight WHERE asset = ? AND run = ?", 1, int64(key.asset), int64(key.run))
	if err != nil || row == nil {
		return err
	}
	labels, _ := row[0].([]byte) // STRICT columns
	set, err := partition.ParseSet(labels)
	if err != nil {
		return err
	}
	left := set.Minus(settled)
	switch {
	case left.Equal(set):
		return nil
	case left.IsEmpty():
		_, err = f.w.run(&f.drop, dropInFlight, int64(key.asset), int64(key.run), labels)
	default:
		data, _ = left.AppendBinary(data[:0]) // never fails
		_, err = f.w.run(&f.set, "UPDATE in_flight SET labels = ? WHERE asset = ? AND run = ?", data, int64(key.asset), int64(key.run))
	}
	return err
}
