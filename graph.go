package rivers

import (
	"context"
	"fmt"
	"iter"
	"reflect"

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

// GraphAssetSpec describes what a graph asset is beside its composition. Only Name is needed.
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
	// Partitions describes how the asset is partitioned, and so the values of its tasks; nil is not at
	// all. A run of several partitions runs the tasks for each.
	Partitions partition.Definition
	// Backfill is as in [AssetSpec].
	Backfill BackfillStrategy
	// Freshness describes how old the data may be; zero is as old as you like.
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
	// Compute bounds each step of a task without bounds of its own, as in [AssetSpec].
	Compute executor.Compute
	// Actions are as in [AssetSpec].
	Actions []Action
}

// GraphAsset is an asset made by several tasks, each a step of its own; see [NewGraphAsset].
type GraphAsset[Out any] struct{ d *define.Definition }

// NewGraphAsset defines an asset that is composed of tasks. compose is called once, now, and
// returns with [Upstream], [Call], [Map] and [Sub] which task gets what; nothing runs. The result
// of the call that it returns is the asset's value. The steps are named after the asset and the
// tasks: "totals/sorted", and "totals/total[3]" for an instance of a mapped task.
func NewGraphAsset[Out any](spec GraphAssetSpec, compose func(*Graph) Ref[Out]) *GraphAsset[Out] {
	common := spec.common()
	common.Result = resultOf(reflect.TypeFor[Out]())
	c := define.NewComposition(&common, spec.NodeIOHandler)
	if compose == nil {
		return &GraphAsset[Out]{c.Define(nil)}
	}
	return &GraphAsset[Out]{c.Define(func() *define.Source { return compose(&Graph{c: c}).source })}
}

// common returns what package define needs of the spec.
func (s *GraphAssetSpec) common() define.Common {
	return define.Common{
		Name: s.Name, Pos: fault.Here(), Deps: depsOf(s.Deps), Handler: s.IOHandler, Partitions: s.Partitions, Backfill: s.Backfill,
		Attrs: graph.Attrs{
			Group: s.Group, Kinds: s.Kinds, Tags: s.Tags, Owners: s.Owners,
			Description: s.Description, Metadata: s.Metadata, CodeVersion: s.CodeVersion, Freshness: s.Freshness,
		},
		Settings: settingsOf(s.Retry, 0, s.Hooks, s.Pools, s.Compute), Actions: actionsOf(s.Actions),
	}
}

// Name returns the asset's name.
func (a *GraphAsset[Out]) Name() string { return a.d.Name }

// Load returns the asset's value as it was last stored; see [SingleAsset.Load].
func (a *GraphAsset[Out]) Load(ctx context.Context, repo *CodeRepository, o LoadOptions) (Out, error) {
	return load[Out](ctx, repo, a.d.Name, o)
}

func (a *GraphAsset[Out]) def() *define.Definition { return a.d }
func (a *GraphAsset[Out]) asset()                  {}

// Graph is what a graph asset's composition describes its tasks on.
type Graph struct {
	c      *define.Composition
	prefix string
}

// Ref stands for a value that a graph asset's run will have. The zero Ref stands for none.
type Ref[T any] struct{ source *define.Source }

// anyRef is a Ref of any type.
type anyRef interface {
	Waitable
	isRef()
}

func (r Ref[T]) ref() *define.Source { return r.source }
func (Ref[T]) isRef()                {}

// Args are the arguments of a task's call by name: a Ref, or a value that is the same in each run.
// Resources need not be given.
type Args map[string]any

// CallOptions say more about a call.
type CallOptions struct {
	// Name is the call's name in the step key; empty is the task's. A task that is called twice
	// in one graph needs a name for each call.
	Name string
	// After are values that the call waits for and does not read.
	After []Waitable
}

// Waitable is what a call can wait for: a [Ref] or a [Mapped].
type Waitable interface {
	ref() *define.Source // sealed
}

// Upstream returns the value of an asset or task outside the graph asset.
func Upstream[T any](g *Graph, name string) Ref[T] {
	t := reflect.TypeFor[T]()
	var w define.Wrapper
	if many, ok := reflect.TypeAssert[partsField](reflect.Zero(t)); ok {
		w.Several, w.Err, w.Type = many.fromLoader, loadError, many.partType()
	}
	return Ref[T]{g.c.Upstream(name, t, resultOf(t).Type, w)}
}

// Call adds a call of a task and returns its value.
func Call[In, Out any](g *Graph, t *Task[In, Out], args Args, opts ...CallOptions) Ref[Out] {
	if len(opts) > 1 {
		g.c.Fault("", "a call has %d CallOptions: give it one", len(opts))
	}
	p := placeTask(g, t, args, append(opts, CallOptions{})[0], nil)
	if p == nil {
		return Ref[Out]{}
	}
	return Ref[Out]{g.c.Value(p)}
}

// placeTask adds a call of a task to the graph; nil for a nil task.
func placeTask[In, Out any](g *Graph, t *Task[In, Out], args Args, o CallOptions, m *define.Mapping) *define.TaskCall {
	if t == nil {
		g.c.Fault("", "it calls a nil task: define the task before the graph asset")
		return nil
	}
	spec := define.CallSpec{Name: o.Name, Prefix: g.prefix, Args: make(map[string]define.Arg, len(args)), Mapped: m}
	for name, v := range args {
		spec.Args[name] = argOf(v)
	}
	for _, w := range o.After {
		if w == nil {
			spec.NilAfter = true
			continue
		}
		spec.After = append(spec.After, w.ref())
	}
	return g.c.Call(t.t, spec)
}

