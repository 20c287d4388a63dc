package catalog

import (
	"fmt"
	"strings"

	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// Step builds what a process needs that does the step with a key, in a run of a job (empty for
// none): the definition of the step, what that reads, and the policy of nodes that have none.
//
// The parent process has validated the whole. A step that asks for another asset by name builds the
// whole, so that a step costs the same in a repository of ten assets and of ten thousand.
func Step(c Config, key, job string) (*graph.Graph, retry.Policy, error) {
	v := &validation{conf: c}
	v.collect()
	v.resolvePartitionsLazily()
	policy, err := v.stepPolicy(job)
	if err != nil {
		return nil, policy, err
	}
	name, _, _ := strings.Cut(key, "/") // a task in a graph asset is behind its name
	d := v.holder(name)
	if asset, act, ok := storage.SplitAction(key); ok && v.scope.Value(asset) != nil {
		d = actionFor(v.scope.Value(asset), act, &v.scope)
	}
	if d == nil {
		return nil, policy, fmt.Errorf("step %q: %w: definitions must be the same each time the program starts", key, fault.ErrAssetNotFound)
	}
	g, faults := v.only(d)
	if len(faults) > 0 || len(v.errs) > 0 {
		if _, mistakes := Build(c); len(mistakes) > 0 { // the whole report
			return nil, policy, mistakes
		}
		return nil, policy, fmt.Errorf("step %q: what it needs does not fit together, and the whole does: %d mistakes", key, len(faults)+len(v.errs))
	}
	return g, policy, nil
}

// only builds the graph of one definition and of what it reads.
func (v *validation) only(d *define.Definition) (*graph.Graph, []graph.Fault) {
	v.defs = []*define.Definition{d}
	v.build()
	nodes, ups := v.nodes, map[*define.Definition]bool{d: true}
	v.defs = nil
	for i := range nodes {
		for k := range nodes[i].Inputs {
			if from := v.scope.Value(nodes[i].Inputs[k].From); from != nil && !ups[from.Def] {
				ups[from.Def] = true
				v.defs = append(v.defs, from.Def)
			}
		}
	}
	v.build()
	for i := range v.nodes { // they are only read
		v.nodes[i].Inputs = nil
	}
	return graph.Build(append(nodes, v.nodes...))
}

// stepPolicy is the policy of nodes that have none, in a run of a job.
func (v *validation) stepPolicy(job string) (retry.Policy, error) {
	report := func(message string) { v.repositoryFault("", message) } // the parent would have found it
	policy := v.ownPolicy(v.conf.Retry, report)
	if job == "" {
		return policy, nil
	}
	for i := range v.conf.Jobs {
		if j := &v.conf.Jobs[i]; j.Name == job {
			return retry.Nearest(v.ownPolicy(j.Retry, report), policy), nil
		}
	}
	return policy, fmt.Errorf("job %q: %w: definitions must be the same each time the program starts", job, fault.ErrJobNotFound)
}
