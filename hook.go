package rivers

import (
	"errors"
	"fmt"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
)

// Hook is called after a step succeeded or failed; it is made by [OnSuccess] or [OnFailure]. What
// it returns or does cannot change the step's outcome. The zero value is a definition error.
type Hook struct {
	name      string
	onFailure bool
	faults    []fault.Fault
	args      *arguments
	// call runs the function with a filled argument struct.
	call func(ctx *HookContext, f filling) error
}

// OnSuccess returns a hook that is called after a step succeeded, once for each step. The fields
// of In receive resources by name.
func OnSuccess[In any](name string, fn func(*HookContext, In) error) Hook {
	return newHook(name, false, fn)
}

// OnFailure returns a hook that is called after a step failed for the last time, once for each
// step; [HookContext.Failure] says why. The fields of In receive resources by name.
func OnFailure[In any](name string, fn func(*HookContext, In) error) Hook {
	return newHook(name, true, fn)
}

func newHook[In any](name string, onFailure bool, fn func(*HookContext, In) error) Hook {
	h := Hook{name: name, onFailure: onFailure, args: argsOf[In]()}
	at := fmt.Sprintf("hook %q", name)
	report := func(format string, v ...any) {
		h.faults = append(h.faults, fault.Fault{At: at, Message: fmt.Sprintf(format, v...), Kind: ErrGraphValidation})
	}
	if mistake := fault.NameMistake(name); mistake != "" {
		report("%s", mistake)
	}
	if fn == nil {
		report("the function is nil: give one")
	}
	for _, f := range h.args.faults {
		report("%s: %s", f.At, f.Message)
	}
	for _, f := range h.args.fields {
		if f.role != valueRole {
			report("input %s: a hook takes resources only", f.field)
		}
	}
	h.call = func(ctx *HookContext, f filling) error {
		in, err := filled[In](f, ctx.inv, nil)
		if err != nil {
			return err
		}
		return fn(ctx, in)
	}
	return h
}

// errZeroHook is what a hook that was not made by OnSuccess or OnFailure returns.
var errZeroHook = errors.New("the hook is the zero value: make it with rivers.OnSuccess or rivers.OnFailure")

// compile connects a hook to the resources of a scope; mistakes are reported to it.
func (h Hook) compile(s *scope) graph.Hook {
	if h.call == nil {
		s.report(fault.Fault{At: "hook", Message: errZeroHook.Error(), Kind: ErrGraphValidation})
		return graph.Hook{Call: func(*graph.Invocation, error) error { return errZeroHook }}
	}
	w := &wiring{scope: &scope{resources: s.resources, report: func(f fault.Fault) {
		s.report(f.Below(fmt.Sprintf("hook %q", h.name)))
	}}}
	for i := range h.args.fields {
		f := &h.args.fields[i]
		if f.role != valueRole {
			continue
		}
		w.resource(f, func(name string) {
			hint := fault.Suggestion(name, w.resourceNames)
			if _, ok := s.values[name]; ok {
				hint = ", and a hook does not read assets: load it with ctx.Load"
			}
			w.report("input "+f.field, "no resource is named %q%s", name, hint)
		})
	}
	sets := w.sets // not the wiring, which holds the whole validation
	return graph.Hook{Name: h.name, OnFailure: h.onFailure, Call: func(inv *graph.Invocation, failure error) error {
		return h.call(&HookContext{stepContext: stepContext{inv: inv}, failure: failure}, sets)
	}}
}

func (w *wiring) resourceNames(yield func(string) bool) {
	for name := range w.scope.resources {
		if !yield(name) {
			return
		}
	}
}
