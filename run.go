package rivers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// Materialize runs the requested assets in this process and returns when the run has ended and
// its end is recorded. Everything about the request is checked before anything is written.
//
// The result is non-nil whenever a run was recorded, also beside an error: the error joins a
// [*StepError] for each step that failed. Independent branches go on after a failure.
func (r *CodeRepository) Materialize(ctx context.Context, req RunRequest) (*RunResult, error) {
	return r.execute(ctx, nil, req)
}

// ExecuteRequest asks for one run of a job. The zero value runs all of it.
type ExecuteRequest struct {
	// Config overrides the config of single assets and tasks, by name.
	Config map[string]map[string]any
	// Tags are added to the job's and win over them.
	Tags map[string]string
	// Partition, Range and Partitions are as in [RunRequest]: one of them where the job has assets with partitions.
	Partition  partition.Key
	Range      partition.KeyRange
	Partitions partition.Set
	// Checks and CheckNames say which asset checks run, as in [RunRequest].
	Checks     storage.CheckMode
	CheckNames []string
	// RunID and Resume are as in [RunRequest].
	RunID  string
	Resume bool
}

// Execute runs the job in this process, as [CodeRepository.Materialize] runs a selection.
func (j *ResolvedJob) Execute(ctx context.Context, req ExecuteRequest) (*RunResult, error) {
	return j.repo.execute(ctx, j, RunRequest{
		Config: req.Config, Tags: req.Tags, RunID: req.RunID, Resume: req.Resume,
		Partition: req.Partition, Range: req.Range, Partitions: req.Partitions, Checks: req.Checks, CheckNames: req.CheckNames,
	})
}

// execute checks a request, plans it and runs the plan: as a new run, or one that is recorded.
func (r *CodeRepository) execute(ctx context.Context, job *ResolvedJob, req RunRequest) (*RunResult, error) {
	if err := r.Resolve(ctx, nil); err != nil {
		return nil, err
	}
	if rec, ok, err := r.existing(ctx, &req); err != nil {
		return nil, err
	} else if ok {
		if job != nil && rec.Job != job.Name() {
			return nil, fmt.Errorf("run %q: it is of job %q, not of %q", rec.ID, rec.Job, job.Name())
		}
		return r.goOn(ctx, rec.ID)
	}
	c, err := r.newRun(ctx, job, req)
	if errors.Is(err, errNothingStale) { // a run of no step is not recorded
		return &RunResult{Status: storage.Success}, nil
	}
	if err != nil {
		return nil, err
	}
	r.recoverAbandoned(ctx)
	r.upkeep()
	return r.drive(ctx, c)
}

// newRun turns a checked request into a run that is not recorded yet.
func (r *CodeRepository) newRun(ctx context.Context, job *ResolvedJob, req RunRequest) (engine.Config, error) {
	switch {
	case req.RetryOf != "":
		return r.retry(ctx, req)
	case req.Retry != "":
		return engine.Config{}, fmt.Errorf("retry %q: the request names no run to retry: set RetryOf", req.Retry)
	}
	return r.runConfig(ctx, job, req)
}

// drive runs what is planned and tells the listeners.
func (r *CodeRepository) drive(ctx context.Context, c engine.Config) (*RunResult, error) {
	listeners := r.listeners()
	observe(&c, listeners)
	res, err := engine.Execute(ctx, c)
	if res == nil {
		return nil, err
	}
	out := newResult(res)
	r.finished(listeners, out)
	return out, errors.Join(out.Err(), err)
}

// runConfig turns a checked request into what the engine needs, with the partitions that it names.
func (r *CodeRepository) runConfig(ctx context.Context, job *ResolvedJob, req RunRequest) (engine.Config, error) {
	now := time.Now()
	var stale *narrowing
	if req.Stale {
		var err error
		if stale, err = r.narrowed(ctx, job, &req, now); err != nil {
			return engine.Config{}, err
		}
	}
	c, err := r.planConfig(job, req)
	if err != nil {
		return c, err
	}
	if c.Cut, err = r.cutStale(ctx, c.Plan, &req, now, stale); err != nil {
		return c, err
	}
	c.Record.Partition = cutLabel(c.Cut)
	err = r.gateLater(ctx, &c)
	return c, err
}

