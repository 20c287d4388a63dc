package define

import (
	"fmt"
	"reflect"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
)

// wiring is what a node's inputs are and how its argument struct is filled from them.
type wiring struct {
	sets   FieldSetters
	inputs []graph.Input
	scope  *Scope
	def    *Definition
	// single is a field that takes the value of one partition of something partitioned, nil for none.
	single *argument
	// resources are the names of those that fields receive.
	resources []string
}

// wire connects requirements to the names of a scope, for the definition def.
func (r *requirements) wire(s *Scope, def *Definition) *wiring {
	w := &wiring{scope: s, def: def}
	if n := len(r.args.fields) + len(r.order); n > 0 {
		w.inputs = make([]graph.Input, 0, n)
		w.sets = make([]fieldSetter, 0, len(r.args.fields))
	}
	for i := range r.args.fields {
		w.field(&r.args.fields[i], r.deps[i])
	}
	w.wait(r.order)
	return w
}

// wait adds the inputs that only wait.
func (w *wiring) wait(order []Dep) {
	for _, d := range order {
		if w.scope.Value(d.On) == nil {
			w.report(fmt.Sprintf("dep %q", d.On), "no asset or task of that name%s", fault.Suggestion(d.On, w.valueNames))
			continue
		}
		w.inputs = append(w.inputs, graph.Input{From: d.On, Mode: graph.OrderOnly, Parts: w.waitParts(d)})
	}
}

// field connects one field; deps are the Deps that feed it.
func (w *wiring) field(f *argument, deps []Dep) {
	switch {
	case f.role == configRole:
		w.sets = append(w.sets, fieldSetter{field: f})
	case f.role == selfRole:
		w.self(f, deps)
	case len(deps) == 0:
		w.byName(f)
	case len(deps) > 1 || w.oneOfMap(f, deps[0]):
		w.named(f, deps)
	default:
		if w.value(f, f.typ, deps[0]) {
			w.sets = append(w.sets, fieldSetter{field: f, arg: len(w.inputs) - 1})
		}
	}
}

// self connects a SelfDependency.
func (w *wiring) self(f *argument, deps []Dep) {
	own := &w.def.Outputs[0]
	if len(w.def.Outputs) > 1 {
		w.report("input "+f.field, "a multi-asset has %d values, so no one is its own previous value: read one with ctx.Load", len(w.def.Outputs))
		return
	}
	in := graph.Input{Field: f.field, From: own.Name, Mode: graph.Self, Type: f.typ}
	var mapping partition.Mapping
	if len(deps) > 0 {
		in.Handler, in.Metadata, mapping = deps[0].IOHandler, deps[0].Metadata, deps[0].Mapping
	}
	var ok bool
	if in.Parts, ok = w.selfParts(f, mapping); !ok {
		return
	}
	if !w.fits(own.Type, f.typ, w.handler(in.Handler, own.Handler)) {
		w.report("input "+f.field, "%s %q has the type %s, its SelfDependency %s: make it rivers.SelfDependency[%s]", w.def.KindWord(), own.Name, own.Type, f.typ, own.Type)
		return
	}
	if f.typ.Kind() == reflect.Interface {
		in.Type = LoadType(own.Type, f.typ)
	}
	w.inputs = append(w.inputs, in)
	w.sets = append(w.sets, fieldSetter{field: f, arg: len(w.inputs) - 1})
}

// byName connects a field to the asset, task or resource of its name.
func (w *wiring) byName(f *argument) {
	if w.scope.Value(f.name) != nil {
		if w.value(f, f.typ, Dep{On: f.name}) {
			w.sets = append(w.sets, fieldSetter{field: f, arg: len(w.inputs) - 1})
		}
		return
	}
	w.resource(f, func(name string) {
		near := fault.Suggestion(name, w.scope.Names)
		if near == "" {
			near = ": add the asset to the repository, or the value to its Resources"
		}
		w.report("input "+f.field, "no asset or resource is named %q%s", name, near)
	})
}

