package rivers

import (
	"context"
	"reflect"
	"time"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
)

// Node is anything that can be a member of a job: an asset or a task.
type Node interface {
	// Name is the registered name; a multi-asset has one beside those of its outputs.
	Name() string
	def() *define.Definition // sealed
}

// Asset is one of the kinds of assets that this package defines: single, multi, graph, external.
type Asset interface {
	Node
	asset() // sealed
}

// AssetSpec describes what an asset is beside its function. Only Name is needed.
type AssetSpec struct {
	// Name is what the asset is called, for ever.
	Name string
	// Group is one word for people to find it under; empty is none.
	Group string
	// Kinds say what it is made of, such as "table" or "parquet".
	Kinds []string
	// Tags are free keys and values.
	Tags map[string]string
	// Owners are who to ask.
	Owners []string
	// Description is for people; Markdown is shown as such.
	Description string
	// Metadata is handed to the IO handler. "rivers/executor" overrides the executor of a run:
	// in_process, parallel or subprocess.
	Metadata metadata.Map
	// CodeVersion names the version of the function; it is recorded with each materialization.
	CodeVersion string
	// Deps say more about dependencies, and add those that only wait.
	Deps []Dep
	// Partitions describes how the asset is partitioned; nil is not at all.
	Partitions partition.Definition
	// Backfill describes how partitions become runs where a backfill does not; zero is a run for each.
	Backfill BackfillStrategy
	// Freshness describes how old the data may be; zero is as old as you like.
	Freshness freshness.Policy
	// IOHandler stores the value; nil is the repository's default.
	IOHandler iohandler.Handler
	// Retry is the policy for failed attempts; zero takes the job's or the repository's.
	Retry retry.Policy
	// Timeout bounds one attempt; zero does not.
	Timeout time.Duration
	// Hooks are called after the asset's step ended.
	Hooks []Hook
	// Pools are the concurrency slots that the step holds while it runs.
	Pools []Pool
	// Compute bounds what an attempt may use; executors that run steps as goroutines do not hold it to
	// that.
	Compute executor.Compute
	// Actions are what else may be done to the asset at a person's wish, beside those that its IO
	// handler brings.
	Actions []Action
}

// SingleAsset is an asset made by one function; see [NewAsset].
type SingleAsset[Out any] struct{ d *define.Definition }

// NewAsset defines an asset that a function makes. The fields of In are its inputs: values of
// other assets, resources, a config. Out is the value, an [Output] of it, or a [Materialization].
// Mistakes are reported by [CodeRepository.Validate].
func NewAsset[In, Out any](spec AssetSpec, fn func(*AssetContext, In) (Out, error)) *SingleAsset[Out] {
	result := resultOf(reflect.TypeFor[Out]())
	body := &singleBody[In, Out]{fn: fn}
	asset := define.Asset{Common: spec.common(), Body: body}
	asset.Args, asset.Result, asset.NoFunction = argsOf[In](), result, fn == nil
	body.asset.d = asset.Define()
	return &body.asset
}

// common returns what package define needs of the spec.
func (s *AssetSpec) common() define.Common {
	return define.Common{
		Name: s.Name, Pos: fault.Here(), Deps: depsOf(s.Deps), Handler: s.IOHandler, Partitions: s.Partitions, Backfill: s.Backfill,
		Attrs: graph.Attrs{
			Group: s.Group, Kinds: s.Kinds, Tags: s.Tags, Owners: s.Owners,
			Description: s.Description, Metadata: s.Metadata, CodeVersion: s.CodeVersion, Freshness: s.Freshness,
		},
		Settings: settingsOf(s.Retry, s.Timeout, s.Hooks, s.Pools, s.Compute), Actions: actionsOf(s.Actions),
	}
}

// settingsOf returns what a step may set.
func settingsOf(p retry.Policy, timeout time.Duration, hooks []Hook, pools []Pool, compute executor.Compute) define.Settings {
	return define.Settings{Retry: p, Timeout: timeout, Hooks: hooksOf(hooks), Pools: poolsOf(pools), Compute: compute}
}

// singleBody is an asset together with its function: one allocation for both.
type singleBody[In, Out any] struct {
	asset SingleAsset[Out]
	fn    func(*AssetContext, In) (Out, error)
}

// Bind closes over a function with one output. It must stay cheap: every step runs through it.
func (b *singleBody[In, Out]) Bind(f define.FieldSetters, kind define.ResultKind) graph.Call {
	fn := b.fn
	return func(inv *graph.Invocation, args []any) (graph.Result, error) {
		ctx := &AssetContext{stepContext: stepContext{inv: inv}}
		in, err := arguments[In](f, inv, args)
		if err != nil {
			return graph.Result{}, err
		}
		value, err := fn(ctx, in)
		if err != nil {
			return graph.Result{}, err
		}
		return takeResult(inv, kind, value), nil
	}
}

// Name returns the asset's name.
func (a *SingleAsset[Out]) Name() string { return a.d.Name }

func (a *SingleAsset[Out]) def() *define.Definition { return a.d }
func (a *SingleAsset[Out]) asset()                  {}

// Load returns the asset's value as it was last stored. An [Output] is returned filled from the
// record of the materialization, and so is a [Materialization].
func (a *SingleAsset[Out]) Load(ctx context.Context, repo *CodeRepository, o LoadOptions) (Out, error) {
	return load[Out](ctx, repo, a.d.Name, o)
}
