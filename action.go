package rivers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// ActionEffect is what an action does to the state of its asset; see [iohandler.Effect].
type ActionEffect = iohandler.Effect

// The effects of an [ActionSpec] and an [ActionResult].
const (
	// ChangesNothing is the zero value: what is known of the asset stays as it is.
	ChangesNothing = iohandler.ChangesNothing
	// MayMaterialize makes the value anew.
	MayMaterialize = iohandler.MayMaterialize
	// Forgets makes the asset, or the partition, missing.
	Forgets = iohandler.Forgets
	// Observes records what was seen of it.
	Observes = iohandler.Observes
)

// ActionResult is what an action did; see [iohandler.ActionResult].
type ActionResult = iohandler.ActionResult

// ActionSpec says what an action is beside its function. Only Name is needed.
type ActionSpec struct {
	// Name is what the action is called, for ever; each of an asset has another.
	Name string
	// Description is for people; Markdown is shown as such.
	Description string
	// Effect is what it may do to the state of the asset. A result that says otherwise is an error.
	Effect ActionEffect
	// Exclusive has it run alone: nothing else works on the asset meanwhile, in any process.
	Exclusive bool
	// Order is in which order it comes to related assets: [iohandler.UpstreamFirst], say. The zero value is any.
	Order iohandler.ActionOrder
	// Partitioning says whether it is about partitions, of an asset that has some: [iohandler.PartitionRequired],
	// say. The zero value takes those that are given, else the asset as a whole.
	Partitioning iohandler.ActionPartitioning
	// Retry is the policy for failed attempts; zero takes the repository's.
	Retry retry.Policy
	// Timeout bounds one attempt; zero does not.
	Timeout time.Duration
	// Pools are the concurrency slots that the step holds while it runs.
	Pools []Pool
	// Compute bounds what an attempt may use; executors that run steps as goroutines do not hold it to that.
	Compute executor.Compute
}

// Action is something that a person may have done to an asset beside materializing it; see [NewAction]. The zero
// value is none, and a mistake where it is listed.
type Action struct{ d *action }

// action is what is known of an action before it has an asset.
type action struct {
	spec   ActionSpec
	pos    fault.Position
	args   *arguments
	call   func(f filling) graph.Call
	isNone bool // it has no function
}

// NewAction defines an action, for the Actions of an asset. The fields of In are resources, a config, and the
// present value of the asset itself; nothing upstream is loaded. It is a step like any other, with the key
// asset!action, and runs when [CodeRepository.RunAction] asks for it.
func NewAction[In any](spec ActionSpec, fn func(*ActionContext, In) (ActionResult, error)) Action {
	a := &action{spec: spec, pos: fault.Here(), args: argsOf[In](), isNone: fn == nil}
	a.call = func(f filling) graph.Call {
		return func(inv *graph.Invocation, args []any) (graph.Result, error) {
			in, err := filled[In](f, inv, args)
			if err != nil {
				return graph.Result{}, err
			}
			did, err := fn(&ActionContext{stepContext{inv: inv}}, in)
			if err != nil {
				return graph.Result{}, err
			}
			return graph.Result{Recorded: true}, deed(inv, &did)
		}
	}
	return Action{a}
}

// deed keeps what an action says that it did.
func deed(inv *graph.Invocation, did *ActionResult) error {
	if err := inv.Node.Action.Check(did); err != nil {
		return err
	}
	fact := inv.Fact(0)
	fact.Did, fact.SameData = did.Did, did.SameData
	if did.DataVersion != "" {
		fact.DataVersion = did.DataVersion
	}
	for k, v := range did.Metadata {
		inv.AddMetadata(0, k, v)
	}
	return nil
}

// ActionContext is what an action's function is told about its step. It is a [context.Context] that is cancelled
// with the run.
type ActionContext struct {
	stepContext
}

// Asset returns the name of the asset that the action is done to.
func (c *ActionContext) Asset() string { return c.inv.Node.Action.Asset }