// planConfig turns a checked request into what the engine needs, but for partitions.
func (r *CodeRepository) planConfig(job *ResolvedJob, req RunRequest) (engine.Config, error) {
	b, err := r.built()
	if err != nil {
		return engine.Config{}, err
	}
	p, err := r.plan(b, job, req)
	if err != nil {
		return engine.Config{}, err
	}
	configs, err := decodeConfigs(p, req.Config)
	if err != nil {
		return engine.Config{}, err
	}
	record := storage.RunRecord{ID: req.RunID, Location: r.Name(), Request: req, Tags: req.Tags}
	if record.ID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return engine.Config{}, fmt.Errorf("run: making an id: %w", err)
		}
		record.ID = id.String()
	}
	record.Owner = proc.Self().String()
	c := engine.Config{
		Plan: p, Store: r.store, AssetKeys: r.keysIn(b, p.Graph), Configs: configs, Retry: b.retry, Keeper: r.keeper, Logger: r.config.Logger, ClaimTimeout: r.claimTimeout,
	}
	if job != nil {
		record.Job = job.Name()
		record.Tags = merged(job.job.Tags, req.Tags)
		c.Retry = retry.Nearest(job.retry, c.Retry)
		c.Hooks = job.hooks
	}
	c.Record = record
	c.Shared = &graph.Run{
		ID: record.ID, Job: record.Job, Location: record.Location, Tags: record.Tags, Storage: r.store,
		Load: r.loadFrom,
	}
	c.Isolate, err = r.isolator(p, &record)
	return c, err
}

// plan returns the plan of a request; those of jobs and of single selections are kept.
func (r *CodeRepository) plan(b *built, job *ResolvedJob, req RunRequest) (*plan.Plan, error) {
	if req.Action != "" {
		return r.actionPlan(b, &req)
	}
	if err := b.checkChecks(&req); err != nil {
		return nil, err
	}
	if job != nil {
		return job.planFor(req), nil
	}
	selected, err := b.selectItems(req.Selection, req.Checks == storage.ChecksOnly)
	if err != nil {
		return nil, err
	}
	p := plan.New(b.graph, plan.Options{
		Selected: selected, IncludeUpstream: req.IncludeUpstream, Checks: req.Checks, CheckNames: req.CheckNames,
		Executor: r.config.DefaultExecutor, Workers: defaultWorkers(),
	})
	if req.Checks == storage.ChecksOnly && len(p.Steps) == 0 {
		return nil, &selectionError{errors.New("checks: what is selected has none: `checks list` shows those that there are")}
	}
	return p, nil
}

