package cli

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rivers-go/rivers"
)

// progress shows how far a backfill has come: on a terminal as a line that is drawn again in place, else as a line from
// time to time.
type progress struct {
	app *app

	mu     sync.Mutex
	screen screen
	last   rivers.BackfillProgress
	began  time.Time
	heard  bool
	since  time.Time // when the first notice came
	base   int64     // what was done then
	said   time.Time
	above  []string
	// failures counts the runs that failed, hinted is the last remedy that was said.
	failures int
	hinted   string
}

// sayEvery is how often a pipe is told how far a backfill has come.
const sayEvery = 5 * time.Second

// maxFailed is how many failed runs of a backfill are listed while it goes on; the others are counted.
const maxFailed = 20

// watchProgress shows the progress of a backfill until stop is called, which says whether a failure was shown.
func (a *app) watchProgress() (stop func() bool) {
	p := &progress{app: a, screen: screen{out: a.out, width: a.width}, began: time.Now(), said: time.Now()}
	unlisten := a.repo.Listen(rivers.Listener{BackfillProgress: p.hear, RunFinished: p.finished})
	if !a.terminal {
		return func() bool {
			unlisten()
			return p.told() > 0
		}
	}
	release := capture(a.out, p.say)
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(liveEvery)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				return
			case <-ticker.C:
				p.draw()
			}
		}
	}()
	return func() bool {
		unlisten()
		close(quit)
		<-ended
		release()
		n := p.told()
		p.screen.paint(p.above, nil)
		return n > 0
	}
}

// told is how many failed runs there were.
func (p *progress) told() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failures
}

// draw draws the bar again, so that it shows that time passes also while nothing ends.
func (p *progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.screen.paint(p.above, []string{p.line(max(p.screen.width(), 20))})
	p.above = p.above[:0]
}

func (p *progress) hear(now rivers.BackfillProgress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last = now; !p.heard {
		p.heard, p.base, p.since = true, now.Completed+now.Failed+now.Canceled, time.Now()
	}
	if !p.app.terminal && time.Since(p.said) >= sayEvery {
		p.said = time.Now()
		fmt.Fprintln(p.app.out, p.text())
	}
}

// finished prints the runs that failed, the first of them.
func (p *progress) finished(res *rivers.RunResult) {
	if res.Success() {
		return
	}
	for _, s := range res.Steps {
		if s.Outcome != "failed" {
			continue
		}
		p.mu.Lock()
		p.failures++
		n := p.failures
		p.mu.Unlock()
		switch {
		case n <= maxFailed:
			p.say(p.app.paint(red, "failed") + " run " + res.RunID + ": " + oneLine(fmt.Sprint(s.Cause), 400) + p.hint(s.Cause))
		case n == maxFailed+1:
			p.say("more runs failed; they are counted, and backfill show lists them")
		}
		return
	}
}

// hint is what a failure says about its remedy, said once.
func (p *progress) hint(cause error) string {
	var step *rivers.StepError
	p.mu.Lock()
	defer p.mu.Unlock()
	if !errors.As(cause, &step) || step.Hint == "" || step.Hint == p.hinted {
		return ""
	}
	p.hinted = step.Hint
	return "\n  hint: " + step.Hint
}

// say prints a line above the bar.
func (p *progress) say(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.app.terminal {
		p.above = append(p.above, line)
		return
	}
	fmt.Fprintln(p.app.out, line)
}

// text says how far it has come, how fast it goes, and how long it takes.
func (p *progress) text() string {
	n := &p.last
	if !p.heard {
		return "begun " + seconds(time.Since(p.began)) + " ago"
	}
	done := n.Completed + n.Failed + n.Canceled
	text := fmt.Sprintf("%d/%d partitions", done, n.Total)
	if n.Failed > 0 {
		text += fmt.Sprintf(", %d failed", n.Failed)
	}
	if n.Canceled > 0 {
		text += fmt.Sprintf(", %d canceled", n.Canceled)
	}
	if took := time.Since(p.since).Seconds(); took > 0.5 {
		if rate := float64(done-p.base) / took; rate > 0 {
			text += fmt.Sprintf("  %s/s", rateText(rate))
			if left := n.Total - done; left > 0 {
				text += ", " + seconds(time.Duration(float64(left)/rate*1e9)) + " left"
			}
		}
	}
	return text
}

func rateText(rate float64) string {
	if rate < 10 {
		return fmt.Sprintf("%.1f", rate)
	}
	return fmt.Sprintf("%.0f", rate)
}

// line is the bar with the text behind it.
func (p *progress) line(width int) string {
	text := " " + p.text()
	size := min(max(width-cells(text)-1, 0), 40)
	n := &p.last
	filled := 0
	if n.Total > 0 {
		filled = min(int(int64(size)*(n.Completed+n.Failed+n.Canceled)/n.Total), size)
	}
	colour := green
	if n.Failed > 0 {
		colour = red
	}
	return p.app.paint(colour, strings.Repeat("█", filled)) + p.app.paint(grey, strings.Repeat("░", size-filled)) + text
}
