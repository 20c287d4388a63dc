package ledger

import (
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/fold"
)

// Asset is an asset whose partitions the transaction updates.
type Asset struct {
	Key storage.AssetKey
	// Last is the greatest number of a recorded state. Updates count on from it if it is Counted, as
	// in a store where a transaction that began earlier may be written later.
	Last    int64
	Counted bool
	// Before are the recorded sets and Groups the recorded groups, once they are loaded.
	Before fold.Sets
	Groups []*Group

	moves   fold.Moves
	now     fold.Sets
	loaded  bool // now is
	grouped bool // Groups are loaded
	listed  bool // among the changed ones

	// kind and shares are as in [numbers].
	kind   storage.StateKind
	shares bool
	// latest are the states of the asset as a whole that updates of partitions made.
	latest [storage.StateKinds]*StateRow
}

// Now returns the sets after the transaction.
func (a *Asset) Now() fold.Sets { return a.now }

// number gives an update of the asset its number, greater than those of the recorded states.
func (a *Asset) number(given int64, kind storage.StateKind, single bool) int64 {
	if !a.Counted {
		return given
	}
	if given <= a.Last {
		if given = a.Last; !single || !a.shares || kind != a.kind {
			given++
		}
	}
	a.Last, a.kind, a.shares = given, kind, single
	return given
}

// StateRow is a state to write: of an asset, of a partition or of a group.
type StateRow struct {
	*storage.AssetUpdate

	Seq int64
	Set partition.Set // empty for an asset without partitions
}

// Group is the state of several partitions at once, recorded or new.
type Group struct {
	StateRow

	Asset storage.AssetKey
	Kind  storage.StateKind
	// Stored is true if the group has a row. Its update is not read.
	Stored bool

	shrank bool
}

// GoneState names a state to drop, unless it is newer than Seq.
type GoneState struct {
	Asset storage.AssetKey
	Kind  storage.StateKind
	Seq   int64
}

// SetRow is a set of an asset to write, or to drop if it is empty.
type SetRow struct {
	Asset storage.AssetKey
	Kind  storage.StateKind
	Set   partition.Set
}

// single reports whether an update of partitions makes the state of one partition.
func single(u *storage.AssetUpdate) bool { return u.Partition != "" && u.Kind != storage.Wiped }

// settles reports whether an update of partitions takes them out of what its run has in flight.
func settles(u *storage.AssetUpdate) bool {
	return u.Run != 0 && (u.Kind == storage.Materialized || u.Kind == storage.Failed)
}

// updateAsset makes an update the present state of an asset, or of partitions of it.
func (t *transaction) updateAsset(u *storage.AssetUpdate) error {
	if u.Partitioned() {
		return t.updatePartitions(u)
	}
	seq, err := t.number(u.Kind, false)
	if err != nil {
		return err
	}
	t.feed.Whole(u.Kind.Change(), u.Run, u.At, u.Asset)
	a := t.Assets.Updated(u.Asset)
	if a != nil {
		seq, a.latest[u.Kind] = a.number(seq, u.Kind, false), nil
	}
	if u.Kind == storage.Wiped {
		for _, kind := range [...]storage.StateKind{storage.Materialized, storage.Observed, storage.Failed} {
			t.dropState(a, u.Asset, kind, seq)
		}
	}
	t.States.Put(t.rows.add(StateRow{AssetUpdate: u, Seq: seq}))
	return nil
}

// dropState drops a state of an asset as a whole. The asset is nil where it has no update of
// partitions.
func (t *transaction) dropState(a *Asset, key storage.AssetKey, kind storage.StateKind, seq int64) {
	if a != nil {
		a.latest[kind] = nil
	}
	t.States.Drop(StateKey{key, kind})
	t.GoneStates = append(t.GoneStates, &GoneState{key, kind, seq})
}

func (t *transaction) updatePartitions(u *storage.AssetUpdate) error {
	a, err := t.Assets.Asset(u.Asset)
	if err != nil || a == nil {
		return err
	}
	seq, err := t.number(u.Kind, !single(u))
	if err != nil {
		return err
	}
	seq = a.number(seq, u.Kind, single(u))
	t.list(a)
	a.moves.Add(u.Kind, u.Partitions)
	t.feed.Partitions(u.Kind.Change(), u.Run, u.At, u.Asset, u.Partitions)
	if settles(u) {
		if err := t.InFlight.SettleInFlight(u.Run, u.Asset, u.Partitions); err != nil {
			return err
		}
	}
	row := t.rows.add(StateRow{AssetUpdate: u, Seq: seq, Set: u.Partitions})
	if single(u) {
		a.latest[u.Kind] = row
		t.Singles.Put(row)
		return nil
	}
	if u.Kind == storage.Wiped {
		if err := t.wipe(a, seq); err != nil {
			return err
		}
	}
	a.latest[u.Kind] = row
	if !a.grouped {
		if err := t.Assets.LoadGroups(a); err != nil {
			return err
		}
		a.grouped = true
	}
	a.ungroup(u)
	a.Groups = append(a.Groups, &Group{StateRow: *row, Asset: u.Asset, Kind: u.Kind})
	return nil
}

