package decide

import "math/bits"

// indexSet is a set of step indices that is read in ascending order: a bitmap with one bit per 64
// above it, so that finding the next member skips 4,096 absent ones at a time.
type indexSet struct {
	words, above []uint64
	count        int
}

// grow makes room for indices below n.
func (s *indexSet) grow(n int) {
	if words := (n + 63) / 64; words > len(s.words) {
		s.words = append(s.words, make([]uint64, words-len(s.words))...)
	}
	if above := (len(s.words) + 63) / 64; above > len(s.above) {
		s.above = append(s.above, make([]uint64, above-len(s.above))...)
	}
}

func (s *indexSet) add(i int32) {
	w := i >> 6
	if s.words[w]>>(i&63)&1 == 0 {
		s.words[w] |= 1 << (i & 63)
		s.above[w>>6] |= 1 << (w & 63)
		s.count++
	}
}

func (s *indexSet) remove(i int32) {
	w := i >> 6
	if s.words[w]>>(i&63)&1 == 1 {
		if s.words[w] &^= 1 << (i & 63); s.words[w] == 0 {
			s.above[w>>6] &^= 1 << (w & 63)
		}
		s.count--
	}
}

// next returns the smallest member that is at least i, or -1.
func (s *indexSet) next(i int32) int32 {
	if s.count == 0 || int(i) >= len(s.words)*64 {
		return -1
	}
	w := i >> 6
	if rest := s.words[w] >> (i & 63); rest != 0 {
		return i + int32(bits.TrailingZeros64(rest))
	}
	w++
	for a := int(w >> 6); a < len(s.above); a++ {
		rest := s.above[a]
		if a == int(w>>6) {
			rest &= ^uint64(0) << (w & 63)
		}
		if rest != 0 {
			at := int32(a<<6 + bits.TrailingZeros64(rest))
			return at<<6 + int32(bits.TrailingZeros64(s.words[at]))
		}
	}
	return -1
}
