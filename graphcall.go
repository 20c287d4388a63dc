package rivers

import (
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
)

// Graph is what a graph asset's composition describes its tasks on.
type Graph struct {
	c      *composition
	prefix string
}

// Ref stands for a value that a graph asset's run will have. The zero Ref stands for none.
type Ref[T any] struct{ source *source }

// anyRef is a Ref of any type.
type anyRef interface {
	Waitable
	isRef()
}

func (r Ref[T]) ref() *source { return r.source }
func (Ref[T]) isRef()         {}

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
	ref() *source // sealed
}

// Upstream returns the value of an asset or task outside the graph asset.
func Upstream[T any](g *Graph, name string) Ref[T] {
	g.c.upstreams = append(g.c.upstreams, name)
	t := reflect.TypeFor[T]()
	src := &source{graph: g.c, upstream: name, typ: valueType(t)}
	if many, ok := reflect.TypeAssert[partsField](reflect.Zero(t)); ok {
		src.many, src.typ = many, t
	}
	return Ref[T]{src}
}

// Call adds a call of a task and returns its value.
func Call[In, Out any](g *Graph, t *Task[In, Out], args Args, opts ...CallOptions) Ref[Out] {
	if len(opts) > 1 {
		g.c.fault("", "a call has %d CallOptions: give it one", len(opts))
	}
	p := placeTask(g, t, args, append(opts, CallOptions{})[0])
	if p == nil {
		return Ref[Out]{}
	}
	return Ref[Out]{&source{graph: g.c, from: p, typ: p.typ}}
}

// placeTask adds a task to the graph.
func placeTask[In, Out any](g *Graph, t *Task[In, Out], args Args, o CallOptions) *taskPlace {
	if t == nil {
		g.c.fault("", "it calls a nil task: define the task before the graph asset")
		return nil
	}
	name := o.Name
	if name == "" {
		name = t.d.name
	} else if mistake := fault.NameMistake(name); mistake != "" {
		g.c.fault("call of task "+fault.Quoted(t.d.name), "%s", mistake)
	}
	p := &taskPlace{
		path: g.prefix + name, task: t.d, req: t.req, set: t.set, typ: t.typ, attrs: t.attrs, call: t.call,
		args: maps.Clone(args), after: slices.Clone(o.After),
	}
	at := "task " + fault.Quoted(p.path)
	if slices.ContainsFunc(g.c.calls, func(o *taskPlace) bool { return o.path == p.path }) {
		g.c.fault(at, "two calls have this name: give one of them another in its options")
	}
	if !slices.ContainsFunc(g.c.calls, func(o *taskPlace) bool { return o.task == t.d }) {
		for _, f := range t.d.faults {
			g.c.def.faults = append(g.c.def.faults, f.Below(at))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(args)) {
		if !slices.ContainsFunc(t.req.args.fields, func(a argument) bool { return a.role == valueRole && a.name == name }) {
			g.c.fault(at, "it takes no argument %q%s", name, fault.Suggestion(name, t.req.args.argumentNames))
		}
	}
	if slices.Contains(p.after, nil) {
		g.c.fault(at, "After holds a nil: remove it")
		p.after = slices.DeleteFunc(p.after, func(w Waitable) bool { return w == nil })
	}
	g.c.calls = append(g.c.calls, p)
	return p
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
	from  *taskPlace
}

func (m Mapped[Out]) ref() *source {
	if m.from == nil {
		return nil
	}
	return &source{graph: m.graph.c, from: m.from}
}

// Map calls a task once for each element of a slice, each a step of its own that waits, fails and
// is tried again by itself. How many there are is known when the slice is made. The element goes
// to the one field of the task that Args does not give and that is no resource.
func Map[S ~[]E, E, In, Out any](g *Graph, over Ref[S], t *Task[In, Out], o MapOptions) Mapped[Out] {
	p := placeTask(g, t, o.Args, CallOptions{Name: o.Name, After: o.After})
	if p == nil {
		return Mapped[Out]{}
	}
	if o.MaxConcurrency < 0 {
		g.c.fault("map of task "+fault.Quoted(p.path), "MaxConcurrency is %d: give a positive number, or 0 for no limit", o.MaxConcurrency)
	}
	m := &mapping{over: over.source, concurrency: o.MaxConcurrency, elem: valueType(reflect.TypeFor[E]())}
	if d, ok := reflect.TypeAssert[dynamic](reflect.Zero(reflect.TypeFor[E]())); ok {
		m.named, m.elem = true, d.elementType()
	}
	m.elements = func(value any) ([]any, []string, error) { return elementsOf[S, E](value, m.named) }
	p.mapped = m
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
	if carried := valueType(want.Elem()); carried == nil || v.Type() != reflect.SliceOf(carried) {
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
	elem := valueType(reflect.TypeFor[Out]())
	if elem == nil {
		return Ref[[]Out]{} // a task without a value is a fault of its own
	}
	slice := reflect.SliceOf(elem)
	return Ref[[]Out]{&source{
		graph: m.graph.c, from: m.from, mode: graph.Collect, typ: slice, elem: elem,
		gather: func(values []any) (any, error) {
			out := reflect.MakeSlice(slice, len(values), len(values))
			for i, v := range values {
				if err := assign(out.Index(i), &argument{field: fmt.Sprintf("[%d]", i)}, v); err != nil {
					return nil, err
				}
			}
			return out.Interface(), nil
		},
	}}
}

// CollectOptions say in which order a stream hands over its values.
type CollectOptions struct {
	// Unordered hands them over in the order in which the instances finished, not that of the elements.
	Unordered bool
}

// CollectStream returns the values of all instances one at a time: each is loaded when the loop
// asks for it, so that they need not fit into memory together. The task that reads them starts
// when all instances have succeeded.
func (m Mapped[Out]) CollectStream(o CollectOptions) Ref[iter.Seq2[Out, error]] {
	if m.from == nil {
		return Ref[iter.Seq2[Out, error]]{}
	}
	if how, _ := shapeOf(reflect.TypeFor[Out]()); how != plain {
		m.graph.c.fault("stream of task "+fault.Quoted(m.from.path), "it returns a %s: return the plain value to stream it", typeName(reflect.TypeFor[Out]()))
	}
	return Ref[iter.Seq2[Out, error]]{&source{
		graph: m.graph.c, from: m.from, mode: graph.Stream, typ: reflect.TypeFor[iter.Seq2[Out, error]](),
		elem: reflect.TypeFor[Out](), unordered: o.Unordered,
		lazy: func(n int, load func(i int) (any, error)) any {
			return iter.Seq2[Out, error](func(yield func(Out, error) bool) {
				for i := range n {
					v, err := load(i)
					out, ok := v.(Out)
					if !ok && v != nil && err == nil {
						err = fmt.Errorf("value %d is a %T, want %s", i, v, reflect.TypeFor[Out]())
					}
					if !yield(out, err) || err != nil {
						return
					}
				}
			})
		},
	}}
}

// Sub composes a part of the graph under a name of its own: its steps are "graph/name/task".
func Sub[T any](g *Graph, name string, compose func(*Graph) Ref[T]) Ref[T] {
	if mistake := fault.NameMistake(name); mistake != "" {
		g.c.fault("sub "+fault.Quoted(name), "%s", mistake)
	}
	return compose(&Graph{c: g.c, prefix: g.prefix + name + "/"})
}
