package rivers

import (
	"fmt"
	"strings"

	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// part is what a process that does one step needs of the repository: the definition of the step, what that
// reads, and the policy of retries. Its parent has validated the whole, and whoever asks for another asset by name
// gets the whole, so that a step costs the same in a repository of ten assets and of ten thousand.
type part struct {
	graph *graph.Graph
	retry retry.Policy
}

// partFor builds what a step of the node with that key needs, in a run of a job, empty for none.
func (r *CodeRepository) partFor(key, job string) (*part, error) {
	v := &validation{repo: r}
	v.collect()
	v.divideAsAsked()
	p := &part{retry: v.ownPolicy(r.config.DefaultRetry, v.misfit)}
	if err := p.take(v, job); err != nil {
		return nil, err
	}
	name, _, _ := strings.Cut(key, "/") // a task in a graph asset is behind its name
	d := v.holder(name)
	if asset, act, ok := storage.SplitAction(key); ok && v.scope.Values[asset] != nil {
		d = v.actionFor(v.scope.Values[asset], act)
	}
	if d == nil {
		return nil, fmt.Errorf("step %q: %w: definitions must be the same each time the program starts", key, ErrAssetNotFound)
	}
	v.defs = []*define.Definition{d}
	v.build()
	nodes, ups := v.nodes, map[*define.Definition]bool{d: true}
	v.defs = nil
	for i := range nodes {
		for k := range nodes[i].Inputs {
			if from := v.scope.Values[nodes[i].Inputs[k].From]; from != nil && !ups[from.Def] {
				ups[from.Def] = true
				v.defs = append(v.defs, from.Def)
			}
		}
	}
	v.build()
	for i := range v.nodes { // they are only read
		v.nodes[i].Inputs = nil
	}
	g, faults := graph.Build(append(nodes, v.nodes...))
	if len(faults) > 0 || len(v.errs) > 0 {
		if err := r.Validate(); err != nil { // which says it all
			return nil, err
		}
		return nil, fmt.Errorf("step %q: what it needs does not fit together, and the whole does: %d mistakes", key, len(faults)+len(v.errs))
	}
	p.graph = g
	return p, nil
}

// take takes the policy of a job where it has one.
func (p *part) take(v *validation, job string) error {
	if job == "" {
		return nil
	}
	for i := range v.repo.config.Jobs {
		if j := &v.repo.config.Jobs[i]; j.Name == job {
			p.retry = retry.Nearest(v.ownPolicy(j.Retry, v.misfit), p.retry)
			return nil
		}
	}
	return fmt.Errorf("job %q: %w: definitions must be the same each time the program starts", job, ErrJobNotFound)
}

// misfit notes a mistake that the parent would have found.
func (v *validation) misfit(message string) { v.repositoryFault("", message) }
