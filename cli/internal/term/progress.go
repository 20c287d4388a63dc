package term

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rivers-go/rivers"
)

// progress shows the progress of a backfill: a terminal redraws one line in place, a pipe gets a
// line every sayEvery.
type progress struct {
	t *Terminal

	mu     sync.Mutex
	screen screen
	last   rivers.BackfillProgress
	began  time.Time
	heard  bool
	since  time.Time // time of the first notice
	base   int64     // partitions done at since
	said   time.Time
	above  []string
	// failures counts failed runs, hinted is the last remedy shown.
	failures int
	hinted   string
}

// sayEvery is the interval of progress lines in a pipe.
const sayEvery = 5 * time.Second

// maxFailed is the number of failed runs that are listed; more are counted.
const maxFailed = 20

// WatchProgress shows the progress of a backfill until stop is called. stop reports whether a
// failure was shown.
func (t *Terminal) WatchProgress(listen Listen) (stop func() bool) {
	p := &progress{t: t, screen: screen{out: raw(t.Out), width: t.Width}, began: time.Now(), said: time.Now()}
	unlisten := listen(rivers.Listener{BackfillProgress: p.hear, RunFinished: p.finished})
	if !t.Interactive {
		return func() bool {
			unlisten()
			return p.told() > 0
		}
	}
	release := capture(raw(t.Out), p.say)
	end := every(liveEvery, func(time.Time) { p.draw() })
	return func() bool {
		unlisten()
		end()
		release()
		n := p.told()
		p.screen.paint(p.above, nil)
		return n > 0
	}
}

// told returns the number of failed runs.
func (p *progress) told() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failures
}

// draw redraws the bar, so that its clock moves between events.
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
	if !p.t.Interactive && time.Since(p.said) >= sayEvery {
		p.said = time.Now()
		p.t.Println(p.text())
	}
}

// finished prints the first failed runs.
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
			p.say(p.t.Paint(Red, "failed") + " run " + res.RunID + ": " + OneLine(fmt.Sprint(s.Cause), 400) + p.hint(s.Cause))
		case n == maxFailed+1:
			p.say("more runs failed; they are counted, and backfill show lists them")
		}
		return
	}
}

// hint returns the remedy of a failure, once per remedy.
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
	if p.t.Interactive {
		p.above = append(p.above, line)
		return
	}
	p.t.Println(line)
}

// text returns the progress, the rate and the time left.
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

// line returns the bar and the text behind it.
func (p *progress) line(width int) string {
	text := " " + p.text()
	size := min(max(width-Cells(text)-1, 0), 40)
	n := &p.last
	filled := 0
	if n.Total > 0 {
		filled = min(int(int64(size)*(n.Completed+n.Failed+n.Canceled)/n.Total), size)
	}
	colour := Green
	if n.Failed > 0 {
		colour = Red
	}
	return p.t.Paint(colour, strings.Repeat("█", filled)) + p.t.Paint(Grey, strings.Repeat("░", size-filled)) + text
}
