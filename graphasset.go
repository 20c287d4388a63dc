package rivers

import (
	"context"
	"reflect"
	"runtime/debug"
	"slices"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
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
	// Partitions says how the asset is divided, and so the values of its tasks; nil is not at all. A run of several
	// partitions runs the tasks for each.
	Partitions partition.Definition
	// Backfill is as in [AssetSpec].
	Backfill BackfillStrategy
	// Freshness says how old the data may be; zero is as old as you like.
	Freshness freshness.Policy
	// Deps say more about the upstreams, or, OrderOnly, add some that the first tasks wait for.
	Deps []Dep
	// IOHandler stores the asset; nil is the repository's default. NodeIOHandler stores the values of
	// the tasks that have no handler of their own; nil is IOHandler.
	IOHandler     iohandler.Handler
	NodeIOHandler iohandler.Handler
	// Retry is for tasks that have no policy of their own.
	Retry retry.Policy
	// Hooks of success are called after the last task, hooks of failure after any that fails.
	Hooks []Hook
	// Pools are the concurrency slots that each step of a task that names none holds while it runs.
	Pools []Pool
	// Compute bounds what each step of a task that says nothing itself may use, as in [AssetSpec].
	Compute executor.Compute
	// Actions are as in [AssetSpec].
	Actions []Action
}

// GraphAsset is an asset made by several tasks, each a step of its own; see [NewGraphAsset].
type GraphAsset[Out any] struct{ d *definition }

// NewGraphAsset defines an asset that is composed of tasks. compose is called once, now, and says
// with [Upstream], [Call], [Map] and [Sub] which task gets what; nothing runs. The result of the
// call that it returns is the asset's value. The steps are named after the asset and the tasks:
// "totals/sorted", and "totals/total[3]" for an instance of a mapped task.
func NewGraphAsset[Out any](spec GraphAssetSpec, compose func(*Graph) Ref[Out]) *GraphAsset[Out] {
	_, typ := shapeOf(reflect.TypeFor[Out]())
	d := &definition{name: spec.Name, kind: graph.GraphTask, pos: fault.Here()}
	d.provide(spec.Name, typ, spec.IOHandler)
	d.divided(spec.Partitions)
	d.backfill = spec.Backfill
	d.checkName()
	d.checkFreshness("", spec.Freshness)
	if how, _ := shapeOf(reflect.TypeFor[Out]()); how == parting {
		d.fault("", "its tasks are called once for each partition: return a Ref of one value, not of a rivers.Partitions")
	}
	c := &composition{spec: spec, def: d, typ: typ}
	c.attrs = d.attrs("", graph.Attrs{
		Group: spec.Group, Kinds: spec.Kinds, Tags: spec.Tags, Owners: spec.Owners,
		Description: spec.Description, Metadata: spec.Metadata, CodeVersion: spec.CodeVersion, Freshness: spec.Freshness,
	})
	d.act(spec.Actions, said(c.attrs))
	c.set = d.configure(settings{retry: spec.Retry, hooks: spec.Hooks, pools: spec.Pools, compute: spec.Compute}, c.attrs.Metadata)
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
	attrs graph.Attrs
	set   *settings
	calls []*taskPlace
	last  *taskPlace
	// loose are calls whose value nobody reads: the last task waits for them.
	loose []*taskPlace
	// upstreams are the names that Upstream was called with.
	upstreams []string
}

// taskPlace is one task where it stands in a graph asset.
type taskPlace struct {
	path string // below the asset: "total", "inner/total"
	task *definition
	req  *requirements
	set  *settings
	typ  reflect.Type
	// attrs are the task's own.
	attrs graph.Attrs
	call  func(f filling) graph.Call
	args  Args
	after []Waitable
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
	mode graph.InputMode
	// many is set for an upstream of which several partitions are read.
	many      partsField
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
		c.findLoose()
	}
	c.checkDeps()
}

// nodes appends a node for each call.
func (c *composition) nodes(s *scope, nodes []graph.Node) []graph.Node {
	if c.last == nil {
		return nodes // reported as a fault
	}
	s = s.onceEach()
	for _, p := range c.calls {
		nodes = append(nodes, c.node(p, s))
	}
	return nodes
}

// onceEach is a scope that reports each mistake once: what a graph asset says counts for all of
// its tasks.
func (s *scope) onceEach() *scope {
	once := *s
	var seen []fault.Fault
	once.report = func(f fault.Fault) {
		if slices.Contains(seen, f) {
			return
		}
		seen = append(seen, f)
		s.report(f)
	}
	return &once
}

func (c *composition) node(p *taskPlace, s *scope) graph.Node {
	name := c.key(p)
	n := graph.Node{
		Name: name, Definition: c.def.name, Kind: graph.GraphTask,
		Outputs:      []graph.Output{{Name: name, Type: p.typ, Handler: c.handler(p), Inner: true, Attrs: c.innerAttrs(p)}},
		DecodeConfig: p.req.args.decoder(),
	}
	w := c.wire(p, &n, s)
	n.Inputs, n.Call, n.Settings = w.inputs, p.call(w.sets), w.settings(c.settings(p, s))
	if p == c.last {
		n.Outputs = append(n.Outputs, graph.Output{Name: c.def.name, Type: c.typ, Handler: c.spec.IOHandler, Asset: true, Attrs: said(c.attrs)})
		n.Call = twice(n.Call)
	}
	return n
}

// handler stores the value of one task: its own, else the one for tasks, else the asset's; nil is
// the repository's default.
func (c *composition) handler(p *taskPlace) iohandler.Handler {
	for _, h := range []iohandler.Handler{p.task.outputs[0].handler, c.spec.NodeIOHandler, c.spec.IOHandler} {
		if h != nil {
			return h
		}
	}
	return nil
}

// innerAttrs are a task's attributes, with the asset's metadata where it has none of its own.
func (c *composition) innerAttrs(p *taskPlace) *graph.Attrs {
	attrs := p.attrs
	if attrs.Metadata == nil {
		attrs.Metadata = c.attrs.Metadata
	}
	return said(attrs)
}

// settings are a task's own, and the asset's where it says nothing: of executors the one for its
// tasks first.
func (c *composition) settings(p *taskPlace, s *scope) *graph.Settings {
	set := p.set.compile(s)
	if c.set == nil {
		return set
	}
	if set == nil {
		set = &graph.Settings{}
	}
	if set.Retry.IsZero() {
		set.Retry = c.set.retry
	}
	if set.Pools == nil {
		set.Pools = c.set.held
	}
	if set.Compute.IsZero() {
		set.Compute = c.set.compute
	}
	if !set.HasExecutor {
		set.Executor = c.set.inner
		if set.Executor.IsZero() {
			set.Executor = c.set.executor
		}
		set.HasExecutor = !set.Executor.IsZero()
	}
	for _, h := range c.set.hooks {
		if h.onFailure || p == c.last {
			set.Hooks = append(set.Hooks, h.compile(s))
		}
	}
	return set
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

// argument is the field that an upstream's value would go to, as far as its partitions matter.
func (s *source) argument(field string) *argument {
	f := &argument{field: field, typ: s.typ, full: s.typ}
	if s.many != nil {
		f.many, f.typ = s.many, s.many.partType()
	}
	return f
}
