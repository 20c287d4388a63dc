package rivers

import (
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/internal/selection"
	"github.com/rivers-go/rivers/retry"
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
	repo *CodeRepository
	job  *catalog.Job
}

// Name returns the job's name.
func (j *ResolvedJob) Name() string { return j.job.Name }

// Description returns the job's description.
func (j *ResolvedJob) Description() string { return j.job.Description }

// Job returns a job of the repository, validated and planned.
func (r *CodeRepository) Job(name string) (*ResolvedJob, error) {
	c, err := r.catalog()
	if err != nil {
		return nil, err
	}
	job, err := c.Job(name)
	if err != nil {
		return nil, err
	}
	return &ResolvedJob{r, job}, nil
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
func (v *validation) jobs(g *graph.Graph) map[string]*catalog.Job {
	jobs := make(map[string]*catalog.Job, len(v.repo.config.Jobs))
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

func (v *validation) job(g *graph.Graph, job Job, report func(at, message string)) *catalog.Job {
	out := &catalog.Job{Name: job.Name, Description: job.Description, Tags: job.Tags, Executor: job.Executor}
	if err := job.Executor.Validate(); err != nil {
		report("Executor", err.Error())
	}
	out.Retry = v.ownPolicy(job.Retry, func(message string) { report("Retry", message) })
	if out.Executor.IsZero() {
		out.Executor = v.repo.config.DefaultExecutor
	}
	s := v.scope
	s.Report = func(f fault.Fault) { report(f.At, f.Message) }
	for _, h := range job.Hooks {
		out.Hooks = append(out.Hooks, h.h.Connect(&s))
	}
	selected := v.members(g, job, report)
	if selected == nil {
		return out
	}
	out.Options = plan.Options{Selected: selected, Executor: out.Executor, Workers: catalog.Workers()}
	out.Plan = plan.New(g, out.Options)
	if len(out.Plan.Steps) == 0 {
		report("", "it selects nothing that can be materialized: external assets are made elsewhere")
	}
	if !job.AllowIncompleteDeps {
		for _, m := range out.Plan.Missing() {
			report("", fmt.Sprintf("member %q needs %q, which is no member: add it, or set AllowIncompleteDeps to load its stored value", m.Reader, m.Needs))
		}
	}
	return out
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
		for _, name := range n.def().OutputNames() {
			if up := v.scope.Values[name]; up == nil || up.Def != n.def() {
				report(fmt.Sprintf("Assets[%d]", i), fmt.Sprintf("%s %q is not in the repository: add it to %s",
					n.def().KindName(), n.Name(), listName(n)))
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
