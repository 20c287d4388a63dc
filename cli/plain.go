package cli

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rivers-go/rivers"
)

// plain prints a line an event, for pipes and logs.
type plain struct {
	app     *app
	verbose bool

	mu      sync.Mutex
	current []rivers.StepStarted // in the order in which they started
	said    time.Time            // when the last line was printed
}

// watchPlain prints lines until stop is called. When nothing happened for a while it says what
// still runs, so that a reader of a log can tell a long step from a dead process.
func (a *app) watchPlain(verbose bool) (stop func()) {
	p := &plain{app: a, verbose: verbose, said: time.Now()}
	unlisten := a.repo.Listen(p.listener())
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(a.quietFor)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				return
			case now := <-ticker.C:
				p.stillRunning(now)
			}
		}
	}()
	return func() {
		unlisten()
		close(quit)
		<-ended
	}
}

func (p *plain) listener() rivers.Listener {
	return rivers.Listener{
		RunStarted: func(r rivers.RunStarted) { p.line("run %s: %s", r.RunID, count(len(r.Steps), "step", "steps")) },
		StepStarted: func(s rivers.StepStarted) {
			p.mu.Lock()
			p.current = append(p.current, s)
			p.mu.Unlock()
			if p.verbose {
				p.line("started    %s%s", s.Step, attempt(s.Attempt))
			}
		},
		StepWaiting: func(w rivers.StepWaiting) { p.line("waiting    %s%s: %s", w.Step, attempt(w.Attempt), w.Reason) },
		StepFinished: func(s rivers.StepFinished) {
			p.mu.Lock()
			p.current = slices.DeleteFunc(p.current, func(c rivers.StepStarted) bool { return c.Step == s.Step })
			p.mu.Unlock()
			p.line("%s", p.app.finishedLine(s))
		},
		StepLogged: func(l rivers.StepLogged) {
			if p.verbose || l.Line.Level >= slog.LevelWarn {
				p.line("%s", p.app.logLine(l.Step, &l.Line))
			}
		},
	}
}

func (p *plain) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = time.Now()
	fmt.Fprintf(p.app.out, format+"\n", args...)
}

// stillRunning prints the oldest running steps if nothing was printed for long enough.
func (p *plain) stillRunning(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.current) == 0 || now.Sub(p.said) < p.app.quietFor/2 {
		return
	}
	var names []string
	for i, s := range p.current {
		if i == maxCurrent {
			names = append(names, fmt.Sprintf("and %d more", len(p.current)-i))
			break
		}
		names = append(names, fmt.Sprintf("%s for %s", s.Step, seconds(now.Sub(s.At))))
	}
	fmt.Fprintf(p.app.out, "running    %s\n", strings.Join(names, ", "))
	p.said = now
}

// finishedLine is what is printed when a step has come to something.
func (a *app) finishedLine(s rivers.StepFinished) string {
	word := s.Outcome
	if !s.RetryAt.IsZero() {
		word = "retrying"
	}
	text := a.paint(stateColour(word), fmt.Sprintf("%-10s", word)) + " " + s.Step + attempt(s.Attempt)
	if s.Duration > 0 {
		text += " " + a.paint(grey, duration(s.Duration))
	}
	if s.Err != nil {
		text += ": " + oneLine(strings.TrimPrefix(s.Err.Error(), s.Outcome+": "), 160)
	}
	if !s.RetryAt.IsZero() {
		text += ", again in " + duration(s.RetryAt.Sub(s.At))
	}
	return text
}

func attempt(n int) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(" (attempt %d)", n)
}
