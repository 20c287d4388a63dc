package ledger

import "github.com/rivers-go/rivers/storage"

// addInFlight puts the targets of a run in flight.
func (t *transaction) addInFlight(run storage.RunKey, targets []storage.Target, at storage.Micros) error {
	partitioned := false
	for i := range targets {
		target := &targets[i]
		if !target.Partitioned() {
			continue
		}
		partitioned = true
		t.feed.Partitions(storage.ChangeTargeted, run, at, target.Asset, target.Partitions)
	}
	if !partitioned {
		return nil
	}
	return t.InFlight.AddInFlight(run, targets)
}

// clearInFlight takes what is left of a run out of flight, which the feed has as abandoned.
func (t *transaction) clearInFlight(run storage.RunKey, at storage.Micros) error {
	left, err := t.InFlight.ClearInFlight(run)
	for i := range left {
		t.feed.Partitions(storage.ChangeRunEnded, run, at, left[i].Asset, left[i].Partitions)
	}
	return err
}

// clearEnded takes what is left of runs that ended out of flight.
func (t *transaction) clearEnded(updates []storage.RunUpdate) error {
	for i := range updates {
		if u := &updates[i]; u.State.Terminal() {
			if err := t.clearInFlight(u.Run, storage.MicrosOf(u.At)); err != nil {
				return err
			}
		}
	}
	return nil
}