// argOf returns an argument of a call as package define takes it.
func argOf(v any) define.Arg {
	switch v := v.(type) {
	case anyRef:
		return define.Arg{IsSource: true, Source: v.ref()}
	case Waitable:
		return define.Arg{Uncollected: true, Value: v}
	default:
		return define.Arg{Value: v}
	}
}

// MapOptions say more about a mapped task.
type MapOptions struct {
	// MaxConcurrency bounds how many instances run at once; zero leaves it to the executor.
	MaxConcurrency int
	// Args are the arguments that are the same for each element.
	Args Args
	// Name and After are as in [CallOptions].
	Name  string
	After []Waitable
}

// DynamicOutput is an element with a name: mapped over a slice of these, the instances are called
// "graph/task[name]" in place of a number, and the task receives the Value.
type DynamicOutput[T any] struct {
	Name  string
	Value T
}

func (d DynamicOutput[T]) element() (string, any)  { return d.Name, d.Value }
func (DynamicOutput[T]) elementType() reflect.Type { return reflect.TypeFor[T]() }

type dynamic interface {
	element() (string, any)
	elementType() reflect.Type
}

// Mapped stands for the values of a mapped task.
type Mapped[Out any] struct {
	graph *Graph
	from  *define.TaskCall
}

func (m Mapped[Out]) ref() *define.Source {
	if m.from == nil {
		return nil
	}
	return m.graph.c.Instances(m.from)
}

// Map calls a task once for each element of a slice, each a step of its own that waits, fails and
// is tried again by itself. How many there are is known when the slice is made. The element goes
// to the one field of the task that Args does not give and that is no resource.
func Map[S ~[]E, E, In, Out any](g *Graph, over Ref[S], t *Task[In, Out], o MapOptions) Mapped[Out] {
	m := &define.Mapping{Over: over.source, Concurrency: o.MaxConcurrency, Elem: resultOf(reflect.TypeFor[E]()).Type}
	if d, ok := reflect.TypeAssert[dynamic](reflect.Zero(reflect.TypeFor[E]())); ok {
		m.Named, m.Elem = true, d.elementType()
	}
	named := m.Named
	m.Elements = func(value any) ([]any, []string, error) { return elementsOf[S, E](value, named) }
	p := placeTask(g, t, o.Args, CallOptions{Name: o.Name, After: o.After}, m)
	if p == nil {
		return Mapped[Out]{}
	}
	return Mapped[Out]{graph: g, from: p}
}

// elementsOf takes a slice apart; that of collected values is one of the values that its E carry.
func elementsOf[S ~[]E, E any](value any, named bool) ([]any, []string, error) {
	slice, ok := value.(S)
	if !ok && value != nil {
		return carriedElements(value, reflect.TypeFor[S]())
	}
	elements := make([]any, len(slice))
	var names []string
	if named {
		names = make([]string, len(slice))
	}
	for i, e := range slice {
		elements[i] = e
		if named {
			names[i], elements[i] = any(e).(dynamic).element()
		}
	}
	return elements, names, nil
}

func carriedElements(value any, want reflect.Type) ([]any, []string, error) {
	v := reflect.ValueOf(value)
	if carried := resultOf(want.Elem()).Type; carried == nil || v.Type() != reflect.SliceOf(carried) {
		return nil, nil, fmt.Errorf("the value is a %T, want %s", value, want)
	}
	elements := make([]any, v.Len())
	for i := range elements {
		elements[i] = v.Index(i).Interface()
	}
	return elements, nil, nil
}

// Collect returns the values of all instances as a slice, in the order of the elements.
func (m Mapped[Out]) Collect() Ref[[]Out] {
	if m.from == nil {
		return Ref[[]Out]{}
	}
	elem := resultOf(reflect.TypeFor[Out]()).Type
	if elem == nil {
		return Ref[[]Out]{} // a task without a value is a fault of its own
	}
	return Ref[[]Out]{m.graph.c.Collect(m.from, elem)}
}

// CollectOptions say in which order a stream hands over its values.
type CollectOptions struct {
	// Unordered hands them over in the order in which the instances finished, not that of the
	// elements.
	Unordered bool
}

// CollectStream returns the values of all instances one at a time: each is loaded when the loop
// asks for it, so that they need not fit into memory together. The task that reads them starts
// when all instances have succeeded.
func (m Mapped[Out]) CollectStream(o CollectOptions) Ref[iter.Seq2[Out, error]] {
	if m.from == nil {
		return Ref[iter.Seq2[Out, error]]{}
	}
	return Ref[iter.Seq2[Out, error]]{m.graph.c.Stream(m.from, define.Stream{
		Type: reflect.TypeFor[iter.Seq2[Out, error]](), Elem: reflect.TypeFor[Out](), Result: resultOf(reflect.TypeFor[Out]()), Unordered: o.Unordered,
		Make: func(n int, load func(i int) (any, error)) any { return streamOf[Out](n, load) },
	})}
}

// streamOf returns a stream of n values that load loads one by one. A value that cannot be loaded
// is yielded as its error, and the next ones follow as long as the caller goes on.
func streamOf[Out any](n int, load func(i int) (any, error)) iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		for i := range n {
			v, err := load(i)
			out, ok := v.(Out)
			if !ok && v != nil && err == nil {
				err = fmt.Errorf("value %d is a %T, want %s", i, v, reflect.TypeFor[Out]())
			}
			if !yield(out, err) {
				return
			}
		}
	}
}

// Sub composes a part of the graph under a name of its own: its steps are "graph/name/task".
func Sub[T any](g *Graph, name string, compose func(*Graph) Ref[T]) Ref[T] {
	if mistake := fault.NameMistake(name); mistake != "" {
		g.c.Fault("sub "+fault.Quoted(name), "%s", mistake)
	}
	return compose(&Graph{c: g.c, prefix: g.prefix + name + "/"})
}
