package rivers

import (
	"context"
	"errors"
	"time"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
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

// ActionSpec describes an action. Only Name is needed.
type ActionSpec struct {
	// Name is what the action is called, for ever; each of an asset has another.
	Name string
	// Description is for people; Markdown is shown as such.
	Description string
	// Effect is its possible effect on the asset's state. A result with another effect is an error.
	Effect ActionEffect
	// Exclusive has it run alone: nothing else works on the asset meanwhile, in any process.
	Exclusive bool
	// Order is its order among related assets, such as [iohandler.UpstreamFirst]. The zero value is
	// any.
	Order iohandler.ActionOrder
	// Partitioning is how it takes partitions of a partitioned asset, such as
	// [iohandler.PartitionRequired]. The zero value takes those of the request, else the whole asset.
	Partitioning iohandler.ActionPartitioning
	// Retry is the policy for failed attempts; zero takes the repository's.
	Retry retry.Policy
	// Timeout bounds one attempt; zero does not.
	Timeout time.Duration
	// Pools are the concurrency slots that the step holds while it runs.
	Pools []Pool
	// Compute bounds what an attempt may use; executors that run steps as goroutines do not hold it to
	// that.
	Compute executor.Compute
}

// Action is something that a person may have done to an asset beside materializing it; see
// [NewAction]. The zero value is none, and a mistake where it is listed.
type Action struct{ a *define.Action }

// NewAction defines an action, for the Actions of an asset. The fields of In are resources, a
// config, and the present value of the asset itself; nothing upstream is loaded. It is a step like
// any other, with the key asset!action, and runs when [CodeRepository.RunAction] asks for it.
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
			in, err := arguments[In](f, inv, args)
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

// ActionContext is what an action's function is told about its step. It is a [context.Context] that
// is cancelled with the run.
type ActionContext struct {
	stepContext
}

// Asset returns the name of the asset that the action is done to.
func (c *ActionContext) Asset() string { return c.inv.Node.Action.Asset }

// Action returns the action's name.
func (c *ActionContext) Action() string { return c.inv.Node.Action.Name }

// Partition returns what the call is about: the zero Slice for the asset as a whole. An action on
// several partitions is called once for each.
func (c *ActionContext) Partition() partition.Slice { return c.inv.Partition }

// Metadata returns the metadata of the asset's definition; it must not be changed.
func (c *ActionContext) Metadata() metadata.Map { return c.inv.Node.Outputs[0].Attrs.Metadata }

// AddMetadata records a fact with what the action did, as [AssetContext.AddMetadata] does with a
// materialization.
func (c *ActionContext) AddMetadata(key string, value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inv.AddMetadata(0, key, value)
}

// RunActionRequest asks for an action on some assets.
type RunActionRequest struct {
	// Action is the name of the action; every selected asset must have it.
	Action string
	// Selection names the assets, in the selection language; it must not be empty.
	Selection []string
	// Partition, Range and Partitions are as in [RunRequest], where the action is about partitions.
	Partition  partition.Key
	Range      partition.KeyRange
	Partitions partition.Set
	// Config overrides the config of actions, by asset!action.
	Config map[string]map[string]any
	// Tags are recorded with the run.
	Tags map[string]string
	// RunID and Resume are as in [RunRequest].
	RunID  string
	Resume bool
}

// RunAction runs an action on the selected assets, one step per asset. Upstream assets are neither
// run nor loaded. The run records the name of the action, and each step its actual effect.
func (r *CodeRepository) RunAction(ctx context.Context, req RunActionRequest) (*RunResult, error) {
	if req.Action == "" && !req.Resume {
		return nil, errors.New("action: its name is empty: name one of `actions list`")
	}
	return r.execute(ctx, nil, RunRequest{
		Action: req.Action, Selection: req.Selection, Partition: req.Partition, Range: req.Range, Partitions: req.Partitions,
		Config: req.Config, Tags: req.Tags, RunID: req.RunID, Resume: req.Resume,
	})
}

// AssetAction is an action that an asset has.
type AssetAction struct {
	Asset       string `json:"asset"`
	Action      string `json:"action"`
	Description string `json:"description,omitempty"`
	// Effect is its possible effect on the asset's state, Order its order among related assets.
	// Partitions is "optional", "required" or "refused"; empty for an unpartitioned asset.
	Effect     string `json:"effect"`
	Order      string `json:"order"`
	Partitions string `json:"partitions,omitempty"`
	Exclusive  bool   `json:"exclusive,omitempty"`
	// Handler is set for an action that the asset's IO handler brings.
	Handler bool `json:"handler,omitempty"`
}

// Actions returns the actions of a selection of assets, in topological order. No selection is all
// of them.
func (r *CodeRepository) Actions(selection ...string) ([]AssetAction, error) {
	c, err := r.catalog()
	if err != nil {
		return nil, err
	}
	found, err := c.Actions(selection)
	if err != nil {
		return nil, err
	}
	var all []AssetAction
	for _, a := range found {
		all = append(all, AssetAction(a))
	}
	return all, nil
}
