package rivers

import (
	"context"
	"fmt"
	"os"

	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/stepserver"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/retry"
)

// ServeStep does the step that this process was started for, and exits: executor.Subprocess starts
// the program anew, with its arguments and environment, for each step. In any other process it
// returns at once.
//
// [github.com/rivers-go/rivers/cli.Main] calls it. A main of one's own, or a TestMain, calls it
// before it does anything else but define things; where a program has several repositories, on each
// of them. In a process that was started for a step every call that would start a run or open a
// store is an error, so that a program without this call cannot multiply.
//
// The process sets up the resources that the step takes, tears them down when it is done, and asks
// its parent for what it needs of the store. Hooks and listeners are the parent's.
func (r *CodeRepository) ServeStep() {
	if !stepserver.Inside() {
		stepserver.Remember()
		return
	}
	code, mine := stepserver.Serve(stepserver.Config{
		Location: r.Name(), Resources: r.resources(), Load: r.loadFrom, Context: r.servedContext,
		Part: func(key, job string) (*graph.Graph, retry.Policy, error) {
			return catalog.Step(r.catalogConfig(), key, job)
		},
		Begun: func(s *stepserver.Session) error {
			if s.ValuesDir != "" {
				if err := r.fallback.Open(s.ValuesDir, true); err != nil {
					return err
				}
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.session = s
			return nil
		},
	})
	if mine {
		os.Exit(code)
	}
}

// servedContext is the context of the step, with the values that listeners give it.
func (r *CodeRepository) servedContext(ctx context.Context) context.Context {
	for i := range r.config.Listeners {
		if f := r.config.Listeners[i].ServedContext; f != nil {
			callListener(r.config.Logger, "", func() { ctx = engine.WithValuesOf(ctx, f(ctx)) }) //nolint:fatcontext // each listener adds to the context of the one before, once a run or attempt
		}
	}
	return ctx
}

// open makes ready what is needed to read: in a process that does a step the parent reads the
// store.
func (r *CodeRepository) open(ctx context.Context) error {
	if r.inStep() != nil {
		return nil
	}
	return r.Resolve(ctx, nil)
}

// openHandler is open for a read through a handler, which may be a resource that wants its setup.
func (r *CodeRepository) openHandler(ctx context.Context, h iohandler.Handler) error {
	if s := r.inStep(); s != nil {
		return s.SetUp(ctx, h)
	}
	return r.Resolve(ctx, nil)
}

// inStep returns what the repository has in a process that does a step, nil in any other.
func (r *CodeRepository) inStep() *stepserver.Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.session
}

// errInStep is what a process gets that was started for a step and wants to start a run.
func (r *CodeRepository) errInStep() error {
	return fmt.Errorf("repository %q: this process was started to do one step of a run, so it starts no run and opens no store: "+
		"call ServeStep before anything else in main, as cli.Main does, and read with the step's context", r.config.Name)
}
