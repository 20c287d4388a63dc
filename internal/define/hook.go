package define

import (
	"errors"
	"fmt"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
)

// Hook is a function that is called after a step.
type Hook struct {
	Name string
	// OnFailure is set for a hook of failed steps; other hooks are for steps that succeeded.
	OnFailure bool
	Args      *Args
	// NoFunction is set when the function is nil.
	NoFunction bool
	// Call runs the function with a filled argument struct.
	Call func(inv *graph.Invocation, failure error, f FieldSetters) error

	faults []fault.Fault
}

// Define checks the hook. The definitions that use it report its mistakes.
func (h *Hook) Define() *Hook {
	at := fmt.Sprintf("hook %q", h.Name)
	report := func(format string, v ...any) {
		h.faults = append(h.faults, fault.Fault{At: at, Message: fmt.Sprintf(format, v...), Kind: fault.ErrGraphValidation})
	}
	if mistake := fault.NameMistake(h.Name); mistake != "" {
		report("%s", mistake)
	}
	if h.NoFunction {
		report("the function is nil: give one")
	}
	for _, f := range h.Args.faults {
		report("%s: %s", f.At, f.Message)
	}
	for _, f := range h.Args.fields {
		if f.role != valueRole {
			report("input %s: a hook takes resources only", f.field)
		}
	}
	return h
}

// errZeroHook is the error of a hook that was not made by OnSuccess or OnFailure.
var errZeroHook = errors.New("the hook is the zero value: make it with rivers.OnSuccess or rivers.OnFailure")

// Connect connects a hook of a job to a scope. It reports the hook's own mistakes too.
func (h *Hook) Connect(s *Scope) graph.Hook {
	if h != nil {
		for _, f := range h.faults {
			s.Report(f)
		}
	}
	return h.compile(s)
}

// compile connects a hook to the resources of a scope and reports mistakes to it.
func (h *Hook) compile(s *Scope) graph.Hook {
	if h == nil {
		s.Report(fault.Fault{At: "hook", Message: errZeroHook.Error(), Kind: fault.ErrGraphValidation})
		return graph.Hook{Call: func(*graph.Invocation, error) error { return errZeroHook }}
	}
	w := &wiring{scope: &Scope{Resources: s.Resources, Report: func(f fault.Fault) {
		s.Report(f.Below(fmt.Sprintf("hook %q", h.Name)))
	}}}
	for i := range h.Args.fields {
		f := &h.Args.fields[i]
		if f.role != valueRole {
			continue
		}
		w.resource(f, func(name string) {
			hint := fault.Suggestion(name, w.resourceNames)
			if s.Value(name) != nil {
				hint = ", and a hook does not read assets: load it with ctx.Load"
			}
			w.report("input "+f.field, "no resource is named %q%s", name, hint)
		})
	}
	sets, call := w.sets, h.Call // not the wiring, which holds the whole scope
	return graph.Hook{Name: h.Name, OnFailure: h.OnFailure, Call: func(inv *graph.Invocation, failure error) error {
		return call(inv, failure, sets)
	}}
}

// resourceNames yields the names of the resources.
func (w *wiring) resourceNames(yield func(string) bool) {
	for name := range w.scope.Resources {
		if !yield(name) {
			return
		}
	}
}
