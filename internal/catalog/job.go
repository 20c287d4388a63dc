package catalog

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/internal/selection"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// Job is a checked job with its plan.
type Job struct {
	Name, Description string
	Tags              map[string]string
	// Plan is that of a run with the checks of what is made, nil after a mistake; Options are what it
	// was made of.
	Plan    *plan.Plan
	Options plan.Options
	// Retry is the policy of members that have none, Executor runs the steps, Hooks are added to the
	// members' own.
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
	job, ok := c.jobs[name]
	if !ok {
		return nil, fmt.Errorf("job %q: %w%s; %s", name, fault.ErrJobNotFound, fault.Suggestion(name, maps.Keys(c.jobs)),
			fault.Listed("jobs", slices.Sorted(maps.Keys(c.jobs))))
	}
	return job, nil
}

// sortedJobs returns the jobs in the order of their names.
func (c *Catalog) sortedJobs() []*Job {
	jobs := make([]*Job, 0, len(c.jobs))
	for _, name := range slices.Sorted(maps.Keys(c.jobs)) {
		jobs = append(jobs, c.jobs[name])
	}
	return jobs
}

// JobSpec is a job as it was defined.
type JobSpec struct {
	Name, Description string
	Tags              map[string]string
	// Members are what is listed, Select is a selection in their place.
	Members             []Member
	Select              string
	AllowIncompleteDeps bool
	Executor            executor.Executor
	Retry               retry.Policy
	Hooks               []*define.Hook
}

// Member is a definition that a job lists.
type Member struct {
	// Def is nil for a member that is nil.
	Def *define.Definition
	// List is the list of the repository that the definition belongs to, for messages.
	List string
}

// jobBuilder checks and plans jobs on a graph, which is nil after mistakes.
type jobBuilder struct {
	*validation

	g *graph.Graph
}

// jobs checks and plans every job; without a graph it checks what needs none.
func (v jobBuilder) jobs() map[string]*Job {
	jobs := make(map[string]*Job, len(v.conf.Jobs))
	for i := range v.conf.Jobs {
		job := v.conf.Jobs[i]
		report := func(at, message string) {
			v.errs = append(v.errs, &fault.LocatedError{
				Fault:    fault.Fault{At: at, Message: message, Kind: fault.ErrGraphValidation},
				KindName: "job", Name: job.Name, Position: v.conf.Position.String(),
			})
		}
		if mistake := fault.NameMistake(job.Name); mistake != "" {
			report("", mistake)
		} else if _, taken := jobs[job.Name]; taken {
			report("", "another job has this name: rename one of them")
		}
		jobs[job.Name] = v.job(job, report)
	}
	return jobs
}

func (v jobBuilder) job(job JobSpec, report func(at, message string)) *Job {
	out := &Job{Name: job.Name, Description: job.Description, Tags: job.Tags, Executor: job.Executor}
	if err := job.Executor.Validate(); err != nil {
		report("Executor", err.Error())
	}
	out.Retry = v.ownPolicy(job.Retry, func(message string) { report("Retry", message) })
	if out.Executor.IsZero() {
		out.Executor = v.conf.DefaultExecutor
	}
	s := v.scope
	s.Report = func(f fault.Fault) { report(f.At, f.Message) }
	for _, h := range job.Hooks {
		out.Hooks = append(out.Hooks, h.Connect(&s))
	}
	selected := v.members(job, report)
	if selected == nil {
		return out
	}
	out.Options = plan.Options{Selected: selected, Executor: out.Executor, Workers: Workers()}
	out.Plan = plan.New(v.g, out.Options)
	if len(out.Plan.Steps) == 0 {
		report("", "it selects nothing that can be materialized: external assets are made elsewhere")
	}
	if first, second, two := out.Plan.TwoKinds(); two {
		report("", fmt.Sprintf("no request can name partitions of both %q (%s) and %q (%s): make a job of each, or one of what reads both", first.Definition, first.Partitions, second.Definition, second.Partitions))
	}
	if !job.AllowIncompleteDeps {
		for _, m := range out.Plan.Missing() {
			report("", fmt.Sprintf("member %q needs %q, which is no member: add it, or set AllowIncompleteDeps to load its stored value", m.Reader, m.Needs))
		}
	}
	return out
}

// members returns what the job selects by item, nil after a mistake.
func (v jobBuilder) members(job JobSpec, report func(at, message string)) []bool {
	switch {
	case len(job.Members) > 0 && job.Select != "":
		report("", "it has both Assets and Select: keep one of them")
		return nil
	case len(job.Members) > 0:
		return v.listedMembers(job, report)
	case job.Select == "":
		report("", `it has no members: list Assets, or set Select ("*" is everything)`)
		return nil
	}
	expr, err := selection.Parse(job.Select)
	if err != nil {
		report("Select", err.Error())
		return nil
	}
	if v.g == nil {
		return nil
	}
	set, err := expr.Eval(v.g.Items())
	if err != nil {
		report("Select", err.Error())
		return nil
	}
	selected := make([]bool, v.g.Items().Len())
	for i := range selected {
		selected[i] = set.Has(i)
	}
	return selected
}

func (v jobBuilder) listedMembers(job JobSpec, report func(at, message string)) []bool {
	good := v.g != nil
	var selected []bool
	if good {
		selected = make([]bool, v.g.Items().Len())
	}
	for i, n := range job.Members {
		if n.Def == nil {
			report(fmt.Sprintf("Assets[%d]", i), "it is nil: remove it")
			good = false
			continue
		}
		for _, name := range n.Def.OutputNames() {
			if up := v.scope.Value(name); up == nil || up.Def != n.Def {
				report(fmt.Sprintf("Assets[%d]", i), fmt.Sprintf("%s %q is not in the repository: add it to %s",
					n.Def.KindName(), n.Def.Name, n.List))
				good = false
				break
			}
			if v.g != nil {
				item, _ := v.g.Items().Lookup(name)
				selected[item] = true
			}
		}
	}
	if !good {
		return nil
	}
	return selected
}
