package rivers

import (
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
)

// ExternalAssetSpec describes what an external asset is. Only Name is needed.
type ExternalAssetSpec struct {
	Name        string
	Group       string
	Kinds       []string
	Tags        map[string]string
	Owners      []string
	Description string
	Metadata    metadata.Map
	// Partitions describes how the asset is partitioned; nil is not at all.
	Partitions partition.Definition
	// Freshness describes how old the last observation may be; zero is as old as you like. It is about
	// the asset as a whole.
	Freshness freshness.Policy
	// IOHandler loads the asset for those that read it; nil is the repository's default.
	IOHandler iohandler.Handler
	// Observe looks at the asset; nil means that it cannot be observed.
	Observe func(*AssetContext) (Observation, error)
	// Actions are as in [AssetSpec].
	Actions []Action
}

// ExternalAsset is made elsewhere: it is loaded and observed, never materialized.
type ExternalAsset struct{ d *define.Definition }

// NewExternalAsset defines an asset that is made elsewhere.
func NewExternalAsset(spec ExternalAssetSpec) *ExternalAsset {
	asset := define.External{Common: define.Common{
		Name: spec.Name, Pos: fault.Here(), Handler: spec.IOHandler, Partitions: spec.Partitions, Actions: actionsOf(spec.Actions),
		Attrs: graph.Attrs{
			Group: spec.Group, Kinds: spec.Kinds, Tags: spec.Tags, Owners: spec.Owners,
			Description: spec.Description, Metadata: spec.Metadata, Freshness: spec.Freshness,
		},
	}}
	if observe := spec.Observe; observe != nil {
		asset.Observe = func(inv *graph.Invocation, _ []any) (graph.Result, error) {
			seen, err := observe(&AssetContext{stepContext: stepContext{inv: inv}})
			if err != nil {
				return graph.Result{}, err
			}
			return takeResult(inv, define.ResultObserved, seen), nil
		}
	}
	return &ExternalAsset{asset.Define()}
}

// Name returns the asset's name.
func (a *ExternalAsset) Name() string { return a.d.Name }

func (a *ExternalAsset) def() *define.Definition { return a.d }
func (a *ExternalAsset) asset()                  {}
