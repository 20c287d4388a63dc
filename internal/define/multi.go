package define

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
)

// MultiAsset describes several assets that one function makes.
type MultiAsset struct {
	Common
	// Struct is the type of the function's result: a struct with a field for each output.
	Struct reflect.Type
	// Emits is set when the function emits its outputs while it runs, so Struct has no fields for
	// them.
	Emits bool
	// Outputs describe single outputs by name. Those of an emitting function must name their types.
	Outputs []OutputSpec
	Face    *Face
	// Call makes the node's body.
	Call func(outs []MultiOutput, f FieldSetters) graph.Call
}

// OutputSpec describes one output of a multi-asset. A field that is unset leaves the multi-asset's.
type OutputSpec struct {
	Name       string
	Attrs      graph.Attrs
	Partitions partition.Definition
	Handler    iohandler.Handler
	Actions    []*Action
	// Type is the type of the result, as OutputOf declares it; nil if undeclared.
	Type reflect.Type
}

// MultiOutput is one output of a multi-asset.
type MultiOutput struct {
	// Field is the index of the result's field.
	Field int
	Kind  ResultKind

	name    string
	typ     reflect.Type
	handler iohandler.Handler
	attrs   *graph.Attrs
}

// Define makes the definition.
func (m *MultiAsset) Define() *Definition {
	d := m.begin(graph.MultiAsset)
	outs := d.multiOutputs(m)
	set := d.configure(m.Settings, d.normal("metadata", m.Attrs.Metadata))
	req := d.requires(m.Args, m.Deps)
	emits, call := m.Emits, m.Call
	d.Build = func(s *Scope, nodes []graph.Node) []graph.Node {
		if len(outs) == 0 {
			return nodes // reported as a fault
		}
		w := req.wire(s, d)
		n := graph.Node{
			Name: d.Name, Definition: d.Name, Kind: graph.MultiAsset, Inputs: w.inputs, Settings: w.settings(set.compile(s)),
			DecodeConfig: req.args.decoder(), Emits: emits, Call: w.sets.body(func(f FieldSetters) graph.Call { return call(outs, f) }),
		}
		for i := range outs {
			n.Outputs = append(n.Outputs, graph.Output{
				Name: outs[i].name, Type: outs[i].typ, Handler: outs[i].handler, Asset: true, Attrs: outs[i].attrs,
			})
		}
		return append(nodes, n)
	}
	return d
}

// multiOutputs finds the outputs in the result's type and the specs, and records the mistakes.
func (d *Definition) multiOutputs(m *MultiAsset) []MultiOutput {
	var outs []MultiOutput
	result := m.Face.Result(m.Struct)
	switch {
	case m.Emits:
		for _, o := range m.Outputs {
			outs = append(outs, d.emittedOutput(o, m.Face))
		}
	case result.Kind != ResultValue && result.Kind != ResultPartitions:
		d.Fault("result", "it is a %s, which is one output: make it a struct with a field for each, or rivers.Emitted", result.Name(m.Struct))
		return nil
	case m.Struct.Kind() == reflect.Struct:
		outs = d.fieldOutputs(m.Struct, m.Face)
	default:
		d.Fault("result", "it is a %s: make it a struct with a field for each output, or rivers.Emitted", m.Struct)
		return nil
	}
	if len(outs) == 0 {
		d.Fault("", "it has no outputs: give its result a field for each, or Outputs to one that returns rivers.Emitted")
	}
	d.describeOutputs(outs, m)
	return outs
}

// emittedOutput returns an output that the function emits while it runs.
func (d *Definition) emittedOutput(o OutputSpec, face *Face) MultiOutput {
	out := MultiOutput{name: o.Name}
	if o.Type == nil {
		d.Fault(fmt.Sprintf("output %q", o.Name), "its type is not known: make it with rivers.OutputOf[T](rivers.OutputSpec{…})")
		return out
	}
	result := face.Result(o.Type)
	if result.Type == nil {
		d.Fault(fmt.Sprintf("output %q", o.Name), "%s has no value to hand over: name the value's type", o.Type)
	}
	out.Kind, out.typ = result.Kind, result.Type
	return out
}

