package define

import (
	"reflect"
	"runtime/debug"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
)

// Composition is a graph asset as its function composes it.
type Composition struct {
	spec  Common
	inner iohandler.Handler // of the tasks; nil for none
	def   *Definition
	attrs graph.Attrs
	set   *Settings
	calls []*TaskCall
	last  *TaskCall
	// loose are calls that no other call reads. The last task waits for them.
	loose []*TaskCall
	// upstreams are the names that Upstream was called with.
	upstreams []string
}

// TaskCall is one call of a task in a graph asset.
type TaskCall struct {
	path string // below the asset: "total", "inner/total"
	task *Task
	args map[string]Arg
	// after are the values that the call waits for and does not read.
	after []*Source
	// mapped is set on a task that is called for each element of a slice.
	mapped *Mapping
}

// Mapping calls a task once per element of a slice.
type Mapping struct {
	Over *Source
	// Concurrency bounds the instances in flight; zero leaves it to the executor.
	Concurrency int
	// Named is set when the elements carry names.
	Named bool
	// Elem is the type that the task receives.
	Elem reflect.Type
	// Elements takes the slice apart.
	Elements func(value any) ([]any, []string, error)
}

// Source is where a value of a composition comes from: an upstream of the asset, or a call.
type Source struct {
	graph    *Composition
	upstream string
	from     *TaskCall
	typ      reflect.Type
	// mode is Value, or Collect or Stream for the instances of a mapped task.
	mode graph.InputMode
	// wrap is set for an upstream whose partitions are read, several at once.
	wrap      Wrapper
	elem      reflect.Type
	gather    func(values []any) (any, error)
	lazy      func(n int, load func(i int) (any, error)) any
	unordered bool
}

// NewComposition begins a graph asset. Its tasks' values go to inner; nil means the asset's
// handler.
func NewComposition(spec *Common, inner iohandler.Handler) *Composition {
	d := spec.begin(graph.GraphTask)
	d.declare(spec.Name, spec.Result.Type, spec.Handler, spec.Partitions)
	if spec.Result.Kind == ResultPartitions {
		d.Fault("", "its tasks are called once for each partition: return a Ref of one value, not of a rivers.Partitions")
	}
	c := &Composition{spec: *spec, inner: inner, def: d}
	c.attrs = d.attrs("", spec.Attrs)
	d.addActions(spec.Actions, nonEmptyAttrs(c.attrs))
	c.set = d.configure(spec.Settings, c.attrs.Metadata)
	return c
}

// Fault records a mistake of the graph asset.
func (c *Composition) Fault(at, format string, v ...any) { c.def.Fault(at, format, v...) }

// Define calls the function that composes the asset, once, and returns the definition. The function
// returns the source of the asset's value. With nil the definition has no nodes.
func (c *Composition) Define(compose func() *Source) *Definition {
	if compose == nil {
		c.Fault("", "the composition is nil: give a function that calls tasks")
		return c.def
	}
	c.compose(compose)
	c.def.Build = c.nodes
	return c.def
}

// compose calls the user's function and checks what it returns.
func (c *Composition) compose(f func() *Source) {
	var last *Source
	panicked := false
	func() {
		defer func() {
			if p := recover(); p != nil {
				panicked = true
				c.Fault("", "its composition panicked: %v\n%s", p, debug.Stack())
			}
		}()
		last = f()
	}()
	switch {
	case panicked:
	case len(c.calls) == 0:
		c.Fault("", "it calls no task: call at least one, or define it with NewAsset")
	case last == nil:
		c.Fault("", "its composition returns the zero Ref: return what a Call returned")
	case last.graph != c:
		c.Fault("", "its composition returns a Ref of another graph asset: return what a Call on its own Graph returned")
	case last.from == nil:
		c.Fault("", "its composition returns the upstream %q itself: return what a Call returned", last.upstream)
	case last.mode != graph.Value:
		c.Fault("", "its composition returns the collected instances of %q: give them to a task, and return what its Call returned", last.from.path)
	default:
		c.last = last.from
		c.findLoose()
	}
	c.checkDeps()
}

