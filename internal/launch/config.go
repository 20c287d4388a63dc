package launch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/internal/subprocess"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// Shared returns what all runs of one plan have in common: [Runner.Bind] makes it one run's.
// Nothing else assembles an [engine.Config]: new runs, retries, resumed runs and the runs of
// backfills all begin here.
func (r *Runner) Shared(p *plan.Plan, job *catalog.Job, overrides map[string]map[string]any) (engine.Config, error) {
	configs, err := DecodeConfigs(p, overrides)
	if err != nil {
		return engine.Config{}, err
	}
	c := engine.Config{
		Plan: p, Store: r.Store, AssetKeys: r.keysIn(p.Graph), Configs: configs, Retry: r.Catalog.Retry(), Leases: r.Leases,
		Logger: r.Logger, ClaimTimeout: r.ClaimTimeout,
	}
	if job != nil {
		c.Retry, c.Hooks = retry.Nearest(job.Retry, c.Retry), job.Hooks
	}
	return c, nil
}

// Bind makes a shared config that of one run, which is recorded or is to be.
func (r *Runner) Bind(c *engine.Config, rec storage.RunRecord) (err error) {
	c.Record = rec
	c.Shared = &graph.Run{
		ID: rec.ID, Job: rec.Job, Location: rec.Location, Tags: rec.Tags, Storage: r.Store, Load: r.Load,
	}
	c.Isolate, err = r.isolate(c.Plan, &rec)
	return err
}

// runConfig turns a checked request into a run's config, with the partitions that it names.
func (r *Runner) runConfig(ctx context.Context, job *catalog.Job, req storage.RunRequest) (engine.Config, error) {
	a, err := r.assigner(ctx, job, &req)
	if err != nil {
		return engine.Config{}, err
	}
	c, err := r.planConfig(job, req)
	if err != nil {
		return c, err
	}
	if c.Assignment, err = a.assign(ctx, c.Plan, &req); err != nil {
		return c, err
	}
	c.Record.Partition = label(c.Assignment)
	err = r.gateLater(ctx, &c)
	return c, err
}

// planConfig turns a checked request into a run's config, without partitions.
func (r *Runner) planConfig(job *catalog.Job, req storage.RunRequest) (engine.Config, error) {
	p, err := r.plan(job, req)
	if err != nil {
		return engine.Config{}, err
	}
	if err := r.Held.Check(p); err != nil {
		return engine.Config{}, err
	}
	c, err := r.Shared(p, job, req.Config)
	if err != nil {
		return engine.Config{}, err
	}
	rec := storage.RunRecord{ID: req.RunID, Location: r.Catalog.Location(), Request: req, Tags: req.Tags, Owner: proc.Self().String()}
	if rec.ID == "" {
		if rec.ID, err = newID(); err != nil {
			return engine.Config{}, err
		}
	}
	if job != nil {
		rec.Job, rec.Tags = job.Name, merged(job.Tags, req.Tags)
	}
	err = r.Bind(&c, rec)
	return c, err
}

// keysIn returns the keys of the assets of a plan's graph, by output: the catalog's own graph, or a
// smaller one.
func (r *Runner) keysIn(g *graph.Graph) []storage.AssetKey {
	whole := r.Catalog.Graph()
	if g == whole || r.Keys == nil {
		return r.Keys
	}
	keys := make([]storage.AssetKey, g.Outputs())
	for v := range keys {
		out, _ := g.Output(int32(v))
		if own, ok := whole.Find(out.Name); ok && out.Asset {
			keys[v] = r.Keys[own]
		}
	}
	return keys
}

// DecodeConfigs checks the config of every planned node: overrides for unknown or unplanned
// names, for nodes without config, and values that do not fit are all reported together.
func DecodeConfigs(p *plan.Plan, overrides map[string]map[string]any) (map[int32]any, error) {
	var errs []error
	configs := map[int32]any{}
	used := map[string]bool{}
	for s := range p.Steps {
		n := p.Steps[s].Node
		node := p.Graph.Node(n)
		name := catalog.ConfigName(node)
		over, given := overrides[name]
		if given {
			used[name] = true
		}
		if node.DecodeConfig == nil {
			if given && node.Kind != graph.GraphTask {
				errs = append(errs, fmt.Errorf("config of %q: it takes no config: give its function's argument struct a field with the tag `rivers:\",config\"`", name))
			}
			continue
		}
		value, err := node.DecodeConfig(over)
		if err != nil {
			errs = append(errs, fmt.Errorf("config of %q: %w", name, err))
			continue
		}
		configs[n] = value
	}
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		if !used[name] {
			errs = append(errs, unusedConfig(p, name))
		}
	}
	return configs, errors.Join(errs...)
}

// unusedConfig is the error for a config override that no step of the plan takes.
func unusedConfig(p *plan.Plan, name string) error {
	names := func(yield func(string) bool) {
		for s := range p.Steps {
			if !yield(catalog.ConfigName(p.Graph.Node(p.Steps[s].Node))) {
				return
			}
		}
	}
	if made := p.Graph.Items().Named(name); len(made) > 0 {
		if by := p.Graph.Items().Definition(int(made[0])); by != name {
			return fmt.Errorf("config of %q: %w: it is made by %q: give the config under that name", name, fault.ErrConfig, by)
		}
		return fmt.Errorf("config of %q: %w: not part of this run: select it, or leave out its config", name, fault.ErrConfig)
	}
	return fmt.Errorf("config of %q: %w%s", name, fault.ErrAssetNotFound, fault.Suggestion(name, names))
}

// merged is a map with the entries of both, the second's winning; nil where both are empty.
func merged[V any](a, b map[string]V) map[string]V {
	if len(a)+len(b) == 0 {
		return nil
	}
	out := make(map[string]V, len(a)+len(b))
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

// environKey is where the context of an attempt has the environment of its process.
type environKey struct{}

// WithEnviron returns a context whose attempt gets more variables in the environment of its
// process.
func WithEnviron(ctx context.Context, env []string) context.Context {
	return context.WithValue(ctx, environKey{}, env)
}

// EnvironOf returns what [WithEnviron] added.
func EnvironOf(ctx context.Context) []string {
	env, _ := ctx.Value(environKey{}).([]string)
	return env
}

// isolate returns how steps of a run are done in processes of their own, nil where the plan has
// none.
func (r *Runner) isolate(p *plan.Plan, record *storage.RunRecord) (func(context.Context, engine.Task, engine.Sink) (engine.Report, error), error) {
	if !p.Isolates() {
		return nil, nil //nolint:nilnil // there is nothing to do in another process
	}
	configs := make(map[string][]byte, len(record.Request.Config))
	for name, over := range record.Request.Config {
		text, err := json.Marshal(over)
		if err != nil {
			return nil, fmt.Errorf("config of %q: %w: %w", name, fault.ErrConfig, err)
		}
		configs[name] = text
	}
	l := &subprocess.Launcher{
		Order:   subprocess.Order{Location: record.Location, RunID: record.ID, Job: record.Job, Tags: record.Tags, ValuesDir: r.ValuesDir},
		Storage: r.Store,
		Config: func(node string) []byte {
			n, ok := p.Graph.FindNode(node)
			if !ok || len(configs) == 0 {
				return nil
			}
			return configs[catalog.ConfigName(p.Graph.Node(n))]
		},
	}
	return func(ctx context.Context, t engine.Task, to engine.Sink) (engine.Report, error) {
		t.Environ = EnvironOf(ctx)
		return l.Do(ctx, t, to)
	}, nil
}
