package postgres

import (
	"cmp"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/fold"
)

// parted is what a transaction knows and changes of an asset of whose partitions it has updates. Its row is locked.
type parted struct {
	key         storage.AssetKey
	moves       fold.Moves
	before, now fold.Sets
	groups      []*group
	// last is the greatest number that a state of the asset has: who got the lock later may have begun earlier, and
	// still counts on from there. shares says that the next single one of the kind may have the same.
	last   int64
	kind   storage.StateKind
	shares bool
	// latest are the states of the asset as a whole that updates of partitions made.
	latest [storage.StateKinds]*stateRow
}

// number gives an update its number, which is greater than those of the updates before.
func (a *parted) number(given int64, kind storage.StateKind, single bool) int64 {
	if given <= a.last {
		if given = a.last; !single || !a.shares || kind != a.kind {
			given++
		}
	}
	a.last, a.kind, a.shares = given, kind, single
	return given
}

// stateRow is a state as it is kept: of an asset, of a partition or of a group.
type stateRow struct {
	*storage.AssetUpdate

	seq int64
	set partition.Set // of a group
}

// group is a row of partition_group.
type group struct {
	stateRow

	asset          storage.AssetKey
	kind           storage.StateKind
	stored, shrank bool
}

// slab gives rows memory that the next transaction uses again.
type slab struct {
	chunks [][]stateRow
	used   int
}

const slabChunk = 256

func (s *slab) row() *stateRow {
	chunk := s.used / slabChunk
	if chunk == len(s.chunks) {
		s.chunks = append(s.chunks, make([]stateRow, slabChunk))
	}
	row := &s.chunks[chunk][s.used%slabChunk]
	s.used++
	return row
}

// reset lets go of what the rows point to, and of memory that a large transaction took.
func (s *slab) reset() {
	const kept = 16
	if len(s.chunks) > kept {
		s.chunks = s.chunks[:kept:kept]
	}
	for _, chunk := range s.chunks {
		clear(chunk)
	}
	s.used = 0
}

// goneState names states to drop: those that are older.
type goneState struct {
	asset storage.AssetKey
	kind  storage.StateKind
	seq   int64
}

// setRow is a set of an asset, or of what a run has in flight of it.
type setRow struct {
	asset storage.AssetKey
	kind  storage.StateKind
	run   storage.RunKey
	set   partition.Set
}

// singleKey is the key of the state of a single partition.
type singleKey struct {
	asset     storage.AssetKey
	kind      storage.StateKind
	partition string
}

func compareSingles(a, b singleKey) int {
	return cmp.Or(cmp.Compare(a.asset, b.asset), cmp.Compare(a.kind, b.kind), cmp.Compare(a.partition, b.partition))
}

// The questions about partitions. The row of an asset is the lock on what is kept of its partitions.
var (
	lockAssets = &statement{name: "rivers_lock_asset", sql: `SELECT key FROM asset WHERE key = ANY($1::bigint[]) ORDER BY key FOR NO KEY UPDATE`}
	readSets   = &statement{name: "rivers_read_set", sql: `SELECT asset, kind::bigint, 0::bigint, labels FROM partition_set WHERE asset = ANY($1::bigint[])
		UNION ALL SELECT asset, -1, max(seq), NULL FROM asset_state WHERE asset = ANY($1::bigint[]) GROUP BY asset`}
	readGroups = &statement{name: "rivers_read_group", sql: `SELECT asset, kind::bigint, seq, labels FROM partition_group WHERE asset = ANY($1::bigint[])
		ORDER BY asset, kind, seq`}
)

func (f *facts) addAsset(row row) {
	key := storage.AssetKey(row.integer(0))
	f.assets[key] = &parted{key: key}
}

// parse reads a set, and remembers that one does not read.
func (f *facts) parse(labels []byte) partition.Set {
	set, err := partition.ParseSet(labels)
	if err != nil {
		f.damaged = err
	}
	return set
}

func (f *facts) addSet(row row) {
	a := f.assets[storage.AssetKey(row.integer(0))]
	if a == nil {
		return
	}
	if kind := row.integer(1); kind < 0 {
		a.last = row.integer(2)
	} else {
		*a.before.Of(storage.StateKind(kind)) = f.parse(row.bytes(3))
		a.now = a.before
	}
}

func (f *facts) addGroup(row row) {
	a := f.assets[storage.AssetKey(row.integer(0))]
	if a == nil {
		return
	}
	a.groups = append(a.groups, &group{
		asset: a.key, kind: storage.StateKind(row.integer(1)), stateRow: stateRow{seq: row.integer(2), set: f.parse(row.bytes(3))}, stored: true,
	})
}

// seqBits is how many of the lower bits of a number are counted within a transaction; above them is its name.
const seqBits = 20

