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
	// Materialization is the latest one, of whichever partition, nil when there was none.
	Materialization *AssetState `json:"materialization,omitempty"`
	// Observation is the latest one, nil when there was none.
	Observation *AssetState `json:"observation,omitempty"`
	// Failure is the latest one, nil when there was none. The asset, or the partition, has been
	// materialized since if a materialization has a greater Seq.
	Failure *AssetState `json:"failure,omitempty"`
	// Wipe is the latest one, nil when there was none: its detail says by whom and why. What is wiped leaves
	// no other state, but those of the asset as a whole stay while it has partitions in such a state.
	Wipe *AssetState `json:"wipe,omitempty"`
}

// DataVersion is the version that the asset has now: that of its materialization or observation, whichever is newer; empty
// where it is not known.
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
	// Seq orders the states of an asset and of its partitions: the one with the greater Seq is newer. It is at
	// most that of the [Change] that tells of it, and greater than those of the changes before.
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

// AssetUpdate replaces the present state of an asset or of partitions of it, and moves the partitions
// between the asset's sets: what is materialized is not failed any more, and what is materialized or
// failed is not in flight any more in the run that says so. An update of partitions replaces the state
// of the asset as a whole too. Where it wipes them, that state goes with the last of the partitions that
// are in the set of its kind, and that of an observation with the last that are in any.
type AssetUpdate struct {
	Asset AssetKey
	Kind  StateKind
	// Partitions are those that it is about; empty, or [partition.Whole], for an asset without partitions.
	// Partition is the text of the key where it is one, and empty where they are several, whose state is
	// kept as a [PartitionGroup].
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

// Partitioned reports whether the update is about partitions of the asset.
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
