package launch

import (
	"context"
	"errors"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// plan returns the plan of a request; those of jobs and of single selections are kept.
func (r *Runner) plan(job *catalog.Job, req storage.RunRequest) (*plan.Plan, error) {
	if req.Action != "" {
		return r.Catalog.PlanAction(&req)
	}
	if err := r.Catalog.CheckRequest(&req); err != nil {
		return nil, err
	}
	if job != nil {
		return job.PlanFor(&req), nil
	}
	want := catalog.Runnable
	if req.Checks == storage.ChecksOnly {
		want = catalog.Something
	}
	selected, err := r.Catalog.Select(req.Selection, want)
	if err != nil {
		return nil, err
	}
	p := plan.New(r.Catalog.Graph(), plan.Options{
		Selected: selected, IncludeUpstream: req.IncludeUpstream, Checks: req.Checks, CheckNames: req.CheckNames,
		Executor: r.Catalog.Executor(), Workers: catalog.Workers(),
	})
	if req.Checks == storage.ChecksOnly && len(p.Steps) == 0 {
		return nil, fault.Mark(fault.ErrAssetNotFound, errors.New("checks: the selected assets have none: select an asset of `checks list`"))
	}
	return p, nil
}

// Plan lists the steps that a request would run, and why.
type Plan struct {
	// Executor is the executor of the steps.
	Executor executor.Executor
	// Steps are in the order of the plan.
	Steps []PlannedStep
	// LeftOut are the partitioned assets that an unpartitioned request left out.
	LeftOut []string
}

// PlannedStep is one step of a plan.
type PlannedStep struct {
	// Step is the step's key, Assets the assets that it makes.
	Step   string
	Assets []string
	// After are the keys of the steps that it waits for.
	After []string
	// Loads are the names of values that it reads and no step of the plan makes.
	Loads []string
	// Why is the reason that the step is in the plan.
	Why string
	// Mapped is set for a step that becomes an instance per element when it runs.
	Mapped bool
	// Partitions are the partitions that it would make, as people read them. Lacking is the reason why
	// it would not make all: some read partitions that do not exist.
	Partitions string
	Lacking    string
}

// Plan checks a request as [Runner.Run] does, and returns the steps that it would run. It writes
// nothing. Without a store it leaves out partitions whose keys are in a store.
func (r *Runner) Plan(ctx context.Context, req storage.RunRequest) (*Plan, error) {
	a, err := r.assigner(ctx, nil, &req)
	if errors.Is(err, errNothingStale) {
		return &Plan{Executor: r.Catalog.Executor(), Steps: []PlannedStep{}, LeftOut: a.leftOut}, nil
	} else if err != nil {
		return nil, err
	}
	p, err := r.plan(nil, req)
	if err != nil {
		return nil, err
	}
	if _, err := DecodeConfigs(p, req.Config); err != nil {
		return nil, err
	}
	if err := r.Held.Check(p); err != nil {
		return nil, err
	}
	out := Describe(p, r.Catalog.Executor())
	out.LeftOut = a.leftOut
	if r.Store == nil && needsStore(p) {
		return out, nil
	}
	cut, err := a.assign(ctx, p, &req)
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

// Describe describes a plan that is run by an executor, without partitions.
func Describe(p *plan.Plan, e executor.Executor) *Plan {
	if e.IsZero() {
		e = executor.Parallel(p.Capacity[plan.Parallel])
	}
	out := &Plan{Executor: e, Steps: make([]PlannedStep, len(p.Steps))}
	for s, rec := range p.Record() {
		step := PlannedStep{Step: rec.Key, Assets: rec.Assets, Why: p.Steps[s].Why.String(), Mapped: p.Steps[s].Mapped, Loads: p.Loads(int32(s))}
		for _, u := range rec.After {
			step.After = append(step.After, p.Key(u))
		}
		out.Steps[s] = step
	}
	return out
}
