package storage

import (
	"context"

	"github.com/rivers-go/rivers/partition"
)

// Storage is the interface of a backend. No consumer takes all of it: each declares the few calls
// it makes.
type Storage interface {
	Reader
	Writer
	Leases
	Pruner
	// ID is the store's own name, written by its first migration: two handles on one store
	// have the same ID.
	ID() string
	// ValuesDir returns the folder in which values are kept that belong to the records of this store
	// and of no other. It is empty for a store whose records end with the process.
	ValuesDir() string
	// Close writes the appended batches and frees the store; later calls return [ErrClosed].
	Close() error
}

// Reader is the reading side of a store, safe for concurrent use.
type Reader interface {
	Runs
	Events
	Assets
	Partitions
	Backfills
	Logs
	KV
	Topologies
	Pools
	Signals
}

// Writer is the writing side of a store, safe for concurrent use.
type Writer interface {
	// Commit applies the batch and everything appended under the same fence before it. It returns
	// when that is durable, and fills in the keys of new runs.
	Commit(ctx context.Context, b *Batch) error
	// Append queues a batch of events, asset states, log lines, releases and the start of a run for
	// the next Commit under the same fence. The store writes it soon in any case. Every call under
	// that fence returns a later refusal.
	Append(b *Batch) error
}

// Runs reads runs.
type Runs interface {
	// GetRun returns one run with its plan, or [ErrNotFound].
	GetRun(ctx context.Context, id string) (RunRecord, error)
	// ListRuns returns runs without their plans, newest first.
	ListRuns(ctx context.Context, q RunQuery) ([]RunRecord, error)
}

// Events reads what happened.
type Events interface {
	// ListEvents returns the events of a run in order.
	ListEvents(ctx context.Context, q EventQuery) ([]Event, error)
	// ListAssetEvents returns the materializations and observations of an asset, newest first.
	ListAssetEvents(ctx context.Context, q AssetEventQuery) ([]Event, error)
}

// Assets reads the present state of assets.
type Assets interface {
	// AssetKeys returns the keys of the names, in their order, zero for an unknown name.
	AssetKeys(ctx context.Context, names []string) ([]AssetKey, error)
	// GetAsset returns one asset's record, or [ErrNotFound].
	GetAsset(ctx context.Context, name string) (AssetRecord, error)
	// ListAssets returns records in the order of their names.
	ListAssets(ctx context.Context, q AssetQuery) ([]AssetRecord, error)
}

// Partitions reads the present state of partitions, and what changed.
type Partitions interface {
	// PartitionSets returns the materialized, failed and in-flight partitions of each asset, in the
	// order given. Unknown assets have empty sets.
	PartitionSets(ctx context.Context, assets []AssetKey) ([]PartitionSets, error)
	// ListPartitions returns the states of individual partitions, sorted by key text. It skips
	// states that a newer group update has superseded; skipped states are still read.
	ListPartitions(ctx context.Context, q PartitionQuery) ([]PartitionState, error)
	// ListPartitionGroups returns the states recorded for whole groups of partitions, newest first.
	ListPartitionGroups(ctx context.Context, asset AssetKey, kind StateKind) ([]PartitionGroup, error)
	// GetKeyTable returns a table of keys, an empty one for an unknown name.
	GetKeyTable(ctx context.Context, name string) (KeyTable, error)
	// LookUpKeys returns the ordinals of keys ([partition.NoOrdinal] for an unknown key), or the
	// keys of ordinals. An unknown ordinal is an error.
	LookUpKeys(ctx context.Context, q KeyQuery) ([]partition.Ordinal, []string, error)
	// ListChanges reads the change feed. Its answer is complete up to the last Seq: no smaller one
	// appears later.
	ListChanges(ctx context.Context, q ChangeQuery) ([]Change, error)
	// ChangeSeq returns the highest sequence number below which the change feed is complete. Every
	// later or not yet visible change, and the state it produces, has a greater number.
	ChangeSeq(ctx context.Context) (int64, error)
}

// Backfills reads backfills.
type Backfills interface {
	// GetBackfill returns one backfill, or [ErrNotFound].
	GetBackfill(ctx context.Context, id string) (BackfillRecord, error)
	// ListBackfills returns backfills, newest first, without their sets: Partitions, and those of
	// their Progress.
	ListBackfills(ctx context.Context, q BackfillQuery) ([]BackfillRecord, error)
}

// Logs reads what steps wrote.
type Logs interface {
	// ListLogs returns the log lines of a run in order.
	ListLogs(ctx context.Context, q LogQuery) ([]LogLine, error)
}

// KV reads small values by name.
type KV interface {
	// GetKV returns the value of a key, or [ErrNotFound].
	GetKV(ctx context.Context, key string) ([]byte, error)
	// ListKV returns the pairs whose keys begin with prefix, in the order of their keys.
	ListKV(ctx context.Context, prefix string) ([]KVPair, error)
}

// Topologies reads copies of definitions.
type Topologies interface {
	// GetTopology returns one location's topology, or [ErrNotFound].
	GetTopology(ctx context.Context, location string) (Topology, error)
	// ListTopologies returns all topologies without their documents, by location.
	ListTopologies(ctx context.Context) ([]Topology, error)
}
