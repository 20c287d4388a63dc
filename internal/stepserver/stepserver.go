// Package stepserver does one step of a run in a process of its own.
//
//	parent: subprocess.Launcher ─── order ──▶ child: subprocess.Serve ─▶ Serve ─▶ engine.Serve
//	                            ◀── report ──
//
// The process builds only what its step needs, so that a step costs the same in a repository of ten
// assets and of ten thousand. It opens no store: it asks its parent for what it reads. It sets up a
// resource when the step first needs it, and tears down what it set up once the outcome is known.
package stepserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/subprocess"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// Config is what a repository tells its step process.
type Config struct {
	Location  string
	Resources catalog.Resources
	// Part returns the graph of the node with that key, and the policy of nodes that have none, in a
	// run of a job.
	Part func(key, job string) (*graph.Graph, retry.Policy, error)
	// Begun is called before the step is done; with an error it is not.
	Begun func(*Session) error
	// Load loads a stored value by name, as the context of the step does.
	Load func(ctx context.Context, name string, key partition.Key, dst any) error
	// Context adds the values of listeners to the context of the step.
	Context func(ctx context.Context) context.Context
}

// Session is a process that does one step.
type Session struct {
	// Storage asks the parent, Tables remembers its keys of partitions.
	Storage storage.Reader
	Tables  *storage.KeyCache
	// ValuesDir is the folder of the default IO handler.
	ValuesDir string

	resources catalog.Resources
	mu        sync.Mutex
	setUp     []string // resources, in the order of their setup
}

// Inside reports whether this process was started to do a step.
func Inside() bool { return subprocess.Inside() }

// Remember notes which program this is, before somebody replaces its file.
func Remember() { subprocess.Remember() }

// Serve does the step that this process was started for. It returns the exit code, and false in a
// process that was started for another repository.
func Serve(c Config) (code int, mine bool) { return subprocess.Serve(c.Location, c.serve) }

// serve does one step and returns what is left to do once its outcome is known.
func (c Config) serve(ctx context.Context, step subprocess.Step) (engine.Report, func()) {
	g, policy, err := c.Part(step.Task.Node, step.Job)
	if err != nil {
		return engine.Refusal(err), func() {}
	}
	s := &Session{Storage: step.Storage, Tables: storage.NewKeyCache(step.Storage, 0), ValuesDir: step.ValuesDir, resources: c.Resources}
	if err := c.Begun(s); err != nil {
		return engine.Refusal(err), func() {}
	}
	remote := engine.RemoteAttempt{
		Graph: g, Retry: policy,
		Tables: func(d partition.Definition) (partition.Tables, error) { return s.Tables.Tables(ctx, d) },
		Shared: &graph.Run{
			ID: step.RunID, Job: step.Job, Location: c.Location, Tags: step.Tags, Storage: step.Storage, Isolated: true,
			Load: c.Load,
		},
		Prepare: func(ctx context.Context, node *graph.Node) (any, error) {
			if err := s.setUpFor(ctx, node, g); err != nil {
				return nil, err
			}
			return decodedConfig(node, step.Config)
		},
	}
	report := engine.Serve(c.Context(ctx), remote, step.Task, step.Sink)
	return report, func() {
		if err := c.Resources.TearDown(context.WithoutCancel(ctx), s.done()); err != nil {
			step.Sink.Log(storage.LogLine{Level: slog.LevelError, Message: err.Error()})
		}
	}
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
			return nil, fmt.Errorf("config of %q: %w", catalog.ConfigName(node), err)
		}
	}
	config, err := node.DecodeConfig(over)
	if err != nil {
		return nil, fmt.Errorf("config of %q: %w", catalog.ConfigName(node), err)
	}
	return config, nil
}

// setUpFor sets up the resources that a node takes, and those that are the IO handlers of what it
// reads and writes.
func (s *Session) setUpFor(ctx context.Context, node *graph.Node, g *graph.Graph) error {
	names := slices.Clone(node.Resources)
	for o := range node.Outputs {
		names = append(names, s.resources.Holding(node.Outputs[o].Handler)...)
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
		names = append(names, s.resources.Holding(h)...)
	}
	return s.setUpNamed(ctx, names)
}

// SetUp sets up the resources that are the handler h, unless they are already.
func (s *Session) SetUp(ctx context.Context, h iohandler.Handler) error {
	return s.setUpNamed(ctx, s.resources.Holding(h))
}

// setUpNamed sets up resources in the order of their names, unless they are already.
func (s *Session) setUpNamed(ctx context.Context, names []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if slices.Contains(s.setUp, name) {
			continue
		}
		if err := s.resources.SetUpOne(ctx, name); err != nil {
			return err
		}
		s.setUp = append(s.setUp, name)
	}
	return nil
}

// done returns what was set up.
func (s *Session) done() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.setUp
}
