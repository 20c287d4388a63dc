package postgres

import (
	"slices"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// inFlightRow is what a run has in flight of an asset. The row of the run is the lock on it.
type inFlightRow struct {
	asset storage.AssetKey
	run   storage.RunKey
	set   partition.Set

	before          partition.Set // as it is stored
	stored, changed bool
}

// addInFlightRow notes what a run has in flight.
func (f *facts) addInFlightRow(run storage.RunKey, asset storage.AssetKey, labels []byte) {
	set := f.parse(labels)
	f.inFlight[run] = append(f.inFlight[run], &inFlightRow{asset: asset, run: run, set: set, before: set, stored: true})
}

// inFlightOf returns what a run has in flight of an asset, to be changed.
func (f *facts) inFlightOf(run storage.RunKey, asset storage.AssetKey) *inFlightRow {
	rows := f.inFlight[run]
	i := slices.IndexFunc(rows, func(o *inFlightRow) bool { return o.asset == asset })
	if i < 0 {
		i = len(rows)
		rows = append(rows, &inFlightRow{asset: asset, run: run})
		f.inFlight[run] = rows
	}
	if row := rows[i]; !row.changed {
		row.changed = true
		f.changedInFlight = append(f.changedInFlight, row)
	}
	return rows[i]
}

// AddInFlight implements [ledger.InFlight], as do the two methods below.
func (f *facts) AddInFlight(run storage.RunKey, targets []storage.Target) error {
	for i := range targets {
		if t := &targets[i]; t.Partitioned() {
			row := f.inFlightOf(run, t.Asset)
			row.set = row.set.Union(t.Partitions)
		}
	}
	return nil
}

// SettleInFlight takes partitions out of what a run has in flight.
func (f *facts) SettleInFlight(run storage.RunKey, asset storage.AssetKey, set partition.Set) error {
	if len(f.inFlight[run]) > 0 {
		row := f.inFlightOf(run, asset)
		row.set = row.set.Minus(set)
	}
	return nil
}

// ClearInFlight takes out all that a run has in flight.
func (f *facts) ClearInFlight(run storage.RunKey) ([]storage.Target, error) {
	var left []storage.Target
	for _, row := range f.inFlight[run] {
		row = f.inFlightOf(run, row.asset)
		if !row.set.IsEmpty() {
			left = append(left, storage.Target{Asset: row.asset, Partitions: row.set})
		}
		row.set = partition.Set{}
	}
	return left, nil
}

// sendInFlight writes the rows that have changed.
func (f *facts) sendInFlight(t *pipeline, to *tables, enc *encoder) {
	var added, changed, gone []*inFlightRow
	for _, row := range f.changedInFlight {
		switch {
		case row.set.Equal(row.before):
		case row.set.IsEmpty():
			gone = append(gone, row)
		case row.stored:
			changed = append(changed, row)
		default:
			added = append(added, row)
		}
	}
	to.goneInFlight.send(t, enc, gone, nil)
	to.inFlight.send(t, enc, changed, nil)
	to.newInFlight.send(t, enc, added, nil)
}
