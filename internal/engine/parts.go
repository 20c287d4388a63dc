package engine

import (
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// parts is what a run knows of the partitions of its steps, by step of the plan: plain values, which decide what of a step is
// left to be made, and what is not to be made since it reads what was not. It is nil for a run in which nothing is divided,
// and guarded by the run's lock.
type parts struct {
	plan *plan.Plan
	// cut is nil where the definitions are not known: then nothing is blocked.
	cut *plan.Cut
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
	return &parts{plan: c.Plan, cut: c.Cut, sets: sets, made: make([]partition.Gather, len(sets)), lost: make([]partition.Set, len(sets))}
}

// divided reports whether a step of the plan has partitions.
func (p *parts) divided(s int32) bool { return p != nil && !p.sets[s].IsEmpty() }

// unmade returns what a step has still to make.
func (p *parts) unmade(s int32) partition.Set { return p.sets[s].Minus(p.made[s].Set()) }

// left returns the partitions of a step of the plan that are to be made now, without those that were made and those
// that are blocked: they read what a step before it did not make.
func (p *parts) left(s int32) (left, blocked partition.Set, err error) {
	blocked, _, err = p.blocked(s)
	blocked = blocked.Intersect(p.sets[s])
	return p.unmade(s).Minus(blocked), blocked, err
}

// blocked returns the partitions of a step that read what a step before it did not make, and such a step.
// For a step that is not divided that is all of it or nothing.
func (p *parts) blocked(s int32) (blocked partition.Set, cause int32, err error) {
	cause = storage.NoStep
	if p.cut == nil {
		return blocked, cause, nil
	}
	n := p.plan.Steps[s].Node
	inputs := p.plan.Graph.Node(n).Inputs
	for k, v := range p.plan.Graph.From(n) {
		if v < 0 || inputs[k].Mode == graph.Self || inputs[k].Parts == nil {
			continue
		}
		_, from := p.plan.Graph.Output(v)
		up, planned := p.plan.StepOf(from)
		if !planned || p.lost[up].IsEmpty() {
			continue
		}
		set, err := p.cut.Blocked(s, k, p.lost[up])
		if err != nil {
			return partition.Set{}, up, fmt.Errorf("which partitions read what step %q did not make: %w", p.plan.Key(up), err)
		}
		if !set.IsEmpty() {
			blocked, cause = blocked.Union(set), up
		}
	}
	return blocked, cause, nil
}

// nothingLeft reports whether all that a step would make reads what was not made, and the step to blame.
func (p *parts) nothingLeft(s int32) (cause int32, nothing bool) {
	if p == nil {
		return 0, false
	}
	blocked, cause, err := p.blocked(s)
	if err != nil || blocked.IsEmpty() {
		return 0, false // the attempt meets the error too
	}
	if !p.divided(s) {
		return cause, true
	}
	return cause, p.sets[s].Minus(blocked).IsEmpty() && p.made[s].Set().IsEmpty()
}

// giveUp notes what a step that has its outcome has not made.
func (p *parts) giveUp(s int32) {
	if p.divided(s) {
		p.lost[s] = p.unmade(s)
	}
}

// divided reports whether a step of the plan has partitions.
func (r *run) divided(s int32) bool { return r.parts.divided(s) }

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
			r.parts.giveUp(int32(s))
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
		left[s] = old.parts.unmade(int32(s))
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
