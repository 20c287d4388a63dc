package rivers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/define"
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
type Action struct{ a *define.Action }

// NewAction defines an action, for the Actions of an asset. The fields of In are resources, a config, and the
// present value of the asset itself; nothing upstream is loaded. It is a step like any other, with the key
// asset!action, and runs when [CodeRepository.RunAction] asks for it.
func NewAction[In any](spec ActionSpec, fn func(*ActionContext, In) (ActionResult, error)) Action {
	a := &define.Action{
		Spec: iohandler.ActionSpec{
			Name: spec.Name, Description: spec.Description, Effect: spec.Effect, Exclusive: spec.Exclusive,
			Order: spec.Order, Partitioning: spec.Partitioning,
		},
		Pos: fault.Here(), Args: argsOf[In](), NoFunction: fn == nil,
		Retry: spec.Retry, Timeout: spec.Timeout, Pools: poolsOf(spec.Pools), Compute: spec.Compute,
	}
	a.Call = func(f define.FieldSetters) graph.Call {
		return func(inv *graph.Invocation, args []any) (graph.Result, error) {
			in, err := filled[In](f, inv, args)
			if err != nil {
				return graph.Result{}, err
			}
			did, err := fn(&ActionContext{stepContext{inv: inv}}, in)
			if err != nil {
				return graph.Result{}, err
			}
			return graph.Result{Recorded: true}, define.RecordAction(inv, &did)
		}
	}
	return Action{a}
}

// actionsOf returns the actions as package define takes them.
func actionsOf(actions []Action) []*define.Action {
	if len(actions) == 0 {
		return nil
	}
	all := make([]*define.Action, len(actions))
	for i := range actions {
		all[i] = actions[i].a
	}
	return all
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

// checkActions reports the mistakes of the actions that assets have of their own.
func (v *validation) checkActions() {
	for _, d := range v.defs {
		for o := range d.Outputs {
			v.checkActionsOf(d, &d.Outputs[o])
		}
	}
}

func (v *validation) checkActionsOf(d *define.Definition, asset *define.Output) {
	for i, a := range asset.OwnActions() {
		at := strings.TrimSpace(fmt.Sprintf("%s Actions[%d]", outputPart(d, asset.Name), i))
		switch {
		case a == nil:
			v.fault(d, fault.Fault{At: at, Message: "it is the zero Action: make one with NewAction, or remove it", Kind: ErrGraphValidation})
			continue
		case slices.ContainsFunc(asset.OwnActions()[:i], func(o *define.Action) bool { return o != nil && o.Spec.Name == a.Spec.Name }):
			v.fault(d, fault.Fault{At: at, Message: fmt.Sprintf("another one before it is called %q: rename one of them", a.Spec.Name), Kind: ErrGraphValidation})
			continue
		}
		v.checkAction(a.Of(asset))
	}
}

func (v *validation) checkAction(act *define.Definition) {
	for _, f := range act.Faults {
		v.fault(act, f)
	}
	asset, _, _ := storage.SplitAction(act.Name)
	if division := v.scope.Partitions[asset]; division != nil && act.Outputs[0].Partitions != nil {
		v.scope.Partitions[act.Name] = division
	}
	s := v.scope
	s.Report = func(f fault.Fault) { v.fault(act, f) }
	for _, n := range act.Build(&s, nil) {
		v.finishNode(act, &n)
	}
}
