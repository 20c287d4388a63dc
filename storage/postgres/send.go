package postgres

import (
	"slices"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

// changeRow is an entry of the feed of changes.
type changeRow struct {
	*storage.Change

	i int
}

// sender adds what a transaction writes to its last pipeline, in one order for everybody: rows
// that others may write too are locked in the order of their keys.
type sender struct {
	e   *ledger.Effects
	to  *tables
	enc *encoder
	// keyed counts the new runs that got their keys.
	keyed int
}

// send adds all writes to a pipeline.
func (s *sender) send(t *pipeline, f *facts) {
	s.keyed = 0
	s.to.insertRuns.send(t, s.enc, s.e.NewRuns, s.inserted)
	s.to.updateRuns.send(t, s.enc, s.e.RunChanges, nil)
	s.sendBackfills(t)
	f.sendSlots(t, s.to, s.enc)
	s.sendPools(t)
	s.to.insertEvents.send(t, s.enc, s.e.NewEvents, nil)
	s.to.replaceEvents.send(t, s.enc, s.e.Events.Sorted(), nil)
	s.sendStates(t)
	f.sendInFlight(t, s.to, s.enc)
	s.to.insertLogs.send(t, s.enc, s.e.NewLines, nil)
	s.to.replaceLogs.send(t, s.enc, s.e.Lines.Sorted(), nil)
	s.sendValues(t)
	if len(s.e.Names) > 0 {
		t.send(nameAssets, nil, textList(s.e.Names))
	}
	s.to.topologies.send(t, s.enc, s.e.Topologies.Sorted(), nil)
	s.sendChanges(t)
	f.keys.flush(t)
	s.to.keyTables.send(t, s.enc, s.e.KeyTables, nil)
}

// sendStates writes states, and the sets and groups of partitions.
func (s *sender) sendStates(t *pipeline) {
	s.to.goneStates.send(t, s.enc, s.e.GoneStates, nil)
	s.to.states.send(t, s.enc, s.e.States.Sorted(), nil)
	s.to.singles.send(t, s.enc, s.e.Singles.Sorted(), nil)
	s.to.goneSets.send(t, s.enc, s.e.GoneSets, nil)
	s.to.sets.send(t, s.enc, s.e.Sets, nil)
	s.to.goneGroups.send(t, s.enc, s.e.GoneGroups, nil)
	s.to.groups.send(t, s.enc, s.e.Groups, nil)
	s.to.newGroups.send(t, s.enc, s.e.NewGroups, nil)
}

// sendChanges adds to the feed of changes.
func (s *sender) sendChanges(t *pipeline) {
	rows := make([]*changeRow, len(s.e.Changes))
	for i := range rows {
		rows[i] = &changeRow{&s.e.Changes[i], i}
	}
	s.to.changes.send(t, s.enc, rows, nil)
}

// sendBackfills writes backfills, and of their sets those that have changed.
func (s *sender) sendBackfills(t *pipeline) {
	s.to.newBackfills.send(t, s.enc, s.e.NewBackfills, nil)
	s.to.backfills.send(t, s.enc, s.e.BackfillChanges, nil)
	var full, empty []*ledger.BackfillSet
	for _, set := range s.e.BackfillSets.Sorted() {
		if set.Labels == nil {
			empty = append(empty, set)
		} else {
			full = append(full, set)
		}
	}
	s.to.backfillSets.send(t, s.enc, full, nil)
	s.to.goneBackfillSets.send(t, s.enc, empty, nil)
}

// inserted gives a new run its key.
func (s *sender) inserted(row row) {
	id, runs := row.text(1), s.e.NewRuns
	from := s.keyed // the server answers in the order of the rows, though nobody promises it
	if from >= len(runs) || runs[from].ID != id {
		from = slices.IndexFunc(runs, func(r *ledger.NewRun) bool { return r.ID == id })
	}
	if from >= 0 {
		runs[from].Key = storage.RunKey(row.integer(0))
	}
	s.keyed++
}

func (s *sender) sendPools(t *pipeline) {
	s.to.declarePools.send(t, s.enc, s.e.DeclaredPools.Sorted(), nil)
	s.to.setPools.send(t, s.enc, s.e.SetPools.Sorted(), nil)
	var emptied []string
	for _, p := range s.e.SetPools.Rows() {
		if p.Set == 0 {
			emptied = append(emptied, p.Name)
		}
	}
	if len(emptied) > 0 {
		t.send(dropPools, nil, textList(emptied))
	}
}

// sendValues writes values, and drops those that are nil.
func (s *sender) sendValues(t *pipeline) {
	var put []*storage.KVPair
	var dropped []string
	for _, p := range s.e.Values.Sorted() {
		if p.Value == nil {
			dropped = append(dropped, p.Key)
		} else {
			put = append(put, p)
		}
	}
	s.to.values.send(t, s.enc, put, nil)
	if len(dropped) > 0 {
		t.send(dropValues, nil, textList(dropped))
	}
}
