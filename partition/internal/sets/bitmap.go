package sets

import (
	"iter"
	"sort"

	"github.com/RoaringBitmap/roaring/v2"
)

// Bitmap holds labels of an innermost axis as ordinals on its scale.
type Bitmap struct {
	*roaring.Bitmap
	scale Scale
}

// fewRuns is the greatest number of runs that a node keeps as intervals although it has a scale.
const fewRuns = 32

// pack returns the node of some ordinals. It takes ownership of the bitmap.
func pack(b *roaring.Bitmap, s Scale) *Node {
	if b.IsEmpty() {
		return nil
	}
	b.RunOptimize() // makes the form of each container follow from its content
	var segs []Seg
	for lo, hi := range b.Ranges() {
		if segs = append(segs, Seg{s.label(int64(lo)), s.label(int64(hi)), Unit}); len(segs) > fewRuns {
			return &Node{bits: &Bitmap{b, s}}
		}
	}
	return &Node{segs: segs}
}

// Ordinals returns the node of ordinals in any order. It skips those greater than MaxOrdinal.
func Ordinals[O ~uint32](ordinals iter.Seq[O]) *Node {
	b := roaring.New()
	batch := make([]uint32, 0, 1024)
	for o := range ordinals {
		if uint32(o) > MaxOrdinal {
			continue
		}
		if batch = append(batch, uint32(o)); len(batch) == cap(batch) {
			b.AddMany(batch)
			batch = batch[:0]
		}
	}
	b.AddMany(batch)
	return pack(b, OrdinalScale)
}

// packed returns the bitmap of innermost intervals, nil if they are off the scale.
func packed(segs []Seg, s Scale) *roaring.Bitmap {
	if s.step == 0 {
		return nil
	}
	b := roaring.New()
	var singles []uint32
	for _, piece := range segs {
		lo, hi, ok := s.ordinals(piece.Lo, piece.Hi)
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

// bitmap returns the ordinals of an innermost node, nil if it is off the scale. The caller must not
// change them.
func (n *Node) bitmap(s Scale) *roaring.Bitmap {
	if n.bits != nil {
		return n.bits.Bitmap
	}
	return packed(n.segs, s)
}

// runsFrom yields the runs of labels from a label on. It reads one container at a time, so stopping
// early is cheap.
func (b *Bitmap) runsFrom(label int64, yield func(Seg) bool) {
	const most = 1 << 16 // ordinals per container
	var held Seg         // grows while runs touch
	all := b.Iterator()
	for at := b.scale.ordinal(label); at <= MaxOrdinal; {
		if all.AdvanceIfNeeded(uint32(at)); !all.HasNext() {
			break
		}
		lo := uint64(all.PeekNext())
		end := lo&^(most-1) + most
		for s := range b.within(lo, end) {
			if held.Sub != nil && held.Hi == s.Lo {
				held.Hi = s.Hi
				continue
			}
			if held.Sub != nil && !yield(held) {
				return
			}
			held = s
		}
		at = int64(end)
	}
	if held.Sub != nil {
		yield(held)
	}
}

// within yields the runs of the ordinals from lo to before hi.
func (b *Bitmap) within(lo, hi uint64) iter.Seq[Seg] {
	span := roaring.New()
	span.AddRange(lo, hi)
	return (&Bitmap{roaring.And(b.Bitmap, span), b.scale}).runs()
}

// runs yields all runs of labels.
func (b *Bitmap) runs() iter.Seq[Seg] {
	return func(yield func(Seg) bool) {
		for lo, hi := range b.Ranges() {
			if !yield(Seg{b.scale.label(int64(lo)), b.scale.label(int64(hi)), Unit}) {
				return
			}
		}
	}
}

// runsBefore yields the runs of labels that begin at a label or before, last first. It finds their
// ends by binary search on ranks: two ordinals are in one run if every ordinal between is set.
func (b *Bitmap) runsBefore(label int64, yield func(Seg) bool) {
	for upTo := b.rank(b.scale.ordinal(label + 1)); upTo > 0; {
		last := b.nth(upTo - 1)
		lo := int64(sort.Search(int(last), func(i int) bool { return upTo-b.rank(int64(i)) == last+1-int64(i) }))
		most := int64(b.Maximum()) + 1 - last
		hi := last + int64(sort.Search(int(most), func(i int) bool { return b.rank(last+int64(i)+1)-upTo != int64(i) }))
		if !yield(Seg{b.scale.label(lo), b.scale.label(hi), Unit}) {
			return
		}
		upTo = b.rank(lo)
	}
}

// rank returns the number of ordinals before the given one.
func (b *Bitmap) rank(ordinal int64) int64 {
	if ordinal <= 0 {
		return 0
	}
	return int64(b.Rank(uint32(ordinal - 1)))
}

// nth returns the ordinal of a rank; beyond the last rank, the last ordinal plus one.
func (b *Bitmap) nth(rank int64) int64 {
	if o, err := b.Select(uint32(rank)); err == nil {
		return int64(o)
	}
	return int64(b.Maximum()) + 1
}

// has reports whether the bitmap contains a label.
func (b *Bitmap) has(label int64) bool {
	lo, _, ok := b.scale.ordinals(label, label+b.scale.step)
	return ok && lo <= MaxOrdinal && b.Contains(uint32(lo))
}

// At returns the label of a rank; beyond the last rank, the end of the last window.
func (b *Bitmap) At(rank int64) int64 { return b.scale.label(b.nth(rank)) }

// Count returns the number of labels.
func (b *Bitmap) Count() int64 { return int64(b.GetCardinality()) }
