package timegrid

import (
	"time"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/internal/cron"
)

// Grid is an endless series of ticks on the civil timeline, indexed in closed form.
// The window of a tick ends where the next one begins.
type Grid interface {
	// Rank returns the number of ticks before t, counted from a tick of the grid's choosing.
	Rank(t civil.Time) int64
	// Tick returns the tick of a rank.
	Tick(rank int64) civil.Time
	// String returns the grid as text. Grids with the same text have the same ticks.
	String() string
}

// Steps are ticks that are a fixed number of seconds apart.
type Steps struct{ Step, First civil.Time }

// Rank returns the number of ticks before t, counted from the first.
func (g Steps) Rank(t civil.Time) int64 {
	q := (t - g.First) / g.Step
	if (t-g.First)%g.Step > 0 {
		q++
	}
	return int64(q)
}

// Tick returns the tick of a rank.
func (g Steps) Tick(rank int64) civil.Time { return g.First + civil.Time(rank)*g.Step }

// String returns the step and the first tick, as they are stored in the shape of a set.
func (g Steps) String() string {
	text := "every " + (time.Duration(g.Step) * time.Second).String()
	if g.First != 0 {
		text += " from " + (time.Duration(g.First) * time.Second).String()
	}
	return text
}

// Ticks are the ticks of a cron expression without a fixed step.
type Ticks struct{ *cron.Expr }

// String returns the expression, as it is stored in the shape of a set.
func (g Ticks) String() string { return "cron " + g.Expr.String() }

// Of returns the grid of a cron expression. One with a fixed step becomes that step,
// so that a day is a day however it was written.
func Of(e *cron.Expr) Grid {
	if step, first, ok := e.Step(); ok {
		return Steps{Step: step, First: first % step}
	}
	return Ticks{e}
}

// Every returns the grid of a fixed step that has a tick at start.
func Every(step, start civil.Time) Grid {
	return Steps{Step: step, First: ((start % step) + step) % step}
}

// Ceil returns the first tick not before t.
func Ceil(g Grid, t civil.Time) civil.Time { return g.Tick(g.Rank(t)) }

// Floor returns the last tick not after t.
func Floor(g Grid, t civil.Time) civil.Time { return g.Tick(g.Rank(t+1) - 1) }

// Shift returns the tick n ticks after the tick t.
func Shift(g Grid, t civil.Time, n int64) civil.Time { return g.Tick(g.Rank(t) + n) }

// finest reports what a format must write to distinguish the ticks of a grid: more than the day,
// and more than the minute.
func finest(g Grid) (clock, seconds bool) {
	switch g := g.(type) {
	case Steps:
		return g.Step%civil.Day != 0 || g.First%civil.Day != 0, g.Step%civil.Minute != 0 || g.First%civil.Minute != 0
	case Ticks:
		return g.Finest()
	default:
		return true, true
	}
}
