package term

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rivers-go/rivers"
)

const (
	// liveEvery is the interval at which the live view is drawn.
	liveEvery = 100 * time.Millisecond
	// maxCurrent is the number of running steps, and of waiting ones, that the live view lists.
	maxCurrent = 8
	// maxListed is the size of a plan up to which every success leaves a line.
	maxListed = 40
)

// Listen adds a listener to a repository until stop is called.
type Listen func(rivers.Listener) (stop func())

// live shows a run on a terminal: lines that scroll, and a block with progress and running steps.
type live struct {
	t       *Terminal
	verbose bool

	mu        sync.Mutex
	screen    screen
	planned   int
	known     map[string]bool // every step: true if planned, false for an instance of a mapped step
	done      map[string]int  // by outcome
	current   map[string]rivers.StepStarted
	waiting   map[string]rivers.StepFinished // failed attempts that will be retried
	claiming  map[string]rivers.StepWaiting  // steps that wait for pool slots
	began     time.Time
	canceling bool
	closed    bool
	pending   []string // lines to go above the block
}

func newLive(t *Terminal, verbose bool) *live {
	return &live{
		t: t, verbose: verbose, screen: screen{out: raw(t.Out), width: t.Width}, began: time.Now(),
		known: map[string]bool{}, done: map[string]int{}, current: map[string]rivers.StepStarted{}, waiting: map[string]rivers.StepFinished{},
		claiming: map[string]rivers.StepWaiting{},
	}
}

// WatchLive shows a live view of the runs that listen reports, until stop is called.
func (t *Terminal) WatchLive(listen Listen, verbose bool) (stop func()) {
	l := newLive(t, verbose)
	unlisten := listen(l.listener())
	release := capture(raw(t.Out), l.above)
	t.view.Store(l)
	end := every(liveEvery, l.draw)
	return func() {
		unlisten()
		end()
		release()
		l.clear()
		t.view.Store(nil)
	}
}

func (l *live) listener() rivers.Listener {
	return rivers.Listener{
		RunStarted: func(r rivers.RunStarted) {
			l.change(func() {
				for _, step := range r.Steps {
					l.known[step] = true
				}
				l.planned += len(r.Steps)
			})
		},
		StepStarted: func(s rivers.StepStarted) {
			l.change(func() {
				delete(l.waiting, s.Step)
				delete(l.claiming, s.Step)
				l.current[s.Step] = s
				l.know(s.Step)
			})
		},
		StepWaiting: func(w rivers.StepWaiting) {
			l.change(func() {
				delete(l.waiting, w.Step)
				l.claiming[w.Step] = w
				l.know(w.Step)
			})
		},
		StepFinished: func(s rivers.StepFinished) { l.change(func() { l.finished(s) }) },
		StepLogged: func(g rivers.StepLogged) {
			if l.verbose || g.Line.Level >= slog.LevelWarn {
				l.above(l.t.LogLine(g.Step, &g.Line))
			}
		},
	}
}

func (l *live) finished(s rivers.StepFinished) {
	delete(l.current, s.Step)
	delete(l.waiting, s.Step)
	delete(l.claiming, s.Step)
	if !s.RetryAt.IsZero() {
		l.waiting[s.Step] = s
	} else {
		l.know(s.Step)
		l.done[s.Outcome]++
	}
	// Instances, steps of a large run and canceled steps are counted, not listed.
	listed := l.known[s.Step] && l.planned <= maxListed && s.Outcome != "canceled" && s.Outcome != "reused"
	if l.verbose || listed || s.Outcome == "failed" {
		l.pending = append(l.pending, l.t.finishedLine(s))
	}
}

// know adds a step that was not planned to the progress bar.
func (l *live) know(step string) {
	if !l.known[step] {
		l.known[step] = false
	}
}

func (l *live) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// above adds a line above the block. A closed view prints it at once.
func (l *live) above(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		fmt.Fprintln(l.t.Out, line)
		return
	}
	l.pending = append(l.pending, line)
}

