package ledger

import (
	"cmp"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/fold"
)

// Effects are the rows that a transaction writes, beside those of claims, which [Line] has, and
// those that the backend wrote while it answered. It is made by [NewEffects].
type Effects struct {
	NewRuns    []*NewRun
	RunChanges []*Run

	NewBackfills    []*NewBackfill
	BackfillChanges []*Backfill
	BackfillSets    Latest[BackfillSetKey, BackfillSet]

	// New events and lines are written before those that may replace them.
	NewEvents []*storage.Event
	Events    Latest[RecordKey, storage.Event]
	NewLines  []*storage.LogLine
	Lines     Latest[RecordKey, storage.LogLine]

	// DeclaredPools and SetPools have a new number of slots of their kind.
	DeclaredPools, SetPools Latest[string, Pool]
	// Values are nil where they are dropped.
	Values     Latest[string, storage.KVPair]
	Topologies Latest[string, storage.Topology]
	// Names are those of assets, recorded or not.
	Names     []string
	KeyTables []*KeyTable

	// GoneStates are dropped before States are written, states of assets as a whole. Singles are
	// states of single partitions.
	GoneStates []*GoneState
	States     Latest[StateKey, StateRow]
	Singles    Latest[SingleKey, StateRow]
	// Changed are the assets whose sets and groups follow.
	Changed                       []*Asset
	Sets, GoneSets                []*SetRow
	Groups, NewGroups, GoneGroups []*Group

	// Changes are the entries of the feed of changes. They are valid until Reset.
	Changes []storage.Change
	// Topics are what somebody may watch. Announces is true if other processes are told of the feed,
	// even if nothing is written.
	Topics    storage.Topic
	Announces bool

	feed    fold.Feed
	numbers numbers
	rows    rowArena
}

// RecordKey names an event or a log line.
type RecordKey struct {
	Run storage.RunKey
	N   int64
}

func compareRecords(a, b RecordKey) int {
	return cmp.Or(cmp.Compare(a.Run, b.Run), cmp.Compare(a.N, b.N))
}

// StateKey names a state of an asset as a whole.
type StateKey struct {
	Asset storage.AssetKey
	Kind  storage.StateKind
}

func compareStates(a, b StateKey) int {
	return cmp.Or(cmp.Compare(a.Asset, b.Asset), cmp.Compare(a.Kind, b.Kind))
}

// SingleKey names the state of a single partition.
type SingleKey struct {
	Asset     storage.AssetKey
	Kind      storage.StateKind
	Partition string
}

func compareSingles(a, b SingleKey) int {
	return cmp.Or(cmp.Compare(a.Asset, b.Asset), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Partition, b.Partition))
}

// NewEffects returns effects without rows.
func NewEffects() *Effects {
	return &Effects{
		Events:        newLatest(func(e *storage.Event) RecordKey { return RecordKey{e.Run, e.N} }, compareRecords),
		Lines:         newLatest(func(l *storage.LogLine) RecordKey { return RecordKey{l.Run, l.N} }, compareRecords),
		States:        newLatest(func(r *StateRow) StateKey { return StateKey{r.Asset, r.Kind} }, compareStates),
		Singles:       newLatest(func(r *StateRow) SingleKey { return SingleKey{r.Asset, r.Kind, r.Partition} }, compareSingles),
		BackfillSets:  newLatest(func(s *BackfillSet) BackfillSetKey { return s.BackfillSetKey }, compareBackfillSets),
		DeclaredPools: newLatest(func(p *Pool) string { return p.Name }, cmp.Compare[string]),
		SetPools:      newLatest(func(p *Pool) string { return p.Name }, cmp.Compare[string]),
		Values:        newLatest(func(p *storage.KVPair) string { return p.Key }, cmp.Compare[string]),
		Topologies:    newLatest(func(t *storage.Topology) string { return t.Location }, cmp.Compare[string]),
	}
}

// Reset empties the effects for the next transaction and keeps their memory.
func (e *Effects) Reset() {
	e.NewRuns, e.RunChanges = emptied(e.NewRuns), emptied(e.RunChanges)
	e.NewEvents, e.NewLines = emptied(e.NewEvents), emptied(e.NewLines)
	e.Events.reset()
	e.Lines.reset()
	e.States.reset()
	e.Singles.reset()
	e.BackfillSets.reset()
	e.DeclaredPools.reset()
	e.SetPools.reset()
	e.Values.reset()
	e.Topologies.reset()
	e.Names, e.Changed = nil, emptied(e.Changed)
	e.NewBackfills, e.BackfillChanges, e.KeyTables, e.GoneStates = nil, nil, nil, nil
	e.Sets, e.GoneSets, e.Groups, e.NewGroups, e.GoneGroups = nil, nil, nil, nil, nil
	e.Changes, e.Topics, e.Announces = nil, 0, false
	e.feed.Reset()
	e.numbers = numbers{}
	e.rows.reset()
}

// emptied returns a list without its elements, and without its memory if that is much.
func emptied[T any](list []T) []T {
	if cap(list) > rowsKept {
		return nil
	}
	clear(list)
	return list[:0]
}

// LastNumber returns the last number that an update got, zero if none got one.
func (e *Effects) LastNumber() int64 { return e.numbers.last }
