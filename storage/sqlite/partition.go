package sqlite

import (
	"database/sql/driver"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/fold"
)

// setsKept is about how many bytes of sets the writer remembers between transactions.
const setsKept = 4 << 20

// parter is the part of the writer that knows of partitions: what one transaction learns and changes of them. Sets are
// read and written once an asset, the feed of changes once a transaction; only groups are written when they come.
type parter struct {
	w                                *writer
	singles, states, flights, change inserter

	feed  fold.Feed
	dirty map[storage.AssetKey]*parted
	order []storage.AssetKey // of dirty
	// landed is what runs have come to and is not taken out of what they have in flight yet, ended the runs that leave
	// the rest behind.
	landed map[flight][]partition.Set
	flown  []flight // the order of landed
	ended  []landing

	// seq is the last number that was given, base the last one before this transaction. Updates that follow one another and
	// cannot be of the same state share one.
	seq, base int64
	known     bool // base was read
	kind      storage.StateKind
	shares    bool
	// kept are sets as of the number keptAt: whoever changes any gives a number.
	kept   map[storage.AssetKey]fold.Sets
	keptAt int64
	bytes  int
	blob   []byte

	lastSeq, readSets, putSet, dropSet, dropStates, readGroups, setGroup, dropGroup, addGroup *statement
	dropFlights, dropFlight, readFlight, setFlight, setTargeted                               *statement
}

// parted is what a transaction knows of an asset of whose partitions it has updates.
type parted struct {
	moves       fold.Moves
	loaded      bool
	before, now fold.Sets
	// latest are the states of the asset as a whole, as far as updates of partitions made them.
	latest [storage.StateKinds]latest
}

type latest struct {
	*storage.AssetUpdate

	seq int64
}

func newParter(w *writer) *parter {
	p := &parter{
		w: w, dirty: map[storage.AssetKey]*parted{}, landed: map[flight][]partition.Set{}, kept: map[storage.AssetKey]fold.Sets{},
	}
	p.singles = inserter{w: w, columns: 11, insert: "INSERT OR REPLACE INTO partition_state " +
		"(asset, kind, partition, seq, run, n, at, data_version, code_version, labels, detail) VALUES "}
	p.states = inserter{w: w, columns: 9, shares: true, insert: "INSERT OR REPLACE INTO asset_state " +
		"(seq, asset, kind, run, n, at, data_version, code_version, detail, partition) VALUES "}
	p.flights = inserter{w: w, columns: 3, insert: "INSERT OR REPLACE INTO in_flight (asset, run, labels) VALUES "}
	p.change = inserter{w: w, columns: 6, insert: "INSERT INTO change (id, at, kind, run, labels, subject) VALUES "}
	return p
}

func (p *parter) inserters() []*inserter {
	return []*inserter{&p.singles, &p.states, &p.flights, &p.change}
}

// begin forgets what the transaction before knew.
func (p *parter) begin() {
	p.feed.Reset()
	clear(p.dirty)
	clear(p.landed)
	p.order, p.flown, p.ended, p.known = p.order[:0], p.flown[:0], p.ended[:0], false
}

// committed keeps the sets for the next transaction.
func (p *parter) committed() {
	if p.known {
		p.keptAt = p.seq
	}
}

// forget drops what a transaction that was rolled back may have left.
func (p *parter) forget() {
	clear(p.kept)
	p.bytes = 0
}

// number notes the last number before this transaction, which whoever reads a fence learns.
func (p *parter) number(base int64) {
	if p.known {
		return
	}
	p.known, p.shares = true, false
	p.base, p.seq = base, base
	if p.keptAt != base {
		p.forget() // another process has changed something
	}
}

// next gives an update its number.
func (p *parter) next(kind storage.StateKind, group bool) (int64, error) {
	if !p.known {
		row, err := p.w.first(&p.lastSeq, "SELECT coalesce(max(id), 0) FROM change", 1)
		if err != nil {
			return 0, err
		}
		base, _ := row[0].(int64) // STRICT columns
		p.number(base >> seqShift)
	}
	if !p.shares || group || kind != p.kind {
		p.seq++
	}
	p.kind, p.shares = kind, !group
	return p.seq, nil
}

