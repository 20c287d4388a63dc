package define

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
)

// Dep is one dependency as the root package declares it.
type Dep struct {
	// On is the name of the asset or task that is depended on.
	On string
	// Field is the Go field that receives the value, where its name does not say On. Several Deps
	// may name one field of type map[string]T: it receives their values by name.
	Field string
	// IOHandler loads the value in place of the upstream's own handler; nil does not replace it.
	IOHandler iohandler.Handler
	// Metadata is handed to the handler in place of the upstream's; nil does not replace it.
	Metadata metadata.Map
	// Mapping defines which partitions of the upstream a partition reads; zero is what follows from
	// the two definitions, see [partition.Mapping].
	Mapping partition.Mapping
	// OrderOnly waits for the upstream and loads nothing.
	OrderOnly bool
}

// requirements are an argument struct and the Deps beside it, sorted out when a function is
// defined.
type requirements struct {
	args *Args
	// deps has the Deps of each field, in the order of args.fields.
	deps [][]Dep
	// order are the Deps that only wait.
	order []Dep
}

// require sorts deps into the fields of args, for the definition own.
func require(args *Args, deps []Dep, own *Definition) (*requirements, []fault.Fault) {
	r := &requirements{args: args, deps: make([][]Dep, len(args.fields))}
	var faults []fault.Fault
	for i, d := range deps {
		report := func(format string, v ...any) {
			at := fmt.Sprintf("dep %q", d.On)
			if d.On == "" {
				at = fmt.Sprintf("Deps[%d]", i)
			}
			faults = append(faults, fault.Fault{At: at, Message: fmt.Sprintf(format, v...), Kind: fault.ErrGraphValidation})
		}
		switch {
		case d.On == "":
			report("On is empty: name the asset that is depended on")
		case slices.ContainsFunc(deps[:i], func(e Dep) bool { return e.On == d.On && e.Field == d.Field }):
			report("it is listed twice: list it once")
		case d.OrderOnly:
			r.wait(d, own, report)
		default:
			r.feed(deps[i:i+1:i+1], own, report)
		}
	}
	return r, faults
}

type reporter func(format string, v ...any)

// wait adds an order-only Dep.
func (r *requirements) wait(d Dep, own *Definition, report reporter) {
	switch {
	case own.Declares(d.On):
		report("it waits for itself: remove it")
		return
	case d.Field != "" || d.IOHandler != nil || d.Metadata != nil:
		report("an OrderOnly dependency loads nothing, so Field, IOHandler and Metadata have no effect: remove them, or OrderOnly")
		return
	}
	for i := range r.args.fields {
		if f := &r.args.fields[i]; f.role == valueRole && f.name == d.On {
			report("it is OrderOnly, and field %s reads its value: remove one of the two", f.field)
			return
		}
	}
	r.order = append(r.order, d)
}

// feed adds a Dep to the field that it feeds.
func (r *requirements) feed(one []Dep, own *Definition, report reporter) {
	d := &one[0]
	self := own.Declares(d.On)
	for i := range r.args.fields {
		f := &r.args.fields[i]
		switch {
		case self && f.role == selfRole && (d.Field == "" || d.Field == f.field),
			!self && f.role == valueRole && (d.Field == f.field || d.Field == "" && d.On == f.name):
		default:
			continue
		}
		if len(r.deps[i]) > 0 && !isNamedMap(f.typ) {
			report("field %s takes one value, and %q feeds it already: make it a map[string]%s, or use a field for each", f.field, r.deps[i][0].On, f.typ)
			return
		}
		if r.deps[i] == nil {
			r.deps[i] = one // most fields have one: they share the definition's slice
		} else {
			r.deps[i] = append(r.deps[i], *d)
		}
		return
	}
	switch {
	case self:
		report("it depends on itself: use a field of type rivers.SelfDependency[T] for the previous value")
	case d.Field != "":
		report("there is no field %s that takes a value%s", d.Field, fault.Suggestion(d.Field, r.args.fieldNames))
	default:
		report("no field receives its value: add one, name one as Field, or set OrderOnly")
	}
}

// isNamedMap reports whether several Deps may feed a field of type t.
func isNamedMap(t reflect.Type) bool {
	return t.Kind() == reflect.Map && t.Key().Kind() == reflect.String
}
