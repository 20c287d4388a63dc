package postgres

import (
	"slices"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// flight is what a run has in flight of an asset. The row of the run is the lock on it.
type flight struct {
	setRow

	before          partition.Set // what is stored
	stored, touched bool
}

// addFlight notes what a run has in flight.
func (f *facts) addFlight(run storage.RunKey, asset storage.AssetKey, labels []byte) {
	set := f.parse(labels)
	f.flights[run] = append(f.flights[run], &flight{setRow: setRow{asset: asset, run: run, set: set}, before: set, stored: true})
}

// flight returns what a run has in flight of an asset, a new one where there is nothing.
func (f *facts) flight(run storage.RunKey, asset storage.AssetKey, e *effects) *flight {
	flights := f.flights[run]
	i := slices.IndexFunc(flights, func(o *flight) bool { return o.asset == asset })
	if i < 0 {
		i = len(flights)
		flights = append(flights, &flight{setRow: setRow{asset: asset, run: run}})
		f.flights[run] = flights
	}
	if one := flights[i]; !one.touched {
		one.touched = true
		e.flights = append(e.flights, one)
	}
	return flights[i]
}

// fly puts the targets of a run in flight.
func (f *facts) fly(run storage.RunKey, targets []storage.Target, at storage.Micros, e *effects) {
	for i := range targets {
		t := &targets[i]
		if !t.Partitioned() {
			continue
		}
		one := f.flight(run, t.Asset, e)
		one.set = one.set.Union(t.Partitions)
		e.feed.Parted(storage.ChangeTargeted, run, at, t.Asset, t.Partitions)
	}
}

// land takes partitions that a run has come to out of what it has in flight.
func (f *facts) land(run storage.RunKey, asset storage.AssetKey, set partition.Set, e *effects) {
	if len(f.flights[run]) > 0 {
		one := f.flight(run, asset, e)
		one.set = one.set.Minus(set)
	}
}

// drop drops all that a run has in flight.
func (f *facts) drop(run storage.RunKey, at storage.Micros, e *effects) {
	for _, one := range f.flights[run] {
		one = f.flight(run, one.asset, e)
		if !one.set.IsEmpty() {
			e.feed.Parted(storage.ChangeRunEnded, run, at, one.asset, one.set)
		}
		one.set = partition.Set{}
	}
}

// settleFlights turns what was decided about flights into rows.
func (e *effects) settleFlights() {
	for _, one := range e.flights {
		switch {
		case one.set.Equal(one.before):
		case one.set.IsEmpty():
			e.goneFlights = append(e.goneFlights, &one.setRow)
		case one.stored:
			e.oldFlights = append(e.oldFlights, &one.setRow)
		default:
			e.newFlights = append(e.newFlights, &one.setRow)
		}
	}
}
