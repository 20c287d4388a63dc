package partition

import (
	"strings"
	"time"
)

// scale says which labels of an axis a bitmap can hold: from first on, step apart, as ordinals
// from 0 to maxOrdinal. The zero scale is that of an axis whose labels have no fixed step.
type scale struct{ first, step int64 }

// ordinalScale is the scale of labels that are ordinals themselves.
var ordinalScale = scale{0, 1}

// scaleOf is the scale of the windows of a grid.
func scaleOf(g grid) scale {
	if s, ok := g.(steps); ok {
		return scale{int64(s.first), int64(s.step)}
	}
	return scale{}
}

// readScale is the scale of the windows that an axis of time is of, by the text that [steps.String] writes.
func readScale(of string) scale {
	text, _, _ := strings.Cut(of, asFormat)
	every, ok := strings.CutPrefix(text, "every ")
	if !ok {
		return scale{}
	}
	step, first, _ := strings.Cut(every, " from ")
	s := scale{seconds(first), seconds(step)}
	if s.step <= 0 {
		return scale{}
	}
	return s
}

// seconds reads a number of seconds as [time.Duration] writes it, zero for anything else.
func seconds(text string) int64 {
	d, err := time.ParseDuration(text)
	if err != nil || d%time.Second != 0 {
		return 0
	}
	return int64(d / time.Second)
}

// ordinals are those of an interval of labels, and false where it does not begin and end on the scale.
func (s scale) ordinals(lo, hi int64) (from, to uint64, ok bool) {
	if s.step == 0 || lo < s.first {
		return 0, 0, false
	}
	lo, hi = lo-s.first, hi-s.first
	from, to = uint64(lo/s.step), uint64(hi/s.step)
	return from, to, lo%s.step == 0 && hi%s.step == 0 && to <= maxOrdinal+1
}

// label is that of an ordinal.
func (s scale) label(ordinal int64) int64 { return s.first + ordinal*s.step }

// ordinal is that of the first label not before one, up to the one after the last.
func (s scale) ordinal(label int64) int64 {
	if label <= s.first {
		return 0
	}
	return min((label-s.first+s.step-1)/s.step, maxOrdinal+1)
}
