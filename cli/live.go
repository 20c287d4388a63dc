package cli

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
	// liveEvery is how often the live view is drawn: often enough to look alive, seldom enough to
	// cost nothing.
	liveEvery = 100 * time.Millisecond
	// maxCurrent is how many running steps, and how many waiting ones, the live view lists.
	maxCurrent = 8
	// maxListed is how many steps a plan may have for each success to leave a line of its own.
	maxListed = 40
)

// live is the view of a run on a terminal.
type live struct {
	app     *app
	verbose bool

	mu        sync.Mutex
	screen    screen
	planned   int
	known     map[string]bool // every step: true if planned, false for an instance of a mapped step
	done      map[string]int  // by outcome
	current   map[string]rivers.StepStarted
	waiting   map[string]rivers.StepFinished // failed attempts that are followed by another
	claiming  map[string]rivers.StepWaiting  // steps that wait for pool slots
	began     time.Time
	canceling bool
	closed    bool
	pending   []string // lines to go above the block
}

func newLive(a *app, verbose bool) *live {
	return &live{
		app: a, verbose: verbose, screen: screen{out: a.out, width: a.width}, began: time.Now(),
		known: map[string]bool{}, done: map[string]int{}, current: map[string]rivers.StepStarted{}, waiting: map[string]rivers.StepFinished{},
		claiming: map[string]rivers.StepWaiting{},
	}
}

// watchLive shows the live view until stop is called.
func (a *app) watchLive(verbose bool) (stop func()) {
	l := newLive(a, verbose)
	unlisten := a.repo.Listen(l.listener())
	release := capture(a.out, l.above)
	a.view.Store(l)
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(liveEvery)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				return
			case now := <-ticker.C:
				l.draw(now)
			}
		}
	}()
	return func() {
		unlisten()
		close(quit)
		<-ended
		release()
		l.clear()
		a.view.Store(nil)
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
				l.above(l.app.logLine(g.Step, &g.Line))
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
	// What there is much of is counted, not listed: instances, the steps of a large run, and those
	// that a cancellation stops all at once.
	listed := l.known[s.Step] && l.planned <= maxListed && s.Outcome != "canceled" && s.Outcome != "reused"
	if l.verbose || listed || s.Outcome == "failed" {
		l.pending = append(l.pending, l.app.finishedLine(s))
	}
}

// know makes room in the progress bar for a step that was not planned.
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

// above adds a line above the block. Once the view is closed it is written as it is.
func (l *live) above(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		fmt.Fprintln(l.screen.out, line)
		return
	}
	l.pending = append(l.pending, line)
}

// cancel says in the view that the run is about to stop.
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

// clear takes the block off the screen and leaves the lines that scrolled by.
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

// block is the progress bar and the steps that run or wait.
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
			lines = append(lines, l.app.paint(grey, fmt.Sprintf("  … and %d more", len(running)-i)))
			break
		}
		lines = append(lines, "  "+fit(s.Step+attempt(s.Attempt), width-14)+" "+l.app.paint(grey, seconds(now.Sub(s.At))))
	}
	claims := slices.SortedFunc(maps.Values(l.claiming), func(x, y rivers.StepWaiting) int { return x.At.Compare(y.At) })
	for i, s := range claims {
		if i == maxCurrent && len(claims) > maxCurrent+1 {
			lines = append(lines, l.app.paint(yellow, fmt.Sprintf("  … and %d more wait for pool slots", len(claims)-i)))
			break
		}
		lines = append(lines, l.app.paint(yellow, "  "+fit(s.Step+attempt(s.Attempt), width-14)+" "+seconds(now.Sub(s.At))+" "+s.Reason))
	}
	retries := slices.SortedFunc(maps.Values(l.waiting), func(x, y rivers.StepFinished) int {
		if c := x.RetryAt.Compare(y.RetryAt); c != 0 {
			return c
		}
		return strings.Compare(x.Step, y.Step)
	})
	for i, s := range retries {
		if i == maxCurrent && len(retries) > maxCurrent+1 {
			lines = append(lines, l.app.paint(yellow, fmt.Sprintf("  … and %d more wait for another attempt", len(retries)-i)))
			break
		}
		lines = append(lines, l.app.paint(yellow, "  "+fit(fmt.Sprintf("%s (attempt %d)", s.Step, s.Attempt+1), width-14)+" in "+seconds(s.RetryAt.Sub(now))))
	}
	return lines
}

// bar is one line: how much is done, what went wrong, and since when.
func (l *live) bar(width int, now time.Time) string {
	done := l.done["succeeded"] + l.done["reused"] + l.done["failed"] + l.done["skipped"] + l.done["canceled"]
	text := fmt.Sprintf(" %d/%d", done, len(l.known))
	for _, outcome := range []string{"failed", "skipped", "canceled"} {
		if n := l.done[outcome]; n > 0 {
			text += fmt.Sprintf(", %d %s", n, outcome)
		}
	}
	text += "  " + seconds(now.Sub(l.began))
	colour, size := green, min(max(width-cells(text)-1, 0), 40)
	switch {
	case l.canceling:
		colour, text = yellow, text+"  canceling"
	case l.done["failed"] > 0:
		colour = red
	}
	filled := 0
	if len(l.known) > 0 {
		filled = min(size*done/len(l.known), size)
	}
	return l.app.paint(colour, strings.Repeat("█", filled)) + l.app.paint(grey, strings.Repeat("░", size-filled)) + text
}

// fit cuts or pads a text to a width between 10 and 48 columns.
func fit(text string, width int) string {
	width = min(max(width, 10), 48)
	text = cut(text, width)
	return text + strings.Repeat(" ", width-cells(text))
}

func seconds(d time.Duration) string {
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.1fs", max(d, 0).Seconds())
}
