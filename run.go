package rivers

import (
	"context"
	"errors"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/held"
	"github.com/rivers-go/rivers/internal/launch"
	"github.com/rivers-go/rivers/partition"
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
	// Partition, Range and Partitions are as in [RunRequest]: one of them where the job has assets
	// with partitions.
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
	return j.repo.execute(ctx, j.job, RunRequest{
		Config: req.Config, Tags: req.Tags, RunID: req.RunID, Resume: req.Resume,
		Partition: req.Partition, Range: req.Range, Partitions: req.Partitions, Checks: req.Checks, CheckNames: req.CheckNames,
	})
}

// execute checks a request, plans it and runs the plan: as a new run, or one that is recorded.
func (r *CodeRepository) execute(ctx context.Context, job *catalog.Job, req RunRequest) (*RunResult, error) {
	runner, err := r.resolved(ctx)
	if err != nil {
		return nil, err
	}
	res, err := runner.Run(ctx, job, req)
	if res == nil {
		if err == nil { // nothing is stale
			return &RunResult{Status: storage.Success}, nil
		}
		return nil, publicError(err)
	}
	out := newResult(res)
	return out, errors.Join(out.Err(), err)
}

// CancelRun asks a run to stop, whichever process runs it: its owner hears it at once and cancels
// its steps. A run whose process is gone, or that was never started, is canceled here. It returns
// the state in which the run was; one that had ended is left as it is.
func (r *CodeRepository) CancelRun(ctx context.Context, id, reason string) (storage.RunState, error) {
	runner, err := r.resolved(ctx)
	if err != nil {
		return 0, err
	}
	return runner.Cancel(ctx, id, reason)
}

// RunPlan lists the steps that a request would run, and why.
type RunPlan struct {
	// Executor is the executor of the steps.
	Executor executor.Executor `json:"executor"`
	// Steps are in the order of the plan.
	Steps []PlannedStep `json:"steps"`
	// LeftOut are the partitioned assets that an unpartitioned request left out.
	LeftOut []string `json:"left_out,omitempty"`
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
	// Why is the reason that the step is in the plan.
	Why string `json:"why"`
	// Mapped is set for a step that becomes an instance per element when it runs.
	Mapped bool `json:"mapped,omitempty"`
	// Partitions are the partitions that it would make, as people read them. Lacking is the reason why
	// it would not make all: some read partitions that do not exist.
	Partitions string `json:"partitions,omitempty"`
	Lacking    string `json:"lacking,omitempty"`
}

// Plan checks a request as [CodeRepository.Materialize] does, and returns the steps that it would
// run. It opens nothing and writes nothing. Without an open store it leaves out partitions whose
// keys are in the store.
func (r *CodeRepository) Plan(req RunRequest) (*RunPlan, error) {
	runner, err := r.planner()
	if err != nil {
		return nil, err
	}
	p, err := runner.Plan(context.Background(), req)
	if err != nil {
		return nil, publicError(err)
	}
	return newRunPlan(p), nil
}

// planner returns what runs the repository's runs; before Resolve it only plans them.
func (r *CodeRepository) planner() (*launch.Runner, error) {
	c, err := r.catalog()
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.runner == nil {
		return &launch.Runner{Catalog: c, Held: held.Of(c.Graph(), nil)}, nil
	}
	return r.runner, nil
}

// Plan returns the steps that the job would run, and why.
func (j *ResolvedJob) Plan() *RunPlan { return newRunPlan(launch.Describe(j.job.Plan, j.job.Executor)) }

func newRunPlan(p *launch.Plan) *RunPlan {
	out := &RunPlan{Executor: p.Executor, Steps: make([]PlannedStep, len(p.Steps)), LeftOut: p.LeftOut}
	for i := range p.Steps {
		out.Steps[i] = PlannedStep(p.Steps[i])
	}
	return out
}

// RunRequest asks for one run; see [storage.RunRequest].
type RunRequest = storage.RunRequest
