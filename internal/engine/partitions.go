package engine

import (
	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// work is what a run is to do: the partitions are those that it is planned with, or that were
// recorded with it.
func work(c *Config) decide.Work {
	w := decide.Work{Plan: c.Plan, Assignment: c.Assignment}
	switch {
	case c.Assignment != nil:
		w.Partitions = c.Assignment.Sets
	case len(c.Record.Plan) > 0:
		w.Partitions = make([]partition.Set, len(c.Plan.Steps))
		for s := range min(len(c.Plan.Steps), len(c.Record.Plan)) {
			w.Partitions[s] = c.Record.Plan[s].Partitions
		}
	}
	return w
}

// factEvent is an event without partitions.
func factEvent(f storage.Fact) decide.Event { return decide.Event{Fact: f} }

// setOf is the set of some partitions; empty for a step without.
func setOf(part partition.Slice) partition.Set {
	if part.IsZero() {
		return partition.Set{}
	}
	return part.Set()
}

// partitioned reports whether a step of the plan has partitions.
func (r *run) partitioned(s int32) bool { return r.d.Partitions().Has(s) }

// unmade is what a step has still to make, empty for one that is not partitioned. Called with the
// lock held.
func (r *run) unmade(step int32) partition.Set { return r.d.Partitions().Unmade(r.d.Planned(step)) }

// targets are what a run is to make of assets that are partitioned, as storage is told.
func (r *run) targets() []storage.Target {
	parts := r.d.Partitions()
	if parts == nil {
		return nil
	}
	var targets []storage.Target
	for s := range int32(len(r.plan.Steps)) {
		if !parts.Has(s) {
			continue
		}
		n := r.plan.Steps[s].Node
		for o := range r.graph.Node(n).Outputs {
			if key := r.assetKey(r.graph.OutputAt(n, o)); key != 0 && r.plan.Wanted(s, o) {
				targets = append(targets, storage.Target{Asset: key, Partitions: parts.Assigned(s)})
			}
		}
	}
	return targets
}

// assetKey is the key of the asset that an output is, zero for one that is none or is not known
// here.
func (r *run) assetKey(output int32) storage.AssetKey {
	if int(output) >= len(r.AssetKeys) {
		return 0
	}
	return r.AssetKeys[output]
}

// recordPlan is the plan as storage keeps it, with the partitions of each step.
func (r *run) recordPlan() []storage.PlanStep {
	record := r.Plan.Record()
	if parts := r.d.Partitions(); parts != nil {
		for s := range record {
			record[s].Partitions = parts.Assigned(int32(s))
		}
	}
	return record
}

// Undone returns what is left to be made of each step of a run that has ended: what a retry of it
// is of. It is nil for a run in which nothing is partitioned.
func Undone(c Config, events []storage.Event) ([]partition.Set, error) {
	old := newRun(c)
	if old.d.Partitions() == nil {
		return nil, nil
	}
	if err := old.restore(events); err != nil {
		return nil, err
	}
	return decide.Undone(old.d), nil
}

// Planned returns the plan of a run that is to be inserted as storage keeps it, and what it is to
// make.
func Planned(c Config) ([]storage.PlanStep, []storage.Target) {
	r := newRun(c)
	return r.recordPlan(), r.targets()
}
