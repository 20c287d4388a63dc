package engine

// group is a mapped step that has unfolded into instances, which are numbered without a gap.
type group struct {
	step, first, count int32
	left               int32 // instances that have not succeeded
	capacity           int32 // zero: unbounded
	exposed            int32 // instances that are in a lane's ready set or run
	held               indexSet
}

// groupHasRoom reports whether a retry may join its group, counting those already chosen.
func (d *Decider) groupHasRoom(s int32, chosen []Command) bool {
	at := d.steps[s].group
	if at < 0 || d.groups[at].capacity == 0 {
		return true
	}
	taken := d.groups[at].exposed
	for _, c := range chosen {
		if d.steps[c.Step].group == at {
			taken++
		}
	}
	return taken < d.groups[at].capacity
}

// Instance returns the mapped step and the position of an instance; ok is false for a step of the plan.
func (d *Decider) Instance(step int32) (mapped int32, pos int, ok bool) {
	at := d.steps[step].group
	if at < 0 {
		return step, 0, false
	}
	return d.groups[at].step, int(step - d.groups[at].first), true
}

// Instances returns how many instances a mapped step has unfolded into.
func (d *Decider) Instances(mapped int32) int {
	if at, ok := d.groupOf[mapped]; ok {
		return int(d.groups[at].count)
	}
	return 0
}

// InstanceOf returns the step that is instance pos of a mapped step.
func (d *Decider) InstanceOf(mapped int32, pos int) int32 {
	return d.groups[d.groupOf[mapped]].first + int32(pos)
}

// planned is the step of the plan that a step is, or is an instance of.
func (d *Decider) planned(s int32) int32 {
	if at := d.steps[s].group; at >= 0 {
		return d.groups[at].step
	}
	return s
}

// conceal gives back an instance's place in its group to the next one that is held.
func (d *Decider) conceal(s int32) {
	at := d.steps[s].group
	if at < 0 {
		return
	}
	g := &d.groups[at]
	g.exposed--
	if next := g.held.next(0); next >= 0 && (g.capacity == 0 || g.exposed < g.capacity) {
		g.held.remove(next)
		d.makeReady(g.first + next)
	}
}
