package ledger

import (
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Facts answers what the store holds, as the open transaction sees it. An error ends the
// transaction. The backend's writer makes it once; its answers are valid until the next
// transaction.
type Facts struct {
	// Now is the store's clock.
	Now       func() storage.Micros
	Runs      Runs
	Backfills Backfills
	Slots     Slots
	Assets    Assets
	InFlight  InFlight
	Keys      KeyTables
}

// Runs answers about runs.
type Runs interface {
	// Run returns a run, nil if it is not recorded.
	Run(key storage.RunKey) (*Run, error)
	// RunByID is Run by the ID of a claimed run.
	RunByID(id string) (*Run, error)
	// HasRun reports whether a run has the ID, new runs of this transaction included.
	HasRun(id string) (bool, error)
	// AddRun takes a new run in. It sets the key, unless the store gives one when the row is inserted;
	// a run with targets always gets its key here.
	AddRun(r *NewRun) error
}

// Backfills answers about backfills.
type Backfills interface {
	// Backfill returns a backfill, nil if it is not recorded.
	Backfill(key storage.BackfillKey) (*Backfill, error)
	// BackfillByID is Backfill by the ID of a claimed backfill.
	BackfillByID(id string) (*Backfill, error)
	// HasBackfill reports whether a backfill has the ID, new ones of this transaction included.
	HasBackfill(id string) (bool, error)
	// AddBackfill takes a new backfill in and sets its key.
	AddBackfill(b *NewBackfill) error
}

// Slots answers about pools and about the steps that hold or await their slots.
type Slots interface {
	// Pool returns a pool. One that is not recorded has no slots.
	Pool(name string) (*Pool, error)
	// Line returns the claims of the transaction, with all of the run and all on the pools among them.
	Line(run storage.RunKey, pools []storage.PoolSlots) (*Line, error)
	// Ticket returns a new place in line, behind all others.
	Ticket() (int64, error)
}

// Assets answers about the states of assets and of their partitions.
type Assets interface {
	// Numbers returns the number after which this transaction counts, and one that it does not reach.
	Numbers() (last, limit int64, err error)
	// Asset returns an asset whose partitions are updated, nil if it is not recorded.
	Asset(key storage.AssetKey) (*Asset, error)
	// Updated returns the asset if Asset may have returned it in this transaction, else nil.
	Updated(key storage.AssetKey) *Asset
	// LoadSets sets Before of an asset, LoadGroups its Groups. Decide calls each once a transaction.
	LoadSets(a *Asset) error
	LoadGroups(a *Asset) error
	// SingleSets returns the partitions of the states of single partitions that are recorded before
	// this transaction, by the texts of their keys. Texts without a state are left out.
	SingleSets(a *Asset, kind storage.StateKind, texts []string) (map[string]partition.Set, error)
}

// InFlight keeps the partitions that runs are to make and have not settled yet.
type InFlight interface {
	// AddInFlight puts the targets of a run in flight, which has none before. Targets without
	// partitions are left out.
	AddInFlight(run storage.RunKey, targets []storage.Target) error
	// SettleInFlight takes partitions that a run made, or failed to make, out of flight.
	SettleInFlight(run storage.RunKey, asset storage.AssetKey, set partition.Set) error
	// ClearInFlight takes all that is left of a run out of flight and returns it.
	ClearInFlight(run storage.RunKey) ([]storage.Target, error)
}

// KeyTables answers about tables of partition keys.
type KeyTables interface {
	// KeyTable returns a table, a new one where none has the name.
	KeyTable(name string) (*KeyTable, error)
	// Ordinals returns the ordinals of keys, at most [KeyChunk] of them, in a map that the caller may
	// change. Keys that were added before are found; unknown ones are left out.
	Ordinals(t *KeyTable, keys []string) (map[string]int64, error)
	// AddKey adds a key with a new ordinal.
	AddKey(t *KeyTable, ordinal int64, key string) error
}
