package storage

import (
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/partition"
)

// PartitionSets holds the materialized, failed and in-flight partitions of an asset. Batches
// maintain the sets, so that reading them scans no history. An unpartitioned asset is the one
// partition of [partition.Whole], which is in a set while the asset's latest state of that kind
// names no partition.
type PartitionSets struct {
	Asset AssetKey
	// Materialized were made at least once and not wiped since. Failed failed when they were last
	// tried; they may be materialized all the same, from before.
	Materialized, Failed partition.Set
	// InFlight are the partitions that runs in progress have yet to make. It is empty for
	// unpartitioned assets.
	InFlight partition.Set
}

// PartitionState is the present state of one partition, as [AssetState] is that of the asset: no
// newer state of the same kind was given to it among others, and it was not wiped since.
type PartitionState struct {
	Asset AssetKey
	Kind  StateKind
	AssetState
}

// PartitionGroup is the state that many partitions got at once. Of a partition that has a
// [PartitionState] of the same kind besides, that one holds: it is newer.
type PartitionGroup struct {
	Asset AssetKey
	Kind  StateKind
	// Partitions are those that no newer group of the same kind has and that were not wiped since:
	// groups of one kind have none in common.
	Partitions partition.Set
	AssetState
}

// PartitionQuery selects the states of single partitions of an asset, in the order of their texts.
// Those that lie in a [PartitionGroup] only are not among them.
type PartitionQuery struct {
	Asset AssetKey
	// Kind is which state. Materialized is the zero value.
	Kind StateKind
	// Partitions keeps only these, as texts of keys; nil keeps all.
	Partitions []string
	// After continues a listing after a text. Limit bounds the answer; zero means all.
	After string
	Limit int
}

// Target is the partitions of one asset that a run makes.
type Target struct {
	Asset      AssetKey
	Partitions partition.Set
}

// Partitioned reports whether the target names partitions. The store ignores other targets.
func (t *Target) Partitioned() bool { return partitioned(t.Partitions) }

// partitioned tells sets of partitions from what stands for an asset without.
func partitioned(set partition.Set) bool { return !set.IsEmpty() && !set.Equal(partition.Whole()) }

// KeyTable is the record of a table of partition keys. The table named "" has the keys of all
// static definitions, and all of them for ever; any other is that of a dynamic definition.
type KeyTable struct {
	Name string
	// Size is how many keys there ever were: their ordinals are 0 to Size-1.
	Size int64
	// Live are the keys that are registered now, as [partition.DynamicSet] makes it. It is empty
	// for the table of static keys.
	Live partition.Set
}

// KeyQuery asks a table of partition keys. One of Keys and Ordinals is given.
type KeyQuery struct {
	Table string
	// Keys asks for the ordinals of keys, Ordinals for the keys of ordinals. The answer is in their
	// order.
	Keys     []string
	Ordinals []partition.Ordinal
}

// KeyUpdate changes a table of partition keys. Adding a registered key or removing an unknown one
// changes nothing.
type KeyUpdate struct {
	// Table is the name of a dynamic definition, or "" for static keys, which are never removed.
	Table string
	// Add registers keys in their order: one that is new gets the next ordinal, one that was
	// removed its own again. Remove takes keys, after Add, out of those that are registered. Keys
	// are not empty.
	Add, Remove []string
}

func (u *KeyUpdate) validate() error {
	switch {
	case u.Table == "" && len(u.Remove) > 0:
		return fmt.Errorf("key %q is removed from the table of static keys, which keeps all", u.Remove[0])
	case slices.Contains(u.Add, ""), slices.Contains(u.Remove, ""):
		return fmt.Errorf("an empty key for table %q: want a text", u.Table)
	}
	return nil
}

// Change is one entry of the change feed: a change of some assets, by one run or outside a run. A
// consumer that remembers its last Seq finds what is new without other reads. An entry tells that
// something changed, and the store holds the present state. Entries of one batch have no order
// among each other.
type Change struct {
	// Seq orders changes. Those of one batch may share it, and so may those of batches written
	// together.
	Seq int64
	// At is the latest instant that the batches gave to the changes in the entry; changes of keys
	// have the store's clock.
	At   Micros
	Kind ChangeKind
	// Run is the run that made the change; zero outside a run.
	Run RunKey
	// Assets are those whose state changed, in the order of their keys, all in the same Partitions:
	// [partition.Whole] for assets without.
	Assets     []AssetKey
	Partitions partition.Set
	// Keys is the name of the table of a ChangeKeys, whose Partitions are the keys that were added
	// or removed, as [partition.DynamicSet] makes it.
	Keys string
}

// ChangeKind is the kind of a change. Values are stored: add new ones at the end.
type ChangeKind uint8

// The kinds of changes.
const (
	// ChangeMaterialized: partitions were materialized.
	ChangeMaterialized ChangeKind = 1 + iota
	// ChangeObserved: an external asset was observed.
	ChangeObserved
	// ChangeFailed: partitions failed.
	ChangeFailed
	// ChangeWiped: partitions were wiped.
	ChangeWiped
	// ChangeTargeted: a run will make partitions.
	ChangeTargeted
	// ChangeKeys: the keys of a dynamic definition were added or removed.
	ChangeKeys
	// ChangeRunEnded: a run ended, or was planned again, before it made all its partitions: the
	// rest left the in-flight set. A run that made all of them has no such entry.
	ChangeRunEnded
)

var changeKindWords = [...]string{"", "materialized", "observed", "failed", "wiped", "targeted", "keys", "run_ended"}

// String returns the word of the kind, such as "materialized".
func (k ChangeKind) String() string {
	if k > 0 && int(k) < len(changeKindWords) {
		return changeKindWords[k]
	}
	return fmt.Sprintf("change_kind(%d)", uint8(k))
}

// Change returns the kind of the change that an update of a state is.
func (k StateKind) Change() ChangeKind { return ChangeMaterialized + ChangeKind(k) }

// ChangeQuery reads the feed of changes in order.
type ChangeQuery struct {
	// After keeps changes with a greater Seq.
	After int64
	// Limit bounds the answer, but for entries that share the last Seq; zero means all.
	Limit int
}
