package storage

import (
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/partition"
)

// AssetKey identifies an asset's name inside one store. It is given when a topology with the
// asset is first written; zero is no asset.
type AssetKey int64

// AssetRecord is the present state of one asset, kept beside the history so that history can be
// deleted without changing any answer.
type AssetRecord struct {
	Key  AssetKey `json:"-"`
	Name string   `json:"name"`
	// Materialization is the latest one of any partition; nil if the asset was never materialized.
	Materialization *AssetState `json:"materialization,omitempty"`
	// Observation is the latest one; nil if the asset was never observed.
	Observation *AssetState `json:"observation,omitempty"`
	// Failure is the latest failed attempt; nil for none. A materialization with a greater Seq is
	// newer.
	Failure *AssetState `json:"failure,omitempty"`
	// Wipe is the latest one, with its author and reason in the detail; nil for none. A wipe
	// removes all other states. States of the asset as a whole stay while one of its partitions has
	// such a state.
	Wipe *AssetState `json:"wipe,omitempty"`
}

// DataVersion returns the asset's present version, of its newest materialization or observation;
// empty if unknown.
func (r *AssetRecord) DataVersion() string {
	switch m, o := r.Materialization, r.Observation; {
	case m != nil && (o == nil || m.Seq > o.Seq):
		return m.DataVersion
	case o != nil:
		return o.DataVersion
	}
	return ""
}

// AssetState is what the latest materialization, observation or failure left.
type AssetState struct {
	// Seq orders the states of an asset and of its partitions: the one with the greater Seq is
	// newer. It is at most that of the [Change] that tells of it, and greater than those of the
	// changes before.
	Seq int64 `json:"-"`
	// RunID, Run and N name the event. An observation outside a run has none.
	RunID string    `json:"run_id,omitempty"`
	Run   RunKey    `json:"-"`
	N     int64     `json:"-"`
	At    time.Time `json:"at"`
	// Partition is the text of the key, empty for an asset without partitions and for many at once.
	Partition string `json:"partition,omitempty"`
	// DataVersion names the content, CodeVersion the code that made it; empty when not known.
	DataVersion string `json:"data_version,omitempty"`
	CodeVersion string `json:"code_version,omitempty"`
	Detail
}

// IsOf reports whether the state is of a partition, given as its set. The state under the text of a
// partition may be of another one that another definition gave the same text. States of old stores
// have no set, and are taken as they are.
func (s *AssetState) IsOf(set partition.Set) bool {
	return s.Partitions.IsEmpty() || s.Partitions.Contains(set)
}

// StateKind is the kind of a state of an asset or partition. Values are stored: add new ones at the
// end.
type StateKind uint8

// The kinds of states.
const (
	// Materialized is the latest materialization.
	Materialized StateKind = iota
	// Observed is the latest observation of an external asset.
	Observed
	// Failed is the latest attempt that failed.
	Failed
	// Wiped is no state: an update of this kind removes the states of all kinds.
	Wiped
)

// StateKinds is how many kinds there are.
const StateKinds = 4

var stateKindWords = [...]string{"materialized", "observed", "failed", "wiped"}

// String returns the word of the kind, such as "materialized".
func (k StateKind) String() string {
	if int(k) < len(stateKindWords) {
		return stateKindWords[k]
	}
	return fmt.Sprintf("state_kind(%d)", uint8(k))
}

// AssetUpdate replaces the present state of an asset or of its partitions, and moves the partitions
// between the asset's sets. A materialized partition leaves the failed set. A materialized or
// failed partition leaves the in-flight set of its run. An update of partitions also replaces the
// state of the asset as a whole. A wipe of partitions removes that state with the last partition in
// the set of its kind, and an observation with the last partition in any set.
type AssetUpdate struct {
	Asset AssetKey
	Kind  StateKind
	// Partitions are the updated partitions; empty or [partition.Whole] for an unpartitioned asset.
	// Partition is the text of the key of a single partition. Several have none, and their state is
	// stored as a [PartitionGroup].
	Partitions partition.Set
	Partition  string
	// Run and N name the event; zero for updates outside a run.
	Run                      RunKey
	N                        int64
	At                       Micros
	DataVersion, CodeVersion string
	// Detail is the JSON of a [Detail], nil for none.
	Detail []byte
}

// Partitioned reports whether the update names partitions of the asset.
func (u *AssetUpdate) Partitioned() bool { return partitioned(u.Partitions) }

func (u *AssetUpdate) validate() error {
	switch {
	case u.Asset <= 0:
		return errors.New("it has no asset")
	case u.Kind >= StateKinds:
		return fmt.Errorf("asset %d: it is of kind %s, which is none", u.Asset, u.Kind)
	case u.Partition != "" && !u.Partitioned():
		return fmt.Errorf("partition %q of asset %d has no set of its own", u.Partition, u.Asset)
	}
	return nil
}

// AssetQuery selects asset records in the order of their names. The zero value selects all.
type AssetQuery struct {
	// Names keeps only these; nil keeps all.
	Names []string
	// After continues a listing after a name. Limit bounds the answer; zero means all.
	After string
	Limit int
}
