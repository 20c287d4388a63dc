package partition

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// axisKind is what the labels of an axis are. Axes are ordered by it.
type axisKind uint8

const (
	axisTime    axisKind = 1 + iota // seconds of the civil timeline
	axisStatic                      // ordinals of the key table of an asset and a dimension
	axisDynamic                     // ordinals of the key table of a name
)

// axis is one dimension of a shape. Labels of two axes mean the same if the axes are
// equal.
type axis struct {
	kind axisKind
	name string // of the dimension, "" where there is only one and it has none
	of   string // time: grid and format; dynamic: the name of the table; static: nothing
	on   scale  // time: that of the grid, as of says
}

// ordinals reports whether the labels are ordinals.
func (a axis) ordinals() bool { return a.kind != axisTime }

func (a axis) compare(b axis) int {
	if a.kind != b.kind {
		return int(a.kind) - int(b.kind)
	}
	return strings.Compare(a.name, b.name)
}

// String says what the axis is, for errors and for debugging.
func (a axis) String() string {
	text := a.of
	switch a.kind {
	case axisStatic:
		text = "static"
	case axisDynamic:
		text = "dynamic " + a.of
	}
	if a.name != "" {
		text = a.name + ": " + text
	}
	return text
}

// scale is where labels lie.
func (a axis) scale() scale {
	if a.ordinals() {
		return ordinalScale
	}
	return a.on
}

// timeAxis is the axis of windows on a grid whose keys have a format.
func timeAxis(name string, g grid, format string) axis {
	return axis{kind: axisTime, name: name, of: g.String() + asFormat + format, on: scaleOf(g)}
}

// asFormat stands between the grid and the format in what an axis of time is of.
const asFormat = " as "

// shape is the axes of a set, outermost first. Two sets have partitions in common
// only if their shapes have the same code.
type shape struct {
	axes []axis
	code string // the binary form
}

// newShape orders axes and encodes them.
func newShape(axes []axis) *shape {
	slices.SortFunc(axes, axis.compare)
	code := binary.AppendUvarint(nil, uint64(len(axes)))
	for _, a := range axes {
		code = append(code, byte(a.kind))
		code = appendText(appendText(code, a.name), a.of)
	}
	return &shape{axes: axes, code: string(code)}
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// String lists the axes.
func (s *shape) String() string {
	if len(s.axes) == 0 {
		return "no partitions"
	}
	parts := make([]string, len(s.axes))
	for i, a := range s.axes {
		parts[i] = a.String()
	}
	return strings.Join(parts, "; ")
}

// mostAxes is far beyond what anyone defines, and not too deep to walk through.
const mostAxes = 10_000

// readShape decodes a shape that may be anything.
func readShape(code string) (*shape, error) {
	r := reader{rest: []byte(code)}
	n := r.count(3) // a kind and two lengths at least
	if n > mostAxes {
		return nil, fmt.Errorf("has %d dimensions where %d are the most", n, mostAxes)
	}
	axes := make([]axis, 0, n)
	for range n {
		a := axis{kind: axisKind(r.byte()), name: r.text(), of: r.text()}
		if r.err != nil {
			return nil, r.err
		}
		if a.kind < axisTime || a.kind > axisDynamic {
			return nil, fmt.Errorf("a dimension is of kind %d, which a newer version may have written", a.kind)
		}
		if !utf8.ValidString(a.name) || !utf8.ValidString(a.of) {
			return nil, errors.New("a dimension is described by what is not UTF-8")
		}
		if len(axes) > 0 && axes[len(axes)-1].compare(a) >= 0 {
			return nil, errors.New("the dimensions are out of order")
		}
		if !a.ordinals() {
			a.on = readScale(a.of)
		}
		axes = append(axes, a)
	}
	if r.err == nil && len(r.rest) > 0 {
		return nil, errors.New("the dimensions are followed by something else")
	}
	return newShape(axes), r.err
}