// update writes an update of partitions, as far as it must be written at once.
func (p *parter) update(u *storage.AssetUpdate) error {
	single := u.Partition != "" && u.Kind != storage.Wiped
	seq, err := p.next(u.Kind, !single)
	if err != nil {
		return err
	}
	a := p.asset(u.Asset)
	a.moves.Add(u.Kind, u.Partitions)
	p.feed.Parted(u.Kind.Change(), u.Run, u.At, u.Asset, u.Partitions)
	if u.Run != 0 && (u.Kind == storage.Materialized || u.Kind == storage.Failed) {
		p.lands(u.Asset, u.Run, u.Partitions)
	}
	a.latest[u.Kind] = latest{u, seq}
	switch {
	case single:
		return p.addSingle(u, seq)
	case u.Kind == storage.Wiped:
		err = p.wipe(u, a)
	}
	if err == nil {
		err = p.addToGroups(u, seq)
	}
	return err
}

// asset returns what is known of an asset, to be written at the end.
func (p *parter) asset(key storage.AssetKey) *parted {
	a := p.dirty[key]
	if a == nil {
		a = &parted{}
		p.dirty[key] = a
		p.order = append(p.order, key)
	}
	return a
}

func (p *parter) addSingle(u *storage.AssetUpdate, seq int64) error {
	row, err := p.singles.row()
	if err != nil {
		return err
	}
	labels, _ := u.Partitions.AppendBinary(nil) // never fails
	w := p.w
	row[0].Value = w.boxes.of(int64(u.Asset))
	row[1].Value = int64(u.Kind)
	row[2].Value = u.Partition
	row[3].Value = w.boxes.of(seq)
	row[4].Value = w.boxes.of(int64(u.Run))
	row[5].Value = w.boxes.of(u.N)
	row[6].Value = w.boxes.of(int64(u.At))
	row[7].Value = u.DataVersion
	row[8].Value = u.CodeVersion
	row[9].Value = labels
	row[10].Value = document(u.Detail)
	return nil
}

// whole notes an update of an asset without partitions, whose row is the writer's.
func (p *parter) whole(u *storage.AssetUpdate) (seq int64, err error) {
	if seq, err = p.next(u.Kind, false); err != nil {
		return 0, err
	}
	if len(p.dirty) > 0 {
		if a := p.dirty[u.Asset]; a != nil {
			a.latest[u.Kind] = latest{}
		}
	}
	p.feed.Whole(u.Kind.Change(), u.Run, u.At, u.Asset)
	if u.Kind == storage.Wiped {
		err = p.dropWhole(u.Asset, storage.Materialized, storage.Observed, storage.Failed)
	}
	return seq, err
}

// wipe drops the states of the asset as a whole that it leaves nothing of.
func (p *parter) wipe(u *storage.AssetUpdate, a *parted) error {
	if err := p.settle(u.Asset, a); err != nil {
		return err
	}
	var gone []storage.StateKind
	if a.now.Materialized.IsEmpty() {
		gone = append(gone, storage.Materialized)
	}
	if a.now.Failed.IsEmpty() {
		gone = append(gone, storage.Failed)
	}
	if len(gone) == 2 {
		gone = append(gone, storage.Observed)
	}
	return p.dropWhole(u.Asset, gone...)
}

// dropWhole drops states of an asset as a whole, also those that are not written yet.
func (p *parter) dropWhole(asset storage.AssetKey, kinds ...storage.StateKind) error {
	if err := p.w.assets.flush(); err != nil {
		return err
	}
	a := p.dirty[asset]
	for _, kind := range kinds {
		if a != nil {
			a.latest[kind] = latest{}
		}
		if _, err := p.w.run(&p.dropStates, "DELETE FROM asset_state WHERE asset = ? AND kind = ?", int64(asset), int64(kind)); err != nil {
			return err
		}
	}
	return nil
}

// settle brings the sets of an asset up to date.
func (p *parter) settle(key storage.AssetKey, a *parted) error {
	if !a.loaded {
		sets, err := p.load(key)
		if err != nil {
			return err
		}
		a.before, a.now, a.loaded = sets, sets, true
	}
	a.now = a.moves.Apply(a.now)
	return nil
}

