package storage

import (
	"github.com/rivers-go/rivers/partition"
)

// PartitionSets says which partitions of an asset are what. An asset without partitions is the one of
// [partition.Whole]. The sets are kept by the batches that change them: to read them is not to scan
// what happened.
type PartitionSets struct {
	Asset AssetKey
	// Materialized were made at least once and not wiped since. Failed failed when they were last tried; they
	// may be materialized all the same, from before.
	Materialized, Failed partition.Set
	// InFlight are what runs that have not ended are to make and have not come to yet. It says nothing
	// about assets without partitions.
	InFlight partition.Set
}

// PartitionState is the present state of one partition, as [AssetState] is that of the asset.
type PartitionState struct {
	Asset AssetKey
	Kind  StateKind
	AssetState
}

// PartitionGroup is the present state of many partitions that one event made at once. Of a partition that
// is in several groups, or has a state of its own besides, the one with the greatest Seq holds.
type PartitionGroup struct {
	Asset AssetKey
	Kind  StateKind
	// Partitions are those that no newer group has.
	Partitions partition.Set
	AssetState
}

// PartitionQuery selects the states of single partitions of an asset, in the order of their texts. Those that
// lie in a [PartitionGroup] only are not among them.
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

// Target is what a run is to make of one asset.
type Target struct {
	Asset      AssetKey
	Partitions partition.Set
}

// KeyTable is the record of a table of partition keys. The table named "" has the keys of all static
// definitions, and all of them for ever; any other is that of a dynamic definition.
type KeyTable struct {
	Name string
	// Size is how many keys there ever were: their ordinals are 0 to Size-1.
	Size int64
	// Live are the keys that are registered now, as [partition.DynamicSet] makes it. It is empty for the
	// table of static keys.
	Live partition.Set
}

// KeyQuery asks a table of partition keys. One of Keys and Ordinals is given.
type KeyQuery struct {
	Table string
	// Keys asks for the ordinals of keys, Ordinals for the keys of ordinals. The answer is in their order.
	Keys     []string
	Ordinals []partition.Ordinal
}

// KeyUpdate changes a table of partition keys. What is there to be added, or gone to be removed, is no change.
type KeyUpdate struct {
	// Table is the name of a dynamic definition, or "" for the keys of static ones, of which none is removed.
	Table string
	// Add registers keys in their order, at the end of the table where they were never in it; Remove
	// takes keys out of those that are registered.
	Add, Remove []string
}

// Change is one entry of the feed of changes: what one batch changed of some assets. Whoever remembers the
// Seq it has read up to finds what is new without looking at anything else.
type Change struct {
	// Seq orders changes. Those of one batch may share it, and so may those of batches written together.
	Seq  int64
	At   Micros
	Kind ChangeKind
	// Run is what changed it, zero where no run did.
	Run RunKey
	// Assets are those whose state changed, all in the same Partitions: [partition.Whole] for assets without.
	Assets     []AssetKey
	Partitions partition.Set
	// Keys is the name of the table of a ChangeKeys.
	Keys string
}

// ChangeKind says what changed. Values are stored: they are only ever added.
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
	// ChangeTargeted: a run is to make partitions.
	ChangeTargeted
	// ChangeKeys: the keys of a dynamic definition were added or removed.
	ChangeKeys
	// ChangeRunEnded: a run ended; what it had not come to is not in flight any more.
	ChangeRunEnded
)

// ChangeQuery reads the feed of changes in order.
type ChangeQuery struct {
	// After keeps changes with a greater Seq.
	After int64
	// Limit bounds the answer, but for entries that share the last Seq; zero means all.
	Limit int
}