// decodeConfigs checks the config of every planned node: overrides for unknown or unplanned
// names, for nodes without config, and values that do not fit are all reported together.
func decodeConfigs(p *plan.Plan, overrides map[string]map[string]any) (map[int32]any, error) {
	var errs []error
	configs := map[int32]any{}
	used := map[string]bool{}
	for s := range p.Steps {
		n := p.Steps[s].Node
		node := p.Graph.Node(n)
		name := configName(node)
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

// configName is what a request calls a node: a task inside a graph asset goes by its step key.
func configName(node *graph.Node) string {
	if node.Kind == graph.GraphTask {
		return node.Name
	}
	return node.Definition
}

// RunPlan says which steps a request would run, and why.
type RunPlan struct {
	// Executor says how the steps would run.
	Executor executor.Executor `json:"executor"`
	// Steps are in the order of the plan.
	Steps []PlannedStep `json:"steps"`
}

// PlannedStep is one step of a plan.
type PlannedStep struct {
	// Step is the step's key, Assets the assets that it makes.
	Step   string   `json:"step"`
	Assets []string `json:"assets,omitempty"`
	// After are the keys of the steps that it waits for.
	After []string `json:"after,omitempty"`
	// Loads are the names of values that it reads and no step of the plan makes.
	Loads []string `json:"loads,omitempty"`
	// Why says why it is in the plan.
	Why string `json:"why"`
	// Mapped says that it unfolds into an instance per element when it runs.
	Mapped bool `json:"mapped,omitempty"`
	// Partitions says for people which partitions it would make, Lacking why some of them cannot be made: they read
	// partitions that do not exist.
	Partitions string `json:"partitions,omitempty"`
	Lacking    string `json:"lacking,omitempty"`
}

// Plan checks a request as [CodeRepository.Materialize] does and says what it would run. It
// opens nothing and writes nothing: of partitions whose keys are in a store that is not open yet it says nothing.
func (r *CodeRepository) Plan(req RunRequest) (*RunPlan, error) {
	b, err := r.built()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	var stale *narrowing
	if req.Stale {
		if stale, err = r.narrowed(context.Background(), nil, &req, now); errors.Is(err, errNothingStale) {
			return &RunPlan{Executor: r.config.DefaultExecutor, Steps: []PlannedStep{}}, nil
		} else if err != nil {
			return nil, err
		}
	}
	p, err := r.plan(b, nil, req)
	if err != nil {
		return nil, err
	}
	if _, err := decodeConfigs(p, req.Config); err != nil {
		return nil, err
	}
	out := describe(p, r.config.DefaultExecutor)
	if r.Storage() == nil && needsStore(p) {
		return out, nil
	}
	cut, err := r.cutStale(context.Background(), p, &req, now, stale)
	if err != nil || cut == nil {
		return out, err
	}
	for s := range out.Steps {
		if cut.Sets[s].IsEmpty() {
			continue
		}
		of, err := cut.Slice(int32(s), cut.Sets[s])
		if err != nil {
			return nil, err
		}
		out.Steps[s].Partitions = of.String()
		if _, why := cut.Lacking(int32(s), cut.Sets[s]); why != nil {
			out.Steps[s].Lacking = why.Error()
		}
	}
	return out, nil
}

// needsStore reports whether partitions of a plan have keys that only a store knows.
func needsStore(p *plan.Plan) bool {
	dynamic := func(d partition.Definition) bool { return d != nil && len(partition.NeedsOf(d).Dynamic) > 0 }
	for s := range p.Steps {
		n := p.Steps[s].Node
		if dynamic(p.Graph.Node(n).Partitions) {
			return true
		}
		for _, v := range p.Graph.From(n) {
			if v < 0 {
				continue
			}
			if out, _ := p.Graph.Output(v); dynamic(out.Partitions) {
				return true
			}
		}
	}
	return false
}

// Plan says what the job would run, and why.
func (j *ResolvedJob) Plan() *RunPlan { return describe(j.plan, j.executor) }

func describe(p *plan.Plan, e executor.Executor) *RunPlan {
	if e.IsZero() {
		e = executor.Parallel(p.Capacity[plan.Parallel])
	}
	out := &RunPlan{Executor: e, Steps: make([]PlannedStep, len(p.Steps))}
	for s, rec := range p.Record() {
		step := PlannedStep{Step: rec.Key, Assets: rec.Assets, Why: p.Steps[s].Why.String(), Mapped: p.Steps[s].Mapped}
		for _, u := range rec.After {
			step.After = append(step.After, p.Key(u))
		}
		n := p.Steps[s].Node
		for k, v := range p.Graph.From(n) {
			if v < 0 || p.Graph.Node(n).Inputs[k].Mode != graph.Value {
				continue
			}
			if from, node := p.Graph.Output(v); node != n {
				if _, planned := p.StepOf(node); !planned {
					step.Loads = append(step.Loads, from.Name)
				}
			}
		}
		out.Steps[s] = step
	}
	return out
}

// unusedConfig is the error for a config override that no step of the plan takes.
func unusedConfig(p *plan.Plan, name string) error {
	names := func(yield func(string) bool) {
		for s := range p.Steps {
			if !yield(configName(p.Graph.Node(p.Steps[s].Node))) {
				return
			}
		}
	}
	if made := p.Graph.Items().Named(name); len(made) > 0 {
		if by := p.Graph.Items().Definition(int(made[0])); by != name {
			return fmt.Errorf("config of %q: %w: it is made by %q: give the config under that name", name, ErrConfig, by)
		}
		return fmt.Errorf("config of %q: %w: it is not part of this run: select it, or leave its config out", name, ErrConfig)
	}
	return fmt.Errorf("config of %q: %w%s", name, ErrAssetNotFound, fault.Suggestion(name, names))
}
