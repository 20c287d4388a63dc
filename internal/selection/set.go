package selection

import (
	"iter"
	"math/bits"
)

// Set is a set of nodes by their indices, one bit each. The zero Set is the empty
// set of a graph without nodes. A Set returned by [Expr.Eval] belongs to the
// caller.
type Set struct {
	words []uint64
	n     int
}

// NewSet returns the empty set for a graph of n nodes.
func NewSet(n int) Set { return Set{words: make([]uint64, (n+63)/64), n: n} }

// Add puts a node into the set. Its index must be from 0 to below n.
func (s Set) Add(i int) { s.words[i/64] |= 1 << (i % 64) }

// Has reports whether a node is in the set; an index outside the graph is not.
func (s Set) Has(i int) bool { return i >= 0 && i < s.n && s.words[i/64]&(1<<(i%64)) != 0 }

// Len returns how many nodes are in the set.
func (s Set) Len() int {
	n := 0
	for _, w := range s.words {
		n += bits.OnesCount64(w)
	}
	return n
}

// All returns the indices of the set in ascending order.
func (s Set) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range s.words {
			for ; w != 0; w &= w - 1 {
				if !yield(64*i + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}

// addAll puts every node of t into s.
func (s Set) addAll(t Set) {
	for i, w := range t.words {
		s.words[i] |= w
	}
}

// keep takes out of s what is not in t.
func (s Set) keep(t Set) {
	for i, w := range t.words {
		s.words[i] &= w
	}
}

// addOthers puts every node into s that is not in t.
func (s Set) addOthers(t Set) {
	for i, w := range t.words {
		w = ^w
		if rest := s.n - 64*i; rest < 64 {
			w &= 1<<rest - 1
		}
		s.words[i] |= w
	}
}

// empty takes everything out.
func (s Set) empty() { clear(s.words) }
