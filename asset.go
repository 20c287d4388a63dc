package rivers

import (
	"context"
	"reflect"
	"time"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
)

// AssetSpec says what an asset is beside its function. Only Name is needed.
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
	// Partitions says how the asset is divided; nil is not at all.
	Partitions partition.Definition
	// Backfill says how partitions become runs where a backfill does not; zero is a run for each.
	Backfill BackfillStrategy
	// Freshness says how old the data may be; zero is as old as you like.
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
	// Compute bounds what an attempt may use; executors that run steps as goroutines do not hold it to that.
	Compute executor.Compute
	// Actions are what else may be done to the asset at a person's wish, beside those that its IO handler brings.
	Actions []Action
}

// SingleAsset is an asset made by one function; see [NewAsset].
type SingleAsset[Out any] struct{ d *definition }

// NewAsset defines an asset that a function makes. The fields of In are its inputs: values of
// other assets, resources, a config. Out is the value, an [Output] of it, or a [Materialization].
// Mistakes are reported by [CodeRepository.Validate].
func NewAsset[In, Out any](spec AssetSpec, fn func(*AssetContext, In) (Out, error)) *SingleAsset[Out] {
	out, typ := shapeOf(reflect.TypeFor[Out]())
	d := &definition{name: spec.Name, kind: graph.Asset, pos: fault.Here()}
	d.provide(spec.Name, typ, spec.IOHandler)
	d.divided(spec.Partitions)
	d.backfill = spec.Backfill
	d.checkName()
	d.checkFreshness("", spec.Freshness)
	if fn == nil {
		d.fault("", "the function is nil: give one")
	}
	if out == observing {
		d.fault("result", "an Observation is what an external asset returns: return the value, or a rivers.Materialization")
	}
	attrs := said(d.attrs("", graph.Attrs{
		Group: spec.Group, Kinds: spec.Kinds, Tags: spec.Tags, Owners: spec.Owners,
		Description: spec.Description, Metadata: spec.Metadata, CodeVersion: spec.CodeVersion, Freshness: spec.Freshness,
	}))
	d.act(spec.Actions, attrs)
	set := d.configure(settings{retry: spec.Retry, timeout: spec.Timeout, hooks: spec.Hooks, pools: spec.Pools, compute: spec.Compute}, spec.Metadata)
	req := d.requires(argsOf[In](), spec.Deps)
	d.build = func(s *scope, nodes []graph.Node) []graph.Node {
		w, made := req.wire(s, d), &d.outputs[0] // of the spec nothing is kept
		settings := w.settings(set.compile(s))
		if w.calledOnce(out) {
			if settings == nil {
				settings = &graph.Settings{}
			}
			settings.Whole = true
		}
		return append(nodes, graph.Node{
			Name: d.name, Definition: d.name, Kind: graph.Asset,
			Outputs: []graph.Output{{Name: d.name, Type: made.typ, Handler: made.handler, Asset: true, Attrs: attrs}},
			Inputs:  w.inputs, DecodeConfig: req.args.decoder(),
			Call: singleCall(fn, out, w.sets), Settings: settings,
		})
	}
	return &SingleAsset[Out]{d}
}

// requires sorts out a definition's inputs and notes the mistakes.
func (d *definition) requires(args *arguments, deps []Dep) *requirements {
	req, faults := require(args, deps, d)
	d.faults = append(append(d.faults, args.faults...), faults...)
	d.config = args.config
	return req
}

// singleCall closes over a function with one output. It must stay cheap: it is the step's path.
func singleCall[In, Out any](fn func(*AssetContext, In) (Out, error), out shape, f filling) graph.Call {
	return func(inv *graph.Invocation, args []any) (graph.Result, error) {
		ctx := &AssetContext{stepContext: stepContext{inv: inv}}
		in, err := filled[In](f, inv, args)
		if err != nil {
			return graph.Result{}, err
		}
		value, err := fn(ctx, in)
		if err != nil {
			return graph.Result{}, err
		}
		return result(inv, out, value), nil
	}
}

// Name returns the asset's name.
func (a *SingleAsset[Out]) Name() string { return a.d.name }

func (a *SingleAsset[Out]) def() *definition { return a.d }
func (a *SingleAsset[Out]) asset()           {}

// Load returns the asset's value as it was last stored. An [Output] is returned filled from the
// record of the materialization, and so is a [Materialization].
func (a *SingleAsset[Out]) Load(ctx context.Context, repo *CodeRepository, o LoadOptions) (Out, error) {
	return load[Out](ctx, repo, a.d.name, o)
}
