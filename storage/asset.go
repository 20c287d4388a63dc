package storage

import "time"

// AssetKey identifies an asset's name inside one store. It is given when a topology with the
// asset is first written; zero is no asset.
type AssetKey int64

// AssetRecord is the present state of one asset, kept beside the history so that history can be
// deleted without changing any answer.
type AssetRecord struct {
	Key  AssetKey `json:"-"`
	Name string   `json:"name"`
	// Materialization is the latest one, nil when there was none.
	Materialization *AssetState `json:"materialization,omitempty"`
	// Observation is the latest one, nil when there was none.
	Observation *AssetState `json:"observation,omitempty"`
}

// AssetState is what the latest materialization or observation left.
type AssetState struct {
	// RunID, Run and N say which event it was. An observation outside a run has none.
	RunID string    `json:"run_id,omitempty"`
	Run   RunKey    `json:"-"`
	N     int64     `json:"-"`
	At    time.Time `json:"at"`
	// DataVersion names the content, CodeVersion the code that made it; empty when not known.
	DataVersion string `json:"data_version,omitempty"`
	CodeVersion string `json:"code_version,omitempty"`
	Detail
}

// AssetUpdate replaces the present state of an asset.
type AssetUpdate struct {
	Asset AssetKey
	// Observed replaces the latest observation instead of the latest materialization.
	Observed bool
	// Run and N name the event, zero for an observation outside a run.
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