// cancel shows that the run is stopping.
func (l *live) cancel() { l.change(func() { l.canceling = true }) }

func (l *live) draw(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.screen.paint(l.pending, l.block(now))
	l.pending = l.pending[:0]
}

// clear removes the block and keeps the lines above it.
func (l *live) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	l.screen.paint(l.pending, nil)
	l.pending = nil
}

// block returns the progress bar and the running and waiting steps.
func (l *live) block(now time.Time) []string {
	width := max(l.screen.width(), 20)
	lines := []string{l.bar(width, now)}
	running := slices.SortedFunc(maps.Values(l.current), func(x, y rivers.StepStarted) int {
		if c := x.At.Compare(y.At); c != 0 {
			return c
		}
		return strings.Compare(x.Step, y.Step)
	})
	for i, s := range running {
		if i == maxCurrent && len(running) > maxCurrent+1 {
			lines = append(lines, l.t.Paint(Grey, fmt.Sprintf("  … and %d more", len(running)-i)))
			break
		}
		lines = append(lines, "  "+fit(s.Step+Attempt(s.Attempt), width-14)+" "+l.t.Paint(Grey, seconds(now.Sub(s.At))))
	}
	claims := slices.SortedFunc(maps.Values(l.claiming), func(x, y rivers.StepWaiting) int { return x.At.Compare(y.At) })
	for i, s := range claims {
		if i == maxCurrent && len(claims) > maxCurrent+1 {
			lines = append(lines, l.t.Paint(Yellow, fmt.Sprintf("  … and %d more wait for pool slots", len(claims)-i)))
			break
		}
		lines = append(lines, l.t.Paint(Yellow, "  "+fit(s.Step+Attempt(s.Attempt), width-14)+" "+seconds(now.Sub(s.At))+" "+s.Reason))
	}
	retries := slices.SortedFunc(maps.Values(l.waiting), func(x, y rivers.StepFinished) int {
		if c := x.RetryAt.Compare(y.RetryAt); c != 0 {
			return c
		}
		return strings.Compare(x.Step, y.Step)
	})
	for i, s := range retries {
		if i == maxCurrent && len(retries) > maxCurrent+1 {
			lines = append(lines, l.t.Paint(Yellow, fmt.Sprintf("  … and %d more wait for another attempt", len(retries)-i)))
			break
		}
		lines = append(lines, l.t.Paint(Yellow, "  "+fit(fmt.Sprintf("%s (attempt %d)", s.Step, s.Attempt+1), width-14)+" in "+seconds(s.RetryAt.Sub(now))))
	}
	return lines
}

// bar returns the progress bar: steps done, failures and elapsed time.
func (l *live) bar(width int, now time.Time) string {
	done := l.done["succeeded"] + l.done["reused"] + l.done["failed"] + l.done["skipped"] + l.done["canceled"]
	text := fmt.Sprintf(" %d/%d", done, len(l.known))
	for _, outcome := range []string{"failed", "skipped", "canceled"} {
		if n := l.done[outcome]; n > 0 {
			text += fmt.Sprintf(", %d %s", n, outcome)
		}
	}
	text += "  " + seconds(now.Sub(l.began))
	colour, size := Green, min(max(width-Cells(text)-1, 0), 40)
	switch {
	case l.canceling:
		colour, text = Yellow, text+"  canceling"
	case l.done["failed"] > 0:
		colour = Red
	}
	filled := 0
	if len(l.known) > 0 {
		filled = min(size*done/len(l.known), size)
	}
	return l.t.Paint(colour, strings.Repeat("█", filled)) + l.t.Paint(Grey, strings.Repeat("░", size-filled)) + text
}

// fit cuts or pads a text to a width between 10 and 48 columns.
func fit(text string, width int) string {
	width = min(max(width, 10), 48)
	text = cut(text, width)
	return text + strings.Repeat(" ", width-Cells(text))
}
