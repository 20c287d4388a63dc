package define

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
)

// callBinding connects one call of a graph asset to what it reads.
type callBinding struct {
	*wiring
	c *Composition
	p *TaskCall
	// element is the name of the field that gets the element of a mapped task, empty for none.
	element string
}

// wire makes the inputs of one call, and the node's Map where the task is mapped.
func (c *Composition) wire(p *TaskCall, n *graph.Node, s *Scope) *wiring {
	g := &callBinding{wiring: &wiring{scope: s, def: c.def}, c: c, p: p}
	if p.mapped != nil {
		g.element = p.element(s.Resources)
		n.Map = &graph.Map{MaxConcurrency: p.mapped.Concurrency, Named: p.mapped.Named, Elements: p.mapped.Elements, Input: -1}
	}
	for i := range p.task.req.args.fields {
		f := &p.task.req.args.fields[i]
		g.bindField(f)
		if p.mapped != nil && f.name == g.element && f.role == valueRole {
			n.Map.Input = slices.IndexFunc(g.inputs, func(in graph.Input) bool { return in.Field == f.field })
		}
	}
	if p.mapped != nil && g.element == "" {
		g.report("task "+fault.Quoted(p.path), "it is mapped, and must have one field for the element that MapOptions.Args does not give and that is no resource; left are: %s",
			strings.Join(p.unbound(), ", "))
	}
	g.waitFor()
	return g.wiring
}

// bindField connects one field of a task to the Ref, value or resource that it receives.
func (g *callBinding) bindField(f *argument) {
	arg, given := g.p.args[f.name]
	switch {
	case f.role == configRole:
		g.sets = append(g.sets, fieldSetter{field: f})
	case f.role == selfRole:
		g.fault(f, "a task inside a graph asset has no previous value: use ctx.Load")
	case g.p.mapped != nil && f.name == g.element:
		g.mapped(f)
	case !given && g.p.mapped != nil && g.element == "":
		// which field gets the element is not clear, and reported
	case !given:
		g.resource(f, func(name string) {
			g.fault(f, "the call gives no %q, and no resource has this name: add it to Args%s", name, fault.Suggestion(name, maps.Keys(g.p.args)))
		})
	case arg.IsSource:
		g.read(f, arg.Source)
	default:
		g.constant(f, arg)
	}
}

func (g *callBinding) fault(f *argument, format string, v ...any) {
	g.report("input "+f.field+" of task "+fault.Quoted(g.p.path), format, v...)
}

// constant connects a field to a value that is the same in each run.
func (g *callBinding) constant(f *argument, arg Arg) {
	v := reflect.Zero(f.typ)
	if arg.Value != nil {
		v = reflect.ValueOf(arg.Value)
	}
	switch {
	case arg.Uncollected:
		g.fault(f, "the call gives a %s: give what its Collect or CollectStream returns", v.Type())
	case !v.Type().AssignableTo(f.typ):
		g.fault(f, "the call gives a %s, the field is a %s: give it a value or a Ref of that type", v.Type(), f.typ)
	default:
		g.inputs = append(g.inputs, graph.Input{Field: f.field, Mode: graph.Bound, Type: f.typ, Const: v.Interface()})
		g.sets = append(g.sets, fieldSetter{field: f, arg: len(g.inputs) - 1})
	}
}

// read connects a field to a Ref.
func (g *callBinding) read(f *argument, src *Source) {
	in, own, ok := g.input(f, src)
	switch {
	case !ok:
		return
	case src.typ.AssignableTo(f.full): // loaded as what it is: a field of type any must not decide how
	case src.mode == graph.Value && g.fits(src.typ, f.typ, g.handler(in.Handler, own)):
		in.Type = f.typ
	default:
		g.fault(f, "it gets a %s, and the field is a %s: give the field the type %s", src.typ, f.full, src.typ)
		return
	}
	g.inputs = append(g.inputs, in)
	g.sets = append(g.sets, fieldSetter{field: f, arg: len(g.inputs) - 1, source: src.wrap.Err})
}

// mapped connects the field that gets the elements of a slice.
func (g *callBinding) mapped(f *argument) {
	m := g.p.mapped
	in, _, ok := g.input(f, m.Over)
	switch {
	case !ok:
		return
	case m.Over.mode == graph.Stream:
		g.fault(f, "it is mapped over a stream, and how many steps there are must be known: map over Collect")
		return
	case !m.Elem.AssignableTo(f.typ):
		g.fault(f, "each element is a %s, and the field is a %s: give the field the type %s", m.Elem, f.typ, m.Elem)
		return
	}
	g.inputs = append(g.inputs, in)
	g.sets = append(g.sets, fieldSetter{field: f, arg: len(g.inputs) - 1})
}

