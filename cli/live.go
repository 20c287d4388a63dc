package cli

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/rivers-go/rivers"
)

// liveEvery is how often the live view is drawn: often enough to look alive, seldom enough to cost nothing.
const liveEvery = 100 * time.Millisecond

// maxCurrent is how many running steps the live view lists.
const maxCurrent = 8

// live is the view of a run on a terminal: lines that scroll by, and below them a block that is
// drawn again and again.
type live struct {
	mu      sync.Mutex
	out     io.Writer
	width   func() int
	paint   func(colour, string) string
	total   int
	done    map[string]int // by outcome
	current map[string]time.Time
	waiting map[string]time.Time // retries by step
	began   time.Time
	drawn   int // lines of the block on the screen
	pending []string
}

// watchLive shows the live view until stop is called.
func (a *app) watchLive(verbose bool) (stop func()) {
	l := &live{
		out: a.out, width: a.width, paint: a.paint, began: time.Now(),
		done: map[string]int{}, current: map[string]time.Time{}, waiting: map[string]time.Time{},
	}
	unlisten := a.repo.Listen(l.listener(a, verbose))
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(liveEvery)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				l.clear()
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
	}
}

func (l *live) listener(a *app, verbose bool) rivers.Listener {
	return rivers.Listener{
		RunStarted: func(r rivers.RunStarted) {
			l.change(func() { l.total += len(r.Steps) })
		},
		StepStarted: func(s rivers.StepStarted) {
			l.change(func() {
				delete(l.waiting, s.Step)
				l.current[s.Step] = s.At
				if strings.HasSuffix(s.Step, "]") && s.Attempt == 1 {
					l.total++ // an instance of a mapped step, not known before
				}
			})
		},
		StepFinished: func(s rivers.StepFinished) {
			l.change(func() {
				delete(l.current, s.Step)
				if !s.RetryAt.IsZero() {
					l.waiting[s.Step] = s.RetryAt
				} else {
					l.done[s.Outcome]++
				}
				if s.Err != nil || verbose {
					l.pending = append(l.pending, a.finishedLine(s))
				}
			})
		},
		StepLogged: func(g rivers.StepLogged) {
			if verbose || g.Line.Level >= slog.LevelWarn {
				l.change(func() { l.pending = append(l.pending, a.logLine(g.Step, &g.Line)) })
			}
		},
	}
}

func (l *live) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// draw replaces the block in one write, so that nothing flickers.
func (l *live) draw(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	l.erase(&b)
	l.flush(&b)
	block := l.block(now)
	for _, line := range block {
		b.WriteString(line + "\n")
	}
	l.drawn = len(block)
	_, _ = io.WriteString(l.out, b.String()) // a closed terminal has nobody to tell
}

// clear takes the block off the screen and leaves the lines that scrolled by.
func (l *live) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	l.erase(&b)
	l.flush(&b)
	l.drawn = 0
	_, _ = io.WriteString(l.out, b.String())
}

func (l *live) erase(b *strings.Builder) {
	if l.drawn > 0 {
		fmt.Fprintf(b, "\x1b[%dA\x1b[J", l.drawn)
	}
}

func (l *live) flush(b *strings.Builder) {
	for _, line := range l.pending {
		b.WriteString(line + "\n")
	}
	l.pending = l.pending[:0]
}

// block is the progress bar and the steps that run or wait.
func (l *live) block(now time.Time) []string {
	width := l.width()
	done := 0
	for _, n := range l.done {
		done += n
	}
	lines := []string{l.bar(done, width, now)}
	names := make([]string, 0, len(l.current))
	for name := range l.current {
		names = append(names, name)
	}
	slices.SortFunc(names, func(x, y string) int {
		if c := l.current[x].Compare(l.current[y]); c != 0 {
			return c
		}
		return strings.Compare(x, y)
	})
	for i, name := range names {
		if i == maxCurrent {
			lines = append(lines, fmt.Sprintf("  … and %d more", len(names)-maxCurrent))
			break
		}
		lines = append(lines, "  "+fit(name, width-14)+" "+l.paint(grey, seconds(now.Sub(l.current[name]))))
	}
	if len(l.waiting) > 0 {
		lines = append(lines, l.paint(yellow, fmt.Sprintf("  %s for another attempt", count(len(l.waiting), "step waits", "steps wait"))))
	}
	return lines
}

func (l *live) bar(done, width int, now time.Time) string {
	text := fmt.Sprintf(" %d/%d", done, l.total)
	if n := l.done["failed"]; n > 0 {
		text += fmt.Sprintf(", %d failed", n)
	}
	if n := l.done["skipped"]; n > 0 {
		text += fmt.Sprintf(", %d skipped", n)
	}
	text += "  " + seconds(now.Sub(l.began))
	size := min(max(width-utf8.RuneCountInString(text)-1, 0), 40)
	filled := 0
	if l.total > 0 {
		filled = min(size*done/l.total, size)
	}
	return l.paint(green, strings.Repeat("█", filled)) + l.paint(grey, strings.Repeat("░", size-filled)) + text
}

// fit cuts or pads a text to a width.
func fit(text string, width int) string {
	n := utf8.RuneCountInString(text)
	width = min(max(width, 10), 48)
	if n > width {
		return string([]rune(text)[:width-1]) + "…"
	}
	return text + strings.Repeat(" ", width-n)
}

func seconds(d time.Duration) string {
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%.1fs", max(d, 0).Seconds())
}