func (p *parter) load(key storage.AssetKey) (fold.Sets, error) {
	sets, known := p.kept[key]
	if known {
		return sets, nil
	}
	rows, err := p.w.all(&p.readSets, "SELECT kind, labels FROM partition_set WHERE asset = ?", 2, int64(key))
	for _, row := range rows {
		kind, _ := row[0].(int64) // STRICT columns
		labels, _ := row[1].([]byte)
		p.bytes += len(labels)
		if err == nil {
			*sets.Of(storage.StateKind(kind)), err = partition.ParseSet(labels)
		}
	}
	return sets, err
}

// finish writes what is written once a transaction.
func (p *parter) finish() error {
	if err := p.w.assets.flush(); err != nil { // what updates of partitions left of the same assets is newer
		return err
	}
	for _, key := range p.order {
		a := p.dirty[key]
		if err := p.settle(key, a); err != nil {
			return err
		}
		for _, kind := range [...]storage.StateKind{storage.Materialized, storage.Failed} {
			if err := p.writeSet(key, kind, *a.before.Of(kind), *a.now.Of(kind)); err != nil {
				return err
			}
		}
		if p.bytes > setsKept {
			p.forget()
		}
		p.kept[key] = a.now
		for _, st := range a.latest {
			if st.AssetUpdate != nil {
				row, err := p.w.addState(&p.states, st.AssetUpdate, st.seq)
				if err != nil {
					return err
				}
				row[8].Value = st.Partition
			}
		}
	}
	for _, in := range []*inserter{&p.singles, &p.states, &p.flights} {
		if err := in.flush(); err != nil {
			return err
		}
	}
	if err := p.land(); err != nil {
		return err
	}
	return p.writeFeed()
}

// writeSet writes one of the sets of an asset, if it has changed.
func (p *parter) writeSet(key storage.AssetKey, kind storage.StateKind, before, now partition.Set) error {
	if now.Equal(before) {
		return nil
	}
	var err error
	if now.IsEmpty() {
		_, err = p.w.run(&p.dropSet, "DELETE FROM partition_set WHERE asset = ? AND kind = ?", int64(key), int64(kind))
		return err
	}
	p.blob, _ = now.AppendBinary(p.blob[:0]) // never fails
	p.bytes += len(p.blob)
	_, err = p.w.run(&p.putSet, "INSERT OR REPLACE INTO partition_set (asset, kind, labels) VALUES (?,?,?)", int64(key), int64(kind), p.blob)
	return err
}

// addToGroups writes the state of many partitions, which no older group has any more; what was wiped is in a group of
// no other kind either.
func (p *parter) addToGroups(u *storage.AssetUpdate, seq int64) error {
	rows, err := p.w.all(&p.readGroups, "SELECT kind, seq, labels FROM partition_group WHERE asset = ?", 3, int64(u.Asset))
	if err != nil {
		return err
	}
	for _, row := range rows {
		kind, _ := row[0].(int64) // STRICT columns
		if u.Kind != storage.Wiped && storage.StateKind(kind) != u.Kind {
			continue
		}
		labels, _ := row[2].([]byte)
		if err := p.shrinkGroup(u, row[0], row[1], labels); err != nil {
			return err
		}
	}
	p.blob, _ = u.Partitions.AppendBinary(p.blob[:0]) // never fails
	_, err = p.w.run(&p.addGroup, "INSERT INTO partition_group (asset, kind, seq, run, n, at, data_version, code_version, labels, detail) "+
		"VALUES (?,?,?,?,?,?,?,?,?,?)", int64(u.Asset), int64(u.Kind), seq, int64(u.Run), u.N, int64(u.At), u.DataVersion, u.CodeVersion,
		p.blob, document(u.Detail))
	return err
}

// shrinkGroup takes the partitions of an update out of an older group.
func (p *parter) shrinkGroup(u *storage.AssetUpdate, kind, seq driver.Value, labels []byte) error {
	set, err := partition.ParseSet(labels)
	if err != nil {
		return err
	}
	left := set.Minus(u.Partitions)
	switch {
	case left.Equal(set):
	case left.IsEmpty():
		_, err = p.w.run(&p.dropGroup, "DELETE FROM partition_group WHERE asset = ? AND kind = ? AND seq = ?", int64(u.Asset), kind, seq)
	default:
		p.blob, _ = left.AppendBinary(p.blob[:0]) // never fails
		_, err = p.w.run(&p.setGroup, "UPDATE partition_group SET labels = ? WHERE asset = ? AND kind = ? AND seq = ?", p.blob, int64(u.Asset), kind, seq)
	}
	return err
}
