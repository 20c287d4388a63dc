package rivers

import (
	"context"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/retry"
)

// GraphAssetSpec says what a graph asset is beside its composition. Only Name is needed.
type GraphAssetSpec struct {
	Name        string
	Group       string
	Kinds       []string
	Tags        map[string]string
	Owners      []string
	Description string
	// Metadata is as in [AssetSpec]; "rivers/node/executor" overrides the executor of the tasks.
	Metadata    metadata.Map
	CodeVersion string
	// Deps say more about the upstreams; OrderOnly ones are waited for by the first tasks.
	Deps []Dep
	// IOHandler stores the asset, NodeIOHandler the values between the tasks; where that is nil,
	// IOHandler does, and where both are, the repository's default.
	IOHandler     iohandler.Handler
	NodeIOHandler iohandler.Handler
	// Retry is for tasks that have no policy of their own.
	Retry retry.Policy
	// Hooks of success are called after the last task, hooks of failure after any that fails.
	Hooks []Hook
}

// GraphAsset is an asset made by several tasks, each a step of its own; see [NewGraphAsset].
type GraphAsset[Out any] struct{ d *definition }

// NewGraphAsset defines an asset that is composed of tasks. compose is called once, now, and says
// with [Upstream], [Call], [Map] and [Sub] which task gets what; nothing runs. The result of the
// call that it returns is the asset's value. The steps are named after the asset and the tasks:
// "totals/sorted", and "totals/total[3]" for an instance of a mapped task.
func NewGraphAsset[Out any](spec GraphAssetSpec, compose func(*Graph) Ref[Out]) *GraphAsset[Out] {
	_, typ := shapeOf(reflect.TypeFor[Out]())
	d := &definition{
		name: spec.Name, kind: graph.GraphTask, pos: callerPosition(),
		outputs: []string{spec.Name}, types: []reflect.Type{typ}, handlers: []iohandler.Handler{spec.IOHandler},
	}
	d.checkName()
	c := &composition{spec: spec, def: d, typ: typ}
	c.attrs = d.attrs("", graph.Attrs{
		Group: spec.Group, Kinds: spec.Kinds, Tags: spec.Tags, Owners: spec.Owners,
		Description: spec.Description, Metadata: spec.Metadata, CodeVersion: spec.CodeVersion,
	})
	c.set = d.configure(settings{retry: spec.Retry, hooks: spec.Hooks}, c.attrs.Metadata)
	if compose == nil {
		d.fault("", "the composition is nil: give a function that calls tasks")
		return &GraphAsset[Out]{d}
	}
	c.compose(func(g *Graph) *source { return compose(g).source })
	d.build = c.nodes
	return &GraphAsset[Out]{d}
}

// Name returns the asset's name.
func (a *GraphAsset[Out]) Name() string { return a.d.name }

// Load returns the asset's value as it was last stored; see [SingleAsset.Load].
func (a *GraphAsset[Out]) Load(ctx context.Context, repo *CodeRepository, o LoadOptions) (Out, error) {
	return load[Out](ctx, repo, a.d.name, o)
}

func (a *GraphAsset[Out]) def() *definition { return a.d }
func (a *GraphAsset[Out]) asset()           {}

// composition is a graph asset as its function described it.
type composition struct {
	spec  GraphAssetSpec
	def   *definition
	typ   reflect.Type
	attrs *graph.Attrs
	set   settings
	calls []*taskPlace
	last  *taskPlace
}

// taskPlace is one task where it stands in a graph asset.
type taskPlace struct {
	path string // below the asset: "total", "inner/total"
	task *definition
	req  *requirements
	set  settings
	typ  reflect.Type
	call func(f *filling) graph.Call
	args Args
	// mapped is set on a task that is called for each element of a slice.
	mapped *mapping
}

type mapping struct {
	over        *source
	concurrency int
	named       bool
	elem        reflect.Type
	elements    func(value any) ([]any, []string, error)
}

// source is where a Ref's value comes from: an upstream of the asset, or a task's call.
type source struct {
	graph    *composition
	upstream string
	from     *taskPlace
	typ      reflect.Type
	// mode is Value, or Collect or Stream for the instances of a mapped task.
	mode      graph.InputMode
	elem      reflect.Type
	gather    func(values []any) (any, error)
	lazy      func(n int, load func(i int) (any, error)) any
	unordered bool
}

func (c *composition) fault(at, format string, v ...any) { c.def.fault(at, format, v...) }

