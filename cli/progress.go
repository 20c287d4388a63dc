package cli

import (
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
	base   int64 // what was done when the first notice came
	heard  bool
	said   time.Time
	above  []string
}

// sayEvery is how often a pipe is told how far a backfill has come.
const sayEvery = 5 * time.Second

// watchProgress shows the progress of a backfill until stop is called.
func (a *app) watchProgress() (stop func()) {
	p := &progress{app: a, screen: screen{out: a.out, width: a.width}, began: time.Now(), said: time.Now()}
	unlisten := a.repo.Listen(rivers.Listener{BackfillProgress: p.hear, RunFinished: p.finished})
	release := func() {}
	if a.terminal {
		release = capture(a.out, p.say)
	}
	return func() {
		unlisten()
		release()
		p.mu.Lock()
		defer p.mu.Unlock()
		if a.terminal {
			p.screen.paint(p.above, nil)
		}
	}
}

func (p *progress) hear(now rivers.BackfillProgress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last = now; !p.heard {
		p.heard, p.base, p.began = true, now.Completed+now.Failed+now.Canceled, time.Now()
	}
	switch {
	case p.app.terminal:
		p.screen.paint(p.above, []string{p.line(max(p.screen.width(), 20))})
		p.above = p.above[:0]
	case time.Since(p.said) >= sayEvery:
		p.said = time.Now()
		fmt.Fprintln(p.app.out, p.text())
	}
}

// finished prints the runs that failed.
func (p *progress) finished(res *rivers.RunResult) {
	if res.Success() {
		return
	}
	for _, s := range res.Steps {
		if s.Outcome == "failed" {
			p.say(p.app.paint(red, "failed") + " run " + res.RunID + ": " + oneLine(fmt.Sprint(s.Cause), 160))
			return
		}
	}
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
	done := n.Completed + n.Failed + n.Canceled
	text := fmt.Sprintf("%d/%d partitions", done, n.Total)
	if n.Failed > 0 {
		text += fmt.Sprintf(", %d failed", n.Failed)
	}
	if n.Canceled > 0 {
		text += fmt.Sprintf(", %d canceled", n.Canceled)
	}
	took := time.Since(p.began).Seconds()
	if rate := float64(done-p.base) / took; rate > 0 && took > 0.5 {
		text += fmt.Sprintf("  %s/s", rateText(rate))
		if left := n.Total - done; left > 0 {
			text += ", " + seconds(time.Duration(float64(left)/rate*1e9)) + " left"
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
