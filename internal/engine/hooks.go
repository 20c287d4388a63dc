package engine

import (
	"fmt"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/storage"
)

// hooksFor returns the hooks that an outcome calls: on success, or on a failure that is not
// tried again.
func (r *run) hooksFor(step int32, kind storage.EventKind, again bool) []graph.Hook {
	if kind != storage.StepSucceeded && (kind != storage.StepFailed || again) {
		return nil
	}
	mapped, _, _ := r.d.Instance(step)
	own := r.graph.Node(r.Plan.Steps[mapped].Node).Hooks
	if len(own) == 0 && len(r.Hooks) == 0 {
		return nil
	}
	var called []graph.Hook
	for _, hooks := range [2][]graph.Hook{own, r.Hooks} {
		for _, h := range hooks {
			if h.OnFailure == (kind == storage.StepFailed) {
				called = append(called, h)
			}
		}
	}
	return called
}

// runHooks calls hooks one after another. What goes wrong in one is logged and changes nothing.
func (r *run) runHooks(j job, hooks []graph.Hook, failure error) {
	if len(hooks) == 0 {
		return
	}
	a := r.newAttempt(j)
	for _, h := range hooks {
		inv := &graph.Invocation{
			Context: r.ctx, Run: r.Shared, Node: a.of, Step: a.key, Attempt: int(j.attempt), NewLogger: a.newLogger,
		}
		if err := callHook(h, inv, failure); err != nil {
			a.newLogger().Error("hook", "hook", h.Name, "error", err)
		}
	}
}

func callHook(h graph.Hook, inv *graph.Invocation, failure error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return h.Call(inv, failure)
}
