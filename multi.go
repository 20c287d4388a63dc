package rivers

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
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

// MultiAssetSpec says what a multi-asset is beside its function. Only Name is needed, and Outputs
// where the function returns [Emitted].
type MultiAssetSpec struct {
	// Name is what the step is called; it is not an asset itself.
	Name string
	// Outputs say more about single outputs, by name.
	Outputs []OutputSpec
	// Partitions says how all outputs are divided, whatever they say themselves; nil leaves it to them.
	Partitions partition.Definition
	// Backfill is as in [AssetSpec].
	Backfill BackfillStrategy
	// IOHandler stores the outputs that name none; nil is the repository's default.
	IOHandler iohandler.Handler
	// Group, Kinds, Tags, Owners, CodeVersion and Freshness are for outputs that say none of their own.
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
	// Compute bounds what an attempt may use; executors that run steps as goroutines do not hold it to that.
	Compute executor.Compute
}

// OutputSpec says what one output of a multi-asset is.
type OutputSpec struct {
	Name        string
	Group       string
	Kinds       []string
	Tags        map[string]string
	Owners      []string
	Description string
	Metadata    metadata.Map
	CodeVersion string
	// Partitions says how the output is divided. All outputs must have keys of one kind.
	Partitions partition.Definition
	// Freshness says how old the output may be; zero is what the multi-asset says.
	Freshness freshness.Policy
	// IOHandler stores the value; nil is the multi-asset's.
	IOHandler iohandler.Handler
	// Actions are as in [AssetSpec].
	Actions []Action

	typ reflect.Type // of the result, set by OutputOf
}

// OutputOf says the type of an output that is handed over by [Emit].
func OutputOf[T any](spec OutputSpec) OutputSpec {
	spec.typ = reflect.TypeFor[T]()
	return spec
}

// Emitted is the result of a function that hands its outputs over with [Emit] as it goes.
type Emitted struct{}

// MultiAsset makes several assets in one call; see [NewMultiAsset].
type MultiAsset struct{ d *definition }

// NewMultiAsset defines several assets that one function makes. Out is a struct with an exported
// field for each (named in snake case, or by a `rivers:"name"` tag; a field may be an [Output]), or
// [Emitted]. Where only some outputs are selected, the function runs once and the others are not
// stored; [AssetContext.Selected] tells the function.
func NewMultiAsset[In, Out any](spec MultiAssetSpec, fn func(*AssetContext, In) (Out, error)) *MultiAsset {
	d := &definition{name: spec.Name, kind: graph.MultiAsset, pos: fault.Here(), backfill: spec.Backfill}
	d.checkName()
	if fn == nil {
		d.fault("", "the function is nil: give one")
	}
	d.checkFreshness("", spec.Freshness)
	outs := d.multiOutputs(reflect.TypeFor[Out](), spec)
	set := d.configure(settings{retry: spec.Retry, timeout: spec.Timeout, hooks: spec.Hooks, pools: spec.Pools, compute: spec.Compute}, d.normal("metadata", spec.Metadata))
	req := d.requires(argsOf[In](), spec.Deps)
	emits := reflect.TypeFor[Out]() == reflect.TypeFor[Emitted]()
	d.build = func(s *scope, nodes []graph.Node) []graph.Node {
		if len(outs) == 0 {
			return nodes // reported as a fault
		}
		w := req.wire(s, d)
		n := graph.Node{
			Name: d.name, Definition: d.name, Kind: graph.MultiAsset, Inputs: w.inputs, Settings: w.settings(set.compile(s)),
			DecodeConfig: req.args.decoder(), Emits: emits, Call: multiCall(fn, outs, w.sets),
		}
		for i := range outs {
			n.Outputs = append(n.Outputs, graph.Output{
				Name: outs[i].name, Type: outs[i].typ, Handler: outs[i].handler, Asset: true, Attrs: outs[i].attrs,
			})
		}
		return append(nodes, n)
	}
	return &MultiAsset{d}
}

