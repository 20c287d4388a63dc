package define

import (
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Common is the part of a spec that the kinds of definitions share. A kind ignores the fields that
// its public spec does not have.
type Common struct {
	Name       string
	Pos        fault.Position
	Attrs      graph.Attrs
	Settings   Settings
	Deps       []Dep
	Handler    iohandler.Handler
	Partitions partition.Definition
	Backfill   storage.BackfillStrategy
	// Actions are the asset's own. A nil one is a mistake: the zero Action of the root package.
	Actions []*Action
	Args    *Args
	Result  Result
	// NoFunction is set when the function is nil.
	NoFunction bool
}

// begin starts a definition: it checks its name and that it has a function.
func (c *Common) begin(kind graph.Kind) *Definition {
	d := &Definition{Name: c.Name, Kind: kind, Pos: c.Pos}
	if !c.Backfill.IsZero() {
		strategy := c.Backfill
		d.Backfill = &strategy
	}
	d.checkName()
	d.checkFreshness("", c.Attrs.Freshness)
	if c.NoFunction {
		d.Fault("", "the function is nil: give one")
	}
	return d
}

// Asset describes an asset that one function makes.
type Asset struct {
	Common
	// Body makes the node's body. It is all that knows the user's types.
	Body Body
}

// Body binds a user's function to the fields of its argument struct. The root package implements it
// by the asset itself, so that a definition needs no closure for it.
type Body interface {
	Bind(f FieldSetters, kind ResultKind) graph.Call
}

// Define makes the definition. The definition keeps nothing else of the description.
func (a *Asset) Define() *Definition {
	d := a.begin(graph.Asset)
	d.declare(a.Name, a.Result.Type, a.Handler, a.Partitions)
	if a.Result.Kind == ResultObserved {
		d.Fault("result", "an Observation is what an external asset returns: return the value, or a rivers.Materialization")
	}
	attrs := nonEmptyAttrs(d.attrs("", a.Attrs))
	d.addActions(a.Actions, attrs)
	set := d.configure(a.Settings, a.Attrs.Metadata)
	req := d.requires(a.Args, a.Deps)
	kind, body := a.Result.Kind, a.Body
	d.Build = func(s *Scope, nodes []graph.Node) []graph.Node {
		w, made := req.wire(s, d), &d.Outputs[0]
		settings := w.settings(set.compile(s))
		if w.calledOnce(kind) {
			if settings == nil {
				settings = &graph.Settings{}
			}
			settings.Whole = true
		}
		return append(nodes, graph.Node{
			Name: d.Name, Definition: d.Name, Kind: graph.Asset,
			Outputs: []graph.Output{{Name: d.Name, Type: made.Type, Handler: made.Handler, Asset: true, Attrs: attrs}},
			Inputs:  w.inputs, DecodeConfig: req.args.decoder(),
			Call: w.sets.body(func(f FieldSetters) graph.Call { return body.Bind(f, kind) }), Settings: settings,
		})
	}
	return d
}

// requires matches a definition's dependencies with the fields of its argument struct.
func (d *Definition) requires(args *Args, deps []Dep) *requirements {
	req, faults := require(args, deps, d)
	d.Faults = append(append(d.Faults, args.faults...), faults...)
	d.Config = args.config
	return req
}

// External describes an asset that is made elsewhere.
type External struct {
	Common
	// Observe observes the asset; nil for one that is not observable.
	Observe graph.Call
}

// Define makes the definition.
func (e *External) Define() *Definition {
	d := e.begin(graph.External)
	d.declare(e.Name, nil, e.Handler, e.Partitions)
	attrs := nonEmptyAttrs(d.attrs("", e.Attrs))
	d.addActions(e.Actions, attrs)
	handler, observe := e.Handler, e.Observe
	d.Build = func(_ *Scope, nodes []graph.Node) []graph.Node {
		return append(nodes, graph.Node{
			Name: d.Name, Definition: d.Name, Kind: graph.External, Observe: observe,
			Outputs: []graph.Output{{Name: d.Name, Handler: handler, Asset: true, Attrs: attrs}},
		})
	}
	return d
}
