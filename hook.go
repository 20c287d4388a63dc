package rivers

import (
	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/graph"
)

// Hook is called after a step succeeded or failed; it is made by [OnSuccess] or [OnFailure]. What
// it returns or does cannot change the step's outcome. The zero value is a definition error.
type Hook struct{ h *define.Hook }

// OnSuccess returns a hook that is called after a step succeeded, once for each step. The fields
// of In receive resources by name.
func OnSuccess[In any](name string, fn func(*HookContext, In) error) Hook {
	return newHook(name, false, fn)
}

// OnFailure returns a hook that is called after a step failed for the last time, once for each
// step; [HookContext.Failure] explains why. The fields of In receive resources by name.
func OnFailure[In any](name string, fn func(*HookContext, In) error) Hook {
	return newHook(name, true, fn)
}

func newHook[In any](name string, onFailure bool, fn func(*HookContext, In) error) Hook {
	h := &define.Hook{Name: name, OnFailure: onFailure, Args: argsOf[In](), NoFunction: fn == nil}
	h.Call = func(inv *graph.Invocation, failure error, f define.FieldSetters) error {
		ctx := &HookContext{stepContext: stepContext{inv: inv}, failure: failure}
		in, err := arguments[In](f, inv, nil)
		if err != nil {
			return err
		}
		return fn(ctx, in)
	}
	return Hook{h.Define()}
}

// hooksOf returns the hooks as package define takes them.
func hooksOf(hooks []Hook) []*define.Hook {
	if len(hooks) == 0 {
		return nil
	}
	all := make([]*define.Hook, len(hooks))
	for i := range hooks {
		all[i] = hooks[i].h
	}
	return all
}
