package rivers

import (
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
)

// ExternalAssetSpec says what an external asset is. Only Name is needed.
type ExternalAssetSpec struct {
	Name        string
	Group       string
	Kinds       []string
	Tags        map[string]string
	Owners      []string
	Description string
	Metadata    metadata.Map
	// Partitions says how the asset is divided; nil is not at all.
	Partitions partition.Definition
	// Freshness says how old the last observation may be; zero is as old as you like. It is about the asset as a whole.
	Freshness freshness.Policy
	// IOHandler loads the asset for those that read it; nil is the repository's default.
	IOHandler iohandler.Handler
	// Observe looks at the asset; nil means that it cannot be observed.
	Observe func(*AssetContext) (Observation, error)
	// Actions are as in [AssetSpec].
	Actions []Action
}

// ExternalAsset is made elsewhere: it is loaded and observed, never materialized.
type ExternalAsset struct{ d *definition }

// NewExternalAsset defines an asset that is made elsewhere.
func NewExternalAsset(spec ExternalAssetSpec) *ExternalAsset {
	d := &definition{name: spec.Name, kind: graph.External, pos: fault.Here()}
	d.provide(spec.Name, nil, spec.IOHandler)
	d.divided(spec.Partitions)
	d.checkName()
	d.checkFreshness("", spec.Freshness)
	attrs := said(d.attrs("", graph.Attrs{
		Group: spec.Group, Kinds: spec.Kinds, Tags: spec.Tags, Owners: spec.Owners,
		Description: spec.Description, Metadata: spec.Metadata, Freshness: spec.Freshness,
	}))
	d.act(spec.Actions, attrs)
	d.build = func(_ *scope, nodes []graph.Node) []graph.Node {
		n := graph.Node{
			Name: d.name, Definition: d.name, Kind: graph.External,
			Outputs: []graph.Output{{Name: d.name, Handler: spec.IOHandler, Asset: true, Attrs: attrs}},
		}
		if spec.Observe != nil {
			n.Observe = func(inv *graph.Invocation, _ []any) (graph.Result, error) {
				seen, err := spec.Observe(&AssetContext{stepContext: stepContext{inv: inv}})
				if err != nil {
					return graph.Result{}, err
				}
				return result(inv, observing, seen), nil
			}
		}
		return append(nodes, n)
	}
	return &ExternalAsset{d}
}

// Name returns the asset's name.
func (a *ExternalAsset) Name() string { return a.d.name }

func (a *ExternalAsset) def() *definition { return a.d }
func (a *ExternalAsset) asset()           {}