// input makes the input that loads a source as the type it has, and returns the handler that stores
// it.
func (g *callBinding) input(f *argument, src *Source) (graph.Input, iohandler.Handler, bool) {
	if src == nil || src.graph != g.c {
		g.fault(f, "the call gives a Ref of another graph, or the zero Ref: give one that this graph's Upstream, Call or Map returned")
		return graph.Input{}, nil, false
	}
	in := graph.Input{Field: f.field, Mode: src.mode, Type: src.typ, Gather: src.gather, Lazy: src.lazy, Unordered: src.unordered}
	if src.mode != graph.Value {
		in.Type = src.elem // the instances' values are loaded one by one
	}
	if src.from != nil {
		in.From, in.Parts = g.c.key(src.from), g.inside()
		return in, g.c.handler(src.from), true
	}
	own, ok := g.upstream(f, src, &in)
	return in, own, ok
}

// upstream looks up an upstream of the asset, and returns its own handler.
func (g *callBinding) upstream(f *argument, src *Source, in *graph.Input) (iohandler.Handler, bool) {
	in.From = src.upstream
	up := g.scope.Value(src.upstream)
	switch {
	case up == nil:
		g.fault(f, "no asset or task is named %q%s", src.upstream, fault.Suggestion(src.upstream, g.valueNames))
		return nil, false
	case up.Def == g.c.def:
		g.fault(f, "the graph asset reads itself: use ctx.Load for its previous value")
		return nil, false
	case src.typ == nil:
		g.fault(f, "rivers.Upstream asks for a result that has no value: name the type of the value that it loads")
		return nil, false
	}
	var mapping partition.Mapping
	for _, d := range g.c.spec.Deps {
		if d.On == src.upstream && !d.OrderOnly {
			in.Handler, in.Metadata, mapping = d.IOHandler, d.Metadata, d.Mapping
		}
	}
	var ok bool
	if in.Parts, ok = g.parts(src.argument(f.field), src.upstream, mapping); !ok {
		return nil, false
	}
	if src.wrap.Several != nil {
		in.Type = LoadType(up.Type, src.wrap.Type)
		if !g.fits(up.Type, src.wrap.Type, g.handler(in.Handler, up.Handler)) {
			g.fault(f, "%s %q has the type %s, and rivers.Upstream asks for partitions of type %s: write rivers.Upstream[rivers.Partitions[%s]]", up.Def.KindWord(), src.upstream, up.Type, src.wrap.Type, up.Type)
			return nil, false
		}
		return up.Handler, true
	}
	if !g.fits(up.Type, src.typ, g.handler(in.Handler, up.Handler)) {
		g.fault(f, "%s %q has the type %s, and rivers.Upstream asks for %s: write rivers.Upstream[%s]", up.Def.KindWord(), src.upstream, up.Type, src.typ, up.Type)
		return nil, false
	}
	return up.Handler, true
}

// waitFor adds what the call waits for without reading it.
func (g *callBinding) waitFor() {
	for _, src := range g.p.after {
		switch {
		case src == nil || src.graph != g.c:
			g.report("task "+fault.Quoted(g.p.path), "After holds a Ref of another graph, or the zero Ref: give one that this graph's Upstream, Call or Map returned")
		case src.from == nil:
			g.wait([]Dep{{On: src.upstream, OrderOnly: true}})
		default:
			g.after(src.from)
		}
	}
	if g.p == g.c.last {
		for _, p := range g.c.loose {
			g.after(p)
		}
	}
	inner := g.c.def.Name + "/"
	if slices.ContainsFunc(g.inputs, func(in graph.Input) bool { return strings.HasPrefix(in.From, inner) }) {
		return
	}
	for _, d := range g.c.spec.Deps { // the first tasks wait for what the asset waits for
		if d.OrderOnly {
			g.wait([]Dep{d})
		}
	}
}

func (g *callBinding) after(p *TaskCall) {
	g.inputs = append(g.inputs, graph.Input{From: g.c.key(p), Mode: graph.OrderOnly, Parts: g.inside()})
}

// unbound are the fields of a mapped task that could take the element.
func (p *TaskCall) unbound() []string {
	var names []string
	for _, f := range p.task.req.args.fields {
		if _, given := p.args[f.name]; f.role == valueRole && !given {
			names = append(names, f.name)
		}
	}
	return names
}

// element is the name of the field that takes the element, empty where that is not clear: the one
// that no argument and no resource is for, or of several the one of the element's type.
func (p *TaskCall) element(resources map[string]any) string {
	left := p.unbound()
	free := slices.DeleteFunc(slices.Clone(left), func(name string) bool { _, ok := resources[name]; return ok })
	if len(free) == 1 {
		return free[0]
	}
	if len(free) > 1 {
		left = free
	}
	left = slices.DeleteFunc(left, func(name string) bool {
		return !slices.ContainsFunc(p.task.req.args.fields, func(f argument) bool {
			return f.role == valueRole && f.name == name && p.mapped.Elem.AssignableTo(f.typ)
		})
	})
	if len(left) == 1 {
		return left[0]
	}
	return ""
}
