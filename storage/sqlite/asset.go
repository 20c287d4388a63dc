package sqlite

import (
	"cmp"
	"database/sql/driver"
	"math"
	"slices"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/fold"
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

// setsCached is about how many bytes of sets the writer remembers between transactions.
const setsCached = 4 << 20

// assetWriter is the part of the writer for states of assets and of their partitions.
type assetWriter struct {
	w *writer
	// states and partitionStates write states of assets as a whole, the second with the partition that
	// left it; singles writes states of single partitions.
	states, partitionStates, singles inserter
	rows                             map[storage.AssetKey]*ledger.Asset

	// base is the last number before this transaction, once begun.
	base  int64
	begun bool
	// cached are sets as of the number cachedAt: a transaction that changes any gives a number.
	cached   map[storage.AssetKey]fold.Sets
	cachedAt int64
	bytes    int
	blob     []byte

	lastSeq, readSets, putSet, dropSet, dropState, readGroups, readSingle, setGroup, dropGroup, addGroup *statement
}

func newAssetWriter(w *writer) *assetWriter {
	a := &assetWriter{w: w, rows: map[storage.AssetKey]*ledger.Asset{}, cached: map[storage.AssetKey]fold.Sets{}}
	a.states = inserter{w: w, columns: 8, shares: true, insert: "INSERT OR REPLACE INTO asset_state " +
		"(seq, asset, kind, run, n, at, data_version, code_version, detail) VALUES "}
	a.partitionStates = inserter{w: w, columns: 9, shares: true, insert: "INSERT OR REPLACE INTO asset_state " +
		"(seq, asset, kind, run, n, at, data_version, code_version, detail, partition) VALUES "}
	a.singles = inserter{w: w, columns: 11, insert: "INSERT OR REPLACE INTO partition_state " +
		"(asset, kind, partition, seq, run, n, at, data_version, code_version, labels, detail) VALUES "}
	return a
}

// begin forgets what the transaction before knew, but for the sets.
func (a *assetWriter) begin() {
	clear(a.rows)
	a.begun = false
}

// forget drops the sets, which a transaction that was rolled back may have changed.
func (a *assetWriter) forget() {
	clear(a.cached)
	a.bytes = 0
}

// start notes the last number before this transaction, which comes with the first run that is read.
func (a *assetWriter) start(base int64) {
	a.begun, a.base = true, base
	if a.cachedAt != base {
		a.forget() // another process has changed something
	}
}

// remember keeps the sets for the next transaction.
func (a *assetWriter) remember(e *ledger.Effects) {
	if a.begun {
		a.cachedAt = max(a.base, e.LastNumber())
	}
}

// Numbers implements [ledger.Assets], as do the four methods below: there is one writer at a time,
// and numbers go on where they ended.
func (a *assetWriter) Numbers() (last, limit int64, err error) {
	if !a.begun {
		row, err := a.w.first(&a.lastSeq, "SELECT coalesce(max(id), 0) FROM change", 1)
		if err != nil {
			return 0, 0, err
		}
		id, _ := row[0].(int64) // STRICT columns
		a.start(id >> seqShift)
	}
	return a.base, math.MaxInt64, nil
}

// Asset takes any asset as recorded.
func (a *assetWriter) Asset(key storage.AssetKey) (*ledger.Asset, error) {
	row := a.rows[key]
	if row == nil {
		row = &ledger.Asset{Key: key}
		a.rows[key] = row
	}
	return row, nil
}

// Updated returns an asset whose partitions this transaction has updated.
func (a *assetWriter) Updated(key storage.AssetKey) *ledger.Asset {
	if len(a.rows) == 0 {
		return nil
	}
	return a.rows[key]
}

// LoadSets reads the sets of an asset unless they are cached.
func (a *assetWriter) LoadSets(row *ledger.Asset) error {
	if sets, known := a.cached[row.Key]; known {
		row.Before = sets
		return nil
	}
	rows, err := a.w.all(&a.readSets, "SELECT kind, labels FROM partition_set WHERE asset = ?", 2, int64(row.Key))
	for _, values := range rows {
		kind, _ := values[0].(int64) // STRICT columns
		labels, _ := values[1].([]byte)
		a.bytes += len(labels)
		if err == nil {
			*row.Before.Of(storage.StateKind(kind)), err = partition.ParseSet(labels)
		}
	}
	return err
}

// LoadGroups reads the groups of an asset.
func (a *assetWriter) LoadGroups(row *ledger.Asset) error {
	rows, err := a.w.all(&a.readGroups, "SELECT kind, seq, labels FROM partition_group WHERE asset = ?", 3, int64(row.Key))
	if err != nil {
		return err
	}
	for _, values := range rows {
		kind, _ := values[0].(int64) // STRICT columns
		g := &ledger.Group{Asset: row.Key, Kind: storage.StateKind(kind), Stored: true}
		g.Seq, _ = values[1].(int64)
		labels, _ := values[2].([]byte)
		if g.Set, err = partition.ParseSet(labels); err != nil {
			return err
		}
		row.Groups = append(row.Groups, g)
	}
	return nil
}

// SingleSets reads the partitions of states of single partitions.
func (a *assetWriter) SingleSets(row *ledger.Asset, kind storage.StateKind, texts []string) (map[string]partition.Set, error) {
	sets := map[string]partition.Set{}
	for _, text := range texts {
		rows, err := a.w.all(&a.readSingle, "SELECT labels FROM partition_state WHERE asset = ? AND kind = ? AND partition = ?", 1, int64(row.Key), int64(kind), text)
		if err != nil {
			return nil, err
		}
		for _, values := range rows {
			labels, _ := values[0].([]byte) // STRICT columns
			if sets[text], err = partition.ParseSet(labels); err != nil {
				return nil, err
			}
		}
	}
	return sets, nil
}

// write writes states, sets, groups and what is in flight.
func (a *assetWriter) write(e *ledger.Effects) error {
	if err := a.writeStates(e); err != nil {
		return err
	}
	if err := a.writeSets(e); err != nil {
		return err
	}
	if err := a.writeGroups(e); err != nil {
		return err
	}
	return a.w.inFlight.write()
}

// writeStates writes states in the order of their numbers: those of one number share a statement.
func (a *assetWriter) writeStates(e *ledger.Effects) error {
	for _, gone := range e.GoneStates {
		if _, err := a.w.run(&a.dropState, "DELETE FROM asset_state WHERE asset = ? AND kind = ?", int64(gone.Asset), int64(gone.Kind)); err != nil {
			return err
		}
	}
	states := e.States.Rows()
	slices.SortStableFunc(states, func(x, y *ledger.StateRow) int { return cmp.Compare(x.Seq, y.Seq) })
	for _, st := range states {
		in := &a.states
		if !st.Set.IsEmpty() {
			in = &a.partitionStates
		}
		if err := a.addState(in, st); err != nil {
			return err
		}
	}
	for _, st := range e.Singles.Rows() {
		if err := a.addSingle(st); err != nil {
			return err
		}
	}
	for _, in := range []*inserter{&a.states, &a.partitionStates, &a.singles} {
		if err := in.flush(); err != nil {
			return err
		}
	}
	return nil
}

func (a *assetWriter) addState(in *inserter, st *ledger.StateRow) error {
	if err := in.share(st.Seq); err != nil {
		return err
	}
	row, err := in.row()
	if err != nil {
		return err
	}
	ints := a.w.ints
	row[0].Value = ints.of(int64(st.Asset))
	row[1].Value = int64(st.Kind)
	row[2].Value = ints.of(int64(st.Run))
	row[3].Value = ints.of(st.N)
	row[4].Value = ints.of(int64(st.At))
	row[5].Value = st.DataVersion
	row[6].Value = st.CodeVersion
	row[7].Value = document(st.Detail)
	if in == &a.partitionStates {
		row[8].Value = st.Partition
	}
	return nil
}

func (a *assetWriter) addSingle(st *ledger.StateRow) error {
	row, err := a.singles.row()
	if err != nil {
		return err
	}
	labels, _ := st.Set.AppendBinary(nil) // never fails
	ints := a.w.ints
	row[0].Value = ints.of(int64(st.Asset))
	row[1].Value = int64(st.Kind)
	row[2].Value = st.Partition
	row[3].Value = ints.of(st.Seq)
	row[4].Value = ints.of(int64(st.Run))
	row[5].Value = ints.of(st.N)
	row[6].Value = ints.of(int64(st.At))
	row[7].Value = st.DataVersion
	row[8].Value = st.CodeVersion
	row[9].Value = labels
	row[10].Value = document(st.Detail)
	return nil
}

// writeSets writes the sets that have changed, and caches all.
func (a *assetWriter) writeSets(e *ledger.Effects) error {
	for _, set := range e.GoneSets {
		if _, err := a.w.run(&a.dropSet, "DELETE FROM partition_set WHERE asset = ? AND kind = ?", int64(set.Asset), int64(set.Kind)); err != nil {
			return err
		}
	}
	for _, set := range e.Sets {
		a.blob, _ = set.Set.AppendBinary(a.blob[:0]) // never fails
		a.bytes += len(a.blob)
		_, err := a.w.run(&a.putSet, "INSERT OR REPLACE INTO partition_set (asset, kind, labels) VALUES (?,?,?)", int64(set.Asset), int64(set.Kind), a.blob)
		if err != nil {
			return err
		}
	}
	if a.bytes > setsCached {
		a.forget()
	}
	for _, changed := range e.Changed {
		a.cached[changed.Key] = changed.Now()
	}
	return nil
}

func (a *assetWriter) writeGroups(e *ledger.Effects) error {
	for _, g := range e.GoneGroups {
		_, err := a.w.run(&a.dropGroup, "DELETE FROM partition_group WHERE asset = ? AND kind = ? AND seq = ?", int64(g.Asset), int64(g.Kind), g.Seq)
		if err != nil {
			return err
		}
	}
	for _, g := range e.Groups {
		a.blob, _ = g.Set.AppendBinary(a.blob[:0]) // never fails
		_, err := a.w.run(&a.setGroup, "UPDATE partition_group SET labels = ? WHERE asset = ? AND kind = ? AND seq = ?",
			a.blob, int64(g.Asset), int64(g.Kind), g.Seq)
		if err != nil {
			return err
		}
	}
	for _, g := range e.NewGroups {
		a.blob, _ = g.Set.AppendBinary(a.blob[:0]) // never fails
		_, err := a.w.run(&a.addGroup, "INSERT INTO partition_group (asset, kind, seq, run, n, at, data_version, code_version, labels, detail) "+
			"VALUES (?,?,?,?,?,?,?,?,?,?)", int64(g.Asset), int64(g.Kind), g.Seq, int64(g.Run), g.N, int64(g.At), g.DataVersion, g.CodeVersion,
			driver.Value(a.blob), document(g.Detail))
		if err != nil {
			return err
		}
	}
	return nil
}
