package partition

import (
	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/partition/internal/timegrid"
)

// Reading tells how many upstream partitions one downstream partition may read. The zero Reading is
// exactly one.
type Reading struct {
	// None: there may be partitions that read nothing.
	None bool
	// Several: there may be partitions that read more than one.
	Several bool
}

// Reading returns how many upstream partitions one downstream partition reads, from the definitions
// alone. [Mapping.Check] must have accepted them.
func (m Mapping) Reading(upstream, downstream Definition) Reading {
	r, err := m.route(upstream, downstream)
	if err != nil || upstream == nil {
		return Reading{None: len(r.readers) > 0}
	}
	if r.constant {
		several := len(r.reads) != 1 // all of them, or those of several keys
		for _, key := range r.reads {
			several = several || namesSeveral(key)
		}
		return Reading{Several: several, None: len(r.readers) > 0}
	}
	var out Reading
	for _, one := range dimsOf(upstream) {
		n := r.readingOf(one, downstream)
		out = Reading{None: out.None || n.None, Several: out.Several || n.Several}
	}
	return out
}

// readingOf returns the reading of one upstream dimension.
func (r *route) readingOf(up dim, downstream Definition) Reading {
	for _, l := range r.links {
		if l.up != up.name {
			continue
		}
		var down Definition
		for _, one := range dimsOf(downstream) {
			if one.name == l.down {
				down = one.def
			}
		}
		return axisReading(l.rule, up.def, down)
	}
	return Reading{Several: true} // a dimension without a link is read wholly
}

func axisReading(by rule, up, down Definition) Reading {
	switch by := by.(type) {
	case identity:
		return Reading{None: by.lenient}
	case timeOffset:
		return Reading{}
	case overlap:
		return Reading{Several: !within(down, up)}
	case specific:
		return Reading{Several: len(by.keys) != 1 || namesSeveral(by.keys[0])}
	case staticMap:
		return by.reading(down)
	default:
		return Reading{Several: true}
	}
}

// reading returns the reading of a map; a key without an entry reads nothing.
func (r staticMap) reading(down Definition) Reading {
	var out Reading
	for _, list := range r.reads {
		out.None = out.None || len(list) == 0
		out.Several = out.Several || len(list) > 1
	}
	downs, known := down.(*static)
	if !known {
		out.None = true
		return out
	}
	for _, key := range downs.keys {
		if _, ok := r.reads[key]; !ok {
			out.None = true
		}
	}
	return out
}

// namesSeveral reports whether a key stands for several partitions.
func namesSeveral(key Key) bool {
	names := key.Dimensions()
	if len(names) == 0 {
		return len(key.Values("")) > 1
	}
	for _, name := range names {
		if len(key.Values(name)) > 1 {
			return true
		}
	}
	return false
}

// nestedWindows is the number of windows compared to find out if one grid lies within another: more
// than four years of days.
const nestedWindows = 1500

// within reports whether every window of inner lies in one window of outer, as hours in days. It
// compares a stretch of windows if the grids have no fixed step.
func within(inner, outer Definition) bool {
	in, ok := inner.(*timeWindow)
	out, also := outer.(*timeWindow)
	if !ok || !also || in.zone.String() != out.zone.String() {
		return false
	}
	if a, regular := in.grid.(timegrid.Steps); regular {
		if b, both := out.grid.(timegrid.Steps); both {
			return b.Step%a.Step == 0 && (b.First-a.First)%a.Step == 0
		}
	}
	from := timegrid.Ceil(out.grid, max(in.start, out.start))
	for range nestedWindows {
		if from > civil.Last {
			break
		}
		if timegrid.Ceil(in.grid, from) != from {
			return false
		}
		from = timegrid.Shift(out.grid, from, 1)
	}
	return true
}
