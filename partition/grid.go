package partition

import (
	"time"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/internal/cron"
)

// grid is an endless series of ticks on the civil timeline, indexed in closed form.
// The window of a tick ends where the next one begins.
type grid interface {
	rank(t civil.Time) int64 // ticks before t, from a tick of the grid's choosing
	tick(rank int64) civil.Time
	String() string // what the grid is: grids with the same text have the same ticks
}

// steps are ticks that are a fixed number of seconds apart.
type steps struct{ step, first civil.Time }

func (g steps) rank(t civil.Time) int64 {
	q := (t - g.first) / g.step
	if (t-g.first)%g.step > 0 {
		q++
	}
	return int64(q)
}

func (g steps) tick(rank int64) civil.Time { return g.first + civil.Time(rank)*g.step }

func (g steps) String() string {
	text := "every " + (time.Duration(g.step) * time.Second).String()
	if g.first != 0 {
		text += " from " + (time.Duration(g.first) * time.Second).String()
	}
	return text
}

// ticks are those of a cron expression that has no fixed step.
type ticks struct{ *cron.Expr }

func (g ticks) rank(t civil.Time) int64    { return g.Rank(t) }
func (g ticks) tick(rank int64) civil.Time { return g.Tick(rank) }
func (g ticks) String() string             { return "cron " + g.Expr.String() }

// gridOf is the grid of a cron expression. One with a fixed step becomes that step,
// so that a day is a day however it was written.
func gridOf(e *cron.Expr) grid {
	if step, first, ok := e.Step(); ok {
		return steps{step: step, first: first % step}
	}
	return ticks{e}
}

// gridEvery is the grid of a fixed step that has a tick at start.
func gridEvery(step, start civil.Time) grid {
	return steps{step: step, first: ((start % step) + step) % step}
}

// ceil is the first tick not before t, floor the last one not after it.
func ceil(g grid, t civil.Time) civil.Time  { return g.tick(g.rank(t)) }
func floor(g grid, t civil.Time) civil.Time { return g.tick(g.rank(t+1) - 1) }

// shift is the tick n ticks after the tick t.
func shift(g grid, t civil.Time, n int64) civil.Time { return g.tick(g.rank(t) + n) }

// finest says what a format must write to tell the ticks of a grid apart: more than
// the day, and more than the minute.
func finest(g grid) (clock, seconds bool) {
	switch g := g.(type) {
	case steps:
		return g.step%civil.Day != 0 || g.first%civil.Day != 0, g.step%civil.Minute != 0 || g.first%civil.Minute != 0
	case ticks:
		return g.Finest()
	default:
		return true, true
	}
}
