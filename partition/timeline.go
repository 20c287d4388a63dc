package partition

import (
	"time"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/partition/internal/sets"
)

// Timeline is the windows of a space with exactly one time dimension, in order: window 0 is the
// first of the definition. It includes future windows, up to the end of the definition. A window
// has one partition per combination of keys of the other dimensions. All answers are arithmetic.
type Timeline struct {
	space  Space
	time   *timeDimension
	others *sets.Node // what exists of the other dimensions, nil where one of them has no key
}

// Timeline returns the windows of the space. It returns false unless exactly one dimension is time.
func (s Space) Timeline() (Timeline, bool) {
	if len(s.dims) == 0 {
		return Timeline{}, false
	}
	t, ok := s.dims[0].(*timeDimension) // time comes first
	if !ok {
		return Timeline{}, false
	}
	others := sets.Unit
	if len(s.dims) > 1 {
		if _, second := s.dims[1].(*timeDimension); second {
			return Timeline{}, false
		}
		rest := s
		rest.dims = s.dims[1:]
		others = rest.dims.product(func(one dimension) *sets.Node { return one.exists() })
	}
	return Timeline{space: s, time: t, others: others}, true
}

// Len returns the number of windows, future ones included.
func (t Timeline) Len() int64 { return t.time.last - t.time.first }

// Width returns the number of partitions of a window.
func (t Timeline) Width() int64 { return t.space.dims.count(t.others, 1, nil) }

// Over returns the instant from which a window exists and has ended: its end, or later if the end
// offset withholds it. It does not decrease with the window.
func (t Timeline) Over(window int64) time.Time {
	return t.time.tick(t.time.first + window + 1 - t.held()).In(t.time.def.zone)
}

// Ended returns the number of windows that exist and have ended at an instant.
func (t Timeline) Ended(at time.Time) int64 {
	reached := min(max(civil.Reached(at, t.time.def.zone), civil.First-maxLookBack), sets.FarthestLabel)
	end := t.time.def.grid.Rank(reached+1) - 1 + t.held()
	return min(max(end-t.time.first, 0), t.Len())
}

// held returns the end offset if it withholds windows, otherwise 0.
func (t Timeline) held() int64 { return min(t.time.def.endOffset, 0) }

// Key returns the key of a window in the time dimension.
func (t Timeline) Key(window int64) string { return t.time.text(t.time.first + window) }

// Coverage tells which windows of a [Timeline] have enough partitions in a set.
type Coverage struct {
	line  Timeline
	root  *sets.Node
	least int64
}

// Coverage returns the windows with no fewer than least existing partitions of a set.
func (t Timeline) Coverage(set Set, least int64) Coverage {
	return Coverage{line: t, root: set.of(t.space.shape), least: least}
}

// Count returns the number of partitions of a window in the set.
func (c Coverage) Count(window int64) int64 {
	return c.count(c.root.At(int64(c.line.time.tick(c.line.time.first + window))))
}

// count counts the existing partitions of a set nested in a window.
func (c Coverage) count(sub *sets.Node) int64 {
	if sub == nil || c.line.others == nil {
		return 0
	}
	if sub == sets.Unit {
		return 1
	}
	return c.line.space.dims.count(sets.Combine(sets.Intersection, sub, c.line.others, c.line.space.shape.Axes[1:]), 1, nil)
}

// Has reports whether a window has enough partitions in the set.
func (c Coverage) Has(window int64) bool { return c.least <= 0 || c.Count(window) >= c.least }

// Next returns the first window, not before from, that has enough partitions; with has false, the
// first that has not. It returns false if no window matches.
func (c Coverage) Next(from int64, has bool) (int64, bool) {
	at := max(from, 0)
	if c.least > 0 {
		for s := range c.root.PiecesFrom(int64(c.line.time.tick(c.line.time.first + at))) {
			lo := c.window(s.Lo)
			enough := c.count(s.Sub) >= c.least
			switch {
			case has && enough:
				at = max(at, lo)
				return at, at < c.line.Len()
			case !has && (lo > at || !enough):
				return at, at < c.line.Len()
			}
			at = max(at, c.window(s.Hi))
		}
	}
	found := (c.least <= 0) == has
	return at, found && at < c.line.Len()
}

// Previous returns the last window, not after from, that has enough partitions; with has false, the
// last that has not. It returns false if no window matches.
func (c Coverage) Previous(from int64, has bool) (int64, bool) {
	at := min(from, c.line.Len()-1)
	if c.least > 0 && c.root != nil {
		label := int64(c.line.time.tick(c.line.time.first + at))
		for s := range c.root.PiecesBefore(label) {
			last := c.window(s.Hi) - 1
			enough := c.count(s.Sub) >= c.least
			switch {
			case has && enough:
				at = min(at, last)
				return at, at >= 0
			case !has && (last < at || !enough):
				return at, at >= 0
			}
			at = min(at, c.window(s.Lo)-1)
		}
	}
	found := (c.least <= 0) == has
	return at, found && at >= 0
}

// window returns the window that starts at a label or next after it.
func (c Coverage) window(label int64) int64 {
	return c.line.time.def.grid.Rank(civil.Time(label)) - c.line.time.first
}