// compose calls the user's function once and looks at what it returned.
func (c *composition) compose(f func(*Graph) *source) {
	var last *source
	panicked := false
	func() {
		defer func() {
			if p := recover(); p != nil {
				panicked = true
				c.fault("", "its composition panicked: %v\n%s", p, debug.Stack())
			}
		}()
		last = f(&Graph{c: c})
	}()
	switch {
	case panicked:
	case len(c.calls) == 0:
		c.fault("", "it calls no task: call at least one, or define it with NewAsset")
	case last == nil:
		c.fault("", "its composition returns the zero Ref: return what a Call returned")
	case last.graph != c:
		c.fault("", "its composition returns a Ref of another graph asset: return what a Call on its own Graph returned")
	case last.from == nil:
		c.fault("", "its composition returns the upstream %q itself: return what a Call returned", last.upstream)
	case last.mode != graph.Value:
		c.fault("", "its composition returns the collected instances of %q: give them to a task, and return what its Call returned", last.from.path)
	default:
		c.last = last.from
	}
}

// nodes makes a node of each call.
func (c *composition) nodes(s *scope) []graph.Node {
	if c.last == nil {
		return nil // reported as a fault
	}
	nodes := make([]graph.Node, 0, len(c.calls))
	for _, p := range c.calls {
		nodes = append(nodes, c.node(p, s))
	}
	return nodes
}

func (c *composition) node(p *taskPlace, s *scope) graph.Node {
	w := &wiring{scope: s, def: c.def}
	for i := range p.req.args.fields {
		c.field(w, p, &p.req.args.fields[i])
	}
	if !c.readsInner(w) {
		c.wait(w)
	}
	name := c.key(p)
	inner := c.spec.NodeIOHandler
	if inner == nil {
		inner = c.spec.IOHandler
	}
	n := graph.Node{
		Name: name, Definition: c.def.name, Kind: graph.GraphTask, Inputs: w.inputs,
		Outputs:      []graph.Output{{Name: name, Type: p.typ, Handler: inner, Inner: true, Attrs: &graph.Attrs{Metadata: c.attrs.Metadata}}},
		DecodeConfig: p.req.args.decoder(), Call: p.call(&w.filling),
	}
	p.set.apply(&n, s)
	if n.Retry.IsZero() {
		n.Retry = c.set.retry
	}
	c.executor(&n)
	for _, h := range c.set.hooks {
		if h.onFailure || p == c.last {
			n.Hooks = append(n.Hooks, h.compile(s))
		}
	}
	if p.mapped != nil {
		n.Map = c.mapOf(p, &n, s)
	}
	if p == c.last {
		n.Outputs = append(n.Outputs, graph.Output{Name: c.def.name, Type: c.typ, Handler: c.spec.IOHandler, Asset: true, Attrs: c.attrs})
		n.Call = twice(n.Call)
	}
	return n
}

// executor applies the overrides: the tasks' own, then the asset's for its tasks, then the asset's.
func (c *composition) executor(n *graph.Node) {
	if n.HasExecutor {
		return
	}
	e := c.set.inner
	if e.IsZero() {
		e = c.set.executor
	}
	n.Executor, n.HasExecutor = e, !e.IsZero()
}

// twice stores the value of the last task under its own name and under the asset's.
func twice(call graph.Call) graph.Call {
	return func(inv *graph.Invocation, args []any) (graph.Result, error) {
		res, err := call(inv, args)
		if err != nil {
			return res, err
		}
		if len(inv.Facts) > 0 { // what the task said, it said about the asset too
			note(inv, 1, inv.Facts[0])
		}
		res.Values = []any{res.Value, res.Value}
		return res, nil
	}
}

func (c *composition) key(p *taskPlace) string { return c.def.name + "/" + p.path }

// readsInner reports whether one of the inputs is a value inside the graph asset.
func (c *composition) readsInner(w *wiring) bool {
	return slices.ContainsFunc(w.inputs, func(in graph.Input) bool { return strings.HasPrefix(in.From, c.def.name+"/") })
}

// wait adds the order-only dependencies of the asset.
func (c *composition) wait(w *wiring) {
	var order []Dep
	for _, d := range c.spec.Deps {
		if d.OrderOnly {
			order = append(order, d)
		}
	}
	w.wait(order)
}

// field connects one field of a task to the Ref, value or resource that it receives.
func (c *composition) field(w *wiring, p *taskPlace, f *argument) {
	at := "input " + f.field + " of task " + quoted(p.path)
	switch {
	case f.role == configRole:
		w.sets = append(w.sets, set{field: f})
		return
	case f.role == selfRole:
		w.report(at, "a task inside a graph asset has no previous value: use ctx.Load")
		return
	}
	if p.mapped != nil && f.name == p.element() {
		if c.input(w, at, f, p.mapped.over, p.mapped.elem) {
			w.inputs[len(w.inputs)-1].Type = p.mapped.over.typ
		}
		return
	}
	arg, given := p.args[f.name]
	if !given {
		w.resource(f, func(name string) {
			w.report(at, "the call gives no %q, and no resource has this name: add it to Args%s", name, suggestion(name, keysOf(p.args)))
		})
		return
	}
	if r, ok := arg.(anyRef); ok {
		c.input(w, at, f, r.ref(), nil)
		return
	}
	c.constant(w, at, f, arg)
}