// Name returns the name of the step that makes the outputs.
func (a *MultiAsset) Name() string { return a.d.name }

// Outputs returns the names of the assets it makes.
func (a *MultiAsset) Outputs() []string { return a.d.outputNames() }

func (a *MultiAsset) def() *definition { return a.d }
func (a *MultiAsset) asset()           {}

// multiOutput is one output of a multi-asset.
type multiOutput struct {
	name    string
	index   int // of the result's field
	shape   shape
	typ     reflect.Type
	handler iohandler.Handler
	attrs   *graph.Attrs
}

// multiOutputs finds the outputs in the result's type and the specs, and notes the mistakes.
func (d *definition) multiOutputs(t reflect.Type, spec MultiAssetSpec) []multiOutput {
	var outs []multiOutput
	switch {
	case t == reflect.TypeFor[Emitted]():
		for _, o := range spec.Outputs {
			outs = append(outs, d.outputOf(o))
		}
	case t.Implements(reflect.TypeFor[carrier]()):
		d.fault("result", "it is a %s, which is one output: make it a struct with a field for each, or rivers.Emitted", typeName(t))
		return nil
	case t.Kind() == reflect.Struct:
		outs = d.fieldOutputs(t)
	default:
		d.fault("result", "it is a %s: make it a struct with a field for each output, or rivers.Emitted", t)
		return nil
	}
	if len(outs) == 0 {
		d.fault("", "it has no outputs: give its result a field for each, or Outputs to one that returns rivers.Emitted")
	}
	d.describeOutputs(outs, spec)
	return outs
}

// outputOf is an output that is handed over while the function runs.
func (d *definition) outputOf(o OutputSpec) multiOutput {
	out := multiOutput{name: o.Name}
	if o.typ == nil {
		d.fault(fmt.Sprintf("output %q", o.Name), "its type is not known: make it with rivers.OutputOf[T](rivers.OutputSpec{…})")
		return out
	}
	how, typ := shapeOf(o.typ)
	if typ == nil {
		d.fault(fmt.Sprintf("output %q", o.Name), "%s has no value to hand over: name the value's type", o.typ)
	}
	out.shape, out.typ = how, typ
	return out
}

func (d *definition) fieldOutputs(t reflect.Type) []multiOutput {
	var outs []multiOutput
	for i := range t.NumField() {
		sf := t.Field(i)
		at := "result " + sf.Name
		switch {
		case sf.Anonymous:
			d.fault(at, "the field is embedded: give it a name of its own")
			continue
		case !sf.IsExported():
			d.fault(at, "the field is not exported, so it is no output: begin it with a capital, or remove it")
			continue
		}
		name := sf.Tag.Get("rivers")
		if name == "" {
			name = fault.SnakeCase(sf.Name)
		}
		how, typ := shapeOf(sf.Type)
		if how == parting {
			d.fault(at, "a multi-asset is called once for each partition: make the field a %s", typ)
		}
		if how == observing {
			d.fault(at, "an Observation is what an external asset returns: use the value, or a rivers.Materialization")
		}
		outs = append(outs, multiOutput{name: name, index: i, shape: how, typ: typ})
	}
	return outs
}