// nodes appends a node for each call.
func (c *Composition) nodes(s *Scope, nodes []graph.Node) []graph.Node {
	if c.last == nil {
		return nodes // reported as a fault
	}
	s = s.onceEach()
	for _, p := range c.calls {
		nodes = append(nodes, c.node(p, s))
	}
	return nodes
}

func (c *Composition) node(p *TaskCall, s *Scope) graph.Node {
	name := c.key(p)
	n := graph.Node{
		Name: name, Definition: c.def.Name, Kind: graph.GraphTask,
		Outputs:      []graph.Output{{Name: name, Type: p.task.typ, Handler: c.handler(p), Inner: true, Attrs: c.innerAttrs(p)}},
		DecodeConfig: p.task.req.args.decoder(),
	}
	w := c.wire(p, &n, s)
	n.Inputs, n.Call, n.Settings = w.inputs, w.sets.body(p.task.Call), w.settings(c.settings(p, s))
	if p == c.last {
		n.Outputs = append(n.Outputs, graph.Output{Name: c.def.Name, Type: c.spec.Result.Type, Handler: c.spec.Handler, Asset: true, Attrs: nonEmptyAttrs(c.attrs)})
		n.Call = alsoStoreAsset(n.Call)
	}
	return n
}

// handler returns the handler of one task's value: its own, else the one for tasks, else the
// asset's. Nil is the repository's default.
func (c *Composition) handler(p *TaskCall) iohandler.Handler {
	for _, h := range []iohandler.Handler{p.task.Outputs[0].Handler, c.inner, c.spec.Handler} {
		if h != nil {
			return h
		}
	}
	return nil
}

// innerAttrs returns a task's attributes. A task without metadata takes the asset's.
func (c *Composition) innerAttrs(p *TaskCall) *graph.Attrs {
	attrs := p.task.attrs
	if attrs.Metadata == nil {
		attrs.Metadata = c.attrs.Metadata
	}
	return nonEmptyAttrs(attrs)
}

// settings returns a task's settings, completed by the asset's. Of the asset's executors the one
// for tasks comes first.
func (c *Composition) settings(p *TaskCall, s *Scope) *graph.Settings {
	set := p.task.set.compile(s)
	if c.set == nil {
		return set
	}
	if set == nil {
		set = &graph.Settings{}
	}
	if set.Retry.IsZero() {
		set.Retry = c.set.Retry
	}
	if set.Pools == nil {
		set.Pools = c.set.held
	}
	if set.Compute.IsZero() {
		set.Compute = c.set.Compute
	}
	if !set.HasExecutor {
		set.Executor = c.set.inner
		if set.Executor.IsZero() {
			set.Executor = c.set.executor
		}
		set.HasExecutor = !set.Executor.IsZero()
	}
	for _, h := range c.set.Hooks {
		if p == c.last || h != nil && h.OnFailure {
			set.Hooks = append(set.Hooks, h.compile(s))
		}
	}
	return set
}

// alsoStoreAsset stores the value of the last task under its own name and under the asset's.
func alsoStoreAsset(call graph.Call) graph.Call {
	return func(inv *graph.Invocation, args []any) (graph.Result, error) {
		res, err := call(inv, args)
		if err != nil {
			return res, err
		}
		if len(inv.Facts) > 0 { // the task's facts are the asset's too
			AddFacts(inv, 1, inv.Facts[0])
		}
		res.Values = []any{res.Value, res.Value}
		return res, nil
	}
}

// key returns the step key of a call.
func (c *Composition) key(p *TaskCall) string { return c.def.Name + "/" + p.path }

// argument returns the field that an upstream's value would go to, as far as its partitions matter.
func (s *Source) argument(field string) *argument {
	f := &argument{field: field, typ: s.typ, full: s.typ, wrap: &s.wrap}
	if s.wrap.Several != nil {
		f.typ = s.wrap.Type
	}
	return f
}
