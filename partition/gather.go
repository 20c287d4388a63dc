package partition

// Gather is the union of many sets added one at a time. It folds them in lazily, neighbours first,
// so that thousands of additions do not cost thousands of copies. The zero Gather is empty. It is
// not safe for concurrent use.
type Gather struct {
	// folded has sets in decreasing size, so that a large set is copied seldom.
	folded []weighted
	last   []Set
}

// weighted is a set and the number of sets folded into it.
type weighted struct {
	set Set
	of  int
}

// gatherAtOnce bounds the sets that wait to be folded.
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

// fold combines the waiting sets, and then folded sets of similar size.
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

// Set returns the union of everything added.
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
