package storage

import (
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
	// Materialization is the latest one, of whichever partition, nil when there was none.
	Materialization *AssetState `json:"materialization,omitempty"`
	// Observation is the latest one, nil when there was none.
	Observation *AssetState `json:"observation,omitempty"`
	// Failure is the latest one, nil when there was none. The asset, or the partition, has been
	// materialized since if a materialization has a greater Seq.
	Failure *AssetState `json:"failure,omitempty"`
}

// AssetState is what the latest materialization, observation or failure left.
type AssetState struct {
	// Seq orders states: the one with the greater Seq is newer. It is that of the [Change].
	Seq int64 `json:"-"`
	// RunID, Run and N say which event it was. An observation outside a run has none.
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

// StateKind says which state of an asset or partition is meant. Values are stored: they are only ever added.
type StateKind uint8

// The kinds of states.
const (
	// Materialized is the latest materialization.
	Materialized StateKind = iota
	// Observed is the latest observation of an external asset.
	Observed
	// Failed is the latest attempt that failed.
	Failed
	// Wiped is no state: an update of this kind makes that there is none, of any kind.
	Wiped
)

var stateKindWords = [...]string{"materialized", "observed", "failed", "wiped"}

// String returns the word of the kind, such as "materialized".
func (k StateKind) String() string {
	if int(k) < len(stateKindWords) {
		return stateKindWords[k]
	}
	return fmt.Sprintf("state_kind(%d)", uint8(k))
}

// AssetUpdate replaces the present state of an asset or of partitions of it, and moves the partitions
// between the asset's sets: what is materialized is not failed any more, and what is materialized or
// failed is not in flight any more in the run that says so. An update of partitions replaces the state
// of the asset as a whole too.
type AssetUpdate struct {
	Asset AssetKey
	Kind  StateKind
	// Partitions are those that it is about; empty for an asset without partitions. Partition is the text of
	// the key where it is one, and empty where they are several, whose state is kept as a [PartitionGroup].
	Partitions partition.Set
	Partition  string
	// Run and N name the event, zero for what no run did.
	Run                      RunKey
	N                        int64
	At                       Micros
	DataVersion, CodeVersion string
	// Detail is the JSON of a [Detail], nil for none.
	Detail []byte
}

// AssetQuery selects asset records in the order of their names. The zero value selects all.
type AssetQuery struct {
	// Names keeps only these; nil keeps all.
	Names []string
	// After continues a listing after a name. Limit bounds the answer; zero means all.
	After string
	Limit int
}
