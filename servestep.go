package rivers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"slices"
	"sync"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/internal/subprocess"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/storage"
)

// ServeStep does the step that this process was started for, and exits: executor.Subprocess starts the
// program anew, with its arguments and environment, for each step. In any other process it returns false.
//
// [github.com/rivers-go/rivers/cli.Main] calls it. A main of one's own, or a TestMain, calls it before
// it does anything else but define things; where a program has several repositories, on each of them.
// In a process that was started for a step every call that would start a run or open a store is an error,
// so that a program without this call cannot multiply.
//
// The process sets up the resources that the step takes, tears them down when it is done, and asks its
// parent for what it needs of the store. Hooks and listeners are the parent's.
func (r *CodeRepository) ServeStep() bool {
	if !subprocess.Inside() {
		subprocess.Remember()
		return false
	}
	code, mine := subprocess.Serve(r.Name(), r.serveStep)
	if mine {
		os.Exit(code)
	}
	return false
}

// serving is what a repository has in a process that does one step.
type serving struct {
	repo    *CodeRepository
	storage storage.Reader

	mu    sync.Mutex
	setUp []string // resources, in the order of their setup
}

// serveStep does one step and returns what is left to do once its outcome is known.
func (r *CodeRepository) serveStep(ctx context.Context, step subprocess.Step) (engine.Report, func()) {
	p, err := r.partFor(step.Task.Node, step.Job)
	if err != nil {
		return engine.Refusal(err), func() {}
	}
	s := &serving{repo: r, storage: step.Storage}
	r.mu.Lock()
	r.serving, r.keyTables = s, storage.NewKeyCache(step.Storage, 0)
	r.mu.Unlock()
	guest := engine.Guest{
		Graph: p.graph, Retry: p.retry, Tables: r.tables(ctx),
		Shared: &graph.Run{
			ID: step.RunID, Job: step.Job, Location: r.Name(), Tags: step.Tags, Storage: step.Storage, Isolated: true,
			Load: r.loadFrom,
		},
		Prepare: func(ctx context.Context, node *graph.Node) (any, error) {
			if err := s.setUpFor(ctx, node, p.graph); err != nil {
				return nil, err
			}
			return decodedConfig(node, step.Config)
		},
	}
	report := engine.Serve(r.servedContext(ctx), guest, step.Task, step.Sink)
	return report, func() {
		if err := r.tearDown(context.WithoutCancel(ctx), s.done()); err != nil {
			step.Sink.Log(storage.LogLine{Level: slog.LevelError, Message: err.Error()})
		}
	}
}

// servedContext is the context of the step, with the values that listeners give it.
func (r *CodeRepository) servedContext(ctx context.Context) context.Context {
	for i := range r.config.Listeners {
		if f := r.config.Listeners[i].ServedContext; f != nil {
			shield(r.config.Logger, "", func() { ctx = engine.Lend(ctx, f(ctx)) }) //nolint:fatcontext // each listener adds to the context of the one before, once a run or attempt
		}
	}
	return ctx
}

// decodedConfig decodes the config of a node in the process that uses it, from its environment.
func decodedConfig(node *graph.Node, overrides []byte) (any, error) {
	if node.DecodeConfig == nil {
		return nil, nil //nolint:nilnil // a node without a config has none, which is no error
	}
	var over map[string]any
	if len(overrides) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(overrides))
		decoder.UseNumber() // a float64 would round large numbers
		if err := decoder.Decode(&over); err != nil {
			return nil, fmt.Errorf("config of %q: %w", configName(node), err)
		}
	}
	config, err := node.DecodeConfig(over)
	if err != nil {
		return nil, fmt.Errorf("config of %q: %w", configName(node), err)
	}
	return config, nil
}

// setUpFor sets up the resources that a node takes, and those that are the IO handlers of what it reads and
// writes.
func (s *serving) setUpFor(ctx context.Context, node *graph.Node, g *graph.Graph) error {
	names := slices.Clone(node.Resources)
	for o := range node.Outputs {
		names = append(names, s.repo.resourcesThatAre(node.Outputs[o].Handler)...)
	}
	n, _ := g.FindNode(node.Name)
	for k, v := range g.From(n) {
		if v < 0 || node.Inputs[k].Mode.Waits() {
			continue
		}
		h := node.Inputs[k].Handler
		if h == nil {
			out, _ := g.Output(v)
			h = out.Handler
		}
		names = append(names, s.repo.resourcesThatAre(h)...)
	}
	return s.setUpNamed(ctx, names)
}

// setUpNamed sets up resources in the order of their names, unless they are already.
func (s *serving) setUpNamed(ctx context.Context, names []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if slices.Contains(s.setUp, name) {
			continue
		}
		if err := s.repo.setUpResource(ctx, name); err != nil {
			return err
		}
		s.setUp = append(s.setUp, name)
	}
	return nil
}

// done returns what was set up.
func (s *serving) done() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.setUp
}

// resourcesThatAre returns the names of the resources that a handler is.
func (r *CodeRepository) resourcesThatAre(h iohandler.Handler) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(r.config.Resources)) {
		if res, ok := r.config.Resources[name].(iohandler.Handler); ok && sameHandler(res, h) {
			names = append(names, name)
		}
	}
	return names
}

// sameHandler reports whether two handlers are one; those of types that cannot be compared are not.
func sameHandler(a, b iohandler.Handler) bool {
	return a != nil && b != nil && reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// open makes ready what is needed to read: in a process that does a step the parent reads the store.
func (r *CodeRepository) open(ctx context.Context) error {
	if r.servingStep() != nil {
		return nil
	}
	return r.Resolve(ctx, nil)
}

// openHandler is open for a read through a handler, which may be a resource that wants its setup.
func (r *CodeRepository) openHandler(ctx context.Context, h iohandler.Handler) error {
	if s := r.servingStep(); s != nil {
		return s.setUpNamed(ctx, r.resourcesThatAre(h))
	}
	return r.Resolve(ctx, nil)
}

// servingStep returns what the repository has in a process that does a step, nil in any other.
func (r *CodeRepository) servingStep() *serving {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.serving
}

// errInStep is what a process gets that was started for a step and wants to start a run.
func (r *CodeRepository) errInStep() error {
	return fmt.Errorf("repository %q: this process was started to do one step of a run, so it starts no run and opens no store: "+
		"call ServeStep before anything else in main, as cli.Main does, and read with the step's context", r.config.Name)
}

// isolator returns how steps of a run are done in processes of their own, nil where the plan has none.
func (r *CodeRepository) isolator(p *plan.Plan, record *storage.RunRecord) (func(context.Context, engine.Task, engine.Sink) (engine.Report, error), error) {
	if !p.Isolates() {
		return nil, nil //nolint:nilnil // there is nothing to do in another process
	}
	configs := make(map[string][]byte, len(record.Request.Config))
	for name, over := range record.Request.Config {
		text, err := json.Marshal(over)
		if err != nil {
			return nil, fmt.Errorf("config of %q: %w: %w", name, ErrConfig, err)
		}
		configs[name] = text
	}
	l := &subprocess.Launcher{
		Order:   subprocess.Order{Location: record.Location, RunID: record.ID, Job: record.Job, Tags: record.Tags},
		Storage: r.store,
		Config: func(node string) []byte {
			n, ok := p.Graph.FindNode(node)
			if !ok || len(configs) == 0 {
				return nil
			}
			return configs[configName(p.Graph.Node(n))]
		},
	}
	return func(ctx context.Context, t engine.Task, to engine.Sink) (engine.Report, error) {
		t.Environ = environOf(ctx)
		return l.Do(ctx, t, to)
	}, nil
}
