package postgres

import (
	"cmp"
	"slices"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/fold"
)

// effects is what a transaction will write.
type effects struct {
	runs    []*newRun
	changes []*run

	// What is new goes first: what replaces it may be in the same transaction.
	newEvents []*storage.Event
	events    latest[numbered, storage.Event]
	states    latest[stateKey, stateRow]
	slab      slab
	newLines  []*storage.LogLine
	lines     latest[numbered, storage.LogLine]

	// claims that are new or changed are found in the facts; dropped and ended are tickets.
	dropped, ended []int64
	declared, set  latest[string, pool]
	values         latest[string, storage.KVPair]
	topologies     latest[string, storage.Topology]
	names          []string
	topics         storage.Topic
	// keyed is how many of the runs got their key.
	keyed int

	feed    fold.Feed
	entries []*changeRow
	// parted are the assets of whose partitions there were updates. Those of one asset are written by whoever has its
	// row locked, so their order is nobody else's business.
	parted                              []*parted
	touched                             map[storage.AssetKey]bool
	singles                             latest[singleKey, stateRow]
	goneStates                          []*goneState
	sets, goneSets                      []*setRow
	groups, newGroups, goneGroups       []*group
	flights                             []*flight
	newFlights, oldFlights, goneFlights []*setRow

	// announces says that other processes are told of the feed of changes, whatever was written.
	announces bool

	newBackfills []*newBackfill
	backfills    []*backfill
	fillSets     latest[fillKey, fillSet]
	keys         []*keyChange
}

// numbered is the key of what counts within a run.
type numbered struct {
	run storage.RunKey
	n   int64
}

type stateKey struct {
	asset storage.AssetKey
	kind  storage.StateKind
}

func compareStates(a, b stateKey) int {
	return cmp.Or(cmp.Compare(a.asset, b.asset), cmp.Compare(a.kind, b.kind))
}

// latest collects rows, and of those with the same key the last.
type latest[K comparable, R any] struct {
	key  func(*R) K
	less func(a, b K) int
	rows []*R
	at   map[K]int
}

func newLatest[K comparable, R any](key func(*R) K, less func(a, b K) int) latest[K, R] {
	return latest[K, R]{key: key, less: less, at: map[K]int{}}
}

func (l *latest[K, R]) put(row *R) {
	k := l.key(row)
	if i, there := l.at[k]; there {
		l.rows[i] = row
		return
	}
	l.at[k] = len(l.rows)
	l.rows = append(l.rows, row)
}

// drop takes a row out.
func (l *latest[K, R]) drop(k K) {
	i, there := l.at[k]
	if !there {
		return
	}
	last := len(l.rows) - 1
	l.rows[i] = l.rows[last]
	l.at[l.key(l.rows[i])] = i
	l.rows[last] = nil
	l.rows = l.rows[:last]
	delete(l.at, k)
}

// sorted returns the rows in the order of their keys, in which everybody locks them: two transactions that
// write the same do not wait for each other.
func (l *latest[K, R]) sorted() []*R {
	slices.SortFunc(l.rows, func(a, b *R) int { return l.less(l.key(a), l.key(b)) })
	return l.rows
}

func (l *latest[K, R]) reset() {
	clear(l.rows)
	clear(l.at)
	l.rows = l.rows[:0]
}

func compareNumbered(a, b numbered) int {
	return cmp.Or(cmp.Compare(a.run, b.run), cmp.Compare(a.n, b.n))
}

func newEffects() *effects {
	return &effects{
		events:     newLatest(func(e *storage.Event) numbered { return numbered{e.Run, e.N} }, compareNumbered),
		lines:      newLatest(func(l *storage.LogLine) numbered { return numbered{l.Run, l.N} }, compareNumbered),
		states:     newLatest(func(u *stateRow) stateKey { return stateKey{u.Asset, u.Kind} }, compareStates),
		singles:    newLatest(func(u *stateRow) singleKey { return singleKey{u.Asset, u.Kind, u.Partition} }, compareSingles),
		touched:    map[storage.AssetKey]bool{},
		fillSets:   newLatest(func(s *fillSet) fillKey { return s.fillKey }, compareFills),
		declared:   newLatest(func(p *pool) string { return p.name }, cmp.Compare[string]),
		set:        newLatest(func(p *pool) string { return p.name }, cmp.Compare[string]),
		values:     newLatest(func(p *storage.KVPair) string { return p.Key }, cmp.Compare[string]),
		topologies: newLatest(func(t *storage.Topology) string { return t.Location }, cmp.Compare[string]),
	}
}

func (e *effects) reset() {
	clear(e.runs)
	clear(e.changes)
	clear(e.newEvents)
	clear(e.newLines)
	e.runs, e.changes, e.newEvents, e.newLines = e.runs[:0], e.changes[:0], e.newEvents[:0], e.newLines[:0]
	e.dropped, e.ended, e.names, e.topics, e.keyed = e.dropped[:0], e.ended[:0], e.names[:0], 0, 0
	e.events.reset()
	e.states.reset()
	e.lines.reset()
	e.declared.reset()
	e.set.reset()
	e.values.reset()
	e.topologies.reset()
	e.resetParted()
}