// resource connects a field to the resource of its name, and calls missing where there is none.
func (w *wiring) resource(f *argument, missing func(name string)) {
	r, ok := w.scope.Resources[f.name]
	if !ok {
		missing(f.name)
		return
	}
	v := reflect.Zero(f.typ)
	if r != nil {
		v = reflect.ValueOf(r)
	}
	if !v.Type().AssignableTo(f.typ) {
		w.report("input "+f.field, "resource %q has the type %s, the field %s: give the field the type of the resource", f.name, v.Type(), f.typ)
		return
	}
	w.sets = append(w.sets, fieldSetter{field: f, constant: v})
	w.resources = append(w.resources, f.name)
}

// settings adds to a node's settings which resources it takes.
func (w *wiring) settings(set *graph.Settings) *graph.Settings {
	if len(w.resources) == 0 {
		return set
	}
	if set == nil {
		set = &graph.Settings{}
	}
	set.Resources = w.resources
	return set
}

// oneOfMap reports whether a single Dep on a field of a map type is meant as one entry of it.
func (w *wiring) oneOfMap(f *argument, d Dep) bool {
	if d.Field == "" || !isNamedMap(f.typ) {
		return false
	}
	up := w.scope.Value(d.On)
	return up != nil && up.Type != nil && !up.Type.AssignableTo(f.typ)
}

// named connects a field of type map[string]T to several upstreams.
func (w *wiring) named(f *argument, deps []Dep) {
	s := fieldSetter{field: f, arg: len(w.inputs), count: len(deps), keys: make([]string, len(deps))}
	for k, d := range deps {
		if !w.value(f, f.typ.Elem(), d) {
			return
		}
		s.keys[k] = d.On
	}
	w.sets = append(w.sets, s)
}

// value adds the input that reads one upstream as type want, and reports whether it is right.
func (w *wiring) value(f *argument, want reflect.Type, d Dep) bool {
	at := "input " + f.field
	up := w.scope.Value(d.On)
	switch {
	case up == nil:
		w.report(at, "no asset or task is named %q%s", d.On, fault.Suggestion(d.On, w.valueNames))
		return false
	case up.Def == w.def:
		w.report(at, "it reads %q, which this definition makes itself: use rivers.SelfDependency[%s] for the previous value", d.On, want)
		return false
	}
	if !w.fits(up.Type, want, w.handler(d.IOHandler, up.Handler)) {
		w.report(at, "%s %q has the type %s, the field %s: give the field the type %s, or the dependency an IOHandler that loads it as %s",
			up.Def.KindWord(), d.On, up.Type, want, up.Type, want)
		return false
	}
	parts, ok := w.parts(f, d.On, d.Mapping)
	if !ok {
		return false
	}
	w.inputs = append(w.inputs, graph.Input{
		Field: f.field, From: d.On, Type: LoadType(up.Type, want), Handler: d.IOHandler, Metadata: d.Metadata, Parts: parts,
	})
	return true
}

// LoadType is the type to load a value as: the one it has where the field takes that as it is, so
// that a field of type any does not decide how a value is decoded.
func LoadType(stored, want reflect.Type) reflect.Type {
	if stored != nil && stored.AssignableTo(want) {
		return stored
	}
	return want
}

// fits reports whether a value stored as one type can be handed to a field of another.
func (w *wiring) fits(stored, want reflect.Type, h iohandler.Handler) bool {
	if stored == nil || stored.AssignableTo(want) {
		return true
	}
	c, ok := h.(iohandler.Converter)
	return ok && c.CanLoad(stored, want)
}

// handler returns the first that is given, else the default one, with references followed.
func (w *wiring) handler(chain ...iohandler.Handler) iohandler.Handler {
	found := w.scope.DefaultHandler
	for _, h := range chain {
		if h != nil {
			found = h
			break
		}
	}
	if name, ok := iohandler.NameOf(found); ok {
		found, _ = w.scope.Resources[name].(iohandler.Handler)
	}
	return found
}

func (w *wiring) report(at, format string, v ...any) {
	w.scope.Report(fault.Fault{At: at, Message: fmt.Sprintf(format, v...), Kind: fault.ErrGraphValidation})
}

// valueNames yields what an input may read that is no resource.
func (w *wiring) valueNames(yield func(string) bool) {
	for name := range w.scope.Names {
		if w.scope.Value(name) != nil && !yield(name) {
			return
		}
	}
}