// describeOutputs adds what the specs say, and the multi-asset's own word where they say nothing.
func (d *definition) describeOutputs(outs []multiOutput, spec MultiAssetSpec) {
	seen := map[string]int{}
	for i := range outs {
		o := &outs[i]
		at := fmt.Sprintf("output %q", o.name)
		if mistake := fault.NameMistake(o.name); mistake != "" {
			d.fault(at, "%s", mistake)
		}
		if seen[o.name]++; seen[o.name] == 2 {
			d.fault(at, "two outputs have this name: rename one of them")
		}
		a := graph.Attrs{Group: spec.Group, Kinds: spec.Kinds, Tags: spec.Tags, Owners: spec.Owners, CodeVersion: spec.CodeVersion, Freshness: spec.Freshness}
		o.handler = spec.IOHandler
		parts := spec.Partitions
		if k := slices.IndexFunc(spec.Outputs, func(s OutputSpec) bool { return s.Name == o.name }); k >= 0 {
			o.handler = spec.Outputs[k].override(&a, o.handler)
			if parts == nil {
				parts = spec.Outputs[k].Partitions
			}
			d.checkFreshness(at, spec.Outputs[k].Freshness)
			if said := spec.Outputs[k].typ; said != nil && valueType(said) != o.typ {
				d.fault(at, "OutputOf says %s, and the field is a %s: leave OutputOf out, the field is enough", valueType(said), o.typ)
			}
		}
		o.attrs = said(d.attrs(at, a))
		d.provide(o.name, o.typ, o.handler)
		d.divided(parts)
		if k := slices.IndexFunc(spec.Outputs, func(s OutputSpec) bool { return s.Name == o.name }); k >= 0 {
			d.act(spec.Outputs[k].Actions, o.attrs)
		}
	}
	for i, s := range spec.Outputs {
		at := fmt.Sprintf("output %q", s.Name)
		switch {
		case seen[s.Name] == 0:
			d.fault(at, "the result has no such field%s", fault.Suggestion(s.Name, maps.Keys(seen)))
		case seen[s.Name] == 1 && slices.ContainsFunc(spec.Outputs[:i], func(o OutputSpec) bool { return o.Name == s.Name }):
			d.fault(at, "Outputs describes it twice: once is enough")
		}
	}
}

// override puts what one output says over what the multi-asset says.
func (s *OutputSpec) override(a *graph.Attrs, handler iohandler.Handler) iohandler.Handler {
	if s.Group != "" {
		a.Group = s.Group
	}
	if s.Kinds != nil {
		a.Kinds = s.Kinds
	}
	if s.Tags != nil {
		a.Tags = s.Tags
	}
	if s.Owners != nil {
		a.Owners = s.Owners
	}
	if s.CodeVersion != "" {
		a.CodeVersion = s.CodeVersion
	}
	if !s.Freshness.IsZero() {
		a.Freshness = s.Freshness
	}
	a.Description, a.Metadata = s.Description, s.Metadata
	if s.IOHandler != nil {
		return s.IOHandler
	}
	return handler
}

// multiCall closes over a function with several outputs.
func multiCall[In, Out any](fn func(*AssetContext, In) (Out, error), outs []multiOutput, f filling) graph.Call {
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
		if _, emitted := any(value).(Emitted); emitted {
			return graph.Result{Emitted: true}, nil
		}
		return takeApart(inv, outs, reflect.ValueOf(&value).Elem()), nil
	}
}

// takeApart turns a struct of outputs into values.
func takeApart(inv *graph.Invocation, outs []multiOutput, v reflect.Value) graph.Result {
	res := graph.Result{Values: make([]any, len(outs))}
	for pos := range outs {
		value := v.Field(outs[pos].index).Interface()
		if outs[pos].shape != plain {
			var facts graph.Facts
			value, facts = value.(carrier).carried()
			note(inv, pos, facts)
		}
		if outs[pos].shape == materializing {
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
	if c, ok := v.(carrier); ok {
		v, facts = c.carried()
	}
	want := inv.Node.Outputs[pos].Type
	if typ := valueType(reflect.TypeFor[T]()); v == nil && (typ == nil || !typ.AssignableTo(want)) || v != nil && !reflect.TypeOf(v).AssignableTo(want) {
		given := reflect.TypeFor[T]()
		if dynamic := reflect.TypeOf(value); dynamic != nil {
			given = dynamic
		}
		return fmt.Errorf("output %q: the value is a %s, want %s", output, typeName(given), want)
	}
	ctx.mu.Lock()
	defer ctx.mu.Unlock()
	note(inv, pos, facts)
	return inv.Emit(pos, v)
}
