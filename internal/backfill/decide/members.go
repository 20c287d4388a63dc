package decide

import (
	"iter"
	"slices"

	"github.com/rivers-go/rivers/partition"
)

// Unmade are partitions that readers do not find, by group and member. Rejected were made and did
// not pass a blocking check: other definitions do not read them.
type Unmade struct{ Lost, Rejected [][]partition.Set }

// Losses are the partitions that a run did not make of one member of its group. A Rejected one was
// made and did not pass a blocking check, an Unchecked one was made and a check of it crashed. Both
// count as failed.
type Losses struct{ Failed, Skipped, Canceled, Rejected, Unchecked partition.Set }

// lost are those that were not made.
func (l *Losses) lost() partition.Set { return l.Failed.Union(l.Skipped).Union(l.Canceled) }

// memberState is what has become of the partitions of a member of a group. Those of given were
// given up and have no run of it. Whether they are canceled or skipped follows from what they read.
type memberState struct {
	made, failed, skipped, canceled, rejected, unchecked, given partition.Gather
}

// run tells what a run of the member has made of a set, and what not.
func (m *memberState) run(set partition.Set, l *Losses) {
	m.failed.Add(l.Failed)
	m.skipped.Add(l.Skipped)
	m.canceled.Add(l.Canceled)
	m.rejected.Add(l.Rejected)
	m.unchecked.Add(l.Unchecked)
	m.made.Add(set.Minus(l.lost()))
}

// blocks gives up what reads something that was not made.
func (d *Decider) blocks(stage int, buf []Command) []Command {
	lost, some := d.unmade(func(m *memberState) partition.Set {
		return m.failed.Set().Union(m.skipped.Set()).Union(m.canceled.Set()).Union(m.given.Set())
	})
	for g := 0; some && g < len(d.groups); g++ {
		def := &d.config.Groups[g]
		if def.Stage != stage || def.Blocked == nil {
			continue
		}
		for m, blocked := range def.Blocked(lost) {
			if blocked = blocked.Intersect(d.pending(g)).Minus(d.groups[g].members[m].given.Set()); !blocked.IsEmpty() {
				buf = append(buf, Command{Kind: Block, Group: g, Member: m, Set: blocked})
			}
		}
	}
	return buf
}

// unmade is what readers do not find, and whether there is any.
func (d *Decider) unmade(lost func(*memberState) partition.Set) (u Unmade, some bool) {
	u.Lost, u.Rejected = make([][]partition.Set, len(d.groups)), make([][]partition.Set, len(d.groups))
	for g := range d.groups {
		members := d.groups[g].members
		u.Lost[g], u.Rejected[g] = make([]partition.Set, len(members)), make([]partition.Set, len(members))
		for m := range members {
			u.Lost[g][m], u.Rejected[g][m] = lost(&members[m]), members[m].rejected.Set()
			some = some || !u.Lost[g][m].IsEmpty() || !u.Rejected[g][m].IsEmpty()
		}
	}
	return u, some
}

// givenUp returns of what was given up what read something that failed or was canceled, and what
// read only what was skipped.
func (d *Decider) givenUp() (canceled, skipped partition.Set) {
	u, _ := d.unmade(func(m *memberState) partition.Set { return m.failed.Set().Union(m.canceled.Set()) })
	order := make([]int, len(d.groups))
	for g := range order {
		order[g] = g
	}
	slices.SortStableFunc(order, func(a, b int) int { return d.config.Groups[a].Stage - d.config.Groups[b].Stage })
	for _, g := range order {
		def := &d.config.Groups[g]
		if def.Blocked == nil {
			continue
		}
		for m, blocked := range def.Blocked(u) {
			given := d.groups[g].members[m].given.Set()
			blocked = blocked.Intersect(given)
			u.Lost[g][m] = u.Lost[g][m].Union(blocked)
			canceled, skipped = canceled.Union(blocked), skipped.Union(given.Minus(blocked))
		}
	}
	return canceled, skipped
}

// split yields what of a chunk the same members make: without those that were given up.
func (d *Decider) split(g int, chunk partition.Set) iter.Seq2[partition.Set, []int] {
	return func(yield func(partition.Set, []int) bool) {
		members := d.groups[g].members
		given := partition.Set{}
		for m := range members {
			if of := &members[m].given; !of.IsEmpty() {
				given = given.Union(of.Set().Intersect(chunk))
			}
		}
		if whole := chunk.Minus(given); !whole.IsEmpty() && !yield(whole, nil) {
			return
		}
		if given.IsEmpty() {
			return
		}
		parts := []partition.Set{given}
		for m := range members {
			var next []partition.Set
			for _, part := range parts {
				for _, half := range [...]partition.Set{part.Intersect(members[m].given.Set()), part.Minus(members[m].given.Set())} {
					if !half.IsEmpty() {
						next = append(next, half)
					}
				}
			}
			parts = next
		}
		for _, part := range parts {
			making := []int{}
			for m := range members {
				if members[m].given.Set().Intersect(part).IsEmpty() {
					making = append(making, m)
				}
			}
			if len(making) > 0 && !yield(part, making) {
				return
			}
		}
	}
}
