package catalog

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// Job is a checked job with its plan.
type Job struct {
	Name, Description string
	Tags              map[string]string
	// Plan is that of a run with the checks of what is made, nil after a mistake; Options are what it was made of.
	Plan    *plan.Plan
	Options plan.Options
	// Retry is the policy of members that have none, Executor runs the steps, Hooks are added to the members' own.
	Retry    retry.Policy
	Executor executor.Executor
	Hooks    []graph.Hook
}

// PlanFor returns the plan of a run of the job, with the checks that are asked for.
func (j *Job) PlanFor(req *storage.RunRequest) *plan.Plan {
	if req.Checks == storage.ChecksOfMade && len(req.CheckNames) == 0 {
		return j.Plan
	}
	o := j.Options
	o.Checks, o.CheckNames = req.Checks, req.CheckNames
	return plan.New(j.Plan.Graph, o)
}

// Job returns the job of a name, or an error that wraps [fault.ErrJobNotFound].
func (c *Catalog) Job(name string) (*Job, error) {
	job, ok := c.Planned[name]
	if !ok {
		return nil, fmt.Errorf("job %q: %w%s; %s", name, fault.ErrJobNotFound, fault.Suggestion(name, maps.Keys(c.Planned)),
			fault.Listed("jobs", slices.Sorted(maps.Keys(c.Planned))))
	}
	return job, nil
}

// sortedJobs returns the jobs in the order of their names.
func (c *Catalog) sortedJobs() []*Job {
	jobs := make([]*Job, 0, len(c.Planned))
	for _, name := range slices.Sorted(maps.Keys(c.Planned)) {
		jobs = append(jobs, c.Planned[name])
	}
	return jobs
}
