package rivers

import (
	"fmt"
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

// MultiAssetSpec describes what a multi-asset is beside its function. Only Name is needed, and
// Outputs where the function returns [Emitted].
type MultiAssetSpec struct {
	// Name is what the step is called; it is not an asset itself.
	Name string
	// Outputs say more about single outputs, by name.
	Outputs []OutputSpec
	// Partitions describes how all outputs are partitioned, whatever they say themselves; nil leaves
	// it to them.
	Partitions partition.Definition
	// Backfill is as in [AssetSpec].
	Backfill BackfillStrategy
	// IOHandler stores the outputs that name none; nil is the repository's default.
	IOHandler iohandler.Handler
	// Group, Kinds, Tags, Owners, CodeVersion and Freshness are for outputs that say none of their
	// own.
	Group       string
	Kinds       []string
	Tags        map[string]string
	Owners      []string
	CodeVersion string
	Freshness   freshness.Policy
	// Metadata may hold "rivers/executor", as in [AssetSpec.Metadata].
	Metadata metadata.Map
	Deps     []Dep
	Retry    retry.Policy
	Timeout  time.Duration
	Hooks    []Hook
	// Pools are the concurrency slots that the step holds while it runs.
	Pools []Pool
	// Compute bounds what an attempt may use; executors that run steps as goroutines do not hold it to
	// that.
	Compute executor.Compute
}

// OutputSpec describes what one output of a multi-asset is.
type OutputSpec struct {
	Name        string
	Group       string
	Kinds       []string
	Tags        map[string]string
	Owners      []string
	Description string
	Metadata    metadata.Map
	CodeVersion string
	// Partitions describes how the output is partitioned. All outputs must have keys of one kind.
	Partitions partition.Definition
	// Freshness describes how old the output may be; zero is that of the multi-asset.
	Freshness freshness.Policy
	// IOHandler stores the value; nil is the multi-asset's.
	IOHandler iohandler.Handler
	// Actions are as in [AssetSpec].
	Actions []Action

	typ reflect.Type // of the result, set by OutputOf
}

// OutputOf declares the type of an output that is handed over by [Emit].
func OutputOf[T any](spec OutputSpec) OutputSpec {
	spec.typ = reflect.TypeFor[T]()
	return spec
}

// Emitted is the result of a function that hands its outputs over with [Emit] as it goes.
type Emitted struct{}

// MultiAsset makes several assets in one call; see [NewMultiAsset].
type MultiAsset struct{ d *define.Definition }

// NewMultiAsset defines several assets that one function makes. Out is a struct with an exported
// field for each (named in snake case, or by a `rivers:"name"` tag; a field may be an [Output]), or
// [Emitted]. Where only some outputs are selected, the function runs once and the others are not
// stored; [AssetContext.Selected] tells the function.
func NewMultiAsset[In, Out any](spec MultiAssetSpec, fn func(*AssetContext, In) (Out, error)) *MultiAsset {
	asset := define.MultiAsset{Common: spec.common(), Struct: reflect.TypeFor[Out](), Face: &face}
	asset.Args, asset.NoFunction = argsOf[In](), fn == nil
	asset.Emits = asset.Struct == reflect.TypeFor[Emitted]()
	for i := range spec.Outputs {
		asset.Outputs = append(asset.Outputs, spec.Outputs[i].described())
	}
	asset.Call = func(outs []define.MultiOutput, f define.FieldSetters) graph.Call { return multiCall(fn, outs, f) }
	return &MultiAsset{asset.Define()}
}

// common returns what package define needs of the spec.
func (s *MultiAssetSpec) common() define.Common {
	return define.Common{
		Name: s.Name, Pos: fault.Here(), Deps: depsOf(s.Deps), Handler: s.IOHandler, Partitions: s.Partitions, Backfill: s.Backfill,
		Attrs: graph.Attrs{
			Group: s.Group, Kinds: s.Kinds, Tags: s.Tags, Owners: s.Owners,
			Metadata: s.Metadata, CodeVersion: s.CodeVersion, Freshness: s.Freshness,
		},
		Settings: settingsOf(s.Retry, s.Timeout, s.Hooks, s.Pools, s.Compute),
	}
}

// described returns what package define needs of the spec.
func (s *OutputSpec) described() define.OutputSpec {
	return define.OutputSpec{
		Name: s.Name, Partitions: s.Partitions, Handler: s.IOHandler, Actions: actionsOf(s.Actions), Type: s.typ,
		Attrs: graph.Attrs{
			Group: s.Group, Kinds: s.Kinds, Tags: s.Tags, Owners: s.Owners,
			Description: s.Description, Metadata: s.Metadata, CodeVersion: s.CodeVersion, Freshness: s.Freshness,
		},
	}
}

// Name returns the name of the step that makes the outputs.
func (a *MultiAsset) Name() string { return a.d.Name }

// Outputs returns the names of the assets it makes.
func (a *MultiAsset) Outputs() []string { return a.d.OutputNames() }

func (a *MultiAsset) def() *define.Definition { return a.d }
func (a *MultiAsset) asset()                  {}

// multiCall closes over a function with several outputs.
func multiCall[In, Out any](fn func(*AssetContext, In) (Out, error), outs []define.MultiOutput, f define.FieldSetters) graph.Call {
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
		if _, emitted := any(value).(Emitted); emitted {
			return graph.Result{Emitted: true}, nil
		}
		return takeApart(inv, outs, reflect.ValueOf(&value).Elem()), nil
	}
}

// takeApart turns a struct of outputs into values.
func takeApart(inv *graph.Invocation, outs []define.MultiOutput, v reflect.Value) graph.Result {
	res := graph.Result{Values: make([]any, len(outs))}
	for pos := range outs {
		value := v.Field(outs[pos].Field).Interface()
		if outs[pos].Kind != define.ResultValue {
			var facts graph.Facts
			value, facts = value.(resultWithFacts).carried()
			define.AddFacts(inv, pos, facts)
		}
		if outs[pos].Kind == define.ResultWritten {
			value = graph.Written{}
		}
		res.Values[pos] = value
	}
	return res
}

// Emit stores one output of a multi-asset whose function returns [Emitted], and records it at once:
// what was emitted stays when the function fails later, and such a function is not tried again.
// value may be an [Output]. An output that was not selected is dropped. Goroutines of the function
// may emit at once; they take turns.
func Emit[T any](ctx *AssetContext, output string, value T) error {
	inv := ctx.inv
	if inv.Emit == nil {
		return fmt.Errorf("output %q: %s %q does not emit: only a multi-asset whose function returns rivers.Emitted does", output, inv.Node.Kind, inv.Node.Definition)
	}
	pos, err := ctx.output(output)
	if err != nil {
		return err
	}
	var v any = value
	var facts graph.Facts
	if c, ok := v.(resultWithFacts); ok {
		v, facts = c.carried()
	}
	want := inv.Node.Outputs[pos].Type
	if typ := resultOf(reflect.TypeFor[T]()).Type; v == nil && (typ == nil || !typ.AssignableTo(want)) || v != nil && !reflect.TypeOf(v).AssignableTo(want) {
		given := reflect.TypeFor[T]()
		if dynamic := reflect.TypeOf(value); dynamic != nil {
			given = dynamic
		}
		return fmt.Errorf("output %q: the value is a %s, want %s", output, resultOf(given).Name(given), want)
	}
	ctx.mu.Lock()
	defer ctx.mu.Unlock()
	define.AddFacts(inv, pos, facts)
	return inv.Emit(pos, v)
}
