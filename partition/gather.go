package partition

// Gather is a set to which others are added one at a time: what was added last is folded in when somebody asks,
// neighbours first, so that thousands of partitions do not cost thousands of copies. The zero Gather is
// the empty set. It is not safe for concurrent use.
type Gather struct {
	set  Set
	last []Set
}

// gatherAtOnce bounds how many sets wait to be folded in.
const gatherAtOnce = 128

// Add adds the partitions of a set.
func (g *Gather) Add(s Set) {
	if s.IsEmpty() {
		return
	}
	if g.last = append(g.last, s); len(g.last) >= gatherAtOnce {
		g.Set()
	}
}

// Set returns all that was added.
func (g *Gather) Set() Set {
	for len(g.last) > 1 {
		half := g.last[:0]
		for i := 0; i < len(g.last); i += 2 {
			s := g.last[i]
			if i+1 < len(g.last) {
				s = s.Union(g.last[i+1])
			}
			half = append(half, s)
		}
		clear(g.last[len(half):]) // what was folded is nobody's
		g.last = half
	}
	if len(g.last) == 1 {
		g.set = g.set.Union(g.last[0])
		clear(g.last)
		g.last = g.last[:0]
	}
	return g.set
}

// IsEmpty reports whether nothing was added.
func (g *Gather) IsEmpty() bool { return g.set.IsEmpty() && len(g.last) == 0 }
