package sets

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
//	      0             intervals: number, first label, unit, then for each: the gap before it
//	                    (except the first), length in units, number of the nested node
//	      1             bitmap: length and bytes of a roaring bitmap of ordinals on the scale.
//	                    Many windows were intervals once; both forms are read
const (
	setVersion   = 1
	tagIntervals = 0
	tagBitmap    = 1

	// FarthestLabel bounds the labels of a stored set, far beyond year 9999.
	FarthestLabel = 1 << 45
)

// AppendBinary appends the binary form of the set. Equal sets have equal bytes.
func (s Set) AppendBinary(b []byte) []byte {
	b = append(b, setVersion)
	b = binary.AppendUvarint(b, uint64(len(s.parts)))
	for _, p := range s.parts {
		b = appendText(b, p.shape.Code)
		if len(p.shape.Axes) > 0 {
			b = newEncoder(p.root, len(p.shape.Axes)).append(b)
		}
	}
	return b
}

// encoder numbers the nodes of a set, level by level.
type encoder struct {
	levels [][]*Node
	number map[*Node]uint64
	pool   map[uint64][]*Node
}

func newEncoder(root *Node, levels int) *encoder {
	e := &encoder{levels: make([][]*Node, levels)}
	e.levels[0] = []*Node{root}
	if levels > 1 {
		e.number, e.pool = map[*Node]uint64{}, map[uint64][]*Node{}
		e.nested(root, 1)
	}
	return e
}

// nested numbers the nodes of a level in the order of their first use.
func (e *encoder) nested(n *Node, level int) {
	for _, s := range n.segs {
		if _, met := e.number[s.Sub]; met {
			continue
		}
		if known := e.known(s.Sub); known != nil {
			e.number[s.Sub] = e.number[known]
			continue
		}
		if level+1 < len(e.levels) {
			e.nested(s.Sub, level+1)
		}
		e.number[s.Sub] = uint64(len(e.levels[level]))
		e.levels[level] = append(e.levels[level], s.Sub)
	}
}

// known returns an equal node that has a number, or nil after remembering this one.
func (e *encoder) known(n *Node) *Node {
	mark := n.fingerprint()
	for _, other := range e.pool[mark] {
		if Same(other, n) {
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

func (e *encoder) appendNode(b []byte, n *Node, innermost bool) []byte {
	if n.bits != nil {
		size := n.bits.GetSerializedSizeInBytes()
		b = binary.AppendUvarint(append(b, tagBitmap), size)
		w := appender{slices.Grow(b, int(size))}
		_, _ = n.bits.WriteTo(&w) // an appender accepts everything
		return w.b
	}
	segs := n.segs
	b = binary.AppendUvarint(append(b, tagIntervals), uint64(len(segs)))
	b = binary.AppendVarint(b, segs[0].Lo)
	unit := unitOf(segs)
	b = binary.AppendUvarint(b, uint64(unit))
	for i, s := range segs {
		if i > 0 {
			b = binary.AppendUvarint(b, uint64((s.Lo-segs[i-1].Hi)/unit))
		}
		b = binary.AppendUvarint(b, uint64((s.Hi-s.Lo)/unit))
		if !innermost {
			b = binary.AppendUvarint(b, e.number[s.Sub])
		}
	}
	return b
}

// appender is an io.Writer that appends to a slice.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

// unitOf returns the greatest common divisor of all lengths and gaps.
func unitOf(segs []Seg) int64 {
	unit := int64(0)
	for i, s := range segs {
		unit = gcd(unit, s.Hi-s.Lo)
		if i > 0 {
			unit = gcd(unit, s.Lo-segs[i-1].Hi)
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

// Parse reads the binary form of a set. It rejects everything that AppendBinary does not write, and
// allocates at most a small multiple of len(data).
func Parse(data []byte) (Set, error) {
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
		if n := len(s.parts); n > 0 && s.parts[n-1].shape.Code >= code {
			return Set{}, errors.New("the kinds of partitions are out of order")
		}
		shape, err := readShape(code)
		if err != nil {
			return Set{}, err
		}
		root := r.levels(shape.Axes)
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
func (r *reader) levels(axes []Axis) *Node {
	nested := []*Node{Unit}
	for level, a := range slices.Backward(axes) {
		n := 1
		if level > 0 {
			n = r.count(1)
		}
		nodes := make([]*Node, 0, n)
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

func (r *reader) node(a Axis, nested []*Node, innermost bool) *Node {
	switch tag := r.byte(); {
	case r.err != nil:
		return nil
	case tag == tagIntervals:
		return r.intervals(a, nested, innermost)
	case tag == tagBitmap && innermost && a.Scale() != Scale{}:
		return r.bitmap(a.Scale())
	default:
		r.fail(fmt.Errorf("a dimension has form %d, which is none", tag))
		return nil
	}
}

func (r *reader) intervals(a Axis, nested []*Node, innermost bool) *Node {
	n := r.count(1)
	label, unit := r.varint(), r.uvarint()
	if n == 0 || unit == 0 || unit > FarthestLabel || innermost && a.Ordinals() && n > fewRuns {
		r.fail(errors.New("a dimension has no intervals, or more than are kept as such"))
		return nil
	}
	segs := make([]Seg, 0, n)
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
		if gap > FarthestLabel/unit || length > FarthestLabel/unit || length == 0 || sub >= uint64(len(nested)) {
			r.fail(errors.New("an interval makes no sense"))
			return nil
		}
		lo := label + int64(gap*unit)
		label = lo + int64(length*unit)
		if lo < -FarthestLabel || lo > FarthestLabel || label > FarthestLabel || a.Ordinals() && (lo < 0 || label > MaxOrdinal+1) {
			r.fail(errors.New("an interval lies beyond all labels"))
			return nil
		}
		segs = append(segs, Seg{lo, label, nested[sub]})
	}
	return Line(segs, a.Scale())
}

func (r *reader) bitmap(on Scale) *Node {
	data := r.bytes(r.count(1))
	b := roaring.New()
	n, err := b.ReadFrom(bytes.NewReader(data))
	if err == nil {
		err = b.Validate()
	}
	if err != nil || n != int64(len(data)) || b.IsEmpty() || b.Maximum() > MaxOrdinal {
		r.fail(errors.New("a bitmap is damaged"))
		return nil
	}
	return pack(b, on)
}
