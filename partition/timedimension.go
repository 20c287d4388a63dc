package partition

import (
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/partition/internal/sets"
	"github.com/rivers-go/rivers/partition/internal/timegrid"
)

// timeDimension is the windows of a definition that exist at an instant: a stretch of ranks of its
// grid.
type timeDimension struct {
	id    sets.Axis
	def   *timeWindow
	now   time.Time
	first int64 // rank of the first window
	end   int64 // rank after the last window that exists
	last  int64 // rank after the last window that ever will
}

func newTimeDimension(name string, d *timeWindow, now time.Time) *timeDimension {
	t := &timeDimension{id: timeAxis(name, d.grid, d.format), def: d, now: now}
	t.first = d.grid.Rank(d.start)
	t.last = max(t.first, d.grid.Rank(d.last()))
	reached := civil.Reached(now, d.zone)
	reached = min(max(reached, civil.First-maxLookBack), sets.FarthestLabel)
	// The last label reached begins a window that is open; those before it have ended.
	t.end = d.grid.Rank(reached+1) - 1 + d.endOffset
	t.end = min(max(t.end, t.first), t.last)
	return t
}

// maxLookBack keeps the ranks of instants before year 1 within reach.
const maxLookBack = 366 * civil.Day

func (t *timeDimension) axis() sets.Axis { return t.id }
func (t *timeDimension) size() int64     { return t.end - t.first }
func (t *timeDimension) ordered() bool   { return true }

func (t *timeDimension) exists() *sets.Node {
	return sets.Interval(int64(t.tick(t.first)), int64(t.tick(t.end)), whenever(t.end > t.first))
}

// whenever returns sets.Unit if some is true, otherwise nil.
func whenever(some bool) *sets.Node { return sets.When(some, sets.Unit) }

func (t *timeDimension) tick(rank int64) civil.Time { return t.def.grid.Tick(rank) }

func (t *timeDimension) index(label int64) int64 {
	return t.def.grid.Rank(civil.Time(label)) - t.first
}

func (t *timeDimension) label(index int64) int64 { return int64(t.tick(t.first + index)) }

func (t *timeDimension) between(i, j int64) []sets.Seg {
	return []sets.Seg{{Lo: t.label(i), Hi: t.label(j), Sub: sets.Unit}}
}

func (t *timeDimension) count(lo, hi int64) int64 {
	return t.def.grid.Rank(civil.Time(hi)) - t.def.grid.Rank(civil.Time(lo))
}

func (t *timeDimension) find(texts []string) ([]int64, []error, error) {
	labels, faults := make([]int64, len(texts)), make([]error, len(texts))
	for i, text := range texts {
		labels[i], faults[i] = t.findOne(text)
	}
	return labels, faults, nil
}

func (t *timeDimension) findOne(text string) (int64, error) {
	label, err := timegrid.Read(t.def.grid, t.def.format, text)
	if off := (*timegrid.OffGridError)(nil); errors.As(err, &off) {
		return noLabel, t.offGrid(off)
	}
	if is := (*timegrid.MisspeltError)(nil); errors.As(err, &is) {
		return noLabel, t.misspelt(err)
	}
	if err != nil {
		return noLabel, err
	}
	switch rank := t.def.grid.Rank(label); {
	case t.size() == 0:
		return noLabel, fmt.Errorf("%q: no window exists yet: the first one, %q, %s", text, t.text(t.first), t.comes(t.first))
	case rank < t.first:
		return noLabel, fmt.Errorf("%q: is before the first partition %q", text, t.text(t.first))
	case rank >= t.last:
		return noLabel, fmt.Errorf("%q: is after the last partition %q", text, t.text(t.end-1))
	case rank >= t.end:
		return noLabel, fmt.Errorf("%q: does not exist yet: the last partition is %q, this window %s", text, t.text(t.end-1), t.comes(rank))
	}
	return int64(label), nil
}

// offGrid names the nearest windows that exist.
func (t *timeDimension) offGrid(off *timegrid.OffGridError) error {
	switch rank := t.def.grid.Rank(off.After); {
	case t.size() == 0, rank > t.first && rank < t.end:
		return off
	case rank <= t.first:
		return fmt.Errorf("%q: no window starts then: the first partition is %q", off.Text, t.text(t.first))
	default:
		return fmt.Errorf("%q: no window starts then: the last partition is %q", off.Text, t.text(t.end-1))
	}
}

// misspelt adds an example of a key to an error.
func (t *timeDimension) misspelt(err error) error {
	return fmt.Errorf("%w: the first partition is %q", err, t.text(t.first))
}

// text returns the key of the window of a rank.
func (t *timeDimension) text(rank int64) string { return timegrid.Write(t.def.format, t.tick(rank)) }

// comes tells when the window of a rank begins to exist: as it ends, or earlier or later by the end
// offset.
func (t *timeDimension) comes(rank int64) string {
	at := t.tick(rank + 1 - t.def.endOffset).In(t.def.zone).Format(time.RFC3339)
	if t.def.endOffset == 0 {
		return "ends at " + at
	}
	return "exists from " + at
}

func (t *timeDimension) texts(labels []int64) ([]string, error) {
	out := make([]string, len(labels))
	for i, label := range labels {
		out[i] = timegrid.Write(t.def.format, civil.Time(label))
	}
	return out, nil
}

// window returns the instants from one label to another.
func (t *timeDimension) window(lo, hi int64) Window {
	return Window{civil.Time(lo).In(t.def.zone), civil.Time(hi).In(t.def.zone)}
}

// timeAxis returns the axis of a grid and a key format.
func timeAxis(name string, g timegrid.Grid, format string) sets.Axis {
	if s, ok := g.(timegrid.Steps); ok {
		return sets.WindowAxis(name, g.String(), format, int64(s.First), int64(s.Step))
	}
	return sets.WindowAxis(name, g.String(), format, 0, 0)
}
