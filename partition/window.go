package partition

import (
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/partition/internal/sets"
)

// Window is the time from Start to before End, in the zone of the definition. It is empty, Start
// equal to End, for an hour that clocks skip.
type Window struct{ Start, End time.Time }

// Duration returns the length of the window: 23 or 25 hours for a day on which clocks change.
func (w Window) Duration() time.Duration { return w.End.Sub(w.Start) }

// Contains reports whether an instant lies in the window.
func (w Window) Contains(t time.Time) bool { return !t.Before(w.Start) && t.Before(w.End) }

// String returns both ends, as in [2026-01-01T00:00:00Z, 2026-01-02T00:00:00Z).
func (w Window) String() string {
	return "[" + w.Start.Format(time.RFC3339) + ", " + w.End.Format(time.RFC3339) + ")"
}

// Window returns the time that a key covers, from the start of its first window to the end of its
// last. A [Multi] definition must have exactly one time dimension; see [Space.Windows].
func (s Space) Window(key Key) (Window, error) {
	set, err := s.Set(key)
	if err != nil {
		return Window{}, err
	}
	windows := s.Windows(set)
	if len(windows) > 1 {
		return Window{}, refuse(key.String(), errors.New("has a window in several dimensions: ask for those of its set"))
	}
	for _, w := range windows {
		return w, nil
	}
	return Window{}, refuse(key.String(), fmt.Errorf("has no window: %s has no time dimension", stringOf(s.def)))
}

// Windows returns the time that the existing partitions of a set cover, by the name of the time
// dimension ("" without a name): from the start of the first window to the end of the last. It is
// empty without partitions or time dimensions.
func (s Space) Windows(set Set) map[string]Window {
	windows := map[string]Window{}
	n := s.here(set)
	if n == nil {
		return windows
	}
	for level, one := range s.dims {
		t, ok := one.(*timeDimension)
		if !ok {
			break // time comes first
		}
		lo, hi := s.hull(n, level)
		windows[t.id.Name] = t.window(lo, hi)
	}
	return windows
}

// hull returns the first label of a dimension in a set, and the end.
func (s Space) hull(n *sets.Node, level int) (lo, hi int64) {
	return sets.Arrange(n, s.shape.Axes, []int{level}).Bounds()
}
