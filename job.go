package rivers

import (
	"slices"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/catalog"
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

// spec is the job as a catalog takes it.
func (j *Job) spec() catalog.JobSpec {
	s := catalog.JobSpec{
		Name: j.Name, Description: j.Description, Tags: j.Tags, Select: j.Select, AllowIncompleteDeps: j.AllowIncompleteDeps,
		Executor: j.Executor, Retry: j.Retry,
	}
	for _, n := range j.Assets {
		m := catalog.Member{}
		if !isNil(n) {
			m = catalog.Member{Def: n.def(), List: listName(n)}
		}
		s.Members = append(s.Members, m)
	}
	for _, h := range j.Hooks {
		s.Hooks = append(s.Hooks, h.h)
	}
	return s
}

// listName is the field of RepositoryConfig that a definition belongs into.
func listName(n Node) string {
	if _, asset := n.(Asset); asset {
		return "Assets"
	}
	return "Tasks"
}