// fieldOutputs returns an output for each field of the result.
func (d *Definition) fieldOutputs(t reflect.Type, face *Face) []MultiOutput {
	var outs []MultiOutput
	for i := range t.NumField() {
		sf := t.Field(i)
		at := "result " + sf.Name
		switch {
		case sf.Anonymous:
			d.Fault(at, "the field is embedded: give it a name of its own")
			continue
		case !sf.IsExported():
			d.Fault(at, "the field is not exported, so it is no output: begin it with a capital, or remove it")
			continue
		}
		name := sf.Tag.Get("rivers")
		if name == "" {
			name = fault.SnakeCase(sf.Name)
		}
		result := face.Result(sf.Type)
		switch result.Kind {
		case ResultPartitions:
			d.Fault(at, "a multi-asset is called once for each partition: make the field a %s", result.Type)
		case ResultObserved:
			d.Fault(at, "an Observation is what an external asset returns: use the value, or a rivers.Materialization")
		}
		outs = append(outs, MultiOutput{name: name, Field: i, Kind: result.Kind, typ: result.Type})
	}
	return outs
}

// describeOutputs adds what the specs of single outputs set, and the multi-asset's own values for
// the rest.
func (d *Definition) describeOutputs(outs []MultiOutput, m *MultiAsset) {
	seen := map[string]int{}
	for i := range outs {
		o := &outs[i]
		at := fmt.Sprintf("output %q", o.name)
		if mistake := fault.NameMistake(o.name); mistake != "" {
			d.Fault(at, "%s", mistake)
		}
		if seen[o.name]++; seen[o.name] == 2 {
			d.Fault(at, "two outputs have this name: rename one of them")
		}
		d.describeOutput(o, m, at)
	}
	for i, s := range m.Outputs {
		at := fmt.Sprintf("output %q", s.Name)
		switch {
		case seen[s.Name] == 0:
			d.Fault(at, "the result has no such field%s", fault.Suggestion(s.Name, maps.Keys(seen)))
		case seen[s.Name] == 1 && slices.ContainsFunc(m.Outputs[:i], func(o OutputSpec) bool { return o.Name == s.Name }):
			d.Fault(at, "Outputs describes it twice: once is enough")
		}
	}
}

// describeOutput declares one output.
func (d *Definition) describeOutput(o *MultiOutput, m *MultiAsset, at string) {
	a := m.Attrs
	a.Description, a.Metadata = "", nil // of the step
	o.handler = m.Handler
	parts := m.Partitions
	var actions []*Action
	if k := slices.IndexFunc(m.Outputs, func(s OutputSpec) bool { return s.Name == o.name }); k >= 0 {
		spec := &m.Outputs[k]
		spec.override(&a)
		if spec.Handler != nil {
			o.handler = spec.Handler
		}
		if parts == nil {
			parts = spec.Partitions
		}
		actions = spec.Actions
		d.checkFreshness(at, spec.Attrs.Freshness)
		if spec.Type != nil {
			if declared := m.Face.Result(spec.Type).Type; declared != o.typ {
				d.Fault(at, "OutputOf declares %s, and the field is a %s: leave OutputOf out, the field is enough", declared, o.typ)
			}
		}
	}
	o.attrs = nonEmptyAttrs(d.attrs(at, a))
	d.declare(o.name, o.typ, o.handler, parts)
	if len(actions) > 0 || o.attrs != nil && len(m.Outputs) > 0 {
		d.addActions(actions, o.attrs)
	}
}

// override replaces the attributes that one output sets itself.
func (s *OutputSpec) override(a *graph.Attrs) {
	own := &s.Attrs
	if own.Group != "" {
		a.Group = own.Group
	}
	if own.Kinds != nil {
		a.Kinds = own.Kinds
	}
	if own.Tags != nil {
		a.Tags = own.Tags
	}
	if own.Owners != nil {
		a.Owners = own.Owners
	}
	if own.CodeVersion != "" {
		a.CodeVersion = own.CodeVersion
	}
	if !own.Freshness.IsZero() {
		a.Freshness = own.Freshness
	}
	a.Description, a.Metadata = own.Description, own.Metadata
}
