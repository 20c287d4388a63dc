package rivers

import (
	"context"
	"fmt"

	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/checkstate"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// checkSubjects are the checks of the repository that judge partitions.
func checkSubjects(c *catalog.Catalog) []checkstate.Subject {
	var subjects []checkstate.Subject
	for n := range int32(c.Graph().Len()) {
		node := c.Graph().Node(n)
		if node.Kind != graph.Check || node.Partitions == nil {
			continue
		}
		v, _ := c.Graph().Find(node.Check.Asset)
		_, maker := c.Graph().Output(v)
		subjects = append(subjects, checkstate.Subject{
			Check: node.Name, Asset: node.Check.Asset, Partitions: node.Partitions, External: c.Graph().Node(maker).Kind == graph.External,
		})
	}
	return subjects
}

// verdicts are what the checks that judge partitions said last, by their names.
func (r *CodeRepository) verdicts(ctx context.Context, c *catalog.Catalog, store checkstate.Store) (map[string]*checkstate.Results, error) {
	subjects := checkSubjects(c)
	results, err := checkstate.Read(ctx, checkstate.Params{Location: r.Name(), Store: store, Subjects: subjects, Log: r.config.Logger})
	if err != nil {
		return nil, err
	}
	byName := make(map[string]*checkstate.Results, len(results))
	for i := range results {
		byName[subjects[i].Check] = &results[i]
	}
	return byName, nil
}

// addPartitions adds to the checks that judge partitions what they say of each.
func (r *CodeRepository) addPartitions(ctx context.Context, c *catalog.Catalog, nodes []*graph.Node, list []CheckStatus) error {
	var at []int
	var keys []storage.AssetKey
	for i, n := range nodes {
		if n.Partitions != nil {
			v, _ := c.Graph().Find(n.Name)
			at, keys = append(at, i), append(keys, r.runner.Keys[v])
		}
	}
	if len(at) == 0 {
		return nil
	}
	verdicts, err := r.verdicts(ctx, c, r.store)
	if err != nil {
		return fmt.Errorf("reading the states of checks: %w", err)
	}
	sets, err := r.store.PartitionSets(ctx, keys)
	if err != nil {
		return fmt.Errorf("reading the states of checks: %w", err)
	}
	for k, i := range at {
		space, err := r.space(ctx, nodes[i].Partitions)
		if err != nil {
			return fmt.Errorf("check %q: %w", nodes[i].Name, err)
		}
		p := newCheckPartitions(space, verdicts[nodes[i].Name], sets[k].InFlight)
		list[i].Partitions, list[i].Outdated = p, p.Outdated.Count > 0
		list[i].State = p.state()
	}
	return nil
}

func newCheckPartitions(space partition.Space, v *checkstate.Results, flying partition.Set) *CheckPartitions {
	count := func(set partition.Set) PartitionCount {
		set = space.Within(set)
		return PartitionCount{space.Count(set), set}
	}
	judged := v.Passed.Union(v.Warned).Union(v.Failed).Union(v.Crashed).Union(v.Skipped)
	return &CheckPartitions{
		Space: space, Total: space.Len(), Passed: count(v.Passed), Warned: count(v.Warned), Failed: count(v.Failed), Crashed: count(v.Crashed), Skipped: count(v.Skipped),
		Unchecked: count(space.Complement(judged)), InProgress: count(flying), Outdated: count(v.Outdated),
	}
}

// state is that of the worst partition.
func (p *CheckPartitions) state() storage.CheckState {
	switch {
	case p.Crashed.Count > 0:
		return storage.CheckExecutionFailed
	case p.Failed.Count+p.Warned.Count > 0:
		return storage.CheckFailed
	case p.InProgress.Count > 0:
		return storage.CheckInProgress
	case p.Passed.Count > 0:
		return storage.CheckSucceeded
	case p.Skipped.Count > 0:
		return storage.CheckSkipped
	}
	return storage.CheckUnknown
}
