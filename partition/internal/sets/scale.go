package sets

import (
	"strings"
	"time"
)

// Scale describes the labels that a bitmap can hold: first, first+step, first+2*step and so on, as
// ordinals from 0 to MaxOrdinal. The zero Scale is for axes without a fixed step.
type Scale struct{ first, step int64 }

// MaxOrdinal is the greatest ordinal of a key.
const MaxOrdinal = 1<<32 - 2

// OrdinalScale is the scale of axes whose labels are ordinals.
var OrdinalScale = Scale{0, 1}

// readScale parses the scale from Axis.Of of a time axis.
func readScale(of string) Scale {
	text, _, _ := strings.Cut(of, asFormat)
	every, ok := strings.CutPrefix(text, "every ")
	if !ok {
		return Scale{}
	}
	step, first, _ := strings.Cut(every, " from ")
	s := Scale{seconds(first), seconds(step)}
	if s.step <= 0 {
		return Scale{}
	}
	return s
}

// seconds parses a time.Duration of whole seconds; zero for anything else.
func seconds(text string) int64 {
	d, err := time.ParseDuration(text)
	if err != nil || d%time.Second != 0 {
		return 0
	}
	return int64(d / time.Second)
}

// ordinals converts an interval of labels. ok is false if an end is off the scale.
func (s Scale) ordinals(lo, hi int64) (from, to uint64, ok bool) {
	if s.step == 0 || lo < s.first {
		return 0, 0, false
	}
	lo, hi = lo-s.first, hi-s.first
	from, to = uint64(lo/s.step), uint64(hi/s.step)
	return from, to, lo%s.step == 0 && hi%s.step == 0 && to <= MaxOrdinal+1
}

// label returns the label of an ordinal.
func (s Scale) label(ordinal int64) int64 { return s.first + ordinal*s.step }

// ordinal returns the ordinal of the first label not before the given one, at most MaxOrdinal+1.
func (s Scale) ordinal(label int64) int64 {
	if label <= s.first {
		return 0
	}
	return min((label-s.first+s.step-1)/s.step, MaxOrdinal+1)
}
