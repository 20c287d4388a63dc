package engine

import (
	"github.com/rivers-go/rivers/internal/fault"
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

// runHooks calls hooks one after another. What goes wrong in one is logged and changes nothing; one
// that ends its goroutine, as a test's FailNow does, leaves the rest to another.
func (r *run) runHooks(j job, hooks []graph.Hook, failure error) {
	if len(hooks) == 0 {
		return
	}
	a, at := r.newAttempt(j), 0
	defer func() {
		if at == len(hooks) {
			return
		}
		a.newLogger().Error("hook", "hook", hooks[at].Name, "error", "it ended its goroutine with runtime.Goexit instead of returning")
		r.hooks.Go(func() { r.runHooks(j, hooks[at+1:], failure) })
	}()
	for ; at < len(hooks); at++ {
		inv := &graph.Invocation{
			Context: r.ctx, Run: r.Shared, Node: a.of, Step: a.key, Attempt: int(j.attempt), NewLogger: a.newLogger,
		}
		if mistake, good := callHook(hooks[at], inv, failure); !good {
			a.newLogger().Error("hook", "hook", hooks[at].Name, "error", mistake)
		}
	}
}

// callHook returns what went wrong in words: the error's own are user code too.
func callHook(h graph.Hook, inv *graph.Invocation, failure error) (mistake string, good bool) {
	defer func() {
		if p := recover(); p != nil {
			mistake, good = fault.NewPanicError(p).Error(), false
		}
	}()
	if err := h.Call(inv, failure); err != nil {
		return err.Error(), false
	}
	return "", true
}
