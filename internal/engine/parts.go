package engine

import (
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// parts is what a run knows of the partitions of its steps, by step of the plan. It is nil for a run in which
// nothing is divided, and guarded by the run's lock.
type parts struct {
	// sets is what each step is to make.
	sets []partition.Set
	// made is what it has made in this run, lost what it has not made and will not.
	made []partition.Gather
	lost []partition.Set
}

// newParts returns the partitions of a run: those that it was planned with, or that were recorded with it.
func newParts(c *Config) *parts {
	sets := make([]partition.Set, len(c.Plan.Steps))
	divided := false
	for s := range sets {
		switch {
		case c.Cut != nil:
			sets[s] = c.Cut.Sets[s]
		case s < len(c.Record.Plan):
			sets[s] = c.Record.Plan[s].Partitions
		}
		divided = divided || !sets[s].IsEmpty()
	}
	if !divided {
		return nil
	}
	return &parts{sets: sets, made: make([]partition.Gather, len(sets)), lost: make([]partition.Set, len(sets))}
}

// divided reports whether a step of the plan has partitions.
func (r *run) divided(s int32) bool { return r.parts != nil && !r.parts.sets[s].IsEmpty() }

// left returns the partitions of a step of the plan that are to be made now, without those that were made and those
// that are blocked: they read what a step before it did not make. Called with the lock held.
func (r *run) left(s int32) (left, blocked partition.Set, err error) {
	blocked, _, err = r.blocked(s)
	blocked = blocked.Intersect(r.parts.sets[s])
	return r.parts.sets[s].Minus(r.parts.made[s].Set()).Minus(blocked), blocked, err
}

// blocked returns the partitions of a step that read what a step before it did not make, and such a step.
// For a step that is not divided that is all of it or nothing.
func (r *run) blocked(s int32) (blocked partition.Set, cause int32, err error) {
	cause = storage.NoStep
	if r.cut == nil {
		return blocked, cause, nil
	}
	n := r.plan.Steps[s].Node
	inputs := r.graph.Node(n).Inputs
	for k, v := range r.graph.From(n) {
		if v < 0 || inputs[k].Mode == graph.Self || inputs[k].Parts == nil {
			continue
		}
		_, from := r.graph.Output(v)
		up, planned := r.plan.StepOf(from)
		if !planned || r.parts.lost[up].IsEmpty() {
			continue
		}
		set, err := r.cut.Blocked(s, k, r.parts.lost[up])
		if err != nil {
			return partition.Set{}, up, fmt.Errorf("which partitions read what step %q did not make: %w", r.plan.Key(up), err)
		}
		if !set.IsEmpty() {
			blocked, cause = blocked.Union(set), up
		}
	}
	return blocked, cause, nil
}

// nothingLeft reports whether all that a step would make reads what was not made, and the step to blame. Called
// with the lock held.
func (r *run) nothingLeft(step int32) (cause int32, nothing bool) {
	if r.parts == nil {
		return 0, false
	}
	s := r.d.planned(step)
	blocked, cause, err := r.blocked(s)
	if err != nil || blocked.IsEmpty() {
		return 0, false // the attempt meets the error too
	}
	if !r.divided(s) {
		return cause, true
	}
	return cause, r.parts.sets[s].Minus(blocked).IsEmpty() && r.parts.made[s].Set().IsEmpty()
}

// giveUp notes what a step that has its outcome has not made. Called with the lock held.
func (r *run) giveUp(s int32) {
	if r.divided(s) {
		r.parts.lost[s] = r.parts.sets[s].Minus(r.parts.made[s].Set())
	}
}

// madeAll reports whether a step has made all its partitions, or has none.
func (r *run) madeAll(s int32) bool {
	return int(s) >= len(r.plan.Steps) || !r.divided(s) || r.parts.lost[s].IsEmpty()
}

// restoreParts keeps what an event says of the partitions of its step.
func (r *run) restoreParts(e *storage.Event, d *storage.Detail, outputs map[storage.AssetKey]int32, byOutput map[int32]*partition.Gather) {
	s := r.d.planned(e.Step)
	if r.divided(s) && e.Kind == storage.StepExpanded {
		r.parts.made[s].Add(r.parts.sets[s])
	}
	if !r.divided(s) || d.Partitions.IsEmpty() {
		return
	}
	switch e.Kind {
	case storage.AssetWiped, storage.AssetObserved, storage.ActionPerformed: // by an action
		r.parts.made[s].Add(d.Partitions)
	case storage.StepSucceeded, storage.StepReused:
		r.parts.made[s].Add(d.Partitions)
	case storage.AssetMaterialized:
		if r.acts(s) {
			r.parts.made[s].Add(d.Partitions)
		} else if v, ok := outputs[e.Asset]; ok {
			if byOutput[v] == nil {
				byOutput[v] = &partition.Gather{}
			}
			byOutput[v].Add(d.Partitions)
		}
	}
}

// restoreMade closes a restore: a partition of a step is made if all its outputs are, and what an ended step
// has not made is lost.
func (r *run) restoreMade(byOutput map[int32]*partition.Gather) {
	if r.parts == nil {
		return
	}
	for s := range r.parts.sets {
		if !r.divided(int32(s)) {
			continue
		}
		n := r.plan.Steps[s].Node
		var all *partition.Set
		for o := range r.graph.Node(n).Outputs {
			if out := &r.graph.Node(n).Outputs[o]; !out.Asset || !r.plan.Wanted(int32(s), o) {
				continue
			}
			var made partition.Set
			if c := byOutput[r.graph.OutputAt(n, o)]; c != nil {
				made = c.Set()
			}
			if all != nil {
				made = made.Intersect(*all)
			}
			all = &made
		}
		if all != nil {
			r.parts.made[s].Add(*all)
		}
		switch r.d.steps[s].status {
		case succeeded, failed, skipped:
			r.giveUp(int32(s))
		}
	}
}

// targets are what a run is to make of assets that are divided, as storage is told.
func (r *run) targets() []storage.Target {
	if r.parts == nil {
		return nil
	}
	var targets []storage.Target
	for s := range r.plan.Steps {
		if !r.divided(int32(s)) {
			continue
		}
		n := r.plan.Steps[s].Node
		for o := range r.graph.Node(n).Outputs {
			if key := r.assetKey(r.graph.OutputAt(n, o)); key != 0 && r.plan.Wanted(int32(s), o) {
				targets = append(targets, storage.Target{Asset: key, Partitions: r.parts.sets[s]})
			}
		}
	}
	return targets
}

// assetKey is the key of the asset that an output is, zero for one that is none or is not known here.
func (r *run) assetKey(output int32) storage.AssetKey {
	if int(output) >= len(r.AssetKeys) {
		return 0
	}
	return r.AssetKeys[output]
}

// recordPlan is the plan as storage keeps it, with the partitions of each step.
func (r *run) recordPlan() []storage.PlanStep {
	record := r.Plan.Record()
	if r.parts != nil {
		for s := range r.parts.sets {
			record[s].Partitions = r.parts.sets[s]
		}
	}
	return record
}

// Undone returns what is left to be made of each step of a run that has ended: what a retry of it is of. It is nil
// for a run in which nothing is divided.
func Undone(c Config, events []storage.Event) ([]partition.Set, error) {
	old := newRun(c)
	if old.parts == nil {
		return nil, nil
	}
	if err := old.restore(events); err != nil {
		return nil, err
	}
	left := slices.Clone(old.parts.sets)
	for s := range left {
		left[s] = left[s].Minus(old.parts.made[s].Set())
	}
	for s, rejected := range old.checks.rejected {
		if up, planned := old.plan.Judges(s); planned {
			left[up] = left[up].Union(rejected.Set())
		}
	}
	return left, nil
}

// Planned returns the plan of a run that is to be inserted as storage keeps it, and what it is to make.
func Planned(c Config) ([]storage.PlanStep, []storage.Target) {
	r := newRun(c)
	return r.recordPlan(), r.targets()
}