// Action returns the action's name.
func (c *ActionContext) Action() string { return c.inv.Node.Action.Name }

// Partition returns what the call is about: the zero Slice for the asset as a whole. An action on several
// partitions is called once for each.
func (c *ActionContext) Partition() partition.Slice { return c.inv.Partition }

// Metadata returns the metadata of the asset's definition; it must not be changed.
func (c *ActionContext) Metadata() metadata.Map { return c.inv.Node.Outputs[0].Attrs.Metadata }

// AddMetadata records a fact with what the action did, as [AssetContext.AddMetadata] does with a materialization.
func (c *ActionContext) AddMetadata(key string, value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inv.AddMetadata(0, key, value)
}

// act notes what else may be done to the value that was provided last.
func (d *definition) act(actions []Action, attrs *graph.Attrs) {
	if attrs != nil || len(actions) > 0 {
		d.outputs[len(d.outputs)-1].acts = &acting{own: slices.Clone(actions), attrs: attrs}
	}
}

// acting is what the actions of an asset need to know of it.
type acting struct {
	own   []Action
	attrs *graph.Attrs
}

// own are the actions that an asset has of its own.
func (a *provided) own() []Action {
	if a.acts == nil {
		return nil
	}
	return a.acts.own
}

// attrs are what is attached to an asset, nil for nothing.
func (a *provided) attrs() *graph.Attrs {
	if a.acts == nil {
		return nil
	}
	return a.acts.attrs
}

// of is the action of one asset, as a definition that is in no graph of assets: the nodes of actions are made when one
// is asked for, so that they cost nothing until then.
func (a *action) of(asset *provided) *definition {
	name := storage.ActionName(asset.name, a.spec.Name)
	act := &definition{name: name, kind: graph.Action, pos: a.pos}
	act.provide(name, nil, nil)
	if mistake := fault.NameMistake(a.spec.Name); mistake != "" {
		act.fault("name", "%s", mistake)
	}
	if a.isNone {
		act.fault("", "the function is nil: give one")
	}
	spec := a.handled()
	for _, message := range spec.Faults() {
		act.fault("", "%s", message)
	}
	switch {
	case a.spec.Partitioning == iohandler.PartitionRequired && asset.parts == nil:
		act.fault("partitioning", "it requires partitions, and %q has none: give the asset some, or make it optional", asset.name)
	case a.spec.Partitioning != iohandler.PartitionRefused:
		act.divided(asset.parts)
	}
	if asset.parts != nil && a.spec.Partitioning == iohandler.PartitionRefused && (spec.Effect == Forgets || spec.Effect == MayMaterialize) {
		act.fault("partitioning", "%q has partitions, and an action that changes their state is told which: do not refuse them", asset.name)
	}
	set := act.configure(settings{retry: a.spec.Retry, timeout: a.spec.Timeout, pools: a.spec.Pools, compute: a.spec.Compute}, nil)
	req := act.requires(a.args, nil)
	act.build = func(s *scope, nodes []graph.Node) []graph.Node {
		w := req.wire(s, act)
		for i := range w.inputs {
			if in := &w.inputs[i]; in.From != asset.name {
				w.report("input "+in.Field, "it reads %q, and an action of %q loads nothing but its own asset: take a resource, or load it with the context", in.From, asset.name)
			}
		}
		settings := w.settings(set.compile(s))
		if settings == nil {
			settings = &graph.Settings{}
		}
		settings.Action = &graph.ActionInfo{ActionSpec: spec, Asset: asset.name, Type: asset.typ}
		return append(nodes, graph.Node{
			Name: name, Definition: name, Kind: graph.Action, Outputs: []graph.Output{{Name: name, Inner: true, Attrs: asset.attrs()}},
			Inputs: w.inputs, DecodeConfig: req.args.decoder(), Call: a.call(w.sets), Settings: settings,
		})
	}
	return act
}

