package sets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// AxisKind is the kind of labels of an axis. Shapes order their axes by it.
type AxisKind uint8

// The kinds of axes, outermost first. Their numbers are stored.
const (
	Time    AxisKind = 1 + iota // seconds of the civil timeline
	Static                      // ordinals in the key table of an asset and a dimension
	Dynamic                     // ordinals in the key table of a name
)

// String returns the kind as a word.
func (k AxisKind) String() string {
	return [...]string{Time: "time", Static: "static", Dynamic: "dynamic"}[min(k, Dynamic)]
}

// Axis is one dimension of a shape. Labels of two axes mean the same if the axes are equal.
type Axis struct {
	Kind AxisKind
	Name string // name of the dimension, "" for a definition with one unnamed dimension
	Of   string // time: grid and format; dynamic: name of the key table; static: empty
	on   Scale  // time: scale of the grid, as Of describes it
}

// Ordinals reports whether the labels are ordinals.
func (a Axis) Ordinals() bool { return a.Kind != Time }

// Compare orders axes as shapes do: by kind, then by name.
func (a Axis) Compare(b Axis) int {
	if a.Kind != b.Kind {
		return int(a.Kind) - int(b.Kind)
	}
	return strings.Compare(a.Name, b.Name)
}

// String describes the axis, for errors and debugging.
func (a Axis) String() string {
	text := a.Of
	switch a.Kind {
	case Static:
		text = "static"
	case Dynamic:
		text = "dynamic " + a.Of
	}
	if a.Name != "" {
		text = a.Name + ": " + text
	}
	return text
}

// Scale returns the labels that a bitmap of this axis can hold.
func (a Axis) Scale() Scale {
	if a.Ordinals() {
		return OrdinalScale
	}
	return a.on
}

// WindowAxis returns the time axis of a grid and a key format. first and step describe a grid of
// fixed steps; both are zero for other grids.
func WindowAxis(name, grid, format string, first, step int64) Axis {
	return Axis{Kind: Time, Name: name, Of: grid + asFormat + format, on: Scale{first, step}}
}

// asFormat separates grid and format in Axis.Of.
const asFormat = " as "

// Shape is the axes of a set, outermost first. Sets of different shapes are disjoint. Shapes with
// the same code are the same.
type Shape struct {
	Axes []Axis
	Code string // binary form
}

// NewShape returns the shape of some axes. It sorts them in place and keeps the slice.
func NewShape(axes []Axis) *Shape {
	slices.SortFunc(axes, Axis.Compare)
	code := binary.AppendUvarint(nil, uint64(len(axes)))
	for _, a := range axes {
		code = append(code, byte(a.Kind))
		code = appendText(appendText(code, a.Name), a.Of)
	}
	return &Shape{Axes: axes, Code: string(code)}
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// String lists the axes.
func (s *Shape) String() string {
	if len(s.Axes) == 0 {
		return "no partitions"
	}
	parts := make([]string, len(s.Axes))
	for i, a := range s.Axes {
		parts[i] = a.String()
	}
	return strings.Join(parts, "; ")
}

// mostAxes bounds the depth of a decoded set, far above real definitions.
const mostAxes = 10_000

// readShape decodes a shape from untrusted bytes.
func readShape(code string) (*Shape, error) {
	r := reader{rest: []byte(code)}
	n := r.count(3) // a kind and two lengths at least
	if n > mostAxes {
		return nil, fmt.Errorf("has %d dimensions where %d are the most", n, mostAxes)
	}
	axes := make([]Axis, 0, n)
	for range n {
		a := Axis{Kind: AxisKind(r.byte()), Name: r.text(), Of: r.text()}
		if r.err != nil {
			return nil, r.err
		}
		if a.Kind < Time || a.Kind > Dynamic {
			return nil, fmt.Errorf("a dimension is of kind %d, which a newer version may have written", a.Kind)
		}
		if !utf8.ValidString(a.Name) || !utf8.ValidString(a.Of) {
			return nil, errors.New("a dimension is described by what is not UTF-8")
		}
		if len(axes) > 0 && axes[len(axes)-1].Compare(a) >= 0 {
			return nil, errors.New("the dimensions are out of order")
		}
		if !a.Ordinals() {
			a.on = readScale(a.Of)
		}
		axes = append(axes, a)
	}
	if r.err == nil && len(r.rest) > 0 {
		return nil, errors.New("the dimensions are followed by something else")
	}
	return NewShape(axes), r.err
}
