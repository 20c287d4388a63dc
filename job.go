package rivers

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/internal/selection"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// Job is a named part of a repository that is run as one.
type Job struct {
	// Name is what the job is called, for ever.
	Name string
	// Assets are the members, assets and tasks. Select is a selection ("+report") in their
	// place: one of the two is given.
	Assets []Node
	Select string
	// AllowIncompleteDeps lets members read assets that are not members: their values are loaded.
	AllowIncompleteDeps bool
	// Executor runs the steps; zero is the repository's default.
	Executor executor.Executor
	// Retry is the policy of members that have none; zero is the repository's default.
	Retry retry.Policy
	// Hooks are called after each step, beside the members' own.
	Hooks []Hook
	// Tags are recorded with each run of the job.
	Tags map[string]string
	// Description is for people.
	Description string
}

// ResolvedJob is a job of a valid repository, with its plan; see [CodeRepository.Job].
type ResolvedJob struct {
	repo     *CodeRepository
	job      Job
	plan     *plan.Plan
	options  plan.Options
	retry    retry.Policy
	executor executor.Executor
	hooks    []graph.Hook
}

// Name returns the job's name.
func (j *ResolvedJob) Name() string { return j.job.Name }

// Description returns the job's description.
func (j *ResolvedJob) Description() string { return j.job.Description }

// Job returns a job of the repository, validated and planned.
func (r *CodeRepository) Job(name string) (*ResolvedJob, error) {
	b, err := r.built()
	if err != nil {
		return nil, err
	}
	job, ok := b.jobs[name]
	if !ok {
		return nil, fmt.Errorf("job %q: %w%s; %s", name, ErrJobNotFound, fault.Suggestion(name, maps.Keys(b.jobs)),
			fault.Listed("jobs", slices.Sorted(maps.Keys(b.jobs))))
	}
	return job, nil
}

// Jobs returns the names of the jobs, sorted.
func (r *CodeRepository) Jobs() []string {
	names := make([]string, 0, len(r.config.Jobs))
	for i := range r.config.Jobs {
		names = append(names, r.config.Jobs[i].Name)
	}
	slices.Sort(names)
	return names
}

// jobs checks and plans every job; without a graph it checks what needs none.
func (v *validation) jobs(g *graph.Graph) map[string]*ResolvedJob {
	jobs := make(map[string]*ResolvedJob, len(v.repo.config.Jobs))
	for i := range v.repo.config.Jobs {
		job := v.repo.config.Jobs[i]
		report := func(at, message string) {
			v.errs = append(v.errs, &DefinitionError{
				Kind: "job", Name: job.Name, Position: v.repo.pos.String(), At: at, Message: message, Err: ErrGraphValidation,
			})
		}
		if mistake := fault.NameMistake(job.Name); mistake != "" {
			report("", mistake)
		} else if _, taken := jobs[job.Name]; taken {
			report("", "another job has this name: rename one of them")
		}
		jobs[job.Name] = v.job(g, job, report)
	}
	return jobs
}

func (v *validation) job(g *graph.Graph, job Job, report func(at, message string)) *ResolvedJob {
	out := &ResolvedJob{repo: v.repo, job: job, executor: job.Executor}
	if err := job.Executor.Validate(); err != nil {
		report("Executor", err.Error())
	}
	out.retry = v.ownPolicy(job.Retry, func(message string) { report("Retry", message) })
	if out.executor.IsZero() {
		out.executor = v.repo.config.DefaultExecutor
	}
	s := v.scope
	s.report = func(f fault.Fault) { report(f.At, f.Message) }
	for _, h := range job.Hooks {
		for _, f := range h.faults {
			s.report(f)
		}
		out.hooks = append(out.hooks, h.compile(&s))
	}
	selected := v.members(g, job, report)
	if selected == nil {
		return out
	}
	out.options = plan.Options{Selected: selected, Executor: out.executor, Workers: defaultWorkers()}
	out.plan = plan.New(g, out.options)
	if len(out.plan.Steps) == 0 {
		report("", "it selects nothing that can be materialized: external assets are made elsewhere")
	}
	if !job.AllowIncompleteDeps {
		for _, m := range out.plan.Missing() {
			report("", fmt.Sprintf("member %q needs %q, which is no member: add it, or set AllowIncompleteDeps to load its stored value", m.Reader, m.Needs))
		}
	}
	return out
}

// planFor returns the plan of a run of the job, with the checks that are asked for.
func (j *ResolvedJob) planFor(req RunRequest) *plan.Plan {
	if req.Checks == storage.ChecksOfMade && len(req.CheckNames) == 0 {
		return j.plan
	}
	o := j.options
	o.Checks, o.CheckNames = req.Checks, req.CheckNames
	return plan.New(j.plan.Graph, o)
}

// members returns what the job selects by item, nil after a mistake.
func (v *validation) members(g *graph.Graph, job Job, report func(at, message string)) []bool {
	switch {
	case len(job.Assets) > 0 && job.Select != "":
		report("", "it has both Assets and Select: keep one of them")
		return nil
	case len(job.Assets) > 0:
		return v.listedMembers(g, job, report)
	case job.Select == "":
		report("", `it has no members: list Assets, or set Select ("*" is everything)`)
		return nil
	}
	expr, err := selection.Parse(job.Select)
	if err != nil {
		report("Select", err.Error())
		return nil
	}
	if g == nil {
		return nil
	}
	set, err := expr.Eval(g.Items())
	if err != nil {
		report("Select", err.Error())
		return nil
	}
	selected := make([]bool, g.Items().Len())
	for i := range selected {
		selected[i] = set.Has(i)
	}
	return selected
}

func (v *validation) listedMembers(g *graph.Graph, job Job, report func(at, message string)) []bool {
	good := g != nil
	var selected []bool
	if good {
		selected = make([]bool, g.Items().Len())
	}
	for i, n := range job.Assets {
		if isNil(n) {
			report(fmt.Sprintf("Assets[%d]", i), "it is nil: remove it")
			good = false
			continue
		}
		for _, name := range n.def().outputNames() {
			if up := v.scope.values[name]; up == nil || up.def != n.def() {
				report(fmt.Sprintf("Assets[%d]", i), fmt.Sprintf("%s %q is not in the repository: add it to %s",
					n.def().kindName(), n.Name(), listName(n)))
				good = false
				break
			}
			if g != nil {
				item, _ := g.Items().Lookup(name)
				selected[item] = true
			}
		}
	}
	if !good {
		return nil
	}
	return selected
}

// listName is the field of RepositoryConfig that a definition belongs into.
func listName(n Node) string {
	if _, asset := n.(Asset); asset {
		return "Assets"
	}
	return "Tasks"
}