func (c *composition) constant(w *wiring, at string, f *argument, arg any) {
	v := reflect.Zero(f.typ)
	if arg != nil {
		v = reflect.ValueOf(arg)
	}
	if !v.Type().AssignableTo(f.typ) {
		w.report(at, "the call gives a %s, the field is a %s: give it a value or a Ref of that type", v.Type(), f.typ)
		return
	}
	w.sets = append(w.sets, set{field: f, constant: v})
}

// input connects a field to a source; elem is the type that the field gets of a mapped source.
func (c *composition) input(w *wiring, at string, f *argument, src *source, elem reflect.Type) bool {
	if src == nil || src.graph != c {
		w.report(at, "the call gives a Ref of another graph, or the zero Ref: give one that this graph's Upstream, Call or Map returned")
		return false
	}
	in := graph.Input{Field: f.field, Mode: src.mode, Type: f.typ, Gather: src.gather, Lazy: src.lazy, Unordered: src.unordered}
	stored, own := src.typ, c.spec.NodeIOHandler
	if src.from != nil {
		in.From = c.key(src.from)
	} else if !c.upstream(w, at, src, &in, &own) {
		return false
	}
	want := f.typ
	if elem != nil {
		stored, own = elem, nil
	}
	if src.mode != graph.Value {
		in.Type = src.elem
	}
	if !w.fits(stored, want, w.handler(in.Handler, own)) {
		w.report(at, "it gets a %s, and the field is a %s: give the field the type %s", stored, want, stored)
		return false
	}
	w.inputs = append(w.inputs, in)
	w.sets = append(w.sets, set{field: f, arg: len(w.inputs) - 1})
	return true
}

// upstream looks up an upstream of the asset.
func (c *composition) upstream(w *wiring, at string, src *source, in *graph.Input, own *iohandler.Handler) bool {
	in.From = src.upstream
	up, ok := w.scope.values[src.upstream]
	switch {
	case !ok:
		w.report(at, "no asset or task is named %q%s", src.upstream, suggestion(src.upstream, w.valueNames))
		return false
	case up.def == c.def:
		w.report(at, "the graph asset reads itself: use ctx.Load for its previous value")
		return false
	}
	for _, d := range c.spec.Deps {
		if d.On == src.upstream && !d.OrderOnly {
			in.Handler, in.Metadata = d.IOHandler, d.Metadata
		}
	}
	*own = up.def.handler(src.upstream)
	if !w.fits(up.typ, src.typ, w.handler(in.Handler, *own)) {
		w.report(at, "%s %q has the type %s, and rivers.Upstream asks for %s: write rivers.Upstream[%s]", up.def.kindWord(), src.upstream, up.typ, src.typ, up.typ)
		return false
	}
	return true
}

// mapOf says how a mapped node unfolds.
func (c *composition) mapOf(p *taskPlace, n *graph.Node, s *scope) *graph.Map {
	element := p.element()
	m := &graph.Map{MaxConcurrency: p.mapped.concurrency, Named: p.mapped.named, Elements: p.mapped.elements, Input: -1}
	for i := range p.req.args.fields {
		if f := &p.req.args.fields[i]; f.name == element {
			m.Input = slices.IndexFunc(n.Inputs, func(in graph.Input) bool { return in.Field == f.field })
		}
	}
	if m.Input < 0 && element == "" {
		s.report(fault{at: "task " + quoted(p.path), kind: ErrGraphValidation, message: fmt.Sprintf(
			"it is mapped and must have exactly one field for the element, one that MapOptions.Args does not give; left are: %s",
			strings.Join(p.unbound(), ", "))})
	}
	return m
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

// element is the name of the field that takes the element, empty where that is not clear. Of
// several that are left, one of the element's type takes it; the others are resources.
func (p *taskPlace) element() string {
	var fitting []string
	left := p.unbound()
	for _, f := range p.req.args.fields {
		if slices.Contains(left, f.name) && p.mapped.elem.AssignableTo(f.typ) {
			fitting = append(fitting, f.name)
		}
	}
	switch {
	case len(fitting) == 1:
		return fitting[0]
	case len(left) == 1:
		return left[0] // of another type: input says so
	}
	return ""
}

func keysOf(args Args) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range args {
			if !yield(k) {
				return
			}
		}
	}
}
