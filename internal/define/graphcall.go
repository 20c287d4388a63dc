package define

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
)

// Arg is one argument of a call: a source, or a value that is the same in each run.
type Arg struct {
	// IsSource is set for a source. Source is nil for the zero Ref.
	IsSource bool
	Source   *Source
	// Uncollected is set for a mapped task whose instances were not collected: a mistake.
	Uncollected bool
	// Value is the constant, or the mapped task.
	Value any
}

// CallSpec describes one call.
type CallSpec struct {
	// Name is the call's name in the step key; empty means the task's.
	Name string
	// Prefix stands before the name: the sub-graphs around the call.
	Prefix string
	Args   map[string]Arg
	// After are the values that the call waits for; nil is the zero Ref.
	After []*Source
	// NilAfter is set when After held a nil.
	NilAfter bool
	// Mapped is set for a task that is called for each element of a slice.
	Mapped *Mapping
}

// Upstream returns the source of a value outside the graph asset. t is the type that the user
// names, and value the type inside it.
func (c *Composition) Upstream(name string, t, value reflect.Type, wrap Wrapper) *Source {
	c.upstreams = append(c.upstreams, name)
	src := &Source{graph: c, upstream: name, typ: value}
	if wrap.Several != nil {
		src.wrap, src.typ = wrap, t
	}
	return src
}

// Call adds a call of a task.
func (c *Composition) Call(t *Task, spec CallSpec) *TaskCall {
	name := spec.Name
	if name == "" {
		name = t.Name
	} else if mistake := fault.NameMistake(name); mistake != "" {
		c.Fault("call of task "+fault.Quoted(t.Name), "%s", mistake)
	}
	p := &TaskCall{path: spec.Prefix + name, task: t, args: maps.Clone(spec.Args), after: slices.Clone(spec.After), mapped: spec.Mapped}
	at := "task " + fault.Quoted(p.path)
	if slices.ContainsFunc(c.calls, func(o *TaskCall) bool { return o.path == p.path }) {
		c.Fault(at, "two calls have this name: give one of them another in its options")
	}
	if !slices.ContainsFunc(c.calls, func(o *TaskCall) bool { return o.task.Definition == t.Definition }) {
		for _, f := range t.Faults {
			c.def.Faults = append(c.def.Faults, f.Below(at))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Args)) {
		if !slices.ContainsFunc(t.req.args.fields, func(a argument) bool { return a.role == valueRole && a.name == name }) {
			c.Fault(at, "it takes no argument %q%s", name, fault.Suggestion(name, t.req.args.argumentNames))
		}
	}
	if spec.NilAfter {
		c.Fault(at, "After holds a nil: remove it")
	}
	c.calls = append(c.calls, p)
	if p.mapped != nil && p.mapped.Concurrency < 0 {
		c.Fault("map of task "+fault.Quoted(p.path), "MaxConcurrency is %d: give a positive number, or 0 for no limit", p.mapped.Concurrency)
	}
	return p
}

// Value returns the source of a call's value.
func (c *Composition) Value(p *TaskCall) *Source { return &Source{graph: c, from: p, typ: p.task.typ} }

// Instances returns the source that stands for all instances of a mapped call, to wait for.
func (c *Composition) Instances(p *TaskCall) *Source { return &Source{graph: c, from: p} }

// Collect returns the source of the values of all instances, as a slice of elem.
func (c *Composition) Collect(p *TaskCall, elem reflect.Type) *Source {
	slice := reflect.SliceOf(elem)
	return &Source{
		graph: c, from: p, mode: graph.Collect, typ: slice, elem: elem,
		gather: func(values []any) (any, error) {
			out := reflect.MakeSlice(slice, len(values), len(values))
			for i, v := range values {
				if err := assign(out.Index(i), &argument{field: fmt.Sprintf("[%d]", i), wrap: &plainField}, v); err != nil {
					return nil, err
				}
			}
			return out.Interface(), nil
		},
	}
}

// Stream describes a stream of the values of all instances.
type Stream struct {
	// Type is the stream's type, Elem that of its values.
	Type, Elem reflect.Type
	Unordered  bool
	// Make makes a stream of n values that load loads one by one.
	Make func(n int, load func(i int) (any, error)) any
	// Result describes what the task returns.
	Result Result
}

// Stream returns the source of a stream.
func (c *Composition) Stream(p *TaskCall, s Stream) *Source {
	if s.Result.Kind != ResultValue {
		c.Fault("stream of task "+fault.Quoted(p.path), "it returns a %s: return the plain value to stream it", s.Result.Name(s.Elem))
	}
	return &Source{graph: c, from: p, mode: graph.Stream, typ: s.Type, elem: s.Elem, unordered: s.Unordered, lazy: s.Make}
}
