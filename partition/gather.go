package partition

// Gather is a set to which others are added one at a time: what was added last is folded in when
// somebody asks, neighbours first, so that thousands of partitions do not cost thousands of copies.
// The zero Gather is the empty set. It is not safe for concurrent use.
type Gather struct {
	// folded are sets of which each has more in it than the next, so that what was folded is copied
	// seldom.
	folded []weighted
	last   []Set
}

// weighted is a set, and how many were folded into it.
type weighted struct {
	set Set
	of  int
}

// gatherAtOnce bounds how many sets wait to be folded in.
const gatherAtOnce = 128

// Add adds the partitions of a set.
func (g *Gather) Add(s Set) {
	if s.IsEmpty() {
		return
	}
	if g.last = append(g.last, s); len(g.last) >= gatherAtOnce {
		g.fold()
	}
}

// fold puts the last sets together, and with what was folded of about as many.
func (g *Gather) fold() {
	of := len(g.last)
	if of == 0 {
		return
	}
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
	one := weighted{g.last[0], of}
	clear(g.last)
	g.last = g.last[:0]
	for n := len(g.folded); n > 0 && g.folded[n-1].of <= one.of; n = len(g.folded) {
		one = weighted{g.folded[n-1].set.Union(one.set), g.folded[n-1].of + one.of}
		g.folded[n-1] = weighted{}
		g.folded = g.folded[:n-1]
	}
	g.folded = append(g.folded, one)
}

// Set returns all that was added.
func (g *Gather) Set() Set {
	g.fold()
	for n := len(g.folded); n > 1; n = len(g.folded) {
		g.folded[n-2] = weighted{g.folded[n-2].set.Union(g.folded[n-1].set), g.folded[n-2].of + g.folded[n-1].of}
		g.folded[n-1] = weighted{}
		g.folded = g.folded[:n-1]
	}
	if len(g.folded) == 0 {
		return Set{}
	}
	return g.folded[0].set
}

// IsEmpty reports whether nothing was added.
func (g *Gather) IsEmpty() bool { return len(g.folded) == 0 && len(g.last) == 0 }
