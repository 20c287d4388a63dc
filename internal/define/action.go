package define

import (
	"fmt"
	"slices"
	"time"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// Action is an operation on an asset, before it belongs to one.
type Action struct {
	Spec iohandler.ActionSpec
	Pos  fault.Position
	Args *Args
	// Retry, Timeout, Pools and Compute are the settings of its step.
	Retry   retry.Policy
	Timeout time.Duration
	Pools   []Pool
	Compute executor.Compute
	// NoFunction is set when the function is nil.
	NoFunction bool
	// Call makes the node's body.
	Call func(f FieldSetters) graph.Call
}

// RecordAction records what an action returned. A result that contradicts its spec is an error.
func RecordAction(inv *graph.Invocation, did *iohandler.ActionResult) error {
	if err := inv.Node.Action.Check(did); err != nil {
		return err
	}
	fact := inv.FactsOf(0)
	fact.Did, fact.SameData = did.Did, did.SameData
	if did.DataVersion != "" {
		fact.DataVersion = did.DataVersion
	}
	for k, v := range did.Metadata {
		inv.AddMetadata(0, k, v)
	}
	return nil
}

// assetActions are an asset's own actions and the attributes that they need.
type assetActions struct {
	own   []*Action
	attrs *graph.Attrs
}

// addActions sets the actions of the output that was declared last. An output without any keeps
// nil, so that large repositories do not hold thousands of empty structs.
func (d *Definition) addActions(actions []*Action, attrs *graph.Attrs) {
	if attrs != nil || len(actions) > 0 {
		d.Outputs[len(d.Outputs)-1].actions = &assetActions{own: actions, attrs: attrs}
	}
}

// OwnActions returns the actions that the asset declares itself; nil stands for a zero Action.
func (o *Output) OwnActions() []*Action {
	if o.actions == nil {
		return nil
	}
	return o.actions.own
}

// attrs returns what is attached to the asset; nil for nothing.
func (o *Output) attrs() *graph.Attrs {
	if o.actions == nil {
		return nil
	}
	return o.actions.attrs
}

// Of makes the definition of the action for one asset. It is made when a caller asks for it, so
// that actions cost nothing until they are used.
func (a *Action) Of(asset *Output) *Definition {
	name := storage.ActionName(asset.Name, a.Spec.Name)
	d := &Definition{Name: name, Kind: graph.Action, Pos: a.Pos}
	d.declare(name, nil, nil, nil)
	a.check(d, asset)
	set := d.configure(Settings{Retry: a.Retry, Timeout: a.Timeout, Pools: a.Pools, Compute: a.Compute}, nil)
	req := d.requires(a.Args, nil)
	d.Build = func(s *Scope, nodes []graph.Node) []graph.Node {
		w := req.wire(s, d)
		for i := range w.inputs {
			if in := &w.inputs[i]; in.From != asset.Name {
				w.report("input "+in.Field, "it reads %q, and an action of %q loads nothing but its own asset: take a resource, or load it with the context", in.From, asset.Name)
			}
		}
		settings := w.settings(set.compile(s))
		if settings == nil {
			settings = &graph.Settings{}
		}
		settings.Action = &graph.ActionInfo{ActionSpec: a.Spec, Asset: asset.Name, Type: asset.Type}
		return append(nodes, graph.Node{
			Name: name, Definition: name, Kind: graph.Action, Outputs: []graph.Output{{Name: name, Inner: true, Attrs: asset.attrs()}},
			Inputs: w.inputs, DecodeConfig: req.args.decoder(), Call: w.sets.body(a.Call), Settings: settings,
		})
	}
	return d
}

// check records the mistakes of an action of one asset, and gives it the asset's partitions.
func (a *Action) check(d *Definition, asset *Output) {
	if mistake := fault.NameMistake(a.Spec.Name); mistake != "" {
		d.Fault("name", "%s", mistake)
	}
	if a.NoFunction {
		d.Fault("", "the function is nil: give one")
	}
	for _, message := range a.Spec.Faults() {
		d.Fault("", "%s", message)
	}
	switch {
	case a.Spec.Partitioning == iohandler.PartitionRequired && asset.Partitions == nil:
		d.Fault("partitioning", "it requires partitions, and %q has none: give the asset some, or make it optional", asset.Name)
	case a.Spec.Partitioning != iohandler.PartitionRefused:
		d.Outputs[0].Partitions = asset.Partitions
	}
	if asset.Partitions != nil && a.Spec.Partitioning == iohandler.PartitionRefused && a.ChangesState() {
		d.Fault("partitioning", "%q has partitions, and an action that changes their state is told which: do not refuse them", asset.Name)
	}
}

// ChangesState reports whether the action may make the asset's value anew or make it missing.
func (a *Action) ChangesState() bool {
	return a.Spec.Effect == iohandler.Forgets || a.Spec.Effect == iohandler.MayMaterialize
}

// handlerAction returns an action that the IO handler of an asset brings.
func handlerAction(h iohandler.Action, keepsWrites bool, pos fault.Position) *Action {
	a := &Action{Spec: h.ActionSpec, Pos: pos, Args: &Args{}, NoFunction: h.Do == nil}
	a.Call = func(FieldSetters) graph.Call {
		return func(inv *graph.Invocation, _ []any) (graph.Result, error) {
			out := iohandler.OutputContext{
				Name: inv.Node.Action.Asset, Partition: inv.Partition, RunID: inv.Run.ID, Step: inv.Step, Attempt: inv.Attempt,
				Type: inv.Node.Action.Type, Metadata: inv.Node.Outputs[0].Attrs.Metadata, Logger: inv.Log,
			}
			if keepsWrites {
				var err error
				if out.Present, err = inv.Present(); err != nil {
					return graph.Result{}, fmt.Errorf("reading where its value lies: %w", err)
				}
				out.Write = inv.NewWrite()
			}
			did, err := h.Do(inv.Context, &out)
			if err != nil {
				return graph.Result{}, err
			}
			if did.Did == iohandler.MayMaterialize {
				inv.FactsOf(0).Write = out.Write
			}
			for k, v := range out.Added {
				inv.AddMetadata(0, k, v)
			}
			if did.DataVersion == "" {
				did.DataVersion = out.DataVersion
			}
			return graph.Result{Recorded: true}, RecordAction(inv, &did)
		}
	}
	return a
}

// Actions returns the asset's own actions, then those of its IO handler. An own action hides a
// handler's of the same name.
func (o *Output) Actions(s *Scope) []*Action {
	var all []*Action
	for _, own := range o.OwnActions() {
		if own != nil {
			all = append(all, own)
		}
	}
	h := o.Handler
	if h == nil {
		h = s.DefaultHandler
	}
	if name, reference := iohandler.NameOf(h); reference {
		h, _ = s.Resources[name].(iohandler.Handler)
	}
	actor, ok := h.(iohandler.Actor)
	if !ok {
		return all
	}
	for _, brought := range actor.Actions() {
		if brought.Partitioning == iohandler.PartitionRequired && o.Partitions == nil {
			continue // it is for other assets of the handler
		}
		if !slices.ContainsFunc(all, func(own *Action) bool { return own.Spec.Name == brought.Name }) {
			all = append(all, handlerAction(brought, iohandler.KeepsWrites(h), o.Def.Pos))
		}
	}
	return all
}
