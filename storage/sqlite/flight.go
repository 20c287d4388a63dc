package sqlite

import (
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/fold"
)

// flight is what a run has in flight of an asset.
type flight struct {
	asset storage.AssetKey
	run   storage.RunKey
}

const dropFlight = "DELETE FROM in_flight WHERE asset = ? AND run = ? AND labels = ?"

// landing is the end of a run.
type landing struct {
	run storage.RunKey
	at  storage.Micros
}

// targets reports whether any of the targets is of partitions.
func targets(list []storage.Target) bool {
	for i := range list {
		if list[i].Partitioned() {
			return true
		}
	}
	return false
}

// fly puts the targets of a run in flight.
func (p *parter) fly(run storage.RunKey, list []storage.Target, at storage.Micros) error {
	sets := map[storage.AssetKey]partition.Set{}
	var order []storage.AssetKey
	for i := range list {
		t := &list[i]
		if !t.Partitioned() {
			continue
		}
		before, twice := sets[t.Asset]
		if !twice {
			order = append(order, t.Asset)
		}
		sets[t.Asset] = before.Union(t.Partitions)
		p.feed.Parted(storage.ChangeTargeted, run, at, t.Asset, t.Partitions)
	}
	for _, asset := range order {
		row, err := p.flights.row()
		if err != nil {
			return err
		}
		labels, _ := sets[asset].AppendBinary(nil) // never fails
		row[0].Value = p.w.boxes.of(int64(asset))
		row[1].Value = p.w.boxes.of(int64(run))
		row[2].Value = labels
	}
	return nil
}

// retarget gives a run other targets than it has.
func (p *parter) retarget(u *storage.RunUpdate, targeted bool) error {
	at := storage.MicrosOf(u.At)
	if targeted {
		if err := p.flights.flush(); err != nil {
			return err
		}
		if err := p.drop(u.Run, at); err != nil {
			return err
		}
	} else if targets(u.Targets) {
		if _, err := p.w.run(&p.setTargeted, "UPDATE run SET targeted = 1 WHERE key = ?", int64(u.Run)); err != nil {
			return err
		}
	}
	return p.fly(u.Run, u.Targets, at)
}

// lands notes what a run has come to.
func (p *parter) lands(asset storage.AssetKey, run storage.RunKey, set partition.Set) {
	f := flight{asset, run}
	sets, known := p.landed[f]
	if !known {
		p.flown = append(p.flown, f)
	}
	p.landed[f] = append(sets, set)
}

// land takes what runs have come to out of what they have in flight, and everything of the runs that have ended.
func (p *parter) land() error {
	for _, end := range p.ended {
		if err := p.drop(end.run, end.at); err != nil {
			return err
		}
	}
	for _, f := range p.flown {
		sets := p.landed[f]
		if len(sets) == 0 { // with the end of its run
			continue
		}
		run, err := p.w.look(f.run)
		if err == nil && run.targeted {
			err = p.shrinkFlight(f, fold.Union(sets))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// drop drops all that a run has in flight, and tells what of it the run has not come to.
func (p *parter) drop(run storage.RunKey, at storage.Micros) error {
	rows, err := p.w.all(&p.dropFlights, "DELETE FROM in_flight WHERE run = ? RETURNING asset, labels", 2, int64(run))
	if err != nil {
		return err
	}
	p.w.store.rows.Add(int64(len(rows)))
	for _, row := range rows {
		asset, _ := row[0].(int64) // STRICT columns
		labels, _ := row[1].([]byte)
		set, err := partition.ParseSet(labels)
		if err != nil {
			return err
		}
		f := flight{storage.AssetKey(asset), run}
		if left := set.Minus(fold.Union(p.landed[f])); !left.IsEmpty() {
			p.feed.Parted(storage.ChangeRunEnded, run, at, f.asset, left)
		}
	}
	for _, f := range p.flown {
		if f.run == run {
			p.landed[f] = nil
		}
	}
	return nil
}

// shrinkFlight takes partitions out of what a run has in flight. Most runs have come to all of an asset at once: equal sets
// have equal bytes.
func (p *parter) shrinkFlight(f flight, landed partition.Set) error {
	p.blob, _ = landed.AppendBinary(p.blob[:0]) // never fails
	res, err := p.w.run(&p.dropFlight, dropFlight, int64(f.asset), int64(f.run), p.blob)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); n > 0 || err != nil {
		return err
	}
	row, err := p.w.first(&p.readFlight, "SELECT labels FROM in_flight WHERE asset = ? AND run = ?", 1, int64(f.asset), int64(f.run))
	if err != nil || row == nil {
		return err
	}
	labels, _ := row[0].([]byte) // STRICT columns
	set, err := partition.ParseSet(labels)
	if err != nil {
		return err
	}
	left := set.Minus(landed)
	switch {
	case left.Equal(set):
		return nil
	case left.IsEmpty():
		_, err = p.w.run(&p.dropFlight, dropFlight, int64(f.asset), int64(f.run), labels)
	default:
		p.blob, _ = left.AppendBinary(p.blob[:0]) // never fails
		_, err = p.w.run(&p.setFlight, "UPDATE in_flight SET labels = ? WHERE asset = ? AND run = ?", p.blob, int64(f.asset), int64(f.run))
	}
	return err
}
