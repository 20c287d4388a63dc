package decide

import (
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Losses are the partitions that a step was to make and did not. The sets share no partition.
type Losses struct {
	// Failed were tried, or a check did not let them pass. Skipped have nothing to make: the body
	// asked for it, or that of something that they read.
	Failed, Skipped partition.Set
	// Blocked read what failed. Canceled were not begun when the run ended.
	Blocked, Canceled partition.Set
}

// Lost are all of them.
func (f *Losses) Lost() partition.Set {
	return f.Failed.Union(f.Skipped).Union(f.Blocked).Union(f.Canceled)
}

// Losses returns what each step of the plan has not made. Where the definitions are not known, what
// a partition reads is not known either: what was neither made nor tried is Blocked then.
func (d *Decider) Losses() []Losses {
	all := make([]Losses, len(d.plan.Steps))
	if d.parts == nil {
		return all
	}
	for s := range all { // in topological order
		if d.parts.Has(int32(s)) {
			all[s] = d.losses(int32(s), all)
		}
	}
	return all
}

func (d *Decider) losses(s int32, all []Losses) (f Losses) {
	p := d.parts
	rest := p.Unmade(s)
	take := func(set partition.Set) partition.Set {
		set = set.Intersect(rest)
		rest = rest.Minus(set)
		return set
	}
	f.Failed = take(p.failedOf(s))
	f.Skipped = take(p.skippedOf(s))
	f.Blocked = take(p.readsOf(s, all, func(up *Losses) partition.Set { return up.Failed.Union(up.Blocked) }))
	f.Blocked = f.Blocked.Union(take(p.follow(s, f.Failed.Union(f.Blocked))))
	f.Skipped = f.Skipped.Union(take(p.readsOf(s, all, func(up *Losses) partition.Set { return up.Skipped })))
	f.Skipped = f.Skipped.Union(take(p.follow(s, f.Skipped)))
	switch st := &d.steps[s]; {
	case rest.IsEmpty():
	case st.status == Failed && f.Failed.IsEmpty():
		f.Failed = rest
	case st.status == Failed:
		f.Blocked = f.Blocked.Union(rest)
	case st.status == Skipped && d.skippedFor(st.cause):
		f.Skipped = f.Skipped.Union(rest)
	case st.status == Skipped && !p.Has(d.Planned(st.cause)): // nobody else has lost a partition for it
		f.Failed = f.Failed.Union(rest)
	case st.status == Skipped:
		f.Blocked = f.Blocked.Union(rest)
	case st.status == Succeeded && d.plan.Graph.Node(d.plan.Steps[s].Node).Kind == graph.Check:
		f.Failed = f.Failed.Union(rest) // it did not let them pass
	case st.status == Succeeded:
		f.Skipped = f.Skipped.Union(rest) // by the body, in a run of an older version
	default:
		f.Canceled = rest
	}
	return f
}

// skippedFor reports whether a step that was skipped due to another one, or to itself, was skipped
// because a body had nothing to do.
func (d *Decider) skippedFor(cause int32) bool {
	return cause == storage.NoStep || d.steps[cause].status == Skipped
}

// readsOf returns which partitions of a step read some of its upstreams.
func (p *Partitions) readsOf(s int32, all []Losses, of func(*Losses) partition.Set) (reads partition.Set) {
	if p.assignment == nil {
		return reads
	}
	n := p.plan.Steps[s].Node
	inputs := p.plan.Graph.Node(n).Inputs
	for k, v := range p.plan.Graph.From(n) {
		if v < 0 || inputs[k].Mode == graph.Self || inputs[k].Parts == nil {
			continue
		}
		_, from := p.plan.Graph.Output(v)
		up, planned := p.plan.StepOf(from)
		if !planned {
			continue
		}
		lost := of(&all[up])
		if lost.IsEmpty() {
			continue
		}
		if set, err := p.assignment.Blocked(s, k, lost); err == nil { // the attempt has met the error
			reads = reads.Union(set)
		}
	}
	return reads
}

// follow returns which partitions of a step read some of its own, directly or not.
func (p *Partitions) follow(s int32, own partition.Set) (after partition.Set) {
	if p.assignment == nil || own.IsEmpty() {
		return after
	}
	inputs := p.plan.Graph.Node(p.plan.Steps[s].Node).Inputs
	for k := range inputs {
		if inputs[k].Mode != graph.Self || inputs[k].Parts == nil {
			continue
		}
		if edge, err := p.assignment.Edge(s, k); err == nil {
			after = after.Union(edge.Closure(own))
		}
	}
	return after
}