// number gives an update its number. Those that follow one another and cannot be of the same state share one.
func (f *facts) number(kind storage.StateKind, group bool) int64 {
	if f.seq == 0 {
		f.seq = f.base()
	}
	if (!f.shares || group || kind != f.kind) && f.seq+1 < f.base()+1<<seqBits {
		f.seq++
	}
	f.kind, f.shares = kind, !group
	return f.seq
}

// base is the number of the transaction.
func (f *facts) base() int64 { return (f.name + f.offset) << seqBits }

// updateAsset makes an update the present state of an asset, or of partitions of it.
func (f *facts) updateAsset(u *storage.AssetUpdate, e *effects) {
	if u.Partitioned() {
		f.updateParted(u, e)
		return
	}
	seq := f.number(u.Kind, false)
	e.feed.Whole(u.Kind.Change(), u.Run, u.At, u.Asset)
	if a := f.assets[u.Asset]; a != nil {
		seq, a.latest[u.Kind] = a.number(seq, u.Kind, false), nil
	}
	if u.Kind == storage.Wiped {
		for _, kind := range [...]storage.StateKind{storage.Materialized, storage.Observed, storage.Failed} {
			f.dropState(u.Asset, kind, seq, e)
		}
	}
	row := e.slab.row()
	*row = stateRow{AssetUpdate: u, seq: seq}
	e.states.put(row)
}

// dropState drops a state of an asset as a whole.
func (f *facts) dropState(asset storage.AssetKey, kind storage.StateKind, seq int64, e *effects) {
	if a := f.assets[asset]; a != nil {
		a.latest[kind] = nil
	}
	e.states.drop(stateKey{asset, kind})
	e.goneStates = append(e.goneStates, &goneState{asset, kind, seq})
}

func (f *facts) updateParted(u *storage.AssetUpdate, e *effects) {
	a := f.assets[u.Asset]
	if a == nil {
		return // there is no such asset
	}
	single := u.Partition != "" && u.Kind != storage.Wiped
	seq := a.number(f.number(u.Kind, !single), u.Kind, single)
	e.touch(a)
	a.moves.Add(u.Kind, u.Partitions)
	e.feed.Parted(u.Kind.Change(), u.Run, u.At, u.Asset, u.Partitions)
	if u.Kind == storage.Materialized || u.Kind == storage.Failed {
		f.land(u.Run, u.Asset, u.Partitions, e)
	}
	if u.Kind == storage.Wiped {
		f.wipe(a, seq, e)
	}
	row := e.slab.row()
	*row = stateRow{AssetUpdate: u, seq: seq, set: u.Partitions}
	a.latest[u.Kind] = row
	if single {
		e.singles.put(row)
		return
	}
	a.ungroup(u)
	a.groups = append(a.groups, &group{stateRow: *row, asset: u.Asset, kind: u.Kind})
}

// ungroup takes the partitions of an update out of older groups; what is wiped out of those of all kinds.
func (a *parted) ungroup(u *storage.AssetUpdate) {
	for _, g := range a.groups {
		if u.Kind != storage.Wiped && g.kind != u.Kind {
			continue
		}
		if left := g.set.Minus(u.Partitions); !left.Equal(g.set) {
			g.set, g.shrank = left, true
		}
	}
}

// wipe drops the states of the asset as a whole that it leaves nothing of.
func (f *facts) wipe(a *parted, seq int64, e *effects) {
	a.now = a.moves.Apply(a.now)
	if a.now.Materialized.IsEmpty() {
		f.dropState(a.key, storage.Materialized, seq, e)
	}
	if a.now.Failed.IsEmpty() {
		f.dropState(a.key, storage.Failed, seq, e)
	}
	if a.now.Materialized.IsEmpty() && a.now.Failed.IsEmpty() {
		f.dropState(a.key, storage.Observed, seq, e)
	}
}

// touch notes that what is kept of an asset's partitions is to be written.
func (e *effects) touch(a *parted) {
	if !e.touched[a.key] {
		e.touched[a.key] = true
		e.parted = append(e.parted, a)
	}
}

// settleParted turns what was decided about assets with partitions into rows.
func (e *effects) settleParted() {
	for _, a := range e.parted {
		a.now = a.moves.Apply(a.now)
		for _, kind := range [...]storage.StateKind{storage.Materialized, storage.Failed} {
			before, now := a.before.Of(kind), a.now.Of(kind)
			row := &setRow{asset: a.key, kind: kind, set: *now}
			switch {
			case now.Equal(*before):
			case now.IsEmpty():
				e.goneSets = append(e.goneSets, row)
			default:
				e.sets = append(e.sets, row)
			}
		}
		for _, g := range a.groups {
			switch {
			case g.set.IsEmpty() && g.stored:
				e.goneGroups = append(e.goneGroups, g)
			case g.set.IsEmpty():
			case !g.stored:
				e.newGroups = append(e.newGroups, g)
			case g.shrank:
				e.groups = append(e.groups, g)
			}
		}
		for _, st := range a.latest {
			if st != nil {
				e.states.put(st)
			}
		}
	}
}
