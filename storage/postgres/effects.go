package postgres

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/rivers-go/rivers/storage"
)

// effects is what a transaction will write.
type effects struct {
	runs    []*newRun
	changes []*run

	// What is new goes first: what replaces it may be in the same transaction.
	newEvents []*storage.Event
	events    latest[numbered, storage.Event]
	states    latest[stateKey, storage.AssetUpdate]
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
}

// numbered is the key of what counts within a run.
type numbered struct {
	run storage.RunKey
	n   int64
}

type stateKey struct {
	asset    storage.AssetKey
	observed bool
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
		events: newLatest(func(e *storage.Event) numbered { return numbered{e.Run, e.N} }, compareNumbered),
		lines:  newLatest(func(l *storage.LogLine) numbered { return numbered{l.Run, l.N} }, compareNumbered),
		states: newLatest(func(u *storage.AssetUpdate) stateKey { return stateKey{u.Asset, u.Observed} }, func(a, b stateKey) int {
			if c := cmp.Compare(a.asset, b.asset); c != 0 || a.observed == b.observed {
				return c
			}
			if b.observed {
				return -1
			}
			return 1
		}),
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
}

// send adds all writes to a trip, in one order for everybody.
func (e *effects) send(t *trip, to *tables, enc *encoder, f *facts, channel string) {
	to.insertRuns.send(t, enc, e.runs, e.inserted)
	to.updateRuns.send(t, enc, e.changes, nil)
	f.sendSlots(t, to, enc, e)
	e.sendPools(t, to, enc)
	to.insertEvents.send(t, enc, e.newEvents, nil)
	to.replaceEvents.send(t, enc, e.events.sorted(), nil)
	to.states.send(t, enc, e.states.sorted(), nil)
	to.insertLogs.send(t, enc, e.newLines, nil)
	to.replaceLogs.send(t, enc, e.lines.sorted(), nil)
	e.sendValues(t, to, enc)
	if len(e.names) > 0 {
		t.send(nameAssets, nil, textList(e.names))
	}
	to.topologies.send(t, enc, e.topologies.sorted(), nil)
	if e.topics != 0 {
		t.send(notify, nil, []byte(channel), []byte(strconv.Itoa(int(e.topics))))
	}
}

// inserted gives a new run its key.
func (e *effects) inserted(row [][]byte) {
	id := original(string(row[1]))
	from := e.keyed // the server answers in the order of the rows, though nobody promises it
	if from >= len(e.runs) || e.runs[from].id != id {
		from = slices.IndexFunc(e.runs, func(r *newRun) bool { return r.id == id })
	}
	if from >= 0 {
		e.runs[from].Key = storage.RunKey(integer(row[0]))
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