// resetParted forgets what is written of partitions, keys and backfills.
func (e *effects) resetParted() {
	e.feed.Reset()
	e.slab.reset()
	clear(e.touched)
	clear(e.parted)
	clear(e.entries)
	e.parted, e.entries, e.goneStates = e.parted[:0], e.entries[:0], nil
	e.singles.reset()
	e.sets, e.goneSets, e.groups, e.newGroups, e.goneGroups = nil, nil, nil, nil, nil
	e.flights, e.newFlights, e.oldFlights, e.goneFlights = nil, nil, nil, nil
	e.newBackfills, e.backfills, e.keys, e.announces = nil, nil, nil, false
	e.fillSets.reset()
}

// settle turns what was decided into rows.
func (e *effects) settle(f *facts) {
	e.settleParted()
	e.settleFlights()
	e.settleFeed(f)
}

// send adds all writes to a trip, in one order for everybody.
func (e *effects) send(t *trip, to *tables, enc *encoder, f *facts) {
	to.insertRuns.send(t, enc, e.runs, e.inserted)
	to.updateRuns.send(t, enc, e.changes, nil)
	e.sendBackfills(t, to, enc)
	f.sendSlots(t, to, enc, e)
	e.sendPools(t, to, enc)
	to.insertEvents.send(t, enc, e.newEvents, nil)
	to.replaceEvents.send(t, enc, e.events.sorted(), nil)
	e.sendParted(t, to, enc)
	to.insertLogs.send(t, enc, e.newLines, nil)
	to.replaceLogs.send(t, enc, e.lines.sorted(), nil)
	e.sendValues(t, to, enc)
	if len(e.names) > 0 {
		t.send(nameAssets, nil, textList(e.names))
	}
	to.topologies.send(t, enc, e.topologies.sorted(), nil)
	to.changes.send(t, enc, e.entries, nil)
}

// sendParted writes states, and what else is kept of partitions.
func (e *effects) sendParted(t *trip, to *tables, enc *encoder) {
	to.goneStates.send(t, enc, e.goneStates, nil)
	to.states.send(t, enc, e.states.sorted(), nil)
	to.singles.send(t, enc, e.singles.sorted(), nil)
	to.goneSets.send(t, enc, e.goneSets, nil)
	to.sets.send(t, enc, e.sets, nil)
	to.goneGroups.send(t, enc, e.goneGroups, nil)
	to.groups.send(t, enc, e.groups, nil)
	to.newGroups.send(t, enc, e.newGroups, nil)
	to.goneFlights.send(t, enc, e.goneFlights, nil)
	to.flights.send(t, enc, e.oldFlights, nil)
	to.newFlights.send(t, enc, e.newFlights, nil)
}

// sendBackfills writes backfills, and of their sets what has changed.
func (e *effects) sendBackfills(t *trip, to *tables, enc *encoder) {
	to.newBackfills.send(t, enc, e.newBackfills, nil)
	to.backfills.send(t, enc, e.backfills, nil)
	var full, empty []*fillSet
	for _, s := range e.fillSets.sorted() {
		if s.labels == nil {
			empty = append(empty, s)
		} else {
			full = append(full, s)
		}
	}
	to.fillSets.send(t, enc, full, nil)
	to.goneFillSets.send(t, enc, empty, nil)
}

// sendKeys writes what is left of tables of keys.
func (e *effects) sendKeys(t *trip, r *registrar) {
	r.flush(t)
	var changed []*keyTable
	for _, k := range e.keys {
		if k.table.changed {
			k.table.changed = false // once
			changed = append(changed, k.table)
		}
	}
	r.to.keyTables.send(t, r.enc, changed, nil)
}

// inserted gives a new run its key.
func (e *effects) inserted(row row) {
	id := row.text(1)
	from := e.keyed // the server answers in the order of the rows, though nobody promises it
	if from >= len(e.runs) || e.runs[from].id != id {
		from = slices.IndexFunc(e.runs, func(r *newRun) bool { return r.id == id })
	}
	if from >= 0 {
		e.runs[from].Key = storage.RunKey(row.integer(0))
	}
	e.keyed++
}

func (e *effects) sendPools(t *trip, to *tables, enc *encoder) {
	to.declarePools.send(t, enc, e.declared.sorted(), nil)
	to.setPools.send(t, enc, e.set.sorted(), nil)
	var emptied []string
	for _, p := range e.set.rows {
		if p.byHand == 0 {
			emptied = append(emptied, p.name)
		}
	}
	if len(emptied) > 0 {
		t.send(dropPools, nil, textList(emptied))
	}
}

// sendValues writes values, and drops those that are nil.
func (e *effects) sendValues(t *trip, to *tables, enc *encoder) {
	var put []*storage.KVPair
	var dropped []string
	for _, p := range e.values.sorted() {
		if p.Value == nil {
			dropped = append(dropped, p.Key)
		} else {
			put = append(put, p)
		}
	}
	to.values.send(t, enc, put, nil)
	if len(dropped) > 0 {
		t.send(dropValues, nil, textList(dropped))
	}
}
