package partition

import (
	"iter"
	"sort"

	"github.com/RoaringBitmap/roaring/v2"
)

// bitmap is the labels of an innermost axis that has a scale, as ordinals on it.
type bitmap struct {
	*roaring.Bitmap
	scale scale
}

// fewRuns is how many runs of labels there are at most where they are kept as intervals, though they have a scale.
const fewRuns = 32

// pack makes a node of ordinals, which belong to it alone.
func pack(b *roaring.Bitmap, s scale) *node {
	if b.IsEmpty() {
		return nil
	}
	b.RunOptimize() // the form of its parts follows from what is in them, too
	var segs []seg
	for lo, hi := range b.Ranges() {
		if segs = append(segs, seg{s.label(int64(lo)), s.label(int64(hi)), unit}); len(segs) > fewRuns {
			return &node{bits: &bitmap{b, s}}
		}
	}
	return &node{segs: segs}
}

// packed is the bitmap of intervals with nothing nested, nil where they are not on the scale.
func packed(segs []seg, s scale) *roaring.Bitmap {
	if s.step == 0 {
		return nil
	}
	b := roaring.New()
	var singles []uint32
	for _, piece := range segs {
		lo, hi, ok := s.ordinals(piece.lo, piece.hi)
		if !ok {
			return nil
		}
		if hi == lo+1 {
			singles = append(singles, uint32(lo))
			continue
		}
		b.AddRange(lo, hi)
	}
	b.AddMany(singles)
	return b
}

// bitmap is that of a node with nothing nested, to be read only; nil if there is none.
func (n *node) bitmap(s scale) *roaring.Bitmap {
	if n.bits != nil {
		return n.bits.Bitmap
	}
	return packed(n.segs, s)
}

// runsFrom yields the runs of labels from one on. They are read some at a time: who stops early pays for little.
func (b *bitmap) runsFrom(label int64, yield func(seg) bool) {
	const most = 1 << 16 // of the ordinals that the bitmap keeps together
	var held seg         // joined as long as it grows
	all := b.Iterator()
	for at := b.scale.ordinal(label); at <= maxOrdinal; {
		if all.AdvanceIfNeeded(uint32(at)); !all.HasNext() {
			break
		}
		lo := uint64(all.PeekNext())
		end := lo&^(most-1) + most
		for s := range b.within(lo, end) {
			if held.sub != nil && held.hi == s.lo {
				held.hi = s.hi
				continue
			}
			if held.sub != nil && !yield(held) {
				return
			}
			held = s
		}
		at = int64(end)
	}
	if held.sub != nil {
		yield(held)
	}
}

// within yields the runs of the ordinals from lo to before hi.
func (b *bitmap) within(lo, hi uint64) iter.Seq[seg] {
	span := roaring.New()
	span.AddRange(lo, hi)
	return (&bitmap{roaring.And(b.Bitmap, span), b.scale}).runs()
}

// runs yields all runs of labels.
func (b *bitmap) runs() iter.Seq[seg] {
	return func(yield func(seg) bool) {
		for lo, hi := range b.Ranges() {
			if !yield(seg{b.scale.label(int64(lo)), b.scale.label(int64(hi)), unit}) {
				return
			}
		}
	}
}

// runsBefore yields the runs of labels that begin up to one, the last first. Where they begin and end is told by ranks: so
// many ordinals lie between two that none is left out.
func (b *bitmap) runsBefore(label int64, yield func(seg) bool) {
	for upTo := b.rank(b.scale.ordinal(label + 1)); upTo > 0; {
		last := b.nth(upTo - 1)
		lo := int64(sort.Search(int(last), func(i int) bool { return upTo-b.rank(int64(i)) == last+1-int64(i) }))
		most := int64(b.Maximum()) + 1 - last
		hi := last + int64(sort.Search(int(most), func(i int) bool { return b.rank(last+int64(i)+1)-upTo != int64(i) }))
		if !yield(seg{b.scale.label(lo), b.scale.label(hi), unit}) {
			return
		}
		upTo = b.rank(lo)
	}
}

// rank is how many ordinals there are before one.
func (b *bitmap) rank(ordinal int64) int64 {
	if ordinal <= 0 {
		return 0
	}
	return int64(b.Rank(uint32(ordinal - 1)))
}

// nth is the ordinal of a rank, the one after the last if there are not so many.
func (b *bitmap) nth(rank int64) int64 {
	if o, err := b.Select(uint32(rank)); err == nil {
		return int64(o)
	}
	return int64(b.Maximum()) + 1
}

// has reports whether a label is among them.
func (b *bitmap) has(label int64) bool {
	lo, _, ok := b.scale.ordinals(label, label+b.scale.step)
	return ok && lo <= maxOrdinal && b.Contains(uint32(lo))
}

// at is the label of a rank, the one after the last if there are not so many.
func (b *bitmap) at(rank int64) int64 { return b.scale.label(b.nth(rank)) }
