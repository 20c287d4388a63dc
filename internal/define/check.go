package define

import (
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/storage"
)

// Check describes a check of an asset. Common.Name is the check's own name.
type Check struct {
	Common
	// Asset is the name of the checked asset.
	Asset    string
	Blocking bool
	// Later makes a blocking check apply to later runs too.
	Later bool
	// Call makes the node's body.
	Call func(f FieldSetters) graph.Call
}

// Define makes the definition.
func (c *Check) Define() *Definition {
	name := storage.CheckName(c.Asset, c.Name)
	d := &Definition{Name: name, Kind: graph.Check, Pos: c.Pos}
	d.declare(name, nil, nil, c.Partitions)
	if mistake := fault.NameMistake(c.Name); mistake != "" {
		d.Fault("name", "%s", mistake)
	}
	if c.Asset == "" {
		d.Fault("asset", "it is empty: name the asset that is judged")
	}
	if c.NoFunction {
		d.Fault("", "the function is nil: give one")
	}
	if c.Later && !c.Blocking {
		d.Fault("BlockLater", "the check is not blocking, so it stops no later run either: set Blocking, or remove it")
	}
	attrs := nonEmptyAttrs(d.attrs("", c.Attrs))
	set := d.configure(c.Settings, c.Attrs.Metadata)
	asset, call := c.Asset, c.Call
	judge := &graph.CheckInfo{Asset: asset, Blocking: c.Blocking, Later: c.Later}
	req := d.requires(c.Args, c.deps())
	d.Build = func(s *Scope, nodes []graph.Node) []graph.Node {
		if !checkable(s, asset) {
			return nodes
		}
		w := req.wire(s, d)
		settings := w.settings(set.compile(s))
		if settings == nil {
			settings = &graph.Settings{}
		}
		settings.Check = judge
		return append(nodes, graph.Node{
			Name: name, Definition: name, Kind: graph.Check, Outputs: []graph.Output{{Name: name, Inner: true, Attrs: attrs}},
			Inputs: w.inputs, DecodeConfig: req.args.decoder(), Call: w.sets.body(call), Settings: settings,
		})
	}
	return d
}

// deps returns the check's dependencies. A check that does not read its asset waits for it.
func (c *Check) deps() []Dep {
	reads := slices.ContainsFunc(c.Deps, func(d Dep) bool { return d.On == c.Asset }) ||
		slices.ContainsFunc(c.Args.fields, func(f argument) bool { return f.role == valueRole && f.name == c.Asset })
	if reads || c.Asset == "" {
		return c.Deps
	}
	return append(slices.Clone(c.Deps), Dep{On: c.Asset, OrderOnly: true})
}

// checkable reports whether the name is an asset's, and records the mistake if it is not.
func checkable(s *Scope, asset string) bool {
	if asset == "" { // its constructor reported it
		return false
	}
	up := s.Value(asset)
	switch {
	case up == nil:
		s.Report(fault.Fault{At: "asset", Kind: fault.ErrAssetNotFound, Message: fmt.Sprintf("no asset is named %q%s", asset, fault.Suggestion(asset, s.assetNames))})
	case up.Def.Kind == graph.Task || up.Def.Kind == graph.BashTask || up.Def.Kind == graph.Check:
		s.Report(fault.Fault{At: "asset", Kind: fault.ErrGraphValidation, Message: fmt.Sprintf("%q is a %s, and checks judge assets: name an asset", asset, up.Def.KindName())})
	default:
		return true
	}
	return false
}