// handled is the part of the spec that handlers' actions have too.
func (a *action) handled() iohandler.ActionSpec {
	return iohandler.ActionSpec{
		Name: a.spec.Name, Description: a.spec.Description, Effect: a.spec.Effect, Exclusive: a.spec.Exclusive,
		Order: a.spec.Order, Partitioning: a.spec.Partitioning,
	}
}

// handlerAction is an action that the handler of an asset brings.
func handlerAction(h iohandler.Action, pos fault.Position) *action {
	s := h.ActionSpec
	a := &action{spec: ActionSpec{
		Name: s.Name, Description: s.Description, Effect: s.Effect, Exclusive: s.Exclusive, Order: s.Order, Partitioning: s.Partitioning,
	}, pos: pos, args: argsOf[NoInput](), isNone: h.Do == nil}
	a.call = func(filling) graph.Call {
		return func(inv *graph.Invocation, _ []any) (graph.Result, error) {
			out := iohandler.OutputContext{
				Name: inv.Node.Action.Asset, Partition: inv.Partition, RunID: inv.Run.ID, Step: inv.Step, Attempt: inv.Attempt,
				Type: inv.Node.Action.Type, Metadata: inv.Node.Outputs[0].Attrs.Metadata, Logger: inv.Log,
			}
			did, err := h.Do(inv.Context, &out)
			if err != nil {
				return graph.Result{}, err
			}
			for k, v := range out.Added {
				inv.AddMetadata(0, k, v)
			}
			if did.DataVersion == "" {
				did.DataVersion = out.DataVersion
			}
			return graph.Result{Recorded: true}, deed(inv, &did)
		}
	}
	return a
}

// actions returns the actions of an asset, its own and those that its handler brings, in this order; an asset's own
// wins over one of the same name.
func (a *provided) actions(s *scope) []*action {
	var all []*action
	for _, own := range a.own() {
		if own.d != nil {
			all = append(all, own.d)
		}
	}
	h := a.handler
	if h == nil {
		h = s.defaultHandler
	}
	if name, reference := iohandler.NameOf(h); reference {
		h, _ = s.resources[name].(iohandler.Handler)
	}
	actor, ok := h.(iohandler.Actor)
	if !ok {
		return all
	}
	for _, brought := range actor.Actions() {
		if brought.Partitioning == iohandler.PartitionRequired && a.parts == nil {
			continue // it is for other assets of the handler
		}
		if !slices.ContainsFunc(all, func(own *action) bool { return own.spec.Name == brought.Name }) {
			all = append(all, handlerAction(brought, a.def.pos))
		}
	}
	return all
}

// checkActions reports the mistakes of the actions that assets have of their own.
func (v *validation) checkActions() {
	for _, d := range v.defs {
		for o := range d.outputs {
			v.checkActionsOf(d, &d.outputs[o])
		}
	}
}

func (v *validation) checkActionsOf(d *definition, asset *provided) {
	for i, a := range asset.own() {
		at := strings.TrimSpace(fmt.Sprintf("%s Actions[%d]", outputPart(d, asset.name), i))
		switch {
		case a.d == nil:
			v.fault(d, fault.Fault{At: at, Message: "it is the zero Action: make one with NewAction, or remove it", Kind: ErrGraphValidation})
			continue
		case slices.ContainsFunc(asset.own()[:i], func(o Action) bool { return o.d != nil && o.d.spec.Name == a.d.spec.Name }):
			v.fault(d, fault.Fault{At: at, Message: fmt.Sprintf("another one before it is called %q: rename one of them", a.d.spec.Name), Kind: ErrGraphValidation})
			continue
		}
		v.checkAction(a.d.of(asset))
	}
}

func (v *validation) checkAction(act *definition) {
	for _, f := range act.faults {
		v.fault(act, f)
	}
	asset, _, _ := storage.SplitAction(act.name)
	if division := v.scope.divisions[asset]; division != nil && act.outputs[0].parts != nil {
		v.scope.divisions[act.name] = division
	}
	s := v.scope
	s.report = func(f fault.Fault) { v.fault(act, f) }
	for _, n := range act.build(&s, nil) {
		v.finishNode(act, &n)
	}
}
