package partition

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// The binary form of a set. Numbers are varints; equal sets have equal bytes.
//
//	version             1
//	parts               number, then each:
//	  shape             length and bytes: the dimensions, outermost first, with what their labels are
//	  levels            from the innermost dimension outwards, for each:
//	    nodes           number (the outermost level has one, and no number), then each:
//	      0             intervals: number, first label, unit, then for each the gap before it (but for
//	                    the first) and its length in units, and which node of the level before is nested
//	      1             ordinals, or windows of a fixed length by their number, many and irregular: length and
//	                    bytes of a roaring bitmap. Windows were stored as intervals before, however many, and are read so
const (
	setVersion    = 1
	tagIntervals  = 0
	tagBitmap     = 1
	farthestLabel = 1 << 45
)

// AppendBinary appends the binary form of the set, which [ParseSet] reads. It is
// compact (an interval of windows is a few bytes, whatever its length), versioned, and
// the same for equal sets. It never fails.
func (s Set) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, setVersion)
	b = binary.AppendUvarint(b, uint64(len(s.parts)))
	for _, p := range s.parts {
		b = appendText(b, p.shape.code)
		if len(p.shape.axes) > 0 {
			b = newEncoder(p.root, len(p.shape.axes)).append(b)
		}
	}
	return b, nil
}

// encoder gives the nodes of a set numbers, level by level.
type encoder struct {
	levels [][]*node
	number map[*node]uint64
	pool   map[uint64][]*node
}

func newEncoder(root *node, levels int) *encoder {
	e := &encoder{levels: make([][]*node, levels)}
	e.levels[0] = []*node{root}
	if levels > 1 {
		e.number, e.pool = map[*node]uint64{}, map[uint64][]*node{}
		e.nested(root, 1)
	}
	return e
}

// nested gives numbers to the nodes of a level, in the order in which they are met.
func (e *encoder) nested(n *node, level int) {
	for _, s := range n.segs {
		if _, met := e.number[s.sub]; met {
			continue
		}
		if known := e.known(s.sub); known != nil {
			e.number[s.sub] = e.number[known]
			continue
		}
		if level+1 < len(e.levels) {
			e.nested(s.sub, level+1)
		}
		e.number[s.sub] = uint64(len(e.levels[level]))
		e.levels[level] = append(e.levels[level], s.sub)
	}
}

// known is an equal node that has a number, or nil after remembering this one.
func (e *encoder) known(n *node) *node {
	mark := n.fingerprint()
	for _, other := range e.pool[mark] {
		if same(other, n) {
			return other
		}
	}
	e.pool[mark] = append(e.pool[mark], n)
	return nil
}

func (e *encoder) append(b []byte) []byte {
	innermost := len(e.levels) - 1
	for level := innermost; level >= 0; level-- {
		if level > 0 {
			b = binary.AppendUvarint(b, uint64(len(e.levels[level])))
		}
		for _, n := range e.levels[level] {
			b = e.appendNode(b, n, level == innermost)
		}
	}
	return b
}

func (e *encoder) appendNode(b []byte, n *node, innermost bool) []byte {
	if n.bits != nil {
		size := n.bits.GetSerializedSizeInBytes()
		b = binary.AppendUvarint(append(b, tagBitmap), size)
		w := appender{slices.Grow(b, int(size))}
		_, _ = n.bits.WriteTo(&w) // it takes everything
		return w.b
	}
	segs := n.segs
	b = binary.AppendUvarint(append(b, tagIntervals), uint64(len(segs)))
	b = binary.AppendVarint(b, segs[0].lo)
	unit := unitOf(segs)
	b = binary.AppendUvarint(b, uint64(unit))
	for i, s := range segs {
		if i > 0 {
			b = binary.AppendUvarint(b, uint64((s.lo-segs[i-1].hi)/unit))
		}
		b = binary.AppendUvarint(b, uint64((s.hi-s.lo)/unit))
		if !innermost {
			b = binary.AppendUvarint(b, e.number[s.sub])
		}
	}
	return b
}

// appender is a writer to the end of a slice.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