// ungroup takes the partitions of an update out of older groups of its kind; a wipe takes them out
// of those of all kinds.
func (a *Asset) ungroup(u *storage.AssetUpdate) {
	for _, g := range a.Groups {
		if u.Kind != storage.Wiped && g.Kind != u.Kind {
			continue
		}
		if left := g.Set.Minus(u.Partitions); !left.Equal(g.Set) {
			g.Set, g.shrank = left, true
		}
	}
}

// wipe drops the states of the asset as a whole that have no partition left.
func (t *transaction) wipe(a *Asset, seq int64) error {
	if err := t.settleSets(a); err != nil {
		return err
	}
	if a.now.Materialized.IsEmpty() {
		t.dropState(a, a.Key, storage.Materialized, seq)
	}
	if a.now.Failed.IsEmpty() {
		t.dropState(a, a.Key, storage.Failed, seq)
	}
	if a.now.Materialized.IsEmpty() && a.now.Failed.IsEmpty() {
		t.dropState(a, a.Key, storage.Observed, seq)
	}
	return nil
}

// list notes that what is recorded of an asset's partitions changes.
func (t *transaction) list(a *Asset) {
	if !a.listed {
		a.listed = true
		t.Changed = append(t.Changed, a)
	}
}

// settleSets brings the sets of an asset up to date.
func (t *transaction) settleSets(a *Asset) error {
	if !a.loaded {
		if err := t.Assets.LoadSets(a); err != nil {
			return err
		}
		a.now, a.loaded = a.Before, true
	}
	a.now = a.moves.Apply(a.now)
	return nil
}

// settle turns what was decided into rows.
func (t *transaction) settle() error {
	for _, a := range t.Changed {
		if err := t.settleSets(a); err != nil {
			return err
		}
		if err := displace(t, a); err != nil {
			return err
		}
		t.settleAsset(a)
	}
	if t.feed.Empty() {
		return nil
	}
	seq, err := t.number(storage.Wiped, true)
	if err != nil {
		return err
	}
	t.Changes = t.feed.Entries()
	for i := range t.Changes {
		t.Changes[i].Seq = seq
	}
	t.Topics |= storage.TopicChanges
	return nil
}

func (t *transaction) settleAsset(a *Asset) {
	for _, kind := range [...]storage.StateKind{storage.Materialized, storage.Failed} {
		before, now := a.Before.Of(kind), a.now.Of(kind)
		row := &SetRow{Asset: a.Key, Kind: kind, Set: *now}
		switch {
		case now.Equal(*before):
		case now.IsEmpty():
			t.GoneSets = append(t.GoneSets, row)
		default:
			t.Sets = append(t.Sets, row)
		}
	}
	for _, g := range a.Groups {
		switch {
		case g.Set.IsEmpty() && g.Stored:
			t.GoneGroups = append(t.GoneGroups, g)
		case g.Set.IsEmpty():
		case !g.Stored:
			t.NewGroups = append(t.NewGroups, g)
		case g.shrank:
			t.Groups = append(t.Groups, g)
		}
	}
	for _, row := range a.latest {
		if row != nil {
			t.States.Put(row)
		}
	}
}

// displace takes the partitions out of the sets of an asset whose states this transaction replaces
// by those of another definition. The week 2026-01-11 has the text of the day 2026-01-11, and a
// text has one state. The day is missing then, which status shows. An asset whose partitions are
// all of one definition, as most are, costs nothing.
func displace(t *transaction, a *Asset) error {
	for _, kind := range [...]storage.StateKind{storage.Materialized, storage.Failed} {
		if a.now.Of(kind).Shapes() < 2 {
			continue
		}
		gone, err := displaced(t, a, kind)
		if err != nil || gone.IsEmpty() {
			if err != nil {
				return err
			}
			continue
		}
		if !a.grouped {
			if err := t.Assets.LoadGroups(a); err != nil {
				return err
			}
			a.grouped = true
		}
		for _, g := range a.Groups { // these have a state besides
			if g.Kind == kind {
				gone = gone.Minus(g.Set)
			}
		}
		set := a.now.Of(kind)
		gone = gone.Intersect(*set)
		*set = set.Minus(gone)
		if row := a.latest[kind]; kind == storage.Materialized && row != nil && !gone.IsEmpty() { // readers of the feed forget them
			t.feed.Partitions(storage.Wiped.Change(), row.Run, row.At, a.Key, gone)
		}
	}
	return nil
}

// displaced returns the partitions whose states of a kind are replaced by those of others.
func displaced(t *transaction, a *Asset, kind storage.StateKind) (partition.Set, error) {
	var texts []string
	fresh := map[string]partition.Set{}
	for _, row := range t.Singles.Rows() {
		if row.Asset == a.Key && row.Kind == kind {
			texts, fresh[row.Partition] = append(texts, row.Partition), row.Set
		}
	}
	var gone partition.Gather
	for len(texts) > 0 {
		n := min(len(texts), KeyChunk)
		old, err := t.Assets.SingleSets(a, kind, texts[:n])
		if err != nil {
			return partition.Set{}, err
		}
		for text, set := range old {
			gone.Add(set.Minus(fresh[text]))
		}
		texts = texts[n:]
	}
	return gone.Set(), nil
}
