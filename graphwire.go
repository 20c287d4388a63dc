package rivers

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

// placing connects one call of a graph asset to what it reads.
type placing struct {
	*wiring
	c *composition
	p *taskPlace
	// element is the name of the field that gets the element of a mapped task, empty for none.
	element string
}

// wire makes the inputs of one call, and the node's Map where the task is mapped.
func (c *composition) wire(p *taskPlace, n *graph.Node, s *scope) *wiring {
	g := &placing{wiring: &wiring{scope: s, def: c.def}, c: c, p: p}
	if p.mapped != nil {
		g.element = p.element(s.resources)
		n.Map = &graph.Map{MaxConcurrency: p.mapped.concurrency, Named: p.mapped.named, Elements: p.mapped.elements, Input: -1}
	}
	for i := range p.req.args.fields {
		f := &p.req.args.fields[i]
		g.place(f)
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

// place connects one field of a task to the Ref, value or resource that it receives.
func (g *placing) place(f *argument) {
	arg, given := g.p.args[f.name]
	r, isRef := arg.(anyRef)
	switch {
	case f.role == configRole:
		g.sets = append(g.sets, set{field: f})
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
	case isRef:
		g.read(f, r.ref())
	default:
		g.constant(f, arg)
	}
}

func (g *placing) fault(f *argument, format string, v ...any) {
	g.report("input "+f.field+" of task "+fault.Quoted(g.p.path), format, v...)
}

// constant connects a field to a value that is the same in each run.
func (g *placing) constant(f *argument, arg any) {
	v := reflect.Zero(f.typ)
	if arg != nil {
		v = reflect.ValueOf(arg)
	}
	switch _, uncollected := arg.(Waitable); {
	case uncollected:
		g.fault(f, "the call gives a %s: give what its Collect or CollectStream returns", v.Type())
	case !v.Type().AssignableTo(f.typ):
		g.fault(f, "the call gives a %s, the field is a %s: give it a value or a Ref of that type", v.Type(), f.typ)
	default:
		g.inputs = append(g.inputs, graph.Input{Field: f.field, Mode: graph.Bound, Type: f.typ, Const: v.Interface()})
		g.sets = append(g.sets, set{field: f, arg: len(g.inputs) - 1})
	}
}

// read connects a field to a Ref.
func (g *placing) read(f *argument, src *source) {
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
	g.sets = append(g.sets, set{field: f, arg: len(g.inputs) - 1})
}

// mapped connects the field that gets the elements of a slice.
func (g *placing) mapped(f *argument) {
	m := g.p.mapped
	in, _, ok := g.input(f, m.over)
	switch {
	case !ok:
		return
	case m.over.mode == graph.Stream:
		g.fault(f, "it is mapped over a stream, and how many steps there are must be known: map over Collect")
		return
	case !m.elem.AssignableTo(f.typ):
		g.fault(f, "each element is a %s, and the field is a %s: give the field the type %s", m.elem, f.typ, m.elem)
		return
	}
	g.inputs = append(g.inputs, in)
	g.sets = append(g.sets, set{field: f, arg: len(g.inputs) - 1})
}

// input makes the input that loads a source as the type it has, and returns the handler that stores it.
func (g *placing) input(f *argument, src *source) (graph.Input, iohandler.Handler, bool) {
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
func (g *placing) upstream(f *argument, src *source, in *graph.Input) (iohandler.Handler, bool) {
	in.From = src.upstream
	up, ok := g.scope.values[src.upstream]
	switch {
	case !ok:
		g.fault(f, "no asset or task is named %q%s", src.upstream, fault.Suggestion(src.upstream, g.valueNames))
		return nil, false
	case up.def == g.c.def:
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
	if in.Parts, ok = g.parts(src.argument(f.field), src.upstream, mapping); !ok {
		return nil, false
	}
	if src.many != nil {
		in.Type = asked(up.typ, src.many.partType())
		if !g.fits(up.typ, src.many.partType(), g.handler(in.Handler, up.handler)) {
			g.fault(f, "%s %q has the type %s, and rivers.Upstream asks for partitions of type %s: write rivers.Upstream[rivers.Partitions[%s]]", up.def.kindWord(), src.upstream, up.typ, src.many.partType(), up.typ)
			return nil, false
		}
		return up.handler, true
	}
	if !g.fits(up.typ, src.typ, g.handler(in.Handler, up.handler)) {
		g.fault(f, "%s %q has the type %s, and rivers.Upstream asks for %s: write rivers.Upstream[%s]", up.def.kindWord(), src.upstream, up.typ, src.typ, up.typ)
		return nil, false
	}
	return up.handler, true
}

// waitFor adds what the call waits for without reading it.
func (g *placing) waitFor() {
	for _, w := range g.p.after {
		switch src := w.ref(); {
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
	inner := g.c.def.name + "/"
	if slices.ContainsFunc(g.inputs, func(in graph.Input) bool { return strings.HasPrefix(in.From, inner) }) {
		return
	}
	for _, d := range g.c.spec.Deps { // the first tasks wait for what the asset waits for
		if d.OrderOnly {
			g.wait([]Dep{d})
		}
	}
}

func (g *placing) after(p *taskPlace) {
	g.inputs = append(g.inputs, graph.Input{From: g.c.key(p), Mode: graph.OrderOnly, Parts: g.inside()})
}

// unbound are the fields of a mapped task that could take the element.
func (p *taskPlace) unbound() []string {
	var names []string
	for _, f := range p.req.args.fields {
		if _, given := p.args[f.name]; f.role == valueRole && !given {
			names = append(names, f.name)
		}
	}
	return names
}

// element is the name of the field that takes the element, empty where that is not clear: the one
// that no argument and no resource is for, or of several the one of the element's type.
func (p *taskPlace) element(resources map[string]any) string {
	left := p.unbound()
	free := slices.DeleteFunc(slices.Clone(left), func(name string) bool { _, ok := resources[name]; return ok })
	if len(free) == 1 {
		return free[0]
	}
	if len(free) > 1 {
		left = free
	}
	left = slices.DeleteFunc(left, func(name string) bool {
		return !slices.ContainsFunc(p.req.args.fields, func(f argument) bool {
			return f.role == valueRole && f.name == name && p.mapped.elem.AssignableTo(f.typ)
		})
	})
	if len(left) == 1 {
		return left[0]
	}
	return ""
}