// unitOf is the greatest number that divides all lengths and gaps.
func unitOf(segs []seg) int64 {
	unit := int64(0)
	for i, s := range segs {
		unit = gcd(unit, s.hi-s.lo)
		if i > 0 {
			unit = gcd(unit, s.lo-segs[i-1].hi)
		}
	}
	return unit
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// ParseSet reads the binary form of a set. It refuses what [Set.AppendBinary] does not
// write, and allocates no more than a small multiple of what it is given.
func ParseSet(data []byte) (Set, error) {
	s, err := parseSet(data)
	if err != nil {
		return Set{}, fmt.Errorf("stored set of partitions: %w", err)
	}
	return s, nil
}

func parseSet(data []byte) (Set, error) {
	r := reader{rest: data}
	if version := r.byte(); r.err == nil && version != setVersion {
		return Set{}, fmt.Errorf("is of version %d where %d is read: a newer version may have written it", version, setVersion)
	}
	var s Set
	for range r.count(2) {
		code := r.text()
		if r.err != nil {
			break
		}
		if n := len(s.parts); n > 0 && s.parts[n-1].shape.code >= code {
			return Set{}, errors.New("the kinds of partitions are out of order")
		}
		shape, err := readShape(code)
		if err != nil {
			return Set{}, err
		}
		root := r.levels(shape.axes)
		if r.err != nil {
			break
		}
		s.parts = append(s.parts, part{shape, root})
	}
	if r.err == nil && len(r.rest) > 0 {
		r.fail(errors.New("is followed by something else"))
	}
	return s, r.err
}

// levels reads the nodes of a set, the root last.
func (r *reader) levels(axes []axis) *node {
	nested := []*node{unit}
	for level, a := range slices.Backward(axes) {
		n := 1
		if level > 0 {
			n = r.count(1)
		}
		nodes := make([]*node, 0, n)
		for range n {
			one := r.node(a, nested, level == len(axes)-1)
			if r.err != nil {
				return nil
			}
			nodes = append(nodes, one)
		}
		nested = nodes
	}
	return nested[0]
}

func (r *reader) node(a axis, nested []*node, innermost bool) *node {
	switch tag := r.byte(); {
	case r.err != nil:
		return nil
	case tag == tagIntervals:
		return r.intervals(a, nested, innermost)
	case tag == tagBitmap && innermost && a.scale() != scale{}:
		return r.bitmap(a.scale())
	default:
		r.fail(fmt.Errorf("a dimension has form %d, which is none", tag))
		return nil
	}
}

func (r *reader) intervals(a axis, nested []*node, innermost bool) *node {
	n := r.count(1)
	label, unit := r.varint(), r.uvarint()
	if n == 0 || unit == 0 || unit > farthestLabel || innermost && a.ordinals() && n > fewRuns {
		r.fail(errors.New("a dimension has no intervals, or more than are kept as such"))
		return nil
	}
	segs := make([]seg, 0, n)
	for i := range n {
		gap, sub := uint64(0), uint64(0)
		if i > 0 {
			gap = r.uvarint()
		}
		length := r.uvarint()
		if !innermost {
			sub = r.uvarint()
		}
		if r.err != nil {
			return nil
		}
		if gap > farthestLabel/unit || length > farthestLabel/unit || length == 0 || sub >= uint64(len(nested)) {
			r.fail(errors.New("an interval makes no sense"))
			return nil
		}
		lo := label + int64(gap*unit)
		label = lo + int64(length*unit)
		if lo < -farthestLabel || lo > farthestLabel || label > farthestLabel || a.ordinals() && (lo < 0 || label > maxOrdinal+1) {
			r.fail(errors.New("an interval lies beyond all labels"))
			return nil
		}
		segs = append(segs, seg{lo, label, nested[sub]})
	}
	return line(segs, a.scale())
}

func (r *reader) bitmap(on scale) *node {
	data := r.bytes(r.count(1))
	b := roaring.New()
	n, err := b.ReadFrom(bytes.NewReader(data))
	if err == nil {
		err = b.Validate()
	}
	if err != nil || n != int64(len(data)) || b.IsEmpty() || b.Maximum() > maxOrdinal {
		r.fail(errors.New("a bitmap is damaged"))
		return nil
	}
	return pack(b, on)
}
